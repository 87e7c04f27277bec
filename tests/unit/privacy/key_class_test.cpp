// SPDX-License-Identifier: Apache-2.0
#include "privacy/key_class.h"

#include "input/abstract_events.h"
#include "input/names.h"
#include "support/catch.h"

#include <linux/input-event-codes.h>

#include <initializer_list>
#include <string>

using namespace candor;
using privacy::key_class;
using privacy::KeyClass;

namespace {

void check_all(std::initializer_list<int> codes, KeyClass expected) {
    for (const int code : codes) {
        INFO(input::code_name(EV_KEY, static_cast<std::uint16_t>(code)));
        CHECK(key_class(static_cast<std::uint16_t>(code)) == expected);
    }
}

void check_range(int first, int last, KeyClass expected) {
    for (int code = first; code <= last; ++code) {
        INFO(input::code_name(EV_KEY, static_cast<std::uint16_t>(code)));
        CHECK(key_class(static_cast<std::uint16_t>(code)) == expected);
    }
}

} // namespace

TEST_CASE("letters, digits, punctuation and space are text") {
    check_range(KEY_1, KEY_EQUAL, KeyClass::text);
    check_range(KEY_Q, KEY_RIGHTBRACE, KeyClass::text);
    check_range(KEY_A, KEY_GRAVE, KeyClass::text);
    check_range(KEY_BACKSLASH, KEY_SLASH, KeyClass::text);
    check_all({KEY_SPACE, KEY_102ND, KEY_EURO, KEY_DOLLAR, KEY_QUESTION}, KeyClass::text);
}

TEST_CASE("the keypad's digits and operators are text, because Num Lock makes them so") {
    check_range(KEY_KP7, KEY_KPDOT, KeyClass::text);
    check_all({KEY_KPASTERISK, KEY_KPSLASH, KEY_KPEQUAL, KEY_KPPLUSMINUS, KEY_KPCOMMA, KEY_KPJPCOMMA, KEY_KPLEFTPAREN,
               KEY_KPRIGHTPAREN},
              KeyClass::text);
}

TEST_CASE("keys of other keyboards that write are text: Japanese, Korean, Braille, phones, remote controls") {
    check_all({KEY_RO, KEY_YEN, KEY_KATAKANA, KEY_HIRAGANA, KEY_HENKAN, KEY_MUHENKAN, KEY_KATAKANAHIRAGANA,
               KEY_ZENKAKUHANKAKU, KEY_HANGEUL, KEY_HANJA},
              KeyClass::text);
    check_range(KEY_BRL_DOT1, KEY_BRL_DOT10, KeyClass::text);
    check_range(KEY_NUMERIC_0, KEY_NUMERIC_D, KeyClass::text);
    check_all({KEY_NUMERIC_11, KEY_NUMERIC_12, KEY_AB, KEY_TEXT}, KeyClass::text);
}

TEST_CASE("Fn with a letter or a digit is text") { check_range(KEY_FN_1, KEY_FN_B, KeyClass::text); }

TEST_CASE("what nothing is known of is text: no code, codes without a name, macro keys, codes beyond the kernel's") {
    check_all({KEY_RESERVED, KEY_UNKNOWN, 84, 255, 0x152, 0x1ff, 0x2a0, KEY_MACRO1, KEY_MACRO30, KEY_MAX, KEY_CNT,
               0x1000, 0xffff},
              KeyClass::text);
}

TEST_CASE("keys that change what other keys do are modifiers, the right Alt among them") {
    check_all({KEY_LEFTCTRL, KEY_RIGHTCTRL, KEY_LEFTSHIFT, KEY_RIGHTSHIFT, KEY_LEFTALT, KEY_RIGHTALT, KEY_LEFTMETA,
               KEY_RIGHTMETA, KEY_CAPSLOCK, KEY_NUMLOCK, KEY_SCROLLLOCK, KEY_COMPOSE, KEY_FN},
              KeyClass::modifier);
}

TEST_CASE("keys that change text without being it are for editing") {
    check_all({KEY_ENTER, KEY_KPENTER, KEY_TAB, KEY_BACKSPACE, KEY_DELETE, KEY_INSERT, KEY_UNDO, KEY_REDO, KEY_CUT,
               KEY_COPY, KEY_PASTE},
              KeyClass::edit);
}

TEST_CASE("arrows and what leads through pages are for navigation") {
    check_range(KEY_HOME, KEY_PAGEDOWN, KeyClass::navigation);
    check_all({KEY_BACK, KEY_FORWARD, KEY_SCROLLUP, KEY_SCROLLDOWN}, KeyClass::navigation);
}

TEST_CASE("F1 to F24, Escape and keys of the system are function keys") {
    check_range(KEY_F1, KEY_F10, KeyClass::function);
    check_all({KEY_F11, KEY_F12}, KeyClass::function);
    check_range(KEY_F13, KEY_F24, KeyClass::function);
    check_all({KEY_ESC, KEY_SYSRQ, KEY_PAUSE, KEY_MENU, KEY_POWER, KEY_SLEEP, KEY_BRIGHTNESSUP}, KeyClass::function);
}

TEST_CASE("keys for sound and players are media keys") {
    check_range(KEY_MUTE, KEY_VOLUMEUP, KeyClass::media);
    check_all({KEY_PLAYPAUSE, KEY_NEXTSONG, KEY_PREVIOUSSONG, KEY_MICMUTE}, KeyClass::media);
}

TEST_CASE(
    "buttons are those of mice, sticks, pens and wheels, with the unnamed ones between, and no key is among them") {
    check_range(BTN_MISC, BTN_GEAR_UP, KeyClass::button);
    check_range(BTN_DPAD_UP, BTN_DPAD_RIGHT, KeyClass::button);
    check_range(BTN_TRIGGER_HAPPY1, BTN_TRIGGER_HAPPY40, KeyClass::button);
    for (std::uint16_t code = 0; code < KEY_CNT; ++code) {
        const std::string name = input::code_name(EV_KEY, code);
        INFO(name);
        if (name.starts_with("KEY_")) {
            CHECK(key_class(code) != KeyClass::button);
        } else if (name.starts_with("BTN_")) {
            CHECK(key_class(code) == KeyClass::button);
        }
    }
}

TEST_CASE("no code is a shortcut by itself") {
    for (std::uint32_t code = 0; code <= 0xffff; ++code) {
        REQUIRE(key_class(static_cast<std::uint16_t>(code)) != KeyClass::shortcut);
    }
}

TEST_CASE("the name of a key press by class is that of its class") {
    const auto name = [](KeyClass of) {
        return input::code_name(input::abstract::key_press, static_cast<std::uint16_t>(of));
    };
    CHECK(name(KeyClass::text) == "KEY_PRESS_TEXT");
    CHECK(name(KeyClass::edit) == "KEY_PRESS_EDIT");
    CHECK(name(KeyClass::navigation) == "KEY_PRESS_NAVIGATION");
    CHECK(name(KeyClass::modifier) == "KEY_PRESS_MODIFIER");
    CHECK(name(KeyClass::function) == "KEY_PRESS_FUNCTION");
    CHECK(name(KeyClass::media) == "KEY_PRESS_MEDIA");
    CHECK(name(KeyClass::shortcut) == "KEY_PRESS_SHORTCUT");
}
