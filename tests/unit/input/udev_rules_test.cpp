// SPDX-License-Identifier: Apache-2.0
#include "unit/input/udev_rules.h"

#include "input/known_devices.h"
#include "support/catch.h"

using namespace candor;
using candor::test::UdevRules;

namespace {

const UdevRules& rules() {
    static const UdevRules rules(CANDOR_SOURCE "/udev/70-candor.rules");
    return rules;
}

bool tags(std::set<std::string> properties, std::uint16_t vendor = 0x046d, std::uint16_t product = 0xc31c) {
    return rules().tags({std::move(properties), vendor, product});
}

} // namespace

TEST_CASE("udev untags the devices of exactly the vendors that candord refuses") {
    std::set<std::uint16_t> refused(std::begin(input::security_key_vendors), std::end(input::security_key_vendors));
    refused.insert(std::begin(input::scanner_vendors), std::end(input::scanner_vendors));
    CHECK(rules().vendors() == refused);
}

TEST_CASE("udev untags exactly the products that candord refuses") {
    std::set<std::pair<std::uint16_t, std::uint16_t>> refused;
    for (const input::Product& product : input::security_key_products) {
        refused.insert({product.vendor, product.product});
    }
    CHECK(rules().products() == refused);
}

TEST_CASE("no number stands twice among what candord refuses") {
    constexpr std::size_t vendors = std::size(input::security_key_vendors) + std::size(input::scanner_vendors);
    CHECK(rules().vendors().size() == vendors);
    CHECK(rules().products().size() == std::size(input::security_key_products));
}

TEST_CASE("udev tags what people type and point with") {
    const auto* property = GENERATE("ID_INPUT_KEYBOARD", "ID_INPUT_MOUSE", "ID_INPUT_POINTINGSTICK",
                                    "ID_INPUT_TOUCHPAD", "ID_INPUT_TOUCHSCREEN", "ID_INPUT_TABLET");
    CHECK(tags({"ID_INPUT", property}));
    CHECK(tags({"ID_INPUT", property}, 0, 0));
}

TEST_CASE("udev does not tag other input devices") {
    CHECK_FALSE(tags({"ID_INPUT"}));
    CHECK_FALSE(tags({"ID_INPUT", "ID_INPUT_KEY", "ID_INPUT_SWITCH"}));
    CHECK_FALSE(tags({"ID_INPUT", "ID_INPUT_ACCELEROMETER"}));
}

TEST_CASE("udev untags tablets' pads, game controllers, tokens and card readers, whatever else they are") {
    const auto* property = GENERATE("ID_INPUT_TABLET_PAD", "ID_INPUT_JOYSTICK", "ID_SECURITY_TOKEN", "ID_FIDO_TOKEN",
                                    "ID_SMARTCARD_READER");
    CHECK_FALSE(tags({"ID_INPUT_KEYBOARD", "ID_INPUT_MOUSE", "ID_INPUT_TABLET", property}));
}

TEST_CASE("udev untags a keyboard by the numbers of its USB device") {
    CHECK_FALSE(tags({"ID_INPUT_KEYBOARD"}, 0x1050, 0x0407));
    CHECK_FALSE(tags({"ID_INPUT_KEYBOARD"}, 0x18d1, 0x5026));
    CHECK(tags({"ID_INPUT_KEYBOARD"}, 0x18d1, 0x5030));
    CHECK(tags({"ID_INPUT_KEYBOARD"}, 0x046d, 0x5026));
}
