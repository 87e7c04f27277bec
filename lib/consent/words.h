// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "input/packet.h"
#include "privacy/level.h"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// What things are called where a person reads of them.
namespace candor::consent {

/// "A", "A or B", "A, B or C".
[[nodiscard]] std::string enumerate(const std::vector<std::string>& words, std::string_view last = "or");

/// "1 second", "2 seconds".
[[nodiscard]] std::string counted(std::int64_t number, std::string_view unit);

/// "counts" up to the ceiling.
[[nodiscard]] std::vector<std::string> levels_up_to(privacy::Level ceiling);

/// What a level keeps, in half a sentence.
[[nodiscard]] std::string_view level_words(privacy::Level level);

/// "keyboards", "mice" …
[[nodiscard]] std::string_view class_words(input::DeviceClass device_class);

/// What a level keeps of such a device.
[[nodiscard]] std::string kept_words(privacy::Level level, input::DeviceClass device_class);

/// How a key is called: "left Shift", "Escape", "F12". Of letters and the like the kernel knows the place alone: "A (of a US
/// keyboard)".
[[nodiscard]] std::string key_words(std::uint16_t code);

/// "left Shift + right Shift + Escape".
[[nodiscard]] std::string chord_words(std::span<const std::uint16_t> keys);

} // namespace candor::consent
