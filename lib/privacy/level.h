// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

/// How much of what the kernel delivers is kept: the ladder, the wait in quarantine, and what the kernel need not deliver.
namespace candor::privacy {

/// Lower keeps less. The policy sets a ceiling, the person may choose lower, the smaller wins.
enum class Level : std::uint8_t {
    counts,   ///< per minute, in powers of two: keys, clicks, scroll, distance
    activity, ///< when bursts of typing and of pointing begin and end
    rhythm,   ///< key presses by class, on a grid of 250 ms
    actions, ///< pointer, clicks, scroll, gestures and every key but those of text exactly; text keys by class, on the grid
    full, ///< everything
};

inline constexpr std::array<std::string_view, 5> level_names = {"counts", "activity", "rhythm", "actions", "full"};

[[nodiscard]] constexpr std::string_view level_name(Level level) noexcept {
    return level_names[static_cast<std::size_t>(level)];
}

[[nodiscard]] constexpr std::optional<Level> parse_level(std::string_view name) noexcept {
    for (std::size_t i = 0; i < level_names.size(); ++i) {
        if (level_names[i] == name) {
            return static_cast<Level>(i);
        }
    }
    return std::nullopt;
}

} // namespace candor::privacy
