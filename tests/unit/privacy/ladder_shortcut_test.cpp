// SPDX-License-Identifier: Apache-2.0
// Which text keys are shortcuts, and so exact at actions.
#include "ladder_fixture.h"

#include <initializer_list>

using namespace candor;
using namespace candor::test;

namespace {

constexpr std::uint32_t keyboard = Rig::keyboard;

/// "KEY_C 1 KEY_C 0": the keys that are told exactly when one is tapped while others are held.
Lines tapped(const std::vector<std::uint16_t>& held, const std::vector<std::uint16_t>& taps) {
    Rig rig(Level::actions);
    std::uint64_t now = 1000;
    for (const std::uint16_t code : held) {
        rig.press(now++, code);
    }
    static_cast<void>(rig.told());
    for (const std::uint16_t code : taps) {
        rig.press(now++, code);
        rig.release(now++, code);
    }
    Lines result;
    for (const Item& item : rig.take()) {
        for (const Event& event : item.events) {
            if (event.type == EV_KEY) {
                result.push_back(input::code_name(EV_KEY, event.code) + " " + std::to_string(event.value));
            }
        }
    }
    return result;
}

const Lines nothing;

} // namespace

TEST_CASE("a text key with Ctrl, the left Alt or Meta is exact") {
    for (const std::uint16_t modifier :
         std::initializer_list<std::uint16_t>{KEY_LEFTCTRL, KEY_LEFTALT, KEY_LEFTMETA, KEY_RIGHTMETA}) {
        INFO(input::code_name(EV_KEY, modifier));
        CHECK(tapped({modifier}, {KEY_C}) == Lines{"KEY_C 1", "KEY_C 0"});
        CHECK(tapped({modifier, KEY_LEFTSHIFT}, {KEY_C}) == Lines{"KEY_C 1", "KEY_C 0"});
    }
}

TEST_CASE(
    "a text key with what chooses characters is text: Shift, the right Alt, the right Ctrl, Caps Lock, Compose, Fn") {
    for (const std::uint16_t modifier :
         std::initializer_list<std::uint16_t>{KEY_LEFTSHIFT, KEY_RIGHTSHIFT, KEY_RIGHTALT, KEY_RIGHTCTRL, KEY_CAPSLOCK,
                                              KEY_NUMLOCK, KEY_SCROLLLOCK, KEY_COMPOSE, KEY_FN}) {
        INFO(input::code_name(EV_KEY, modifier));
        CHECK(tapped({modifier}, {KEY_C}) == nothing);
    }
}

TEST_CASE("a shortcut's key is exact to its release, also when the modifier went first, and then it is text again") {
    Rig rig(Level::actions);
    rig.press(1000, KEY_LEFTCTRL);
    rig.press(2000, KEY_C);
    rig.repeat(3000, KEY_C);
    rig.release(4000, KEY_LEFTCTRL);
    rig.repeat(5000, KEY_C);
    rig.release(6000, KEY_C);
    rig.press(7000, KEY_C);
    rig.repeat(8000, KEY_C);
    rig.release(9000, KEY_C);
    CHECK(rig.all_told() == Lines{"1@1000 KEY_LEFTCTRL 1 .", "1@2000 KEY_C 1 .", "1@3000 KEY_C 2 SYN_REPORT 1",
                                  "1@4000 KEY_LEFTCTRL 0 .", "1@5000 KEY_C 2 SYN_REPORT 1", "1@6000 KEY_C 0 .",
                                  "1@250000 KEY_PRESS_TEXT 1"});
}

TEST_CASE("a text key that was pressed before the modifier stays text, its repeats and its release too") {
    Rig rig(Level::actions);
    rig.press(1000, KEY_A);
    rig.press(2000, KEY_LEFTCTRL);
    rig.repeat(3000, KEY_A);
    rig.release(4000, KEY_A);
    CHECK(rig.all_told() == Lines{"1@2000 KEY_LEFTCTRL 1 .", "1@250000 KEY_PRESS_TEXT 1"});
}

TEST_CASE("a modifier of one keyboard makes a shortcut of another one's key") {
    Rig rig(Level::actions);
    rig.key(5, 1000, KEY_LEFTCTRL, 1);
    rig.press(2000, KEY_C);
    CHECK(rig.told() == Lines{"5@1000 KEY_LEFTCTRL 1 .", "1@2000 KEY_C 1 ."});
}

TEST_CASE("the same modifier on two keyboards is held until both are released") {
    Rig rig(Level::actions);
    rig.key(5, 1000, KEY_LEFTCTRL, 1);
    rig.press(2000, KEY_LEFTCTRL);
    rig.key(5, 3000, KEY_LEFTCTRL, 0);
    rig.press(4000, KEY_C);
    rig.release(5000, KEY_LEFTCTRL);
    static_cast<void>(rig.told());
    rig.press(6000, KEY_V);
    CHECK(rig.all_told() == Lines{"1@250000 KEY_PRESS_TEXT 1"});
}

TEST_CASE("a modifier and a key in one packet are a shortcut in that order only") {
    Rig rig(Level::actions);
    rig.packet(keyboard, 1000, {{EV_KEY, KEY_LEFTCTRL, 1}, {EV_KEY, KEY_C, 1}, report});
    rig.packet(5, 2000, {{EV_KEY, KEY_LEFTCTRL, 0}, {EV_KEY, KEY_C, 0}, report});
    rig.packet(keyboard, 3000, {{EV_KEY, KEY_LEFTCTRL, 0}, {EV_KEY, KEY_C, 0}, report});
    rig.packet(keyboard, 4000, {{EV_KEY, KEY_C, 1}, {EV_KEY, KEY_LEFTCTRL, 1}, report});
    CHECK(rig.all_told() == Lines{"1@1000 KEY_LEFTCTRL 1 KEY_C 1 .", "5@2000 KEY_LEFTCTRL 0 .",
                                  "1@3000 KEY_LEFTCTRL 0 KEY_C 0 .", "1@4000 KEY_LEFTCTRL 1 .",
                                  "1@250000 KEY_PRESS_TEXT 1"});
}

TEST_CASE("a modifier that was held before the ladder began makes no shortcut, even if it repeats") {
    Rig rig(Level::actions);
    rig.repeat(1000, KEY_LEFTCTRL);
    rig.press(2000, KEY_C);
    CHECK(rig.all_told() == Lines{"1@1000 KEY_LEFTCTRL 2 SYN_REPORT 1", "1@250000 KEY_PRESS_TEXT 1"});
}

TEST_CASE(
    "Alt and digits of the keypad are text, because the console enters characters so; with Ctrl or Meta they are not") {
    CHECK(tapped({KEY_LEFTALT}, {KEY_KP0, KEY_KP1, KEY_KP2, KEY_KP3, KEY_KP4, KEY_KP5, KEY_KP6, KEY_KP7, KEY_KP8,
                                 KEY_KP9}) == nothing);
    CHECK(tapped({KEY_LEFTALT, KEY_LEFTSHIFT}, {KEY_KP1}) == nothing);
    CHECK(tapped({KEY_LEFTALT, KEY_RIGHTCTRL}, {KEY_KP1}) == nothing);
    CHECK(tapped({KEY_LEFTALT}, {KEY_1, KEY_KPPLUS}) == Lines{"KEY_1 1", "KEY_1 0", "KEY_KPPLUS 1", "KEY_KPPLUS 0"});
    CHECK(tapped({KEY_LEFTALT, KEY_LEFTCTRL}, {KEY_KP1}) == Lines{"KEY_KP1 1", "KEY_KP1 0"});
    CHECK(tapped({KEY_LEFTALT, KEY_LEFTMETA}, {KEY_KP1}) == Lines{"KEY_KP1 1", "KEY_KP1 0"});
}

TEST_CASE("what follows Ctrl+Shift+U is text: the digits of a character") {
    CHECK(tapped({KEY_LEFTCTRL, KEY_LEFTSHIFT}, {KEY_U, KEY_2, KEY_0, KEY_A, KEY_C}) == Lines{"KEY_U 1", "KEY_U 0"});
    CHECK(tapped({KEY_LEFTMETA, KEY_RIGHTCTRL, KEY_RIGHTSHIFT}, {KEY_U, KEY_2}) == Lines{"KEY_U 1", "KEY_U 0"});
}

TEST_CASE("what follows another Ctrl+Shift shortcut is text too, because where U lies depends on the layout") {
    CHECK(tapped({KEY_LEFTCTRL, KEY_LEFTSHIFT}, {KEY_F, KEY_2}) == Lines{"KEY_F 1", "KEY_F 0"});
}

TEST_CASE("a Ctrl+Shift shortcut can be repeated, and keys that are not of text can follow it") {
    CHECK(tapped({KEY_LEFTCTRL, KEY_LEFTSHIFT}, {KEY_Z, KEY_Z, KEY_LEFT}) ==
          Lines{"KEY_Z 1", "KEY_Z 0", "KEY_Z 1", "KEY_Z 0", "KEY_LEFT 1", "KEY_LEFT 0"});
}

TEST_CASE("the entry of a character lasts until neither Ctrl nor Shift is held") {
    Rig rig(Level::actions);
    rig.press(1000, KEY_LEFTCTRL);
    rig.press(2000, KEY_LEFTSHIFT);
    rig.press(3000, KEY_U);
    rig.release(4000, KEY_LEFTSHIFT);
    static_cast<void>(rig.told());
    rig.press(5000, KEY_2);
    rig.press(6000, KEY_LEFTSHIFT);
    rig.release(7000, KEY_LEFTCTRL);
    rig.press(8000, KEY_LEFTMETA);
    rig.press(9000, KEY_0);
    CHECK(rig.told() == Lines{"1@6000 KEY_LEFTSHIFT 1 .", "1@7000 KEY_LEFTCTRL 0 .", "1@8000 KEY_LEFTMETA 1 ."});
    rig.release(10'000, KEY_LEFTSHIFT);
    rig.press(11'000, KEY_L);
    CHECK(rig.all_told() == Lines{"1@10000 KEY_LEFTSHIFT 0 .", "1@11000 KEY_L 1 .", "1@250000 KEY_PRESS_TEXT 2"});
}

TEST_CASE("behind a hole no key of its device is known to be held") {
    for (const HoleReason reason : {HoleReason::dropped_by_kernel, HoleReason::damaged, HoleReason::device_gone}) {
        Rig rig(Level::actions);
        rig.press(1000, KEY_LEFTCTRL);
        rig.press(2000, KEY_C);
        rig.hole(keyboard, 3000, reason);
        static_cast<void>(rig.told());
        rig.release(4000, KEY_C);
        rig.press(5000, KEY_V);
        CHECK(rig.all_told() == Lines{"1@250000 KEY_PRESS_TEXT 1"});
    }
}

TEST_CASE("a hole of one device does not make another's keys unknown") {
    Rig rig(Level::actions);
    rig.press(1000, KEY_LEFTCTRL);
    rig.hole(5, 2000);
    rig.press(3000, KEY_C);
    CHECK(rig.told() == Lines{"1@1000 KEY_LEFTCTRL 1 .", "5@2000 hole", "1@3000 KEY_C 1 ."});
}

TEST_CASE("in the first packet behind a hole every text key is text: which came first is not known") {
    Rig rig(Level::actions);
    rig.key(5, 1000, KEY_LEFTCTRL, 1);
    rig.hole(keyboard, 2000);
    static_cast<void>(rig.told());
    rig.packet(keyboard, 3000, {{EV_KEY, KEY_LEFTCTRL, 1}, {EV_KEY, KEY_A, 1}, report});
    rig.press(4000, KEY_C);
    CHECK(rig.all_told() == Lines{"1@3000 KEY_LEFTCTRL 1 .", "1@4000 KEY_C 1 .", "1@250000 KEY_PRESS_TEXT 1"});
}

TEST_CASE("after the end and after a change of level no key is known to be held") {
    const bool finish = GENERATE(false, true);
    Rig rig(Level::actions);
    rig.press(1000, KEY_LEFTCTRL);
    rig.press(2000, KEY_C);
    finish ? rig.ladder.finish() : rig.ladder.set_level(Level::actions);
    static_cast<void>(rig.told());
    rig.repeat(3000, KEY_C);
    rig.release(4000, KEY_C);
    rig.press(5000, KEY_V);
    CHECK(rig.all_told() == Lines{"1@250000 KEY_PRESS_TEXT 1"});
}

TEST_CASE("a code that no kernel has is never exact") {
    CHECK(tapped({KEY_LEFTCTRL}, {KEY_CNT, 0x7000, 0xffff}) == nothing);
}
