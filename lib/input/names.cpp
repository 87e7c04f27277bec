// SPDX-License-Identifier: Apache-2.0
#include "input/names.h"

#include "input/abstract_events.h"

#include <libevdev/libevdev.h>

#include <array>
#include <cstdio>
#include <span>

namespace candor::input {
namespace {

constexpr const char* pointer_names[] = {"POINTER_DX", "POINTER_DY", "POINTER_X", "POINTER_Y"};
constexpr const char* scroll_names[] = {"SCROLL_WHEEL_VERTICAL",      "SCROLL_WHEEL_HORIZONTAL",
                                        "SCROLL_FINGER_VERTICAL",     "SCROLL_FINGER_HORIZONTAL",
                                        "SCROLL_CONTINUOUS_VERTICAL", "SCROLL_CONTINUOUS_HORIZONTAL"};
constexpr const char* touch_names[] = {"TOUCH_DOWN", "TOUCH_UP", "TOUCH_CANCEL", "TOUCH_MOTION", "TOUCH_X", "TOUCH_Y"};
constexpr const char* gesture_names[] = {
    "GESTURE_SWIPE_BEGIN", "GESTURE_SWIPE_UPDATE", "GESTURE_SWIPE_END", "GESTURE_PINCH_BEGIN", "GESTURE_PINCH_UPDATE",
    "GESTURE_PINCH_END",   "GESTURE_HOLD_BEGIN",   "GESTURE_HOLD_END",  "GESTURE_DX",          "GESTURE_DY",
    "GESTURE_SCALE",       "GESTURE_ANGLE",        "GESTURE_CANCELLED"};
constexpr const char* tablet_names[] = {"TABLET_PROXIMITY", "TABLET_TOOL",     "TABLET_TIP",      "TABLET_X",
                                        "TABLET_Y",         "TABLET_PRESSURE", "TABLET_DISTANCE", "TABLET_TILT_X",
                                        "TABLET_TILT_Y",    "TABLET_ROTATION", "TABLET_SLIDER",   "TABLET_WHEEL"};
// privacy::KeyClass, in its order. No key press is a button's.
constexpr const char* key_press_names[] = {"KEY_PRESS_TEXT",     "KEY_PRESS_EDIT",     "KEY_PRESS_NAVIGATION",
                                           "KEY_PRESS_MODIFIER", "KEY_PRESS_FUNCTION", "KEY_PRESS_MEDIA",
                                           "KEY_PRESS_SHORTCUT"};
constexpr const char* burst_names[] = {"BURST_TYPING_BEGIN", "BURST_TYPING_END", "BURST_POINTING_BEGIN",
                                       "BURST_POINTING_END"};
constexpr const char* count_names[] = {"COUNT_KEYS", "COUNT_CLICKS", "COUNT_SCROLL", "COUNT_DISTANCE"};

std::span<const char* const> abstract_names(std::uint16_t type) {
    switch (type) {
    case abstract::pointer:
        return pointer_names;
    case abstract::scroll:
        return scroll_names;
    case abstract::touch:
        return touch_names;
    case abstract::gesture:
        return gesture_names;
    case abstract::tablet:
        return tablet_names;
    case abstract::key_press:
        return key_press_names;
    case abstract::burst:
        return burst_names;
    case abstract::count:
        return count_names;
    default:
        return {};
    }
}

std::string number(std::uint16_t value) {
    std::array<char, 8> text{};
    std::snprintf(text.data(), text.size(), "0x%02x", value);
    return text.data();
}

} // namespace

std::string type_name(std::uint16_t type) {
    switch (type) {
    case abstract::pointer:
        return "POINTER";
    case abstract::scroll:
        return "SCROLL";
    case abstract::touch:
        return "TOUCH";
    case abstract::gesture:
        return "GESTURE";
    case abstract::tablet:
        return "TABLET";
    case abstract::key_press:
        return "KEY_PRESS";
    case abstract::burst:
        return "BURST";
    case abstract::count:
        return "COUNT";
    default:
        break;
    }
    const char* name = libevdev_event_type_get_name(type);
    return name != nullptr ? name : number(type);
}

std::string code_name(std::uint16_t type, std::uint16_t code) {
    const char* name = nullptr;
    if (type >= abstract::first_type) {
        const auto names = abstract_names(type);
        name = code < names.size() ? names[code] : nullptr;
    } else {
        name = libevdev_event_code_get_name(type, code);
    }
    return name != nullptr ? name : number(code);
}

} // namespace candor::input
