// SPDX-License-Identifier: Apache-2.0
#include "text.h"

#include "base/printable.h"

#include <fmt/format.h>

#include <pwd.h>

#include <algorithm>
#include <array>
#include <iostream>

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

std::string size_text(std::uint64_t bytes) {
    constexpr std::array units = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    std::size_t unit = 0;
    double size = static_cast<double>(bytes);
    while (size >= 1023.95 && unit + 1 < units.size()) { // what would be shown as 1024.0 is one of the next
        size /= 1024;
        ++unit;
    }
    std::string number = fmt::format("{:.1f}", size);
    if (number.ends_with(".0")) {
        number.resize(number.size() - 2);
    }
    return number + " " + units[unit];
}

bool confirm(std::string_view question) {
    std::cout << question << " [y/N] " << std::flush;
    std::string answer;
    std::getline(std::cin, answer);
    return answer == "y" || answer == "Y" || answer == "yes";
}

std::string user_name(std::uint32_t uid) {
    const passwd* user = ::getpwuid(uid);
    return user != nullptr ? printable(user->pw_name) : "uid " + std::to_string(uid);
}

} // namespace candor::ctl
