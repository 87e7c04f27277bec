// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace candor::privacy {

/// What a key is for. Tells nothing about where it lies. The numbers are the codes of input::abstract::key_press.
enum class KeyClass : std::uint8_t {
    text = 0, ///< also whatever is not known to be something else: the class that is never told apart
    edit = 1, ///< backspace, delete, enter, tab, insert, undo, cut, copy, paste …
    navigation = 2,
    modifier = 3,
    function = 4, ///< F1 to F24, escape, system keys
    media = 5,
    shortcut = 6, ///< a text key while Ctrl, Alt or Meta is held: never the class of a code
    button = 7,   ///< of a mouse, a pen, a touch device: not a key
};

/// Of a kernel EV_KEY code. Never KeyClass::shortcut.
[[nodiscard]] KeyClass key_class(std::uint16_t code) noexcept;

} // namespace candor::privacy
