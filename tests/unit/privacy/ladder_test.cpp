// SPDX-License-Identifier: Apache-2.0
// Which packets leave a ladder at full and at actions.
#include "ladder_fixture.h"

#include <set>

using namespace candor;
using namespace candor::test;

namespace {

constexpr std::uint32_t keyboard = Rig::keyboard;
constexpr std::uint32_t mouse = Rig::mouse;

/// Where the events of each packet lie.
class Places final : public input::ReaderSink {
public:
    void on_packet(const input::Packet& packet) override { seen.insert(packet.events.data()); }
    void on_hole(const input::Hole&) override {}

    std::set<const Event*> seen;
};

} // namespace

TEST_CASE("a new ladder is at the lowest level") {
    Told told;
    const Ladder ladder(told);
    CHECK(ladder.level() == Level::counts);
}

TEST_CASE("at full everything is as it was") {
    Rig rig(Level::full);
    rig.press(1000, KEY_A);
    rig.packet(keyboard, 2000, {{EV_LED, LED_CAPSL, 1}, {EV_SW, SW_LID, 1}, {99, 7, -1}, report});
    rig.packet(3, 3000, {{abstract::gesture, abstract::gesture_code::dx, 5}});
    CHECK(rig.told() ==
          Lines{"1@1000 MSC_SCAN 458782 KEY_A 1 .", "1@2000 LED_CAPSL 1 SW_LID 1 0x07 -1 .", "3@3000 GESTURE_DX 5"});
    CHECK_FALSE(rig.ladder.pending_until());
}

TEST_CASE("at full candord's own light is taken out, and a packet of nothing else with it") {
    Rig rig(Level::full);
    rig.packet(keyboard, 1000, {{EV_LED, LED_SCROLLL, 1}, report});
    rig.packet(keyboard, 2000, {{EV_LED, LED_SCROLLL, 0}, {EV_LED, LED_NUML, 1}, report});
    rig.packet(keyboard, 3000, {report});
    CHECK(rig.told() == Lines{"1@2000 LED_NUML 1 .", "1@3000 ."});
}

TEST_CASE("a packet without events is not told, because no stream can hold it") {
    for (const Level level : {Level::counts, Level::activity, Level::rhythm, Level::actions, Level::full}) {
        Rig rig(level);
        rig.packet(mouse, 1000, {});
        CHECK(rig.all_told().empty());
    }
}

TEST_CASE("at actions what a mouse sends is as it was") {
    Rig rig(Level::actions);
    rig.packet(mouse, 1000, {{EV_REL, REL_X, 3}, {EV_REL, REL_Y, -1}, report});
    rig.packet(mouse, 2001, {{EV_KEY, BTN_LEFT, 1}, report});
    rig.packet(mouse, 3002, {{EV_KEY, BTN_LEFT, 0}, report});
    rig.packet(mouse, 4003, {{EV_REL, REL_WHEEL, -1}, {EV_REL, REL_WHEEL_HI_RES, -120}, report});
    rig.packet(mouse, 5004, {{EV_ABS, ABS_X, 700}, {EV_ABS, ABS_Y, 800}, report});
    CHECK(rig.told() == Lines{"2@1000 REL_X 3 REL_Y -1 .", "2@2001 BTN_LEFT 1 .", "2@3002 BTN_LEFT 0 .",
                              "2@4003 REL_WHEEL -1 REL_WHEEL_HI_RES -120 .", "2@5004 ABS_X 700 ABS_Y 800 ."});
}

TEST_CASE("at actions all that libinput tells of touch devices is as it was") {
    Rig rig(Level::actions);
    rig.packet(3, 1000, {{abstract::pointer, abstract::pointer_code::dx, 256}});
    rig.packet(3, 2000, {{abstract::scroll, abstract::scroll_code::finger_vertical, 0}});
    rig.packet(3, 3000, {{abstract::gesture, abstract::gesture_code::pinch_end, 2}, {abstract::gesture, 12, 1}});
    rig.packet(4, 4000, {{abstract::touch, 0, 0}, {abstract::touch, 4, 10}, {abstract::touch, 5, 20}});
    rig.packet(5, 5000, {{abstract::tablet, abstract::tablet_code::wheel, 3}});
    CHECK(rig.told() == Lines{"3@1000 POINTER_DX 256", "3@2000 SCROLL_FINGER_VERTICAL 0",
                              "3@3000 GESTURE_PINCH_END 2 GESTURE_CANCELLED 1",
                              "4@4000 TOUCH_DOWN 0 TOUCH_X 10 TOUCH_Y 20", "5@5000 TABLET_WHEEL 3"});
}

TEST_CASE("at actions keys that are not of text are exact, with their repeats, and without their scan codes") {
    Rig rig(Level::actions);
    rig.press(1001, KEY_LEFT);
    rig.repeat(2002, KEY_LEFT);
    rig.release(3003, KEY_LEFT);
    rig.press(4004, KEY_LEFTSHIFT);
    rig.press(5005, KEY_F5);
    rig.press(6006, KEY_BACKSPACE);
    rig.press(7007, KEY_MUTE);
    CHECK(rig.told() == Lines{"1@1001 KEY_LEFT 1 .", "1@2002 KEY_LEFT 2 SYN_REPORT 1", "1@3003 KEY_LEFT 0 .",
                              "1@4004 KEY_LEFTSHIFT 1 .", "1@5005 KEY_F5 1 .", "1@6006 KEY_BACKSPACE 1 .",
                              "1@7007 KEY_MUTE 1 ."});
}

TEST_CASE("at actions of text keys only the number of presses in each cell is told, when the cell is over") {
    Rig rig(Level::actions);
    rig.press(10 * ms, KEY_H);
    rig.repeat(40 * ms, KEY_H);
    rig.release(60 * ms, KEY_H);
    rig.press(240 * ms, KEY_I);
    rig.press(250 * ms, KEY_SPACE);
    CHECK(rig.told() == Lines{"1@250000 KEY_PRESS_TEXT 2"});
    rig.ladder.advance(499'999);
    CHECK(rig.told().empty());
    rig.ladder.advance(500'000);
    CHECK(rig.told() == Lines{"1@500000 KEY_PRESS_TEXT 1"});
}

TEST_CASE("at actions scan codes, LEDs, switches, sounds, repeat rates and unknown types are gone with their packets") {
    Rig rig(Level::actions);
    rig.packet(keyboard, 1000, {{EV_MSC, MSC_SCAN, 30}, report});
    rig.packet(keyboard, 2000, {{EV_LED, LED_CAPSL, 1}, report});
    rig.packet(keyboard, 3000, {{EV_LED, LED_SCROLLL, 1}, report});
    rig.packet(keyboard, 4000, {{EV_SW, SW_LID, 1}, report});
    rig.packet(keyboard, 5000, {{EV_SND, SND_BELL, 1}, {EV_REP, REP_DELAY, 250}, {EV_FF, 1, 1}, report});
    rig.packet(keyboard, 6000, {{EV_SYN, SYN_MT_REPORT, 0}, {EV_SYN, SYN_CONFIG, 30}, report});
    rig.packet(keyboard, 7000, {{0x20, 30, 30}, {0x48, 0, 1}, {abstract::pointer, 4, 1}, {0xffff, 1, 1}, report});
    rig.packet(keyboard, 8000, {{EV_KEY, BTN_LEFT, 3}, {EV_KEY, KEY_LEFT, -1}, report});
    CHECK(rig.all_told().empty());
}

TEST_CASE("at actions axes that drivers use for what they have no code for, and raw contacts of fingers, are gone") {
    Rig rig(Level::actions);
    rig.packet(mouse, 1000, {{EV_REL, REL_MISC, 30}, {EV_REL, REL_RESERVED, 30}, report});
    rig.packet(mouse, 2000, {{EV_ABS, ABS_MISC, 30}, {EV_ABS, ABS_VOLUME, 30}, report});
    rig.packet(mouse, 3000, {{EV_ABS, ABS_MT_POSITION_X, 30}, {EV_ABS, ABS_MT_TOUCH_MAJOR, 30}, report});
    CHECK(rig.all_told().empty());
}

TEST_CASE("at actions a packet that keeps something keeps its SYN_REPORT") {
    Rig rig(Level::actions);
    rig.packet(keyboard, 1000, {{EV_MSC, MSC_SCAN, 7}, {EV_KEY, KEY_A, 1}, {EV_KEY, KEY_UP, 1}, report});
    CHECK(rig.all_told() == Lines{"1@1000 KEY_UP 1 .", "1@250000 KEY_PRESS_TEXT 1"});
}

TEST_CASE("a press at the very end of a cell is told with the next one, so never before it happened") {
    Rig rig(Level::actions);
    rig.press(249'999, KEY_A);
    rig.press(250'000, KEY_A);
    CHECK(rig.all_told() == Lines{"1@250000 KEY_PRESS_TEXT 1", "1@500000 KEY_PRESS_TEXT 1"});
}

TEST_CASE("a cell is told before any packet of its end or later, of whichever device, and before holes") {
    Rig rig(Level::actions);
    rig.press(10 * ms, KEY_A);
    rig.move(249'999);
    rig.move(250'000);
    rig.press(260 * ms, KEY_A);
    rig.hole(mouse, 600 * ms);
    CHECK(rig.told() == Lines{"2@249999 REL_X 1 .", "1@250000 KEY_PRESS_TEXT 1", "2@250000 REL_X 1 .",
                              "1@500000 KEY_PRESS_TEXT 1", "2@600000 hole"});
}

TEST_CASE("each keyboard's cells are its own, and are told in the order of their numbers, not of the presses") {
    Rig rig(Level::actions);
    rig.key(9, 10 * ms, KEY_A, 1);
    rig.key(4, 20 * ms, KEY_A, 1);
    rig.key(9, 30 * ms, KEY_A, 1);
    rig.ladder.advance(second);
    CHECK(rig.told() == Lines{"4@250000 KEY_PRESS_TEXT 1", "9@250000 KEY_PRESS_TEXT 2"});
}

TEST_CASE("of a packet that comes late the time does not go back behind what its device was told with") {
    Rig rig(Level::actions);
    rig.press(10 * ms, KEY_A);
    rig.move(251 * ms);
    rig.press(249 * ms, KEY_LEFT);
    rig.press(249 * ms, KEY_B);
    rig.move(252 * ms);
    rig.press(253 * ms, KEY_RIGHT);
    CHECK(rig.told() == Lines{"1@250000 KEY_PRESS_TEXT 1", "2@251000 REL_X 1 .", "1@250000 KEY_LEFT 1 .",
                              "1@250000 KEY_PRESS_TEXT 1", "2@252000 REL_X 1 .", "1@253000 KEY_RIGHT 1 ."});
}

TEST_CASE("a ladder says until when something is pending") {
    Rig rig(Level::actions);
    CHECK_FALSE(rig.ladder.pending_until());
    rig.move(10 * ms);
    CHECK_FALSE(rig.ladder.pending_until());
    rig.press(20 * ms, KEY_A);
    CHECK(rig.ladder.pending_until() == 250'000);
    rig.ladder.advance(250'000);
    CHECK_FALSE(rig.ladder.pending_until());
}

TEST_CASE("a change of level tells what is pending at the old one first") {
    Rig rig(Level::actions);
    rig.press(10 * ms, KEY_A);
    rig.ladder.set_level(Level::full);
    CHECK(rig.told() == Lines{"1@250000 KEY_PRESS_TEXT 1"});
    rig.press(20 * ms, KEY_B);
    CHECK(rig.told() == Lines{"1@20000 MSC_SCAN 458800 KEY_B 1 ."});
    CHECK(rig.ladder.level() == Level::full);
}

TEST_CASE("after the end times are those of the packets again, also within the cell that was told") {
    Rig rig(Level::actions);
    rig.press(10 * ms, KEY_A);
    CHECK(rig.all_told() == Lines{"1@250000 KEY_PRESS_TEXT 1"});
    rig.press(20 * ms, KEY_LEFT);
    CHECK(rig.told() == Lines{"1@20000 KEY_LEFT 1 ."});
}

TEST_CASE("what a device has pending is told before the hole that is its last") {
    Rig rig(Level::actions);
    rig.press(10 * ms, KEY_A);
    rig.key(5, 20 * ms, KEY_A, 1);
    rig.hole(keyboard, 30 * ms, HoleReason::device_gone);
    CHECK(rig.told() == Lines{"1@250000 KEY_PRESS_TEXT 1", "1@30000 hole"});
    CHECK(rig.all_told() == Lines{"5@250000 KEY_PRESS_TEXT 1"});
}

TEST_CASE("at full a packet is passed on where it lies, at actions from one buffer: neither allocates for each") {
    const std::vector<Event> moved = {{EV_REL, REL_X, 1}, {EV_REL, REL_Y, 1}, report};
    Places places;
    Ladder ladder(places);
    ladder.set_level(Level::full);
    ladder.packet({mouse, 1000, moved});
    CHECK(places.seen == std::set<const Event*>{moved.data()});
    places.seen.clear();
    ladder.set_level(Level::actions);
    for (std::uint64_t i = 1; i < 1000; ++i) {
        ladder.packet({mouse, i * 125, moved});
    }
    CHECK(places.seen.size() == 1);
}
