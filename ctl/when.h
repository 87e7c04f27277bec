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

/// Which end of a range a time is: a day reaches from its first second to its last.
enum class Edge { begin, end };

/// RFC 3339 ("2026-11-24T02:36:39Z", "…+01:00"), or local time: YYYY-MM-DD, YYYY-MM-DD HH:MM, HH:MM of today, both with :SS too.
/// In seconds since 1970 UTC; `now` says which day is today.
[[nodiscard]] std::optional<std::int64_t> parse_moment(std::string_view text, Edge edge, std::int64_t now);

/// "10:20", local time; local_time() for another day than that of `now`.
[[nodiscard]] std::string local_minute(std::int64_t seconds, std::int64_t now);

/// "10:20:07.000123", local time.
[[nodiscard]] std::string local_clock(std::int64_t microseconds);

/// "2026-11-24 03:36:39 CET", local time; an answer may hold any number, those beyond the calendar stay numbers.
[[nodiscard]] std::string local_time(std::int64_t seconds);

/// "2026-11-24T02:36:39Z", for programs; likewise.
[[nodiscard]] std::string utc_time(std::int64_t seconds);

} // namespace candor::ctl
