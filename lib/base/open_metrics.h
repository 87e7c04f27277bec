// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <initializer_list>
#include <set>
#include <string>
#include <string_view>
#include <utility>

namespace candor {

/// Metrics as text, in the OpenMetrics 1.0 format (https://prometheus.io/docs/specs/om/open_metrics_spec/), kept to what node_exporter's
/// textfile collector reads as well. Samples of one metric are added one after the other. No timestamps.
class OpenMetrics {
public:
    using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

    /// `name` without "_total", which is added to the sample. `help` and `unit` are written with the first sample of a name.
    void counter(std::string_view name, std::string_view help, std::uint64_t value, Labels labels = {});
    void gauge(std::string_view name, std::string_view help, double value, Labels labels = {});
    /// A gauge with label `label` for each of `states`: 1 for `state`, 0 for the others.
    void state(std::string_view name, std::string_view help, std::string_view label,
               std::initializer_list<std::string_view> states, std::string_view state);

    /// The whole exposition with its "# EOF".
    [[nodiscard]] std::string text() const;

private:
    void describe(std::string_view name, std::string_view type, std::string_view help);
    void sample(std::string_view name, std::string_view suffix, Labels labels, const std::string& value);

    std::string text_;
    std::set<std::string, std::less<>> described_;
};

} // namespace candor
