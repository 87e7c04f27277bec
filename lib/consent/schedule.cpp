// SPDX-License-Identifier: Apache-2.0
#include "consent/schedule.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <limits>

namespace candor::consent {
namespace {

constexpr std::array<std::string_view, 7> day_names = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
constexpr unsigned every_day = 0x7f;
constexpr std::int64_t hour = 3600;
constexpr std::int64_t day = 24 * hour;

/// 0 is Monday.
std::optional<unsigned> parse_day(std::string_view text) {
    const auto* const found = std::ranges::find(day_names, text);
    return found == day_names.end() ? std::nullopt : std::optional(static_cast<unsigned>(found - day_names.begin()));
}

/// "Mon", or "Mon..Fri" from an earlier day to a later one; 0 for anything else.
unsigned parse_days(std::string_view text) {
    const std::size_t dots = text.find("..");
    const auto first = parse_day(text.substr(0, dots));
    const auto last = dots == std::string_view::npos ? first : parse_day(text.substr(dots + 2));
    if (!first || !last || (dots != std::string_view::npos && *last <= *first)) {
        return 0;
    }
    return (every_day >> (6 - *last)) & (every_day << *first);
}

/// "daily", or days separated by commas, each once; 0 for anything else.
unsigned parse_weekdays(std::string_view text) {
    if (text == "daily") {
        return every_day;
    }
    unsigned all = 0;
    while (true) {
        const std::size_t comma = text.find(',');
        const unsigned days = parse_days(text.substr(0, comma));
        if (days == 0 || (all & days) != 0) {
            return 0;
        }
        all |= days;
        if (comma == std::string_view::npos) {
            return all;
        }
        text.remove_prefix(comma + 1);
    }
}

/// "HH:MM" as the minute of the day, "24:00" too.
std::optional<int> parse_minute(std::string_view text) {
    if (text.size() != 5 || text[2] != ':') {
        return std::nullopt;
    }
    const auto two = [text](std::size_t at) {
        const auto digit = [](char c) { return c >= '0' && c <= '9' ? c - '0' : 1000; };
        return digit(text[at]) * 10 + digit(text[at + 1]);
    };
    const int minute = two(0) * 60 + two(3);
    return two(3) < 60 && minute <= 24 * 60 ? std::optional(minute) : std::nullopt;
}

std::optional<std::tm> local_time(std::int64_t seconds) {
    const std::time_t time = seconds;
    std::tm parts{};
    return ::localtime_r(&time, &parts) == nullptr ? std::nullopt : std::optional(parts);
}

unsigned weekday_of(const std::tm& local) { return static_cast<unsigned>((local.tm_wday + 6) % 7); }

/// The first second after `from`, and not after `to`, from which on local time has another offset from UTC.
std::optional<std::int64_t> offset_change(std::int64_t from, std::int64_t to, long offset) {
    const auto same = [offset](std::int64_t at) {
        const auto local = local_time(at);
        return local && local->tm_gmtoff == offset;
    };
    while (from < to) {
        std::int64_t next = std::min(from + hour, to); // no zone changes twice within an hour
        if (same(next)) {
            from = next;
            continue;
        }
        while (next - from > 1) {
            const std::int64_t middle = from + (next - from) / 2;
            (same(middle) ? from : next) = middle;
        }
        return next;
    }
    return std::nullopt;
}

} // namespace

std::expected<Schedule::Window, std::string> parse_window(std::string_view text) {
    const std::size_t blank = text.find(' ');
    if (blank != std::string_view::npos && text.size() == blank + 12 && text[blank + 6] == '-') {
        const unsigned weekdays = parse_weekdays(text.substr(0, blank));
        const auto from = parse_minute(text.substr(blank + 1, 5));
        const auto to = parse_minute(text.substr(blank + 7));
        if (weekdays != 0 && from && to && *from < *to) {
            return Schedule::Window{static_cast<std::uint8_t>(weekdays), *from, *to};
        }
    }
    return std::unexpected(
        "expected days and hours of one day, as \"Mon..Fri 08:00-18:00\", \"Sat,Sun 10:00-12:00\" or "
        "\"daily 00:00-24:00\"; what goes past midnight takes two");
}

std::string format_window(const Schedule::Window& window) {
    std::string text;
    const auto in = [&window](std::size_t weekday) { return weekday < 7 && (window.weekdays >> weekday & 1u) != 0; };
    for (std::size_t first = 0; first < 7; ++first) {
        if (!in(first)) {
            continue;
        }
        std::size_t last = first;
        while (in(last + 1)) {
            ++last;
        }
        text += text.empty() ? "" : ",";
        text += day_names[first];
        if (last > first) {
            text += last == first + 1 ? "," : "..";
            text += day_names[last];
        }
        first = last;
    }
    if (window.weekdays == every_day) {
        text = "daily";
    }
    const auto add_minute = [&text](int minute) {
        for (const int part : {minute / 60, minute % 60}) {
            text += static_cast<char>('0' + part / 10);
            text += static_cast<char>('0' + part % 10);
            text += ':';
        }
        text.pop_back();
    };
    text += ' ';
    add_minute(window.from_minute);
    text += '-';
    add_minute(window.to_minute);
    return text;
}

bool within(const Schedule& schedule, std::int64_t now) {
    if (schedule.windows.empty()) {
        return true;
    }
    const auto local = local_time(now);
    if (!local) {
        return false;
    }
    const int minute = local->tm_hour * 60 + local->tm_min;
    return std::ranges::any_of(schedule.windows, [&](const Schedule::Window& window) {
        return (window.weekdays >> weekday_of(*local) & 1u) != 0 && minute >= window.from_minute &&
               minute < window.to_minute;
    });
}

std::optional<std::int64_t> next_change(const Schedule& schedule, std::int64_t now) {
    if (schedule.windows.empty()) {
        return std::nullopt;
    }
    const auto local = local_time(now);
    if (!local || now > std::numeric_limits<std::int64_t>::max() - 8 * day) {
        return std::numeric_limits<std::int64_t>::max(); // no time of any calendar: closed for good
    }
    // As if the offset from UTC stayed; where it does not, all is looked at anew.
    const std::int64_t second = local->tm_hour * hour + local->tm_min * 60 + std::min(local->tm_sec, 59);
    std::int64_t wait = 8 * day;
    for (const Schedule::Window& window : schedule.windows) {
        for (unsigned ahead = 0; ahead <= 7; ++ahead) {
            if ((window.weekdays >> ((weekday_of(*local) + ahead) % 7) & 1u) == 0) {
                continue;
            }
            for (const int boundary : {window.from_minute, window.to_minute}) {
                const std::int64_t until = ahead * day + boundary * 60 - second;
                wait = until > 0 ? std::min(wait, until) : wait;
            }
        }
    }
    return offset_change(now, now + wait, local->tm_gmtoff).value_or(now + wait);
}

} // namespace candor::consent
