// SPDX-License-Identifier: Apache-2.0
#include "input/names.h"

#include "input/abstract_events.h"
#include "input/libinput_reader.h"
#include "support/catch.h"

#include <linux/input-event-codes.h>

using namespace candor::input;

TEST_CASE("the kernel's types have the kernel's names") {
    CHECK(type_name(EV_SYN) == "EV_SYN");
    CHECK(type_name(EV_KEY) == "EV_KEY");
    CHECK(type_name(EV_REL) == "EV_REL");
    CHECK(type_name(EV_ABS) == "EV_ABS");
    CHECK(type_name(EV_MSC) == "EV_MSC");
}

TEST_CASE("libinput's types have names of their own") {
    CHECK(type_name(abstract::pointer) == "POINTER");
    CHECK(type_name(abstract::scroll) == "SCROLL");
    CHECK(type_name(abstract::touch) == "TOUCH");
    CHECK(type_name(abstract::gesture) == "GESTURE");
    CHECK(type_name(abstract::tablet) == "TABLET");
}

TEST_CASE("the privacy ladder's types have names of their own") {
    CHECK(type_name(abstract::key_press) == "KEY_PRESS");
    CHECK(type_name(abstract::burst) == "BURST");
    CHECK(type_name(abstract::count) == "COUNT");
}

TEST_CASE("a type that nobody makes is a hexadecimal number") {
    CHECK(type_name(0x06) == "0x06");
    CHECK(type_name(0x3f) == "0x3f");
    CHECK(type_name(0x48) == "0x48");
    CHECK(type_name(0xffff) == "0xffff");
}

TEST_CASE("the kernel's codes have the kernel's names") {
    CHECK(code_name(EV_SYN, SYN_REPORT) == "SYN_REPORT");
    CHECK(code_name(EV_SYN, SYN_DROPPED) == "SYN_DROPPED");
    CHECK(code_name(EV_KEY, KEY_A) == "KEY_A");
    CHECK(code_name(EV_KEY, BTN_LEFT) == "BTN_LEFT");
    CHECK(code_name(EV_REL, REL_WHEEL_HI_RES) == "REL_WHEEL_HI_RES");
    CHECK(code_name(EV_MSC, MSC_SCAN) == "MSC_SCAN");
    CHECK(code_name(EV_LED, LED_SCROLLL) == "LED_SCROLLL");
}

TEST_CASE("the first and the last code of each of libinput's types are named") {
    CHECK(code_name(abstract::pointer, abstract::pointer_code::dx) == "POINTER_DX");
    CHECK(code_name(abstract::pointer, abstract::pointer_code::y) == "POINTER_Y");
    CHECK(code_name(abstract::scroll, abstract::scroll_code::wheel_vertical) == "SCROLL_WHEEL_VERTICAL");
    CHECK(code_name(abstract::scroll, abstract::scroll_code::continuous_horizontal) == "SCROLL_CONTINUOUS_HORIZONTAL");
    CHECK(code_name(abstract::touch, abstract::touch_code::down) == "TOUCH_DOWN");
    CHECK(code_name(abstract::touch, abstract::touch_code::y) == "TOUCH_Y");
    CHECK(code_name(abstract::gesture, abstract::gesture_code::swipe_begin) == "GESTURE_SWIPE_BEGIN");
    CHECK(code_name(abstract::gesture, abstract::gesture_code::cancelled) == "GESTURE_CANCELLED");
    CHECK(code_name(abstract::tablet, abstract::tablet_code::proximity) == "TABLET_PROXIMITY");
    CHECK(code_name(abstract::tablet, abstract::tablet_code::wheel) == "TABLET_WHEEL");
}

TEST_CASE("names in the middle of libinput's tables are not shifted") {
    CHECK(code_name(abstract::scroll, abstract::scroll_code::finger_vertical) == "SCROLL_FINGER_VERTICAL");
    CHECK(code_name(abstract::touch, abstract::touch_code::motion) == "TOUCH_MOTION");
    CHECK(code_name(abstract::gesture, abstract::gesture_code::hold_end) == "GESTURE_HOLD_END");
    CHECK(code_name(abstract::gesture, abstract::gesture_code::scale) == "GESTURE_SCALE");
    CHECK(code_name(abstract::tablet, abstract::tablet_code::tip) == "TABLET_TIP");
    CHECK(code_name(abstract::tablet, abstract::tablet_code::tilt_y) == "TABLET_TILT_Y");
}

TEST_CASE("every code of the privacy ladder's types is named") {
    CHECK(code_name(abstract::key_press, 0) == "KEY_PRESS_TEXT");
    CHECK(code_name(abstract::key_press, 6) == "KEY_PRESS_SHORTCUT");
    CHECK(code_name(abstract::burst, abstract::burst_code::typing_begin) == "BURST_TYPING_BEGIN");
    CHECK(code_name(abstract::burst, abstract::burst_code::typing_end) == "BURST_TYPING_END");
    CHECK(code_name(abstract::burst, abstract::burst_code::pointing_begin) == "BURST_POINTING_BEGIN");
    CHECK(code_name(abstract::burst, abstract::burst_code::pointing_end) == "BURST_POINTING_END");
    CHECK(code_name(abstract::count, abstract::count_code::keys) == "COUNT_KEYS");
    CHECK(code_name(abstract::count, abstract::count_code::clicks) == "COUNT_CLICKS");
    CHECK(code_name(abstract::count, abstract::count_code::scroll) == "COUNT_SCROLL");
    CHECK(code_name(abstract::count, abstract::count_code::distance) == "COUNT_DISTANCE");
}

TEST_CASE("a code without a name is a hexadecimal number") {
    CHECK(code_name(EV_KEY, KEY_MAX - 1) == "0x2fe");
    CHECK(code_name(EV_REL, 0xffff) == "0xffff");
    CHECK(code_name(abstract::pointer, 4) == "0x04");
    CHECK(code_name(abstract::scroll, 6) == "0x06");
    CHECK(code_name(abstract::touch, 6) == "0x06");
    CHECK(code_name(abstract::gesture, 13) == "0x0d");
    CHECK(code_name(abstract::tablet, 12) == "0x0c");
    CHECK(code_name(abstract::key_press, 7) == "0x07");
    CHECK(code_name(abstract::burst, 4) == "0x04");
    CHECK(code_name(abstract::count, 4) == "0x04");
}

TEST_CASE("a code of an unknown type is a hexadecimal number") {
    CHECK(code_name(0x06, 1) == "0x01");
    CHECK(code_name(0x48, 0) == "0x00");
    CHECK(code_name(0xffff, 0x1ff) == "0x1ff");
}

TEST_CASE("a line of libinput's log is about the device it begins with") {
    CHECK(LibinputReader::log_subject("event7  - A touchpad: SYN_DROPPED event - some input events have been lost.") ==
          "event7");
    CHECK(LibinputReader::log_subject("event12 - A touchpad: kernel bug") == "event12");
    CHECK(LibinputReader::log_subject("event7: client bug") == "event7");
}

TEST_CASE("event1 is not the subject of a line about event12") {
    CHECK(LibinputReader::log_subject("event12 - A touchpad: is tagged") != "event1");
}

TEST_CASE("a line of one word or none is its own subject") {
    CHECK(LibinputReader::log_subject("event7") == "event7");
    CHECK(LibinputReader::log_subject("").empty());
    CHECK(LibinputReader::log_subject(" - A touchpad: text").empty());
}
