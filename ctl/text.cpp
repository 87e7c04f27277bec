// SPDX-License-Identifier: Apache-2.0
#include "text.h"

#include "base/printable.h"

#include <fmt/format.h>

#include <pwd.h>

#include <algorithm>

namespace candor::ctl {

// ASCII alone: a terminal obeys some control characters beyond it, and JSON would pass them on.
std::string dump(const Json& json) { return json.dump(2, ' ', true, Json::error_handler_t::replace) + "\n"; }

std::string line(std::string_view name, std::string_view value) {
    return fmt::format("{:<12}{}\n", std::string(name) + ":", value);
}

std::string table(const std::vector<std::vector<std::string>>& rows, const Style& style) {
    std::vector<std::size_t> widths;
    for (const auto& row : rows) {
        widths.resize(std::max(widths.size(), row.size()));
        for (std::size_t i = 0; i < row.size(); ++i) {
            widths[i] = std::max(widths[i], row[i].size());
        }
    }
    std::string text;
    for (const auto& row : rows) {
        std::string cells;
        for (std::size_t i = 0; i < row.size(); ++i) {
            cells += i + 1 < row.size() ? fmt::format("{:<{}}  ", row[i], widths[i]) : row[i];
        }
        text += (&row == &rows.front() ? style(Tone::heading, cells) : cells) + "\n";
    }
    return text;
}

std::string user_name(std::uint32_t uid) {
    const passwd* user = ::getpwuid(uid);
    return user != nullptr ? printable(user->pw_name) : "uid " + std::to_string(uid);
}

} // namespace candor::ctl
