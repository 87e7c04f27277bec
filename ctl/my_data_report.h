// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "answers.h"
#include "own_stream.h"
#include "style.h"
#include "text.h"
#include "view/summary.h"

#include <cstdint>
#include <string>
#include <vector>

/// What candorctl prints of what was recorded of the caller.
namespace candor::ctl {

/// `embargo_seconds`: how long a stream stays here after its end.
[[nodiscard]] std::string own_data_text(const OwnData& data, std::uint64_t embargo_seconds, const Style& style);
[[nodiscard]] std::string own_data_json(const OwnData& data, std::uint64_t embargo_seconds);

/// The rows of own_data_text() alone.
[[nodiscard]] std::string streams_table(const std::vector<OwnStream>& streams, std::uint64_t embargo_seconds,
                                        const Style& style);

[[nodiscard]] std::string summary_text(const view::Summary& summary, const StreamResult& result, const Style& style);
[[nodiscard]] Json summary_json(const view::Summary& summary, const std::string& id, const StreamResult& result);

/// Every event and hole as a line of text, with the wall clock's time and the device's name.
class EventLines {
public:
    void add(const wire::StreamOpener::Item& item);
    [[nodiscard]] const std::string& text() const noexcept { return text_; }

private:
    view::Timeline timeline_;
    std::map<std::uint32_t, std::string> devices_;
    std::string text_;
};

} // namespace candor::ctl
