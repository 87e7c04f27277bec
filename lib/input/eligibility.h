// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "input/packet.h"

#include <cstdint>
#include <string>
#include <vector>

namespace candor::input {

/// What udev and sysfs tell about an event node; nothing of it needs the node to be opened.
struct DeviceDescription {
    std::string node;    ///< "/dev/input/event3"
    std::string syspath; ///< tells a device from an earlier one that had the same node
    std::string name;
    std::string seat; ///< ID_SEAT; empty means seat0
    std::uint16_t bus = 0;
    std::uint16_t vendor = 0;
    std::uint16_t product = 0;
    std::uint16_t version = 0;
    std::uint16_t usb_vendor = 0; ///< of the USB device it belongs to, 0 without one
    std::uint16_t usb_product = 0;
    bool tagged = false;         ///< has the udev tag candor (udev/70-candor.rules)
    bool is_virtual = false;     ///< made by a program: uinput, uhid
    bool security_token = false; ///< ID_SECURITY_TOKEN or ID_SMARTCARD_READER, its own or of the same USB device
    bool keyboard = false;       ///< the ID_INPUT_… properties
    bool mouse = false;
    bool pointing_stick = false;
    bool touchpad = false;
    bool touchscreen = false;
    bool tablet = false;
    bool tablet_pad = false;
    bool joystick = false;
};

/// What the administrator decides about devices.
struct Rules {
    /// Exact names. Bluetooth LE devices come through uhid and count as virtual too, whatever radio is behind them: a
    /// program cannot be told from a keyboard there, so such a keyboard must be named here.
    std::vector<std::string> allowed_virtual_names;
};

struct Verdict {
    bool captured = false;
    DeviceClass device_class = DeviceClass::keyboard; ///< when captured
    std::string rule;                                 ///< why or why not, for people
};

/// Whether a device may be opened. When in doubt it may not: what is missed is an inconvenience, a one-time password or a
/// scanned card is not.
[[nodiscard]] Verdict judge(const DeviceDescription& device, const Rules& rules);

/// Touch devices are read through libinput alone: raw multi-touch is biometric.
[[nodiscard]] constexpr bool is_touch(DeviceClass device_class) noexcept {
    return device_class == DeviceClass::touchpad || device_class == DeviceClass::touchscreen ||
           device_class == DeviceClass::tablet;
}

/// "keyboard", "mouse" …
[[nodiscard]] const char* class_name(DeviceClass device_class) noexcept;

} // namespace candor::input
