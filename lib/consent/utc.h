// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace candor::consent {

/// Seconds since 1970 UTC as "2026-11-24T02:36:39Z"; throws std::out_of_range outside of the years 1970 to 9999.
[[nodiscard]] std::string format_utc(std::int64_t seconds);

/// Takes exactly that form, of a day and a time that exist.
[[nodiscard]] std::optional<std::int64_t> parse_utc(std::string_view text);

} // namespace candor::consent
