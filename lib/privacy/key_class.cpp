// SPDX-License-Identifier: Apache-2.0
#include "privacy/key_class.h"

#include <linux/input-event-codes.h>

#include <algorithm>
#include <array>
#include <initializer_list>

// The lists say what is known not to be text. All else is: letters, digits and punctuation, the keypad (which Num Lock makes
// digits of), the keys of input methods, Braille dots, the keys of phones and remote controls, and codes that a later kernel
// may give to anything. Codes are named one by one, because the kernel's ranges of keys have text in between.

namespace candor::privacy {
namespace {

constexpr std::initializer_list<std::uint16_t> edit = {
    KEY_BACKSPACE, KEY_TAB,   KEY_ENTER, KEY_KPENTER, KEY_LINEFEED, KEY_INSERT,   KEY_DELETE,  KEY_AGAIN,
    KEY_UNDO,      KEY_REDO,  KEY_COPY,  KEY_CUT,     KEY_PASTE,    KEY_FIND,     KEY_NEW,     KEY_OPEN,
    KEY_SAVE,      KEY_CLOSE, KEY_CLEAR, KEY_DEL_EOL, KEY_DEL_EOS,  KEY_INS_LINE, KEY_DEL_LINE};

constexpr std::initializer_list<std::uint16_t> navigation = {
    KEY_HOME,       KEY_UP,       KEY_PAGEUP,    KEY_LEFT,         KEY_RIGHT,           KEY_END,
    KEY_DOWN,       KEY_PAGEDOWN, KEY_BACK,      KEY_FORWARD,      KEY_SCROLLUP,        KEY_SCROLLDOWN,
    KEY_REFRESH,    KEY_HOMEPAGE, KEY_ZOOMIN,    KEY_ZOOMOUT,      KEY_ZOOMRESET,       KEY_RIGHT_UP,
    KEY_RIGHT_DOWN, KEY_LEFT_UP,  KEY_LEFT_DOWN, KEY_NEXT_ELEMENT, KEY_PREVIOUS_ELEMENT};

constexpr std::initializer_list<std::uint16_t> modifier = {
    KEY_LEFTCTRL,  KEY_RIGHTCTRL, KEY_LEFTSHIFT, KEY_RIGHTSHIFT, KEY_LEFTALT, KEY_RIGHTALT, KEY_LEFTMETA,
    KEY_RIGHTMETA, KEY_CAPSLOCK,  KEY_NUMLOCK,   KEY_SCROLLLOCK, KEY_COMPOSE, KEY_FN};

constexpr std::initializer_list<std::uint16_t> function = {
    KEY_ESC, KEY_F1, KEY_F2, KEY_F3, KEY_F4, KEY_F5, KEY_F6, KEY_F7, KEY_F8, KEY_F9, KEY_F10, KEY_F11, KEY_F12, KEY_F13,
    KEY_F14, KEY_F15, KEY_F16, KEY_F17, KEY_F18, KEY_F19, KEY_F20, KEY_F21, KEY_F22, KEY_F23, KEY_F24,
    // Fn with another key, as far as that is not a letter or a digit.
    KEY_FN_ESC, KEY_FN_F1, KEY_FN_F2, KEY_FN_F3, KEY_FN_F4, KEY_FN_F5, KEY_FN_F6, KEY_FN_F7, KEY_FN_F8, KEY_FN_F9,
    KEY_FN_F10, KEY_FN_F11, KEY_FN_F12,
    // The system.
    KEY_SYSRQ, KEY_PAUSE, KEY_BREAK, KEY_PRINT, KEY_HELP, KEY_MENU, KEY_CONTEXT_MENU, KEY_CANCEL, KEY_STOP, KEY_PROPS,
    KEY_FRONT, KEY_EXIT, KEY_POWER, KEY_POWER2, KEY_SLEEP, KEY_WAKEUP, KEY_SUSPEND, KEY_SCREENLOCK, KEY_LOGOFF,
    KEY_BRIGHTNESSDOWN, KEY_BRIGHTNESSUP, KEY_BRIGHTNESS_CYCLE, KEY_BRIGHTNESS_AUTO, KEY_BRIGHTNESS_MIN,
    KEY_BRIGHTNESS_MAX, KEY_BRIGHTNESS_TOGGLE, KEY_DISPLAY_OFF, KEY_SWITCHVIDEOMODE, KEY_VIDEO_NEXT, KEY_VIDEO_PREV,
    KEY_ROTATE_DISPLAY, KEY_ROTATE_LOCK_TOGGLE, KEY_PRIVACY_SCREEN_TOGGLE, KEY_ALS_TOGGLE, KEY_KBDILLUMTOGGLE,
    KEY_KBDILLUMDOWN, KEY_KBDILLUMUP, KEY_BATTERY, KEY_BLUETOOTH, KEY_WLAN, KEY_UWB, KEY_WWAN, KEY_RFKILL,
    KEY_TOUCHPAD_TOGGLE, KEY_TOUCHPAD_ON, KEY_TOUCHPAD_OFF, KEY_SELECTIVE_SCREENSHOT,
    // Windows and programs.
    KEY_SCALE, KEY_CYCLEWINDOWS, KEY_FULL_SCREEN, KEY_ALL_APPLICATIONS, KEY_TASKMANAGER, KEY_CONTROLPANEL,
    KEY_NOTIFICATION_CENTER, KEY_SCREENSAVER, KEY_ASSISTANT, KEY_VOICECOMMAND, KEY_DICTATE, KEY_EMOJI_PICKER,
    KEY_KBD_LAYOUT_NEXT, KEY_ONSCREEN_KEYBOARD, KEY_CALC, KEY_SETUP, KEY_CONFIG, KEY_FILE, KEY_COMPUTER, KEY_WWW,
    KEY_MAIL, KEY_BOOKMARKS, KEY_SEARCH, KEY_DOCUMENTS, KEY_SEND, KEY_REPLY, KEY_FORWARDMAIL, KEY_PROG1, KEY_PROG2,
    KEY_PROG3, KEY_PROG4};

constexpr std::initializer_list<std::uint16_t> media = {
    KEY_MUTE,      KEY_VOLUMEDOWN, KEY_VOLUMEUP, KEY_MICMUTE, KEY_NEXTSONG,     KEY_PREVIOUSSONG,
    KEY_PLAYPAUSE, KEY_STOPCD,     KEY_PLAYCD,   KEY_PAUSECD, KEY_PLAY,         KEY_FASTFORWARD,
    KEY_REWIND,    KEY_RECORD,     KEY_EJECTCD,  KEY_CLOSECD, KEY_EJECTCLOSECD, KEY_BASSBOOST,
    KEY_MEDIA,     KEY_CAMERA,     KEY_SOUND,    KEY_SHUFFLE, KEY_MEDIA_REPEAT, KEY_UNMUTE};

constexpr auto classes = [] {
    std::array<KeyClass, KEY_CNT> result{};
    const auto put = [&](std::initializer_list<std::uint16_t> codes, KeyClass key_class) {
        for (const std::uint16_t code : codes) {
            result[code] = key_class;
        }
    };
    put(edit, KeyClass::edit);
    put(navigation, KeyClass::navigation);
    put(modifier, KeyClass::modifier);
    put(function, KeyClass::function);
    put(media, KeyClass::media);
    // Whole ranges: drivers number buttons beyond those that have names, and no key lies between them.
    const auto buttons = [&](std::uint16_t first, std::uint16_t last) {
        std::fill(result.begin() + first, result.begin() + last + 1, KeyClass::button);
    };
    buttons(BTN_MISC, BTN_GEAR_UP);
    buttons(BTN_DPAD_UP, BTN_DPAD_RIGHT);
    buttons(BTN_TRIGGER_HAPPY1, BTN_TRIGGER_HAPPY40);
    return result;
}();

} // namespace

KeyClass key_class(std::uint16_t code) noexcept { return code < classes.size() ? classes[code] : KeyClass::text; }

} // namespace candor::privacy
