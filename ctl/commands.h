// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/error.h"

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

/// One function a subcommand. Each prints to standard output; a refusal is what standard error gets.
namespace candor::ctl {

using Outcome = std::expected<void, Refusal>;

struct GrantOptions {
    std::string level = "full";
    std::string until; ///< parse_until's forms; empty: not given
    std::optional<unsigned> days;
    bool yes = false;
};

[[nodiscard]] Outcome show_status(bool json);
[[nodiscard]] Outcome show_devices(bool json);
[[nodiscard]] Outcome show_notice();
[[nodiscard]] Outcome show_consent(bool json);
[[nodiscard]] Outcome grant_consent(const GrantOptions& options);
[[nodiscard]] Outcome revoke_consent();

/// YYYY-MM-DD (the first second of that day, local time) or YYYY-MM-DDTHH:MM:SSZ, in seconds since 1970 UTC.
[[nodiscard]] std::optional<std::int64_t> parse_until(std::string_view text);

} // namespace candor::ctl
