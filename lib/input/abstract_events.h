// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

/// What is recorded in the shape of kernel events without being one. There is no SYN_REPORT: a packet ends where it ends.
///
/// Of touchpads, touchscreens and tablets libinput's events. Buttons and keys stay EV_KEY with the kernel's codes; clicks made
/// by tapping are among them and cannot be told from pressed ones. Fixed point values are rounded so that sums stay exact.
///
/// Of what a privacy level keeps less than exactly, what privacy::Ladder makes of it. The packet's time is the end of the
/// cell that it tells of.
namespace candor::input::abstract {

/// Event types. libinput's.
inline constexpr std::uint16_t pointer = 0x40;
inline constexpr std::uint16_t scroll = 0x41;
inline constexpr std::uint16_t touch = 0x42;
inline constexpr std::uint16_t gesture = 0x43;
inline constexpr std::uint16_t tablet = 0x44;
/// Event types. The ladder's.
inline constexpr std::uint16_t key_press = 0x45;
inline constexpr std::uint16_t burst = 0x46;
inline constexpr std::uint16_t count = 0x47;

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

// Codes of `key_press` are privacy::KeyClass. The value is how many keys of the class were pressed within the 250 ms.

/// Codes of `burst`, of all devices together. The device is the one that began it; the value is 1. An end is told when nothing
/// has come for 2 s, or when the recording or the device has ended.
namespace burst_code {
inline constexpr std::uint16_t typing_begin = 0;
inline constexpr std::uint16_t typing_end = 1;
inline constexpr std::uint16_t pointing_begin = 2;
inline constexpr std::uint16_t pointing_end = 3;
} // namespace burst_code

/// Codes of `count`, of all devices together. The device is the one of lowest index that had a share in it. The value is that of
/// a minute, rounded down to a power of two, never 0.
namespace count_code {
inline constexpr std::uint16_t keys = 0;     ///< presses of keys that are not buttons
inline constexpr std::uint16_t clicks = 1;   ///< presses of buttons; fingers and pens that went down
inline constexpr std::uint16_t scroll = 2;   ///< notches of wheels, and 15 of libinput's units of other scrolling
inline constexpr std::uint16_t distance = 3; ///< |dx| + |dy| in the device's units, or in 1/2048 of an extent
} // namespace count_code

inline constexpr std::uint16_t first_type = pointer;
inline constexpr std::uint16_t last_type = count;

} // namespace candor::input::abstract
