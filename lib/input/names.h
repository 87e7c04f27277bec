// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace candor::input {

/// "EV_KEY", "EV_REL" … for the kernel's types, "POINTER", "SCROLL", "TOUCH", "GESTURE", "TABLET" for libinput's, "KEY_PRESS",
/// "BURST", "COUNT" for the privacy ladder's (see abstract_events.h), "0x7f" for what is none of these.
[[nodiscard]] std::string type_name(std::uint16_t type);

/// "KEY_A", "REL_X" …, "POINTER_DX", "GESTURE_SWIPE_BEGIN" …, "KEY_PRESS_TEXT" …, "0x1ff" for a code without a name.
[[nodiscard]] std::string code_name(std::uint16_t type, std::uint16_t code);

} // namespace candor::input
