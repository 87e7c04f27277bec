// SPDX-License-Identifier: Apache-2.0
#include "input/eligibility.h"

#include "support/catch.h"

using namespace candor::input;

namespace {

DeviceDescription device(std::string name, std::uint16_t vendor = 0x046d, std::uint16_t product = 0xc31c) {
    DeviceDescription result;
    result.node = "/dev/input/event3";
    result.name = std::move(name);
    result.bus = 3;
    result.vendor = result.usb_vendor = vendor;
    result.product = result.usb_product = product;
    result.tagged = true;
    return result;
}

DeviceDescription keyboard(std::string name = "A keyboard", std::uint16_t vendor = 0x046d,
                           std::uint16_t product = 0xc31c) {
    DeviceDescription result = device(std::move(name), vendor, product);
    result.keyboard = true;
    return result;
}

DeviceDescription with(DeviceDescription result, bool DeviceDescription::*flag) {
    result.*flag = true;
    return result;
}

DeviceDescription made_by_a_program(std::string name) {
    return with(keyboard(std::move(name)), &DeviceDescription::is_virtual);
}

/// "keyboard", "mouse" …, or why it is refused.
std::string verdict(const DeviceDescription& description, const Rules& rules = {}) {
    const Verdict verdict = judge(description, rules);
    return verdict.captured ? class_name(verdict.device_class) : verdict.rule;
}

} // namespace

TEST_CASE("what people type and point with is captured, each as its class") {
    CHECK(verdict(keyboard()) == "keyboard");
    CHECK(verdict(with(device("A mouse"), &DeviceDescription::mouse)) == "mouse");
    CHECK(verdict(with(device("A TrackPoint"), &DeviceDescription::pointing_stick)) == "mouse");
    CHECK(verdict(with(device("A touchpad"), &DeviceDescription::touchpad)) == "touchpad");
    CHECK(verdict(with(device("A screen"), &DeviceDescription::touchscreen)) == "touchscreen");
    CHECK(verdict(with(device("A pen"), &DeviceDescription::tablet)) == "tablet");
}

TEST_CASE("the rule of a captured device says what it is and why") {
    CHECK(judge(keyboard(), {}).rule == "a keyboard with the udev tag candor");
}

TEST_CASE("the keyboard of a laptop has no bus to name its maker and is captured") {
    CHECK(verdict(with(device("AT Translated Set 2 keyboard", 1, 1), &DeviceDescription::keyboard)) == "keyboard");
}

TEST_CASE("a keyboard with pointer keys of its own is a keyboard") {
    CHECK(verdict(with(keyboard(), &DeviceDescription::mouse)) == "keyboard");
}

TEST_CASE("a node that is a touch device too is never read raw") {
    for (const auto touch :
         {&DeviceDescription::touchpad, &DeviceDescription::touchscreen, &DeviceDescription::tablet}) {
        const Verdict verdict = judge(with(with(keyboard(), &DeviceDescription::mouse), touch), {});
        CHECK(verdict.captured);
        CHECK(is_touch(verdict.device_class));
    }
}

TEST_CASE("keyboards and mice are not read through libinput") {
    CHECK_FALSE(is_touch(DeviceClass::keyboard));
    CHECK_FALSE(is_touch(DeviceClass::mouse));
}

TEST_CASE("a security key is refused by its maker, whatever its name") {
    CHECK(verdict(keyboard("Keyboard", 0x1050, 0x0407)) == "a security key (1050:0407)");
    CHECK(verdict(keyboard("Keyboard", 0x20a0, 0x42b1)) == "a security key (20a0:42b1)");
    CHECK(verdict(keyboard("Keyboard", 0x2c97, 0x1011)) == "a security key (2c97:1011)");
}

TEST_CASE("a security key of a maker of other things is refused by its product") {
    CHECK(verdict(keyboard("Keyboard", 0x18d1, 0x5026)) == "a security key (18d1:5026)");
    CHECK(verdict(keyboard("Keyboard", 0x1d50, 0x60fc)) == "a security key (1d50:60fc)");
    CHECK(verdict(keyboard("Keyboard", 0x18d1, 0x5027)) == "keyboard");
}

TEST_CASE("a security key is refused by its name, in any case") {
    const auto* name = GENERATE("Yubico YubiKey OTP+FIDO+CCID", "YUBIKEY", "Nitrokey Pro", "OnlyKey", "A FIDO device",
                                "U2F Token", "Generic Smart Card Reader", "Mooltipass");
    CHECK(verdict(keyboard(name)) == "a security key, by its name");
}

TEST_CASE("a device whose USB parent is a security key is refused, whatever the node says of itself") {
    auto key = keyboard();
    key.usb_vendor = 0x1050;
    CHECK(verdict(key).starts_with("a security key"));
    key = keyboard();
    key.usb_vendor = 0x18d1;
    key.usb_product = 0x5026;
    CHECK(verdict(key).starts_with("a security key"));
}

TEST_CASE("a device that udev calls a token, itself or beside it, is refused") {
    CHECK(verdict(with(keyboard(), &DeviceDescription::security_token)) ==
          "a security key or card reader, as udev says");
}

TEST_CASE("scanners and card readers are refused by their maker") {
    CHECK(verdict(keyboard("Symbol Bar Code Scanner", 0x05e0, 0x1200)) == "a scanner or card reader (05e0:1200)");
    CHECK(verdict(keyboard("Keyboard", 0x0c2e, 0x0200)) == "a scanner or card reader (0c2e:0200)");
    CHECK(verdict(keyboard("Sycreader RFID", 0xffff, 0x0035)) == "a scanner or card reader (ffff:0035)");
}

TEST_CASE("scanners and card readers are refused by their name, in any case") {
    const auto* name = GENERATE("BARCODE SCANNER", "USB Bar Code device", "A Scanner", "Mag Card Reader", "RFID device",
                                "ACS NFC", "HONEYWELL HID", "Newland Auto-ID", "HP Mini Magnetic Stripe Reader",
                                "Manhattan Magnetic Card Strip Reader", "USB Swipe Reader", "Cino FuzzyScan F760-B");
    CHECK(verdict(keyboard(name)) == "a scanner or card reader, by its name");
}

TEST_CASE("a keyboard is not refused for a word that scanners and card readers share") {
    const auto* name = GENERATE("A keyboard with magnetic switches", "A card game keyboard", "Stripe");
    CHECK(verdict(keyboard(name)) == "keyboard");
}

TEST_CASE("power buttons, lids, displays and jacks are refused") {
    const auto* name = GENERATE("Power Button", "Sleep Button", "Lid Switch", "Video Bus",
                                "HDA Intel PCH HDMI/DP,pcm=3", "HDA Intel PCH Headset Jack", "ThinkPad Extra Hotkeys");
    CHECK(verdict(keyboard(name)) == "a power, lid, display or jack switch");
}

TEST_CASE("media and system keys are refused") {
    const auto* name = GENERATE("A keyboard Consumer Control", "A keyboard System Control", "Intel HID events",
                                "Dell WMI hotkey", "A Wireless Radio Control");
    CHECK(verdict(keyboard(name)) == "media and system keys only");
}

TEST_CASE("a touchpad is not refused for the name of its neighbour") {
    CHECK(verdict(with(device("A Consumer Control Touchpad"), &DeviceDescription::touchpad)) == "touchpad");
}

TEST_CASE("joysticks and game controllers are refused, those with keys too") {
    CHECK(verdict(with(keyboard("A pad"), &DeviceDescription::joystick)) == "a joystick or game controller");
    CHECK(verdict(with(device("A pad"), &DeviceDescription::joystick)) == "a joystick or game controller");
}

TEST_CASE("game controllers that udev takes for keyboards or mice are refused by their name") {
    const auto* name = GENERATE("Xbox Elite Wireless Controller", "Nintendo Wiimote", "ION iCade Game Controller",
                                "USB Gamepad", "A Joystick", "Wireless Controller Touchpad");
    CHECK(verdict(keyboard(name)) == "a joystick or game controller");
    CHECK(verdict(with(device(name), &DeviceDescription::touchpad)) == "a joystick or game controller");
}

TEST_CASE("a device is not refused for a word that game controllers share") {
    const auto* name = GENERATE("Intel Touch Host Controller Keyboard", "A gaming keyboard", "A Wireless Keyboard",
                                "eGalax Inc. USB TouchController");
    CHECK(verdict(keyboard(name)) == "keyboard");
}

TEST_CASE("the pad of a tablet is refused") {
    CHECK(verdict(with(with(device("A pad"), &DeviceDescription::tablet), &DeviceDescription::tablet_pad)) ==
          "the buttons of a tablet, not its pen");
}

TEST_CASE("a device that is nothing of all this is refused") {
    CHECK(verdict(device("A thing")) == "no keys that people type with, no pointer, no touch");
    CHECK(verdict(device("")) == "no keys that people type with, no pointer, no touch");
    CHECK(verdict(DeviceDescription{}) == "no keys that people type with, no pointer, no touch");
}

TEST_CASE("a device of another seat is refused") {
    auto other = keyboard();
    other.seat = "seat1";
    CHECK(verdict(other) == "belongs to seat1, and only seat0 is recorded");
}

TEST_CASE("a device of seat0, or of no seat that udev names, is captured") {
    auto here = keyboard();
    here.seat = "seat0";
    CHECK(verdict(here) == "keyboard");
    here.seat.clear();
    CHECK(verdict(here) == "keyboard");
}

TEST_CASE("a device without the tag is refused as what it is") {
    auto untagged = keyboard();
    untagged.tagged = false;
    CHECK(verdict(untagged) == "a keyboard without the udev tag candor");
    untagged.touchpad = true;
    CHECK(verdict(untagged) == "a touchpad without the udev tag candor");
}

TEST_CASE("a virtual device is refused unless it is allowed by name") {
    CHECK(verdict(made_by_a_program("A robot")) == "a virtual device, not allowed by name");
    CHECK(verdict(made_by_a_program("A robot"), {{"Another", "A robot"}}) == "keyboard");
    CHECK(judge(made_by_a_program("A robot"), {{"A robot"}}).rule == "a virtual keyboard, allowed by name");
}

TEST_CASE("the name of a virtual device must be allowed exactly") {
    const auto* allowed = GENERATE("A robo", "A robots", "a robot", "A robot ", "*", "");
    CHECK(verdict(made_by_a_program("A robot"), {{allowed}}) == "a virtual device, not allowed by name");
}

TEST_CASE("a name that is allowed opens nothing but virtual devices that are fit for it") {
    const Rules rules{{"YubiKey", "A robot"}};
    CHECK(verdict(made_by_a_program("YubiKey"), rules) == "a security key, by its name");
    CHECK(verdict(with(made_by_a_program("A robot"), &DeviceDescription::joystick), rules) ==
          "a joystick or game controller");
    auto untagged = made_by_a_program("A robot");
    untagged.tagged = false;
    CHECK(verdict(untagged, rules) == "a keyboard without the udev tag candor");
}

TEST_CASE("what must never be read is named first, whatever else is wrong with it") {
    auto key = keyboard("Yubico YubiKey", 0x1050, 0x0407);
    key.tagged = false;
    key.is_virtual = true;
    key.seat = "seat1";
    CHECK(verdict(key) == "a security key (1050:0407)");
}
