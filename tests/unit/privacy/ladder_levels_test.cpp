// SPDX-License-Identifier: Apache-2.0
// What leaves a ladder at rhythm, at activity and at counts.
#include "ladder_fixture.h"

using namespace candor;
using namespace candor::test;

namespace {

constexpr std::uint32_t keyboard = Rig::keyboard;
constexpr std::uint32_t mouse = Rig::mouse;
constexpr std::uint64_t minute = Ladder::minute_us;

} // namespace

TEST_CASE("at rhythm a cell tells how many keys of each class were pressed, in the order of the classes") {
    Rig rig(Level::rhythm);
    rig.press(10 * ms, KEY_LEFT);
    rig.press(20 * ms, KEY_LEFTSHIFT);
    rig.press(30 * ms, KEY_A);
    rig.release(40 * ms, KEY_A);
    rig.press(50 * ms, KEY_B);
    rig.repeat(60 * ms, KEY_LEFT);
    rig.press(70 * ms, KEY_ENTER);
    rig.press(80 * ms, KEY_ESC);
    rig.press(90 * ms, KEY_MUTE);
    rig.ladder.advance(250'000);
    CHECK(rig.told() == Lines{"1@250000 KEY_PRESS_TEXT 2 KEY_PRESS_EDIT 1 KEY_PRESS_NAVIGATION 1 KEY_PRESS_MODIFIER 1 "
                              "KEY_PRESS_FUNCTION 1 KEY_PRESS_MEDIA 1"});
}

TEST_CASE("at rhythm a text key with Ctrl is a shortcut, whichever it is") {
    Rig rig(Level::rhythm);
    rig.press(10 * ms, KEY_LEFTCTRL);
    rig.press(20 * ms, KEY_C);
    rig.release(30 * ms, KEY_C);
    rig.press(40 * ms, KEY_V);
    CHECK(rig.all_told() == Lines{"1@250000 KEY_PRESS_MODIFIER 1 KEY_PRESS_SHORTCUT 2"});
}

TEST_CASE("at rhythm nothing is told but key presses") {
    Rig rig(Level::rhythm);
    rig.packet(mouse, 1000, {{EV_KEY, BTN_LEFT, 1}, {EV_REL, REL_X, 1}, {EV_REL, REL_WHEEL, 1}, report});
    rig.packet(3, 2000, {{abstract::pointer, 0, 5}});
    rig.packet(3, 3000, {{abstract::key_press, static_cast<std::uint16_t>(KeyClass::button), 1}});
    rig.packet(keyboard, 4000, {{EV_MSC, MSC_SCAN, 30}, {EV_LED, LED_CAPSL, 1}, report});
    CHECK(rig.all_told().empty());
}

TEST_CASE("at activity a burst of typing begins with the first key and ends when none came for two seconds") {
    Rig rig(Level::activity);
    rig.press(10 * ms, KEY_A);
    rig.release(20 * ms, KEY_A);
    rig.press(2009 * ms, KEY_LEFT);
    rig.ladder.advance(4259 * ms - 10 * ms);
    CHECK(rig.told() == Lines{"1@250000 BURST_TYPING_BEGIN 1"});
    CHECK(rig.ladder.pending_until() == 4250 * ms);
    rig.ladder.advance(4250 * ms);
    CHECK(rig.told() == Lines{"1@4250000 BURST_TYPING_END 1"});
    CHECK_FALSE(rig.ladder.pending_until());
}

TEST_CASE("at activity a key that comes two seconds after the last one begins another burst") {
    Rig rig(Level::activity);
    rig.press(10 * ms, KEY_A);
    rig.press(2010 * ms, KEY_A);
    rig.ladder.advance(2250 * ms);
    CHECK(rig.told() == Lines{"1@250000 BURST_TYPING_BEGIN 1", "1@2250000 BURST_TYPING_END 1 BURST_TYPING_BEGIN 1"});
}

TEST_CASE("at activity a release or a repeat does not keep a burst alive") {
    Rig rig(Level::activity);
    rig.press(10 * ms, KEY_LEFT);
    rig.repeat(1500 * ms, KEY_LEFT);
    rig.release(1900 * ms, KEY_LEFT);
    rig.ladder.advance(2250 * ms);
    CHECK(rig.told() == Lines{"1@250000 BURST_TYPING_BEGIN 1", "1@2250000 BURST_TYPING_END 1"});
}

TEST_CASE("at activity motion, buttons, scrolling, gestures, touches and pens are pointing") {
    const std::vector<std::vector<Event>> packets = {
        {{EV_REL, REL_X, 1}, report}, {{EV_KEY, BTN_LEFT, 0}, report}, {{EV_REL, REL_HWHEEL, 1}, report},
        {{EV_ABS, ABS_Y, 1}, report}, {{abstract::pointer, 0, 1}},     {{abstract::scroll, 2, 0}},
        {{abstract::touch, 3, 0}},    {{abstract::gesture, 6, 3}},     {{abstract::tablet, 0, 1}}};
    for (const auto& events : packets) {
        Rig rig(Level::activity);
        rig.packet(mouse, 10 * ms, events);
        rig.ladder.advance(3 * second);
        CHECK(rig.told() == Lines{"2@250000 BURST_POINTING_BEGIN 1", "2@2250000 BURST_POINTING_END 1"});
    }
}

TEST_CASE("at activity typing and pointing are apart, and each is of all devices together") {
    Rig rig(Level::activity);
    rig.press(10 * ms, KEY_A);
    rig.move(20 * ms);
    rig.key(5, 1400 * ms, KEY_A, 1);
    rig.packet(6, 1800 * ms, {{EV_REL, REL_X, 1}, report});
    rig.ladder.advance(10 * second);
    CHECK(rig.told() == Lines{"1@250000 BURST_TYPING_BEGIN 1", "2@250000 BURST_POINTING_BEGIN 1",
                              "1@3500000 BURST_TYPING_END 1", "2@4000000 BURST_POINTING_END 1"});
}

TEST_CASE("at activity the end of the recording ends a burst with the cell, and not two seconds later") {
    Rig rig(Level::activity);
    rig.press(10 * ms, KEY_A);
    rig.ladder.advance(600 * ms);
    static_cast<void>(rig.told());
    CHECK(rig.all_told() == Lines{"1@750000 BURST_TYPING_END 1"});
}

TEST_CASE("at activity a device that goes ends the burst that it began, before its hole") {
    Rig rig(Level::activity);
    rig.press(10 * ms, KEY_A);
    rig.hole(keyboard, 300 * ms, HoleReason::device_gone);
    rig.key(5, 400 * ms, KEY_A, 1);
    CHECK(rig.all_told() == Lines{"1@250000 BURST_TYPING_BEGIN 1", "1@500000 BURST_TYPING_END 1", "1@300000 hole",
                                  "5@500000 BURST_TYPING_BEGIN 1 BURST_TYPING_END 1"});
}

TEST_CASE("at activity a burst that comes late does not begin before the end that its device was told with") {
    Rig rig(Level::activity);
    rig.press(10 * ms, KEY_A);
    rig.ladder.advance(2250 * ms);
    static_cast<void>(rig.told());
    rig.packet(keyboard, 1900 * ms, {{EV_REL, REL_X, 1}, report});
    CHECK(rig.told() == Lines{"1@2250000 BURST_POINTING_BEGIN 1"});
}

TEST_CASE("at rhythm even a device whose own times go back is told with times that do not") {
    Rig rig(Level::rhythm);
    rig.press(second, KEY_A);
    rig.ladder.advance(2 * second);
    rig.press(10 * ms, KEY_A);
    CHECK(rig.told() == Lines{"1@1250000 KEY_PRESS_TEXT 1", "1@1250000 KEY_PRESS_TEXT 1"});
}

TEST_CASE("at counts a minute is told when it is over, rounded down to powers of two, and zero is not told") {
    Rig rig(Level::counts);
    for (std::uint64_t i = 0; i < 11; ++i) {
        rig.press(i * second, KEY_A);
        rig.repeat(i * second + 1, KEY_A);
        rig.release(i * second + 2, KEY_A);
    }
    CHECK(rig.ladder.pending_until() == minute);
    rig.ladder.advance(minute - 1);
    CHECK(rig.told().empty());
    rig.ladder.advance(minute);
    CHECK(rig.told() == Lines{"1@60000000 COUNT_KEYS 8"});
    CHECK_FALSE(rig.ladder.pending_until());
    rig.ladder.advance(2 * minute);
    CHECK(rig.told().empty());
}

TEST_CASE("at counts each minute is for itself") {
    Rig rig(Level::counts);
    rig.press(minute - 1, KEY_A);
    rig.press(minute, KEY_A);
    rig.press(minute + 1, KEY_LEFT);
    rig.ladder.advance(2 * minute);
    CHECK(rig.told() == Lines{"1@60000000 COUNT_KEYS 1", "1@120000000 COUNT_KEYS 2"});
}

TEST_CASE("at counts buttons are clicks and no keys, and so is a finger or a pen that comes down") {
    Rig rig(Level::counts);
    rig.packet(mouse, 1, {{EV_KEY, BTN_LEFT, 1}, report});
    rig.packet(mouse, 2, {{EV_KEY, BTN_LEFT, 0}, report});
    rig.packet(4, 3,
               {{abstract::touch, abstract::touch_code::down, 0}, {abstract::touch, 4, 9}, {abstract::touch, 5, 9}});
    rig.packet(4, 4, {{abstract::touch, abstract::touch_code::up, 0}});
    rig.packet(5, 5, {{abstract::tablet, abstract::tablet_code::tip, 1}});
    rig.packet(5, 6, {{abstract::tablet, abstract::tablet_code::tip, 0}});
    rig.packet(6, 7, {{EV_KEY, BTN_RIGHT, 1}});
    rig.ladder.advance(minute);
    CHECK(rig.told() == Lines{"2@60000000 COUNT_CLICKS 4"});
}

TEST_CASE("at counts a notch counts once, whether the wheel tells it in fine steps, in whole ones or in both") {
    const auto notches = [](const std::vector<std::vector<Event>>& packets) {
        Rig rig(Level::counts);
        std::uint64_t now = 0;
        for (const auto& events : packets) {
            rig.packet(mouse, ++now, events);
        }
        rig.ladder.advance(minute);
        return rig.told();
    };
    const Lines two = {"2@60000000 COUNT_SCROLL 2"};
    CHECK(notches({{{EV_REL, REL_WHEEL, -2}, report}}) == two);
    CHECK(notches({{{EV_REL, REL_WHEEL, 1}, {EV_REL, REL_WHEEL_HI_RES, 120}, report},
                   {{EV_REL, REL_WHEEL, 1}, {EV_REL, REL_WHEEL_HI_RES, 120}, report}}) == two);
    CHECK(notches({{{EV_REL, REL_HWHEEL_HI_RES, 60}, report},
                   {{EV_REL, REL_HWHEEL, 1}, {EV_REL, REL_HWHEEL_HI_RES, 60}, report},
                   {{EV_REL, REL_HWHEEL_HI_RES, -120}, report}}) == two);
    CHECK(notches({{{EV_REL, REL_WHEEL, 1}, {EV_REL, REL_HWHEEL, 1}, {EV_REL, REL_HWHEEL_HI_RES, 120}, report}}) ==
          two);
    CHECK(notches({{{abstract::scroll, abstract::scroll_code::wheel_vertical, 240}}}) == two);
    CHECK(notches({{{abstract::scroll, abstract::scroll_code::finger_vertical, 20 * 256}},
                   {{abstract::scroll, abstract::scroll_code::finger_vertical, -10 * 256}},
                   {{abstract::scroll, abstract::scroll_code::finger_vertical, 0}}}) == two);
    CHECK(notches({{{EV_REL, REL_WHEEL_HI_RES, 119}, report}}).empty());
}

TEST_CASE("at counts the way is |dx| + |dy|, in the device's units") {
    const auto way = [](const std::vector<std::vector<Event>>& packets) {
        Rig rig(Level::counts);
        std::uint64_t now = 0;
        for (const auto& events : packets) {
            rig.packet(mouse, ++now, events);
        }
        rig.ladder.advance(minute);
        return rig.told();
    };
    const Lines eight = {"2@60000000 COUNT_DISTANCE 8"};
    CHECK(way({{{EV_REL, REL_X, -5}, {EV_REL, REL_Y, 2}, report}, {{EV_REL, REL_X, 1}, report}}) == eight);
    CHECK(way({{{EV_REL, REL_X, -5}, {EV_REL, REL_Y, 2}, report}}) == Lines{"2@60000000 COUNT_DISTANCE 4"});
    CHECK(way({{{abstract::pointer, 0, 4 * 256}}, {{abstract::pointer, 1, -4 * 256}}}) == eight);
    CHECK(way({{{abstract::pointer, 0, 255}}}).empty());
    // The first position is no way.
    CHECK(way({{{EV_ABS, ABS_X, 1000}, {EV_ABS, ABS_Y, 500}, report},
               {{EV_ABS, ABS_X, 1004}, report},
               {{EV_ABS, ABS_Y, 496}, report}}) == eight);
    CHECK(way({{{abstract::pointer, 2, 1000}, {abstract::pointer, 3, 0}}, {{abstract::pointer, 2, 1000 + 8 * 32}}}) ==
          eight);
}

TEST_CASE("at counts a finger's or a pen's way begins where it comes down or near, and only the last finger's counts") {
    Rig rig(Level::counts);
    const auto touch = [&](std::uint64_t time, std::uint16_t code, std::int32_t slot, std::int32_t x) {
        rig.packet(4, time, {{abstract::touch, code, slot}, {abstract::touch, 4, x}, {abstract::touch, 5, 0}});
    };
    touch(1, abstract::touch_code::down, 0, 0);
    touch(2, abstract::touch_code::motion, 0, 32);
    touch(3, abstract::touch_code::down, 1, 60'000);
    touch(4, abstract::touch_code::motion, 0, 30'000);
    touch(5, abstract::touch_code::motion, 1, 60'000 - 3 * 32);
    rig.ladder.advance(minute);
    CHECK(rig.told() == Lines{"4@60000000 COUNT_CLICKS 2 COUNT_DISTANCE 4"});
    rig.packet(5, minute, {{abstract::tablet, 0, 1}, {abstract::tablet, 3, 0}, {abstract::tablet, 4, 0}});
    rig.packet(5, minute + 1, {{abstract::tablet, 3, 2 * 32}});
    rig.packet(5, minute + 2, {{abstract::tablet, 0, 0}});
    rig.packet(5, minute + 3, {{abstract::tablet, 0, 1}, {abstract::tablet, 3, 60'000}});
    rig.ladder.advance(2 * minute);
    CHECK(rig.told() == Lines{"5@120000000 COUNT_DISTANCE 2"});
}

TEST_CASE(
    "at counts all kinds of one device are one packet, and what several did is told of the one of lowest number") {
    Rig rig(Level::counts);
    rig.packet(9, 1, {{EV_REL, REL_X, 3}, {EV_KEY, BTN_LEFT, 1}, report});
    rig.packet(2, 2, {{EV_REL, REL_X, 5}, report});
    rig.press(3, KEY_A);
    rig.ladder.advance(minute);
    CHECK(rig.told() == Lines{"1@60000000 COUNT_KEYS 1", "2@60000000 COUNT_DISTANCE 8", "9@60000000 COUNT_CLICKS 1"});
}

TEST_CASE("at counts the end of the recording ends the minute with the cell: what is to come is not told of") {
    Rig rig(Level::counts);
    rig.press(10 * ms, KEY_A);
    rig.ladder.advance(5 * second);
    CHECK(rig.all_told() == Lines{"1@5250000 COUNT_KEYS 1"});
}

TEST_CASE("at counts a device that goes has the minute told so far, before its hole") {
    Rig rig(Level::counts);
    rig.press(10 * ms, KEY_A);
    rig.move(20 * ms, 4);
    rig.hole(keyboard, 300 * ms, HoleReason::device_gone);
    rig.key(5, 400 * ms, KEY_A, 1);
    rig.ladder.advance(minute);
    CHECK(rig.told() ==
          Lines{"1@500000 COUNT_KEYS 1", "1@300000 hole", "2@500000 COUNT_DISTANCE 4", "5@60000000 COUNT_KEYS 1"});
}

TEST_CASE("at counts no way leads over the end of the recording, nor from a device that is gone") {
    const bool gone = GENERATE(false, true);
    Rig rig(Level::counts);
    rig.packet(mouse, 10 * ms, {{EV_ABS, ABS_X, 0}, report});
    if (gone) {
        rig.hole(mouse, 20 * ms, HoleReason::device_gone);
    } else {
        rig.ladder.finish();
    }
    static_cast<void>(rig.told());
    rig.packet(mouse, 30 * ms, {{EV_ABS, ABS_X, 1000}, report});
    CHECK(rig.all_told().empty());
}

TEST_CASE("however much comes within a minute, what is told of it fits") {
    Rig rig(Level::counts);
    for (std::uint64_t i = 0; i < 200; ++i) {
        rig.packet(mouse, i, {{EV_REL, REL_X, INT32_MIN}, {EV_REL, REL_WHEEL, INT32_MIN}, report});
        rig.packet(keyboard, i, {{abstract::key_press, 0, INT32_MAX}});
    }
    rig.ladder.advance(minute);
    CHECK(rig.told() ==
          Lines{"1@60000000 COUNT_KEYS 1073741824", "2@60000000 COUNT_SCROLL 1073741824 COUNT_DISTANCE 1073741824"});
}

TEST_CASE("a level tells nothing that another level made, but key presses by class") {
    const std::vector<Event> made = {{abstract::key_press, 0, 2}, {abstract::burst, 0, 1}, {abstract::count, 3, 8}};
    const auto told = [&](Level level) { return lines(reduced(level, {{1, 500'000, made}})); };
    CHECK(told(Level::actions) == Lines{"1@500000 KEY_PRESS_TEXT 2"});
    CHECK(told(Level::rhythm) == Lines{"1@500000 KEY_PRESS_TEXT 2"});
    CHECK(told(Level::activity) == Lines{"1@500000 BURST_TYPING_BEGIN 1 BURST_TYPING_BEGIN 1 BURST_TYPING_END 1"});
    CHECK(told(Level::counts) == Lines{"1@500000 COUNT_DISTANCE 8 COUNT_KEYS 2"});
}

TEST_CASE("what looks made but cannot be is dropped") {
    const std::vector<Event> wrong = {
        {abstract::key_press, 7, 1}, {abstract::key_press, 0, 0}, {abstract::key_press, 0, -1},
        {abstract::burst, 4, 1},     {abstract::burst, 0, 7},     {abstract::count, 4, 1},
        {abstract::count, 0, 3},     {abstract::count, 0, 0},     {abstract::count, 0, INT32_MIN}};
    for (const Level level : reduced_levels) {
        CHECK(reduced(level, {{1, 500'000, wrong}}).empty());
    }
}

TEST_CASE("times at the end of time do not wrap around") {
    for (const Level level : reduced_levels) {
        const Items told =
            reduced(level, {{1, UINT64_MAX - 5, {{EV_KEY, KEY_A, 1}, report}}, {1, UINT64_MAX, {report}}});
        REQUIRE_FALSE(told.empty());
        for (const Item& item : told) {
            CHECK(item.time_us == UINT64_MAX);
        }
    }
}
