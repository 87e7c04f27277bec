// SPDX-License-Identifier: Apache-2.0
#include "input/eligibility.h"

#include "input/known_devices.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <span>
#include <string_view>

namespace candor::input {
namespace {

constexpr std::string_view security_key_names[] = {
    "yubikey",      "yubico", "nitrokey", "solokey",    "solo key", "onlykey",     "feitian",    "titan security",
    "security key", "fido",   "u2f",      "mooltipass", "trezor",   "ledger nano", "smart card", "smartcard",
};

// What they type is somebody's badge, parcel or patient number.
constexpr std::string_view scanner_names[] = {
    "barcode",   "bar code",    "scanner",         "card reader",   "rfid",          "nfc",
    "magtek",    "magstripe",   "honeywell",       "datalogic",     "metrologic",    "symbol technologies",
    "newland",   "fingerprint", "magnetic stripe", "magnetic card", "stripe reader", "swipe reader",
    "fuzzyscan",
};

// udev takes a controller with enough keys of a keyboard for one.
constexpr std::string_view controller_names[] = {
    "wireless controller", "game controller", "gamepad", "game pad", "joystick", "wiimote"};

constexpr std::string_view button_names[] = {
    "power button", "sleep button", "lid switch",   "video bus", "pc speaker",
    "hotkeys",      "hdmi",         "headset jack", "jack",      "button array",
};

constexpr std::string_view control_names[] = {"consumer control", "system control",   "wireless radio control",
                                              "radio control",    "intel hid events", "wmi"};

std::string lower(std::string_view text) {
    std::string result(text);
    std::transform(result.begin(), result.end(), result.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; });
    return result;
}

bool names_any(std::string_view lower_name, std::span<const std::string_view> words) {
    return std::any_of(words.begin(), words.end(),
                       [&](std::string_view word) { return lower_name.find(word) != std::string_view::npos; });
}

bool any_vendor(const DeviceDescription& device, std::span<const std::uint16_t> vendors) {
    return std::any_of(vendors.begin(), vendors.end(),
                       [&](std::uint16_t vendor) { return vendor == device.vendor || vendor == device.usb_vendor; });
}

bool any_product(const DeviceDescription& device, std::span<const Product> products) {
    return std::any_of(products.begin(), products.end(), [&](Product known) {
        return (known.vendor == device.vendor && known.product == device.product) ||
               (known.vendor == device.usb_vendor && known.product == device.usb_product);
    });
}

std::string ids(const DeviceDescription& device) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%04x:%04x", device.vendor, device.product);
    return text.data();
}

Verdict refuse(std::string rule) { return {false, DeviceClass::keyboard, std::move(rule)}; }

} // namespace

const char* class_name(DeviceClass device_class) noexcept {
    switch (device_class) {
    case DeviceClass::keyboard:
        return "keyboard";
    case DeviceClass::mouse:
        return "mouse";
    case DeviceClass::touchpad:
        return "touchpad";
    case DeviceClass::touchscreen:
        return "touchscreen";
    case DeviceClass::tablet:
        return "tablet";
    }
    return "unknown";
}

Verdict judge(const DeviceDescription& device, const Rules& rules) {
    const std::string name = lower(device.name);
    // What must never be read is named first, so that its reason is told whatever else is wrong with it.
    if (device.security_token) {
        return refuse("a security key or card reader, as udev says");
    }
    if (any_vendor(device, security_key_vendors) || any_product(device, security_key_products)) {
        return refuse("a security key (" + ids(device) + ")");
    }
    if (names_any(name, security_key_names)) {
        return refuse("a security key, by its name");
    }
    if (any_vendor(device, scanner_vendors)) {
        return refuse("a scanner or card reader (" + ids(device) + ")");
    }
    if (names_any(name, scanner_names)) {
        return refuse("a scanner or card reader, by its name");
    }
    if (names_any(name, button_names)) {
        return refuse("a power, lid, display or jack switch");
    }
    if (device.joystick || names_any(name, controller_names)) {
        return refuse("a joystick or game controller");
    }
    if (device.tablet_pad) {
        return refuse("the buttons of a tablet, not its pen");
    }
    if (!device.seat.empty() && device.seat != "seat0") {
        return refuse("belongs to " + device.seat + ", and only seat0 is recorded");
    }

    DeviceClass device_class{};
    // Touch first: a node that is a touch device too must never be read raw.
    if (device.touchpad) {
        device_class = DeviceClass::touchpad;
    } else if (device.touchscreen) {
        device_class = DeviceClass::touchscreen;
    } else if (device.tablet) {
        device_class = DeviceClass::tablet;
    } else if (names_any(name, control_names)) {
        return refuse("media and system keys only");
    } else if (device.keyboard) {
        device_class = DeviceClass::keyboard;
    } else if (device.mouse || device.pointing_stick) {
        device_class = DeviceClass::mouse;
    } else {
        return refuse("no keys that people type with, no pointer, no touch");
    }
    const std::string kind = class_name(device_class);
    if (!device.tagged) {
        return refuse("a " + kind + " without the udev tag candor");
    }
    if (device.is_virtual) {
        const auto& allowed = rules.allowed_virtual_names;
        if (std::find(allowed.begin(), allowed.end(), device.name) == allowed.end()) {
            return refuse("a virtual device, not allowed by name");
        }
        return {true, device_class, "a virtual " + kind + ", allowed by name"};
    }
    return {true, device_class, "a " + kind + " with the udev tag candor"};
}

} // namespace candor::input
