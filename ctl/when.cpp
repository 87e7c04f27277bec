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

/// Nothing beyond the calendar.
std::optional<std::tm> local_parts(std::int64_t seconds) {
    const std::time_t time = seconds;
    std::tm parts{};
    return in_calendar(seconds) && ::localtime_r(&time, &parts) != nullptr ? std::optional(parts) : std::nullopt;
}

constexpr std::int64_t second_us = 1'000'000;

std::string formatted(const std::tm& parts, const char* format) {
    std::array<char, 64> text{};
    return {text.data(), std::strftime(text.data(), text.size(), format, &parts)};
}

/// YYYY-MM-DD and HH:MM:SS of local time.
std::optional<std::int64_t> from_local(const std::string& day, const std::string& time) {
    // Only a day and a time that exist: the check is that of the long form.
    if (!consent::parse_utc(day + "T" + time + "Z")) {
        return std::nullopt;
    }
    std::tm parts{};
    ::strptime((day + " " + time).c_str(), "%Y-%m-%d %H:%M:%S", &parts);
    parts.tm_isdst = -1;
    const std::time_t seconds = std::mktime(&parts);
    return seconds < 0 ? std::nullopt : std::optional<std::int64_t>(seconds);
}

/// "…+01:00", what RFC 3339 has besides Z.
std::optional<std::int64_t> from_offset(std::string_view text) {
    constexpr std::size_t local_size = 19, size = 25;
    if (text.size() != size || (text[local_size] != '+' && text[local_size] != '-')) {
        return std::nullopt;
    }
    const auto local = consent::parse_utc(std::string(text.substr(0, local_size)) + "Z");
    // Of the day that 1970 began with: the offset in seconds.
    const auto offset = consent::parse_utc("1970-01-01T" + std::string(text.substr(local_size + 1)) + ":00Z");
    if (!local || !offset) {
        return std::nullopt;
    }
    const std::int64_t utc = text[local_size] == '+' ? *local - *offset : *local + *offset;
    return utc < 0 ? std::nullopt : std::optional(utc);
}

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
    return text.size() == 10 ? from_local(std::string(text), "00:00:00") : std::nullopt;
}

std::optional<std::int64_t> parse_moment(std::string_view text, Edge edge, std::int64_t now) {
    if (const auto utc = consent::parse_utc(text)) {
        return utc;
    }
    if (const auto utc = from_offset(text)) {
        return utc;
    }
    constexpr std::size_t day_size = 10;
    if (text.size() == day_size) {
        return from_local(std::string(text), edge == Edge::begin ? "00:00:00" : "23:59:59");
    }
    std::string day;
    if (text.size() > day_size && (text[day_size] == ' ' || text[day_size] == 'T')) {
        day = text.substr(0, day_size);
        text.remove_prefix(day_size + 1);
    } else if (const auto today = local_parts(now)) {
        day = formatted(*today, "%Y-%m-%d");
    }
    return from_local(day, std::string(text) + (text.size() == 5 ? ":00" : ""));
}

std::string local_minute(std::int64_t seconds, std::int64_t now) {
    const auto parts = local_parts(seconds);
    const auto today = local_parts(now);
    const bool same = parts && today && parts->tm_yday == today->tm_yday && parts->tm_year == today->tm_year;
    return same ? formatted(*parts, "%H:%M") : local_time(seconds);
}

std::string local_clock(std::int64_t microseconds) {
    const auto parts = local_parts(microseconds / second_us);
    if (!parts || microseconds < 0) {
        return std::to_string(microseconds) + " us";
    }
    const std::string fraction = std::to_string(microseconds % second_us);
    return formatted(*parts, "%H:%M:%S.") + std::string(6 - fraction.size(), '0') + fraction;
}

std::string local_time(std::int64_t seconds) {
    const auto parts = local_parts(seconds);
    return parts ? formatted(*parts, "%Y-%m-%d %H:%M:%S %Z") : std::to_string(seconds);
}

std::string utc_time(std::int64_t seconds) {
    return in_calendar(seconds) ? consent::format_utc(seconds) : std::to_string(seconds);
}

} // namespace candor::ctl
