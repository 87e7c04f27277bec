// SPDX-License-Identifier: Apache-2.0
#include "when.h"

#include "consent/utc.h"

#include <array>
#include <charconv>
#include <ctime>
#include <utility>

namespace candor::ctl {
namespace {

constexpr std::uint64_t longest_seconds = 31'622'400; // as Pause takes it

constexpr std::pair<std::string_view, std::uint64_t> units[] = {
    {"", 60}, {"s", 1}, {"m", 60}, {"min", 60}, {"h", 3600}, {"d", 86'400},
};

bool in_calendar(std::int64_t seconds) { return seconds >= 0 && seconds < 253'402'300'800; } // year 10000

} // namespace

std::optional<std::chrono::seconds> parse_duration(std::string_view text) {
    std::uint64_t number = 0;
    // Unsigned: from_chars takes neither a sign nor a blank.
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || number == 0 || number > longest_seconds) {
        return std::nullopt;
    }
    const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
    for (const auto& [name, factor] : units) {
        if (unit == name) {
            const std::uint64_t seconds = number * factor;
            return seconds <= longest_seconds ? std::optional(std::chrono::seconds(seconds)) : std::nullopt;
        }
    }
    return std::nullopt;
}

std::optional<std::int64_t> parse_until(std::string_view text) {
    if (const auto utc = consent::parse_utc(text)) {
        return utc;
    }
    // Only a day that exists: the same check as for the long form.
    if (text.size() != 10 || !consent::parse_utc(std::string(text) + "T00:00:00Z")) {
        return std::nullopt;
    }
    std::tm parts{};
    ::strptime(std::string(text).c_str(), "%Y-%m-%d", &parts);
    parts.tm_isdst = -1;
    const std::time_t seconds = std::mktime(&parts);
    return seconds < 0 ? std::nullopt : std::optional<std::int64_t>(seconds);
}

std::string local_time(std::int64_t seconds) {
    const std::time_t time = seconds;
    std::tm parts{};
    if (!in_calendar(seconds) || ::localtime_r(&time, &parts) == nullptr) {
        return std::to_string(seconds);
    }
    std::array<char, 64> text{};
    return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S %Z", &parts)};
}

std::string utc_time(std::int64_t seconds) {
    return in_calendar(seconds) ? consent::format_utc(seconds) : std::to_string(seconds);
}

} // namespace candor::ctl
