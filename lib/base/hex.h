// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace candor {

/// Lower-case hexadecimal, two digits a byte.
[[nodiscard]] std::string to_hex(std::span<const std::uint8_t> bytes);

/// Either case; nothing for an odd length or any other character.
[[nodiscard]] std::optional<std::vector<std::uint8_t>> from_hex(std::string_view text);

/// Fills `out` exactly, or leaves it alone and says false.
[[nodiscard]] bool from_hex_exactly(std::string_view text, std::span<std::uint8_t> out);

} // namespace candor
