// SPDX-License-Identifier: Apache-2.0
#include "privacy/redactor.h"

#include "input/abstract_events.h"
#include "privacy/key_class.h"

#include <linux/input-event-codes.h>

#include <algorithm>
#include <bit>

namespace candor::privacy {
namespace {

namespace abstract = input::abstract;
using input::Event;

constexpr std::uint8_t left_ctrl = 1;
constexpr std::uint8_t right_ctrl = 2;
constexpr std::uint8_t left_alt = 4;
constexpr std::uint8_t left_meta = 8;
constexpr std::uint8_t right_meta = 16;
constexpr std::uint8_t left_shift = 32;
constexpr std::uint8_t right_shift = 64;

constexpr unsigned ctrl = left_ctrl | right_ctrl;
constexpr unsigned shift = left_shift | right_shift;
constexpr unsigned meta = left_meta | right_meta;

std::uint8_t modifier_bit(std::uint16_t code) noexcept {
    switch (code) {
    case KEY_LEFTCTRL:
        return left_ctrl;
    case KEY_RIGHTCTRL:
        return right_ctrl;
    case KEY_LEFTALT:
        return left_alt;
    case KEY_LEFTMETA:
        return left_meta;
    case KEY_RIGHTMETA:
        return right_meta;
    case KEY_LEFTSHIFT:
        return left_shift;
    case KEY_RIGHTSHIFT:
        return right_shift;
    default:
        return 0;
    }
}

bool is_keypad_digit(std::uint16_t code) noexcept {
    switch (code) {
    case KEY_KP0:
    case KEY_KP1:
    case KEY_KP2:
    case KEY_KP3:
    case KEY_KP4:
    case KEY_KP5:
    case KEY_KP6:
    case KEY_KP7:
    case KEY_KP8:
    case KEY_KP9:
        return true;
    default:
        return false;
    }
}

/// Axes of pointers and pens. Not REL_MISC and ABS_MISC: drivers put there what they have no code for, be it keys. Not
/// the raw contacts of fingers.
bool is_axis(std::uint16_t type, std::uint16_t code) noexcept {
    if (type == EV_REL) {
        return code <= REL_WHEEL || code == REL_WHEEL_HI_RES || code == REL_HWHEEL_HI_RES;
    }
    switch (code) {
    case ABS_X:
    case ABS_Y:
    case ABS_Z:
    case ABS_WHEEL:
    case ABS_PRESSURE:
    case ABS_DISTANCE:
    case ABS_TILT_X:
    case ABS_TILT_Y:
        return true;
    default:
        return false;
    }
}

bool is_libinput_event(std::uint16_t type, std::uint16_t code) noexcept {
    switch (type) {
    case abstract::pointer:
        return code <= abstract::pointer_code::y;
    case abstract::scroll:
        return code <= abstract::scroll_code::continuous_horizontal;
    case abstract::touch:
        return code <= abstract::touch_code::y;
    case abstract::gesture:
        return code <= abstract::gesture_code::cancelled;
    case abstract::tablet:
        return code <= abstract::tablet_code::wheel;
    default:
        return false;
    }
}

bool is_burst_or_count(const Event& event) noexcept {
    if (event.type == abstract::burst) {
        return event.code <= abstract::burst_code::pointing_end && event.value == 1;
    }
    return event.type == abstract::count && event.code <= abstract::count_code::distance && event.value > 0 &&
           std::has_single_bit(static_cast<std::uint32_t>(event.value));
}

Event press_of(KeyClass key_class) noexcept { return {abstract::key_press, static_cast<std::uint16_t>(key_class), 1}; }

} // namespace

Redactor::Device& Redactor::device(std::uint32_t index) {
    const auto found = std::ranges::find(devices_, index, &Device::index);
    return found != devices_.end() ? *found : devices_.emplace_back(Device{index});
}

std::uint8_t Redactor::modifiers() const noexcept {
    unsigned result = 0;
    for (const Device& device : devices_) {
        result |= device.modifiers;
    }
    return static_cast<std::uint8_t>(result);
}

Redactor::Redacted Redactor::redact(const input::Packet& packet) {
    events_.clear();
    presses_.clear();
    Device& from = device(packet.device);
    bool told = false;
    for (const Event& event : packet.events) {
        const std::size_t before = events_.size();
        switch (event.type) {
        case EV_SYN:
            if (event.code == SYN_REPORT) {
                // 1 is the kernel's for a packet of autorepeat.
                events_.push_back({EV_SYN, SYN_REPORT, event.value == 1 ? 1 : 0});
            }
            continue;
        case EV_KEY:
            key(from, event);
            break;
        case EV_REL:
        case EV_ABS:
            if (is_axis(event.type, event.code)) {
                events_.push_back(event);
            }
            break;
        case abstract::key_press:
            if (event.code <= static_cast<std::uint16_t>(KeyClass::shortcut) && event.value > 0) {
                presses_.push_back(event);
            }
            break;
        default:
            if (is_libinput_event(event.type, event.code) || (keys_ == Keys::classes && is_burst_or_count(event))) {
                events_.push_back(event);
            }
            break;
        }
        told = told || events_.size() > before;
    }
    from.behind_hole = false;
    if (!told) {
        events_.clear();
    }
    return {events_, presses_};
}

void Redactor::key(Device& device, const Event& event) {
    if (event.value < 0 || event.value > 2) {
        return;
    }
    const KeyClass key_class = privacy::key_class(event.code);
    if (key_class == KeyClass::button) {
        events_.push_back(event);
        return;
    }
    if (key_class == KeyClass::text) {
        text_key(device, event);
        return;
    }
    const std::uint8_t modifier = modifier_bit(event.code);
    if (event.value == 1) {
        device.modifiers |= modifier;
    } else if (event.value == 0) {
        device.modifiers &= static_cast<std::uint8_t>(~modifier);
        end_entry();
    }
    if (keys_ == Keys::exact) {
        events_.push_back(event);
    } else if (event.value == 1) {
        presses_.push_back(press_of(key_class));
    }
}

void Redactor::text_key(const Device& device, const Event& event) {
    const Shortcut shortcut{device.index, event.code};
    const auto held = std::ranges::find(shortcuts_, shortcut);
    const bool was_held = held != shortcuts_.end();
    if (event.value == 2) {
        if (was_held && keys_ == Keys::exact) {
            events_.push_back(event);
        }
        return;
    }
    if (was_held) {
        *held = shortcuts_.back();
        shortcuts_.pop_back();
    }
    if (event.value == 0) {
        if (was_held && keys_ == Keys::exact) {
            events_.push_back(event);
        }
        return;
    }
    if (!begins_shortcut(device, event.code)) {
        presses_.push_back(press_of(KeyClass::text));
        return;
    }
    shortcuts_.push_back(shortcut);
    if (keys_ == Keys::exact) {
        events_.push_back(event);
    } else {
        presses_.push_back(press_of(KeyClass::shortcut));
    }
}

bool Redactor::begins_shortcut(const Device& device, std::uint16_t code) {
    const unsigned held = modifiers();
    if ((held & (left_ctrl | left_alt | meta)) == 0 || device.behind_hole || code > KEY_MAX) {
        return false;
    }
    if ((held & (left_ctrl | meta)) == 0 && is_keypad_digit(code)) {
        return false;
    }
    if (entry_ && *entry_ != code) {
        return false;
    }
    if ((held & ctrl) != 0 && (held & shift) != 0) {
        entry_ = code;
    }
    return true;
}

void Redactor::end_entry() {
    if (entry_ && (modifiers() & (ctrl | shift)) == 0) {
        entry_.reset();
    }
}

void Redactor::forget(std::uint32_t index) {
    Device& lost = device(index);
    lost.modifiers = 0;
    lost.behind_hole = true;
    std::erase_if(shortcuts_, [&](const Shortcut& shortcut) { return shortcut.device == index; });
    end_entry();
}

void Redactor::remove(std::uint32_t index) {
    std::erase_if(devices_, [&](const Device& device) { return device.index == index; });
    std::erase_if(shortcuts_, [&](const Shortcut& shortcut) { return shortcut.device == index; });
    end_entry();
}

void Redactor::reset(Keys keys) {
    devices_.clear();
    shortcuts_.clear();
    entry_.reset();
    keys_ = keys;
}

} // namespace candor::privacy
