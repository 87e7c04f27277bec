// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace candor::wire {

/// Cap'n Proto's packed encoding (its encoding specification, "Packing") of a whole number of 8-byte words. Our own, because the
/// library's packs only messages it has parsed, and unpacks only to the end of the message that the bytes claim.
[[nodiscard]] std::vector<std::uint8_t> pack(std::span<const std::uint8_t> words);

/// The inverse; nothing for bytes that no packer writes to the end, or for more than `limit` bytes.
[[nodiscard]] std::optional<std::vector<std::uint8_t>> unpack(std::span<const std::uint8_t> packed, std::size_t limit);

} // namespace candor::wire
