// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace candor::ctl {

enum class Tone { heading, good, caution, bad };

/// Colour, where somebody looks at it: never in JSON, never in a file.
class Style {
public:
    explicit Style(bool colour) : colour_(colour) {}

    /// For standard output: a terminal that knows colours, and NO_COLOR (no-color.org) unset or empty.
    [[nodiscard]] static Style of_output();

    [[nodiscard]] std::string operator()(Tone tone, std::string_view text) const;

private:
    bool colour_;
};

} // namespace candor::ctl
