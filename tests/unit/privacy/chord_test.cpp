// SPDX-License-Identifier: Apache-2.0
#include "privacy/chord.h"

#include "support/catch.h"

#include <linux/input-event-codes.h>

#include <stdexcept>

using namespace candor;
using privacy::Chord;

namespace {

constexpr std::uint64_t hold = 1'000'000;

/// Both Ctrls and Pause, for a second.
struct Keys {
    void press(std::uint16_t code, std::uint64_t us, std::uint32_t device = 1) { key(code, 1, us, device); }
    void repeat(std::uint16_t code, std::uint64_t us, std::uint32_t device = 1) { key(code, 2, us, device); }
    void release(std::uint16_t code, std::uint64_t us, std::uint32_t device = 1) { key(code, 0, us, device); }
    void key(std::uint16_t code, std::int32_t value, std::uint64_t us, std::uint32_t device) {
        const std::vector<input::Event> events = {
            {EV_MSC, MSC_SCAN, code}, {EV_KEY, code, value}, {EV_SYN, SYN_REPORT, 0}};
        chord.packet({device, us, events});
    }
    /// Complete at 3000.
    void press_all() {
        press(KEY_LEFTCTRL, 1000);
        press(KEY_RIGHTCTRL, 2000);
        press(KEY_PAUSE, 3000);
    }

    Chord chord{{KEY_LEFTCTRL, KEY_RIGHTCTRL, KEY_PAUSE}, hold};
};

} // namespace

TEST_CASE("a chord fires once all its keys have been held long enough, counted from the last of them") {
    Keys keys;
    keys.press(KEY_LEFTCTRL, 1000);
    keys.press(KEY_RIGHTCTRL, 2000);
    CHECK_FALSE(keys.chord.due_us());
    keys.press(KEY_PAUSE, 3000);
    CHECK(keys.chord.due_us() == 3000 + hold);
    CHECK_FALSE(keys.chord.fires(3000 + hold - 1));
    CHECK(keys.chord.fires(3000 + hold));
}

TEST_CASE("a chord that was not asked in time fires when it is asked") {
    Keys keys;
    keys.press_all();
    CHECK(keys.chord.fires(3000 + 10 * hold));
}

TEST_CASE("a chord fires once for each time it is held") {
    Keys keys;
    keys.press_all();
    CHECK(keys.chord.fires(3000 + hold));
    CHECK_FALSE(keys.chord.fires(3000 + hold));
    CHECK_FALSE(keys.chord.fires(3000 + 5 * hold));
    CHECK_FALSE(keys.chord.due_us());
    keys.release(KEY_PAUSE, 10 * hold);
    keys.press(KEY_PAUSE, 11 * hold);
    CHECK(keys.chord.due_us() == 12 * hold);
    CHECK(keys.chord.fires(12 * hold));
}

TEST_CASE("a chord's keys may be pressed in any order") {
    Keys keys;
    keys.press(KEY_PAUSE, 1000);
    keys.press(KEY_RIGHTCTRL, 2000);
    keys.press(KEY_LEFTCTRL, 3000);
    CHECK(keys.chord.due_us() == 3000 + hold);
}

TEST_CASE("letting go of any key of a chord ends it, and its time starts anew") {
    Keys keys;
    const auto code = GENERATE(as<std::uint16_t>(), KEY_LEFTCTRL, KEY_RIGHTCTRL, KEY_PAUSE);
    keys.press_all();
    keys.release(code, 3000 + hold / 2);
    CHECK_FALSE(keys.chord.due_us());
    CHECK_FALSE(keys.chord.fires(3000 + 2 * hold));
    keys.press(code, 3 * hold);
    CHECK(keys.chord.due_us() == 4 * hold);
}

TEST_CASE("letting go within the packet that pressed again starts the time anew") {
    Keys keys;
    keys.press_all();
    const std::vector<input::Event> bounce = {{EV_KEY, KEY_PAUSE, 0}, {EV_KEY, KEY_PAUSE, 1}, {EV_SYN, SYN_REPORT, 0}};
    keys.chord.packet({1, 5000, bounce});
    CHECK(keys.chord.due_us() == 5000 + hold);
}

TEST_CASE("autorepeat neither delays a chord nor makes it fire again") {
    Keys keys;
    keys.press_all();
    for (std::uint64_t us = 250'000; us < 900'000; us += 33'000) {
        keys.repeat(KEY_PAUSE, us);
    }
    CHECK(keys.chord.fires(3000 + hold));
    keys.repeat(KEY_PAUSE, 3000 + hold + 100);
    CHECK_FALSE(keys.chord.fires(3000 + 3 * hold));
}

TEST_CASE("a key that repeats is held, also where nobody saw it pressed") {
    Keys keys;
    keys.press(KEY_LEFTCTRL, 1000);
    keys.press(KEY_RIGHTCTRL, 2000);
    keys.repeat(KEY_PAUSE, 3000);
    CHECK(keys.chord.due_us() == 3000 + hold);
}

TEST_CASE("other keys, held or pressed meanwhile, do not matter to a chord") {
    Keys keys;
    keys.press(KEY_A, 500);
    keys.press_all();
    keys.press(KEY_B, 4000);
    keys.release(KEY_B, 5000);
    keys.release(KEY_A, 6000);
    CHECK(keys.chord.due_us() == 3000 + hold);
    CHECK(keys.chord.fires(3000 + hold));
}

TEST_CASE("a chord may be held over two keyboards") {
    Keys keys;
    keys.press(KEY_LEFTCTRL, 1000, 1);
    keys.press(KEY_RIGHTCTRL, 2000, 2);
    keys.press(KEY_PAUSE, 3000, 2);
    CHECK(keys.chord.due_us() == 3000 + hold);
}

TEST_CASE("a key that two keyboards hold is held until both let go") {
    Keys keys;
    keys.press_all();
    keys.press(KEY_PAUSE, 4000, 2);
    keys.release(KEY_PAUSE, 5000, 1);
    CHECK(keys.chord.due_us() == 3000 + hold);
    keys.release(KEY_PAUSE, 6000, 2);
    CHECK_FALSE(keys.chord.due_us());
}

TEST_CASE("the same key on two keyboards is one key of a chord") {
    Keys keys;
    keys.press(KEY_PAUSE, 1000, 1);
    keys.press(KEY_PAUSE, 1000, 2);
    keys.press(KEY_PAUSE, 1000, 3);
    CHECK_FALSE(keys.chord.due_us());
}

TEST_CASE("the keys of a device that is gone or has lost events are not held, those of others are") {
    Keys keys;
    keys.press(KEY_LEFTCTRL, 1000, 1);
    keys.press(KEY_RIGHTCTRL, 2000, 2);
    keys.press(KEY_PAUSE, 3000, 2);
    keys.chord.forget(3);
    CHECK(keys.chord.due_us() == 3000 + hold);
    keys.chord.forget(2);
    CHECK_FALSE(keys.chord.due_us());
    CHECK_FALSE(keys.chord.fires(9 * hold));
    keys.press(KEY_RIGHTCTRL, 9 * hold, 3);
    keys.press(KEY_PAUSE, 9 * hold, 3);
    CHECK(keys.chord.due_us() == 10 * hold);
}

TEST_CASE("a device that is gone while the chord has fired lets it fire again when held again") {
    Keys keys;
    keys.press_all();
    REQUIRE(keys.chord.fires(3000 + hold));
    keys.chord.forget(1);
    keys.press(KEY_LEFTCTRL, 5 * hold);
    keys.press(KEY_RIGHTCTRL, 5 * hold);
    keys.press(KEY_PAUSE, 5 * hold);
    CHECK(keys.chord.fires(6 * hold));
}

TEST_CASE("a chord that is reset has no key held") {
    Keys keys;
    keys.press_all();
    keys.chord.reset();
    CHECK_FALSE(keys.chord.due_us());
    keys.press(KEY_PAUSE, 4000);
    CHECK_FALSE(keys.chord.due_us());
}

TEST_CASE("letting go of keys that nobody saw pressed is nothing") {
    Keys keys;
    keys.release(KEY_PAUSE, 1000);
    keys.press_all();
    CHECK(keys.chord.due_us() == 3000 + hold);
}

TEST_CASE("what is no key does not hold one, whatever its code") {
    Keys keys;
    keys.press(KEY_LEFTCTRL, 1000);
    keys.press(KEY_RIGHTCTRL, 2000);
    const std::vector<input::Event> events = {{EV_MSC, KEY_PAUSE, 1}, {EV_REL, KEY_PAUSE, 1}, {0x40, KEY_PAUSE, 1}};
    keys.chord.packet({1, 3000, events});
    CHECK_FALSE(keys.chord.due_us());
}

TEST_CASE("a chord of fewer than two different keys is refused") {
    CHECK_THROWS_AS(Chord({}, hold), std::invalid_argument);
    CHECK_THROWS_AS(Chord({KEY_PAUSE}, hold), std::invalid_argument);
    CHECK_THROWS_AS(Chord({KEY_PAUSE, KEY_PAUSE}, hold), std::invalid_argument);
}
