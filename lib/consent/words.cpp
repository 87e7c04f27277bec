// SPDX-License-Identifier: Apache-2.0
#include "consent/words.h"

#include "input/eligibility.h"

#include <libevdev/libevdev.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

namespace candor::consent {
namespace {

using input::DeviceClass;
using privacy::Level;

constexpr std::pair<std::uint16_t, std::string_view> named_keys[] = {
    {KEY_ESC, "Escape"},
    {KEY_LEFTSHIFT, "left Shift"},
    {KEY_RIGHTSHIFT, "right Shift"},
    {KEY_LEFTCTRL, "left Ctrl"},
    {KEY_RIGHTCTRL, "right Ctrl"},
    {KEY_LEFTALT, "left Alt"},
    {KEY_RIGHTALT, "right Alt (AltGr)"},
    {KEY_LEFTMETA, "left Meta (the logo key)"},
    {KEY_RIGHTMETA, "right Meta (the logo key)"},
    {KEY_CAPSLOCK, "Caps Lock"},
    {KEY_NUMLOCK, "Num Lock"},
    {KEY_SCROLLLOCK, "Scroll Lock"},
    {KEY_SYSRQ, "Print Screen"},
    {KEY_PAGEUP, "Page Up"},
    {KEY_PAGEDOWN, "Page Down"},
    {KEY_COMPOSE, "Menu"},
};

/// Its legend depends on the layout.
bool is_of_layout(std::string_view name) {
    constexpr std::array<std::string_view, 12> marks = {"MINUS",     "EQUAL",      "LEFTBRACE", "RIGHTBRACE",
                                                        "SEMICOLON", "APOSTROPHE", "GRAVE",     "BACKSLASH",
                                                        "COMMA",     "DOT",        "SLASH",     "102ND"};
    return name.size() == 1 || std::ranges::find(marks, name) != marks.end();
}

std::string_view pointing_words(Level level) {
    switch (level) {
    case Level::counts:
        return "how many clicks, how much scrolling and how much motion in each minute, in powers of two";
    case Level::activity:
        return "when bursts of pointing begin and end";
    case Level::rhythm:
        return "nothing";
    case Level::actions:
    case Level::full:
        break;
    }
    return {};
}

} // namespace

std::string enumerate(const std::vector<std::string>& words, std::string_view last) {
    std::string text;
    for (std::size_t i = 0; i < words.size(); ++i) {
        if (i > 0) {
            text += i + 1 < words.size() ? std::string(", ") : " " + std::string(last) + " ";
        }
        text += words[i];
    }
    return text;
}

std::string counted(std::int64_t number, std::string_view unit) {
    return std::to_string(number) + " " + std::string(unit) + (number == 1 ? "" : "s");
}

std::vector<std::string> levels_up_to(privacy::Level ceiling) {
    return {privacy::level_names.begin(), privacy::level_names.begin() + static_cast<std::ptrdiff_t>(ceiling) + 1};
}

std::string_view level_words(privacy::Level level) {
    switch (level) {
    case Level::counts:
        return "how many keys, clicks and so on in each minute, in powers of two";
    case Level::activity:
        return "when typing and pointing begin and end";
    case Level::rhythm:
        return "how many keys of each kind are pressed, on a grid of 250 milliseconds";
    case Level::actions:
        return "pointer, touch and all keys but those of text exactly; of text how many keys, not which";
    case Level::full:
        return "everything, with all text that is typed";
    }
    return "unknown";
}

std::string_view class_words(input::DeviceClass device_class) {
    switch (device_class) {
    case DeviceClass::keyboard:
        return "keyboards";
    case DeviceClass::mouse:
        return "mice";
    case DeviceClass::touchpad:
        return "touchpads";
    case DeviceClass::touchscreen:
        return "touchscreens";
    case DeviceClass::tablet:
        return "tablets with a pen";
    }
    return "unknown";
}

std::string kept_words(privacy::Level level, input::DeviceClass device_class) {
    if (const auto words = pointing_words(level); device_class != DeviceClass::keyboard && !words.empty()) {
        return std::string(words);
    }
    switch (device_class) {
    case DeviceClass::keyboard:
        switch (level) {
        case Level::counts:
            return "how many keys are pressed in each minute, in powers of two";
        case Level::activity:
            return "when bursts of typing begin and end";
        case Level::rhythm:
            return "how many keys of each kind are pressed, on a grid of 250 milliseconds";
        case Level::actions:
            return "keys that are not of text, and key combinations, exactly; of text how many keys are pressed, on a "
                   "grid of "
                   "250 milliseconds";
        case Level::full:
            return "every key, exactly: all text that is typed, passwords among it";
        }
        break;
    case DeviceClass::mouse:
        return "motion, clicks and scrolling, exactly";
    case DeviceClass::touchpad:
        return "motion of the pointer, clicks, scrolling and gestures, exactly";
    case DeviceClass::touchscreen:
        return "touches, exactly";
    case DeviceClass::tablet:
        return "position, pressure and use of the pen, exactly";
    }
    return "unknown";
}

std::string key_words(std::uint16_t code) {
    for (const auto& [key, words] : named_keys) {
        if (key == code) {
            return std::string(words);
        }
    }
    const char* known = ::libevdev_event_code_get_name(EV_KEY, code);
    if (known == nullptr) {
        return "key " + std::to_string(code);
    }
    std::string name(known);
    if (name.starts_with("KEY_")) {
        name.erase(0, 4);
    }
    const bool of_layout = is_of_layout(name);
    std::transform(name.begin() + 1, name.end(), name.begin() + 1,
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return of_layout ? name + " (of a US keyboard)" : name;
}

std::string chord_words(std::span<const std::uint16_t> keys) {
    std::string text;
    for (const std::uint16_t key : keys) {
        text += (text.empty() ? "" : " + ") + key_words(key);
    }
    return text;
}

} // namespace candor::consent
