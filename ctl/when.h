// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// Times as people write and read them.
namespace candor::ctl {

/// A whole number and its unit without a blank: s, m or min, h, d; minutes without a unit. 1 second to 366 days.
[[nodiscard]] std::optional<std::chrono::seconds> parse_duration(std::string_view text);

/// YYYY-MM-DD (the first second of that day, local time) or YYYY-MM-DDTHH:MM:SSZ, in seconds since 1970 UTC.
[[nodiscard]] std::optional<std::int64_t> parse_until(std::string_view text);

/// "2026-11-24 03:36:39 CET", local time; an answer may hold any number, those beyond the calendar stay numbers.
[[nodiscard]] std::string local_time(std::int64_t seconds);

/// "2026-11-24T02:36:39Z", for programs; likewise.
[[nodiscard]] std::string utc_time(std::int64_t seconds);

} // namespace candor::ctl
