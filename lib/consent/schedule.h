// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace candor::consent {

/// When recording is allowed, in the machine's local time. Empty: always.
struct Schedule {
    struct Window {
        std::uint8_t weekdays = 0; ///< bit 0 is Monday
        int from_minute = 0;       ///< of the day, 0 to 1439
        int to_minute = 0;         ///< 1 to 1440, after from_minute
        bool operator==(const Window&) const = default;
    };
    std::vector<Window> windows; ///< 32 at most
    bool operator==(const Schedule&) const = default;
};

/// "Mon..Fri 08:00-18:00", "Sat,Sun 10:00-12:00", "daily 00:00-24:00"; a message what was expected otherwise.
[[nodiscard]] std::expected<Schedule::Window, std::string> parse_window(std::string_view text);
/// As parse_window takes it, in its shortest form.
[[nodiscard]] std::string format_window(const Schedule::Window& window);

/// Whether `now` (seconds since 1970 UTC) lies in a window; local time by the C library's time zone.
[[nodiscard]] bool within(const Schedule& schedule, std::int64_t now);
/// When within() may change next after `now`: look again then. Nothing when the schedule is empty.
[[nodiscard]] std::optional<std::int64_t> next_change(const Schedule& schedule, std::int64_t now);

} // namespace candor::consent
