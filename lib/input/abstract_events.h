// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

/// What is recorded of touchpads, touchscreens and tablets: libinput's events, in the shape of kernel events. Buttons and
/// keys stay EV_KEY with the kernel's codes; clicks made by tapping are among them and cannot be told from pressed ones.
/// There is no SYN_REPORT: a packet ends where it ends. Fixed point values are rounded so that sums stay exact.
namespace candor::input::abstract {

/// Event types.
inline constexpr std::uint16_t pointer = 0x40;
inline constexpr std::uint16_t scroll = 0x41;
inline constexpr std::uint16_t touch = 0x42;
inline constexpr std::uint16_t gesture = 0x43;
inline constexpr std::uint16_t tablet = 0x44;

/// Codes of `pointer`. Relative: 1/256 of libinput's unaccelerated unit. Absolute: 0 to 65535 of the device's extent.
namespace pointer_code {
inline constexpr std::uint16_t dx = 0;
inline constexpr std::uint16_t dy = 1;
inline constexpr std::uint16_t x = 2;
inline constexpr std::uint16_t y = 3;
} // namespace pointer_code

/// Codes of `scroll`. Wheels: v120, 120 a notch. Others: 1/256 of libinput's unit; a 0 says that scrolling ended.
namespace scroll_code {
inline constexpr std::uint16_t wheel_vertical = 0;
inline constexpr std::uint16_t wheel_horizontal = 1;
inline constexpr std::uint16_t finger_vertical = 2;
inline constexpr std::uint16_t finger_horizontal = 3;
inline constexpr std::uint16_t continuous_vertical = 4;
inline constexpr std::uint16_t continuous_horizontal = 5;
} // namespace scroll_code

/// Codes of `touch` (touchscreens). The value of the first four is the slot; x and y follow down and motion.
namespace touch_code {
inline constexpr std::uint16_t down = 0;
inline constexpr std::uint16_t up = 1;
inline constexpr std::uint16_t cancel = 2;
inline constexpr std::uint16_t motion = 3;
inline constexpr std::uint16_t x = 4; ///< 0 to 65535 of the screen's width
inline constexpr std::uint16_t y = 5; ///< 0 to 65535 of its height
} // namespace touch_code

/// Codes of `gesture`. The value of the first eight is the number of fingers.
namespace gesture_code {
inline constexpr std::uint16_t swipe_begin = 0;
inline constexpr std::uint16_t swipe_update = 1;
inline constexpr std::uint16_t swipe_end = 2;
inline constexpr std::uint16_t pinch_begin = 3;
inline constexpr std::uint16_t pinch_update = 4;
inline constexpr std::uint16_t pinch_end = 5;
inline constexpr std::uint16_t hold_begin = 6;
inline constexpr std::uint16_t hold_end = 7;
inline constexpr std::uint16_t dx = 8; ///< 1/256 of libinput's unaccelerated unit
inline constexpr std::uint16_t dy = 9;
inline constexpr std::uint16_t scale = 10;     ///< absolute, 65536 is where the pinch began
inline constexpr std::uint16_t angle = 11;     ///< since the last update, 1/256 degree clockwise
inline constexpr std::uint16_t cancelled = 12; ///< 1, with an end
} // namespace gesture_code

/// Codes of `tablet`. A pen's serial number is never asked for.
namespace tablet_code {
inline constexpr std::uint16_t proximity = 0; ///< 1 in, 0 out
inline constexpr std::uint16_t tool = 1;      ///< libinput_tablet_tool_type, with proximity in
inline constexpr std::uint16_t tip = 2;       ///< 1 down, 0 up
inline constexpr std::uint16_t x = 3;         ///< 0 to 65535 of the tablet's width
inline constexpr std::uint16_t y = 4;
inline constexpr std::uint16_t pressure = 5; ///< 0 to 65535
inline constexpr std::uint16_t distance = 6; ///< 0 to 65535
inline constexpr std::uint16_t tilt_x = 7;   ///< 1/256 degree
inline constexpr std::uint16_t tilt_y = 8;
inline constexpr std::uint16_t rotation = 9; ///< 1/256 degree
inline constexpr std::uint16_t slider = 10;  ///< -65535 to 65535
inline constexpr std::uint16_t wheel = 11;   ///< 1/256 degree since the last packet
} // namespace tablet_code

inline constexpr std::uint16_t first_type = pointer;
inline constexpr std::uint16_t last_type = tablet;

} // namespace candor::input::abstract
