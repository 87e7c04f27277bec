// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/error.h"
#include "wire/keys.h"

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace candor::audit {

inline constexpr std::size_t max_head_bytes = 512;

/// What the device vouches for: so much of the log, ending with this hash. Zeros and nothing for an empty log.
struct Head {
    std::uint64_t entries = 0;
    std::uint64_t bytes = 0;
    wire::Hash32 last{};

    bool operator==(const Head&) const = default;
};

/// The signed file's text.
[[nodiscard]] std::string write_head(const Head& head, const wire::Identity& identity);

/// Refuses what write_head() with this key's identity would not have written.
[[nodiscard]] std::expected<Head, Refusal> parse_head(std::string_view text, const wire::PublicKey& identity);

} // namespace candor::audit
