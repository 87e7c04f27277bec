// SPDX-License-Identifier: Apache-2.0
#include "privacy/kernel_mask.h"

#include "input/eligibility.h"
#include "input/evdev_reader.h"
#include "support/catch.h"

#include <vector>

using namespace candor;
using input::DeviceClass;
using input::EventMask;
using privacy::kernel_mask;
using privacy::Level;

namespace {

constexpr Level all_levels[] = {Level::counts, Level::activity, Level::rhythm, Level::actions, Level::full};
constexpr Level reduced_levels[] = {Level::counts, Level::activity, Level::rhythm, Level::actions};
constexpr DeviceClass read_raw[] = {DeviceClass::keyboard, DeviceClass::mouse};
constexpr DeviceClass touch[] = {DeviceClass::touchpad, DeviceClass::touchscreen, DeviceClass::tablet};

bool comes(Level level, DeviceClass device_class, std::uint16_t type, std::uint16_t code) {
    return input::passes(kernel_mask(level, device_class), type, code);
}

/// "0 1 17" are the types that come at all.
std::vector<int> types(const EventMask& mask) {
    std::vector<int> result;
    for (std::size_t type = 0; type < mask.types.size(); ++type) {
        if (mask.types.test(type)) {
            result.push_back(static_cast<int>(type));
        }
    }
    return result;
}

using Types = std::vector<int>;

} // namespace

TEST_CASE("the kernel delivers every key of keyboards and mice at every level") {
    for (const Level level : all_levels) {
        for (const DeviceClass device_class : read_raw) {
            for (std::uint16_t code = 0; code < KEY_CNT; ++code) {
                REQUIRE(comes(level, device_class, EV_KEY, code));
            }
        }
    }
}

TEST_CASE("below full the kernel delivers no scan code, no sound, no repeat rate and no switch") {
    for (const Level level : reduced_levels) {
        for (const DeviceClass device_class : read_raw) {
            CAPTURE(level, device_class);
            CHECK_FALSE(comes(level, device_class, EV_MSC, MSC_SCAN));
            CHECK_FALSE(comes(level, device_class, EV_MSC, MSC_TIMESTAMP));
            CHECK_FALSE(comes(level, device_class, EV_SND, SND_BELL));
            CHECK_FALSE(comes(level, device_class, EV_REP, REP_DELAY));
            CHECK_FALSE(comes(level, device_class, EV_FF, FF_RUMBLE));
            CHECK_FALSE(comes(level, device_class, EV_SW, SW_LID));
        }
    }
}

TEST_CASE(
    "below full Scroll Lock, candord's own light, is the only LED that the kernel delivers, and of keyboards only") {
    for (const Level level : reduced_levels) {
        CAPTURE(level);
        for (std::uint16_t code = 0; code < LED_CNT; ++code) {
            CHECK(comes(level, DeviceClass::keyboard, EV_LED, code) == (code == LED_SCROLLL));
            CHECK_FALSE(comes(level, DeviceClass::mouse, EV_LED, code));
        }
    }
}

TEST_CASE(
    "at full the kernel delivers all input with its LEDs and scan codes, and nothing that programs told the device") {
    const DeviceClass device_class = GENERATE(DeviceClass::keyboard, DeviceClass::mouse);
    const EventMask mask = kernel_mask(Level::full, device_class);
    CHECK(mask.codes.size() == 1);
    CHECK(mask.codes.contains(EV_ABS));
    for (const std::size_t type :
         std::initializer_list<std::size_t>{EV_SYN, EV_KEY, EV_REL, EV_ABS, EV_MSC, EV_SW, EV_LED}) {
        CHECK(mask.types.test(type));
    }
    for (const std::size_t type : std::initializer_list<std::size_t>{EV_SND, EV_REP, EV_FF, EV_FF_STATUS}) {
        CHECK_FALSE(mask.types.test(type));
    }
}

TEST_CASE("the kernel delivers no raw multi-touch of mice that feel fingers, at no level, and their other axes at the "
          "higher") {
    for (const Level level : all_levels) {
        for (const DeviceClass device_class : read_raw) {
            for (std::uint16_t code = ABS_MT_SLOT; code <= ABS_MT_TOOL_Y; ++code) {
                REQUIRE_FALSE(comes(level, device_class, EV_ABS, code));
            }
        }
    }
    for (const std::uint16_t code :
         std::initializer_list<std::uint16_t>{ABS_X, ABS_Y, ABS_WHEEL, ABS_MISC, ABS_MT_SLOT - 1}) {
        CHECK(comes(Level::full, DeviceClass::mouse, EV_ABS, code));
        CHECK(comes(Level::actions, DeviceClass::mouse, EV_ABS, code));
    }
}

TEST_CASE("what the kernel delivers of keyboards at each level") {
    CHECK(types(kernel_mask(Level::actions, DeviceClass::keyboard)) == Types{EV_KEY, EV_REL, EV_LED});
    CHECK(types(kernel_mask(Level::rhythm, DeviceClass::keyboard)) == Types{EV_KEY, EV_LED});
    CHECK(types(kernel_mask(Level::activity, DeviceClass::keyboard)) == Types{EV_KEY, EV_REL, EV_LED});
    CHECK(types(kernel_mask(Level::counts, DeviceClass::keyboard)) == Types{EV_KEY, EV_REL, EV_LED});
}

TEST_CASE("what the kernel delivers of mice at each level") {
    CHECK(types(kernel_mask(Level::actions, DeviceClass::mouse)) == Types{EV_KEY, EV_REL, EV_ABS});
    CHECK(types(kernel_mask(Level::activity, DeviceClass::mouse)) == Types{EV_KEY, EV_REL, EV_ABS});
    CHECK(types(kernel_mask(Level::counts, DeviceClass::mouse)) == Types{EV_KEY, EV_REL, EV_ABS});
}

TEST_CASE("at counts the kernel delivers motion and wheels, and of a pointer that has a place, the place") {
    for (std::uint16_t code = 0; code < REL_CNT; ++code) {
        const bool counted = code == REL_X || code == REL_Y || code == REL_WHEEL || code == REL_HWHEEL ||
                             code == REL_WHEEL_HI_RES || code == REL_HWHEEL_HI_RES;
        CHECK(comes(Level::counts, DeviceClass::mouse, EV_REL, code) == counted);
        CHECK(comes(Level::counts, DeviceClass::keyboard, EV_REL, code) == counted);
    }
    for (std::uint16_t code = 0; code < ABS_CNT; ++code) {
        CHECK(comes(Level::counts, DeviceClass::mouse, EV_ABS, code) == (code == ABS_X || code == ABS_Y));
    }
}

TEST_CASE("a higher level gets whatever a lower one gets of the same device") {
    for (const DeviceClass device_class : read_raw) {
        for (const Level lower : {Level::counts, Level::activity, Level::rhythm, Level::actions}) {
            for (std::uint16_t type = 0; type < EV_CNT; ++type) {
                for (std::uint16_t code = 0; code < KEY_CNT; ++code) {
                    if (comes(lower, device_class, type, code) && lower != Level::actions) {
                        REQUIRE(comes(Level::actions, device_class, type, code));
                    }
                    if (comes(lower, device_class, type, code)) {
                        REQUIRE(comes(Level::full, device_class, type, code));
                    }
                }
            }
        }
    }
}

TEST_CASE("touch devices get everything, because libinput needs it") {
    for (const Level level : all_levels) {
        for (const DeviceClass device_class : touch) {
            CHECK(kernel_mask(level, device_class) == EventMask::all());
        }
    }
}

TEST_CASE("keyboards are opened at every level, whatever points at every level but rhythm") {
    for (const Level level : all_levels) {
        CHECK(privacy::opens(level, DeviceClass::keyboard));
        CHECK(privacy::opens(level, DeviceClass::mouse) == (level != Level::rhythm));
        for (const DeviceClass device_class : touch) {
            CHECK(privacy::opens(level, device_class) == (level != Level::rhythm));
        }
    }
}
