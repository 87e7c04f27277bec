// SPDX-License-Identifier: Apache-2.0
// Holds the rules about devices against descriptions of real ones. CANDOR_DEVICE_CATALOGUE names the catalogue: a file of
// JSON records, one a line, with a device's name, numbers and capabilities as /sys/class/input/input*/ has them, and where it
// is known what udev made of it. chromium_keyboard_lists.json beside it has devices that Chromium had to decide about.
#include "unit/input/udev_rules.h"

#include "input/eligibility.h"
#include "support/catch.h"

#include <linux/input.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <vector>

using namespace candor;
using namespace candor::input;
using candor::test::UdevRules;
using nlohmann::json;

namespace {

using Codes = std::set<int>;
using Properties = std::set<std::string>;

bool any_of_range(const Codes& codes, int first, int last) {
    const auto found = codes.lower_bound(first);
    return found != codes.end() && *found <= last;
}

std::ptrdiff_t count_range(const Codes& codes, int first, int last) {
    return std::distance(codes.lower_bound(first), codes.upper_bound(last));
}

/// What udev's builtin input_id makes of a device: ID_INPUT_… (systemd 252).
Properties classify(const json& record) {
    const auto codes = [&](const char* name) { return record.at(name).get<Codes>(); };
    const Codes keys = codes("key");
    const Codes axes = codes("abs");
    const Codes rels = codes("rel");
    const Codes traits = codes("prop");
    const auto all = [](const Codes& set, std::initializer_list<int> wanted) {
        return std::all_of(wanted.begin(), wanted.end(), [&](int code) { return set.contains(code); });
    };
    Properties result;
    const bool has_place = all(axes, {ABS_X, ABS_Y});
    if (traits.contains(INPUT_PROP_ACCELEROMETER) || (keys.empty() && all(axes, {ABS_X, ABS_Y, ABS_Z}))) {
        return {"ID_INPUT_ACCELEROMETER"};
    }
    const bool pen = keys.contains(BTN_STYLUS) || keys.contains(BTN_TOOL_PEN);
    const bool finger = keys.contains(BTN_TOOL_FINGER) && !keys.contains(BTN_TOOL_PEN);
    const bool direct = traits.contains(INPUT_PROP_DIRECT);
    const bool touch = keys.contains(BTN_TOUCH) || direct;
    const bool moves = all(rels, {REL_X, REL_Y});
    const bool wheel = rels.contains(REL_WHEEL) || rels.contains(REL_HWHEEL);
    const bool mouse_button = any_of_range(keys, BTN_MOUSE, BTN_JOYSTICK - 1);
    const bool pad_buttons = all(keys, {BTN_0, BTN_1}) && !keys.contains(BTN_TOOL_PEN);
    // Whoever claims every axis has none of the touch screens'.
    const bool multitouch =
        all(axes, {ABS_MT_POSITION_X, ABS_MT_POSITION_Y}) && !all(axes, {ABS_MT_SLOT - 1, ABS_MT_SLOT});
    std::ptrdiff_t game = count_range(axes, ABS_RX, ABS_PRESSURE - 1);
    if (!keys.contains(BTN_JOYSTICK - 1)) {
        game += count_range(keys, BTN_JOYSTICK, BTN_DIGI - 1) +
                count_range(keys, BTN_TRIGGER_HAPPY1, BTN_TRIGGER_HAPPY40) +
                count_range(keys, BTN_DPAD_UP, BTN_DPAD_RIGHT);
    }
    const std::ptrdiff_t of_keyboards = std::count_if(keys.begin(), keys.end(), [](int key) {
        return key == KEY_LEFTCTRL || key == KEY_CAPSLOCK || key == KEY_NUMLOCK || key == KEY_INSERT ||
               key == KEY_MUTE || key == KEY_CALC || key == KEY_FILE || key == KEY_MAIL || key == KEY_PLAYPAUSE ||
               key == KEY_BRIGHTNESSDOWN;
    });

    bool tablet = (has_place || multitouch) && pen;
    const bool touchpad = (has_place || multitouch) && !pen && finger && !direct;
    const bool pointer = has_place && !pen && !(finger && !direct) && mouse_button;
    const bool touchscreen = !pen && !(finger && !direct) && touch && ((has_place && !mouse_button) || multitouch);
    bool joystick = game > 0 && (!has_place || (!pen && !(finger && !direct) && !mouse_button && !touch));
    bool pad = tablet && pad_buttons;
    if (pad_buttons && wheel && !moves) {
        tablet = pad = true;
    }
    const bool mouse = !tablet && !touchpad && !joystick && mouse_button && (moves || !has_place);
    joystick = joystick && of_keyboards < 4 && game >= 2 && !(wheel && pad_buttons);

    const auto is = [&](bool holds, const char* property) {
        if (holds) {
            result.insert(property);
        }
    };
    is(mouse || pointer, "ID_INPUT_MOUSE");
    is(traits.contains(INPUT_PROP_POINTING_STICK) || (mouse && record.at("bus") == BUS_I2C), "ID_INPUT_POINTINGSTICK");
    is(touchpad, "ID_INPUT_TOUCHPAD");
    is(touchscreen, "ID_INPUT_TOUCHSCREEN");
    is(tablet, "ID_INPUT_TABLET");
    is(pad, "ID_INPUT_TABLET_PAD");
    is(joystick, "ID_INPUT_JOYSTICK");
    is(count_range(keys, KEY_ESC, KEY_S) == KEY_S - KEY_ESC + 1, "ID_INPUT_KEYBOARD");
    return result;
}

/// udev's word where the record has it.
Properties properties(const json& record) {
    const json& label = record.at("label");
    return label.contains("udev") ? label.at("udev").get<Properties>() : classify(record);
}

DeviceDescription describe(const json& record, const Properties& known, const UdevRules& rules) {
    DeviceDescription result;
    result.name = record.at("name").get<std::string>();
    result.bus = record.at("bus").get<std::uint16_t>();
    result.vendor = record.at("vendor").get<std::uint16_t>();
    result.product = record.at("product").get<std::uint16_t>();
    if (result.bus == BUS_USB) {
        result.usb_vendor = result.vendor;
        result.usb_product = result.product;
    }
    result.tagged = rules.tags({known, result.usb_vendor, result.usb_product});
    result.keyboard = known.contains("ID_INPUT_KEYBOARD");
    result.mouse = known.contains("ID_INPUT_MOUSE");
    result.pointing_stick = known.contains("ID_INPUT_POINTINGSTICK");
    result.touchpad = known.contains("ID_INPUT_TOUCHPAD");
    result.touchscreen = known.contains("ID_INPUT_TOUCHSCREEN");
    result.tablet = known.contains("ID_INPUT_TABLET");
    result.tablet_pad = known.contains("ID_INPUT_TABLET_PAD");
    result.joystick = known.contains("ID_INPUT_JOYSTICK");
    return result;
}

struct Entry {
    std::string name;
    json record;
    Properties properties;
    DeviceDescription description;
    Verdict verdict;
    /// "keyboard", "mouse" …; why it is refused.
    std::string outcome;
};

const UdevRules& rules() {
    static const UdevRules rules(CANDOR_SOURCE "/udev/70-candor.rules");
    return rules;
}

/// Empty, with a word about it, where there is no catalogue.
std::vector<Entry> catalogue() {
    const char* path = std::getenv("CANDOR_DEVICE_CATALOGUE");
    std::vector<Entry> result;
    if (path == nullptr) {
        WARN("skipped: CANDOR_DEVICE_CATALOGUE names no catalogue of devices");
        return result;
    }
    std::ifstream file(path);
    REQUIRE(file);
    for (std::string line; std::getline(file, line);) {
        Entry entry;
        entry.record = json::parse(line);
        entry.name = entry.record.at("name").get<std::string>();
        entry.properties = properties(entry.record);
        entry.description = describe(entry.record, entry.properties, rules());
        entry.verdict = judge(entry.description, {});
        entry.outcome = entry.verdict.captured ? class_name(entry.verdict.device_class) : entry.verdict.rule;
        result.push_back(std::move(entry));
    }
    REQUIRE(result.size() > 1000);
    return result;
}

using Outcomes = std::map<std::string, std::string>; ///< by a device's name

/// What becomes of each device that `which` holds for, and of how many.
template <typename Which> std::pair<Outcomes, std::size_t> outcomes(const std::vector<Entry>& all, Which&& which) {
    std::pair<Outcomes, std::size_t> result;
    for (const Entry& entry : all) {
        if (which(entry)) {
            std::string& known = result.first[entry.name];
            known = known.empty() || known == entry.outcome ? entry.outcome : known + ", also " + entry.outcome;
            ++result.second;
        }
    }
    return result;
}

/// What the source of a record says it is: its folder, or a feature in libinput's tests.
bool labelled(const Entry& entry, const char* label, const std::string& value) {
    const json& labels = entry.record.at("label");
    if (!labels.contains(label)) {
        return false;
    }
    const json& found = labels.at(label);
    return found.is_array() ? std::find(found.begin(), found.end(), value) != found.end() : found == value;
}

bool captured(const Entry& entry) { return entry.verdict.captured; }

constexpr const char* switches = "a power, lid, display or jack switch";
constexpr const char* controls = "media and system keys only";
constexpr const char* controller = "a joystick or game controller";
constexpr const char* nothing = "no keys that people type with, no pointer, no touch";

} // namespace

TEST_CASE("what these tests make of a device's capabilities is what udev made of it") {
    const auto all = catalogue();
    if (all.empty()) {
        return;
    }
    std::size_t agreed = 0;
    std::size_t compared = 0;
    for (const Entry& entry : all) {
        if (entry.record.at("label").contains("udev")) {
            Properties said = entry.properties;
            for (const char* property : {"ID_INPUT", "ID_INPUT_KEY", "ID_INPUT_SWITCH"}) {
                said.erase(property);
            }
            agreed += classify(entry.record) == said ? 1 : 0;
            ++compared;
        }
    }
    CHECK(compared == 1195);
    // The others had an older udev, or rules of their own on top of it.
    CHECK(agreed * 100 >= compared * 97);
}

TEST_CASE("no security key, scanner or card reader of the catalogue is captured") {
    const auto all = catalogue();
    if (all.empty()) {
        return;
    }
    const auto [found, count] = outcomes(all, [](const Entry& entry) {
        const auto vendor = entry.description.vendor;
        return vendor == 0x1050 || vendor == 0x05e0 || vendor == 0x08ff;
    });
    CHECK(found ==
          Outcomes{{"Yubico Yubico Yubikey II", "a security key (1050:0010)"},
                   {"Yubico YubiKey OTP+FIDO+CCID", "a security key (1050:0407)"},
                   {"Symbol Technologies, Inc, 2008 Symbol Bar Code Scanner", "a scanner or card reader (05e0:1200)"},
                   {"USB Reader With Keyboard", "a scanner or card reader (08ff:0009)"}});
    CHECK(count == 5);
}

TEST_CASE("a security key or scanner of the catalogue would be refused by its name alone, but for one that has none") {
    for (const Entry& entry : catalogue()) {
        if (entry.outcome.starts_with("a security key") || entry.outcome.starts_with("a scanner")) {
            DeviceDescription anonymous = entry.description;
            anonymous.vendor = anonymous.usb_vendor = 0x1234;
            anonymous.tagged = true;
            CAPTURE(entry.name);
            CHECK(judge(anonymous, {}).captured == (entry.name == "USB Reader With Keyboard"));
        }
    }
}

TEST_CASE("no button, switch, jack or remote control of the catalogue is captured") {
    const auto all = catalogue();
    if (all.empty()) {
        return;
    }
    const Outcomes expected = {{"Power Button", switches},
                               {"Sleep Button", switches},
                               {"Lid Switch", switches},
                               {"Lid Switch Surface3", switches},
                               {"Video Bus", switches},
                               {"PC Speaker", switches},
                               {"HP WMI hotkeys", switches},
                               {"Eee PC WMI hotkeys", switches},
                               {"HDA Intel PCH HDMI/DP,pcm=7", switches},
                               {"HDA Intel Front Mic", nothing},
                               {"HDA Intel Line Out Front", nothing},
                               {"Keypad Slide Switch", nothing},
                               {"Tablet Mode Switch", nothing},
                               {"mic_mute_switch", nothing},
                               {"cros_ec_buttons", nothing},
                               {"gpio-keys", nothing},
                               {"PRP0001:00", nothing},
                               {"Sony Vaio Keys", nothing},
                               {"ThinkPad Extra Buttons", nothing},
                               {"Fujitsu FUJ02BF", nothing},
                               {"Fujitsu FUJ02E3", nothing},
                               {"Apple Computer, Inc. IR Receiver", nothing},
                               {"ITE8708 CIR transceiver", nothing},
                               {"Logitech Logitech G933 Gaming Wireless Headset", nothing},
                               {"Sony Computer Entertainment Wireless Stereo Headset", nothing},
                               {"Plantronics Plantronics .Audio 648 USB", nothing}};
    const auto [found, count] = outcomes(all, [&](const Entry& entry) { return expected.contains(entry.name); });
    CHECK(found == expected);
    CHECK(count == 28);
}

TEST_CASE("no game controller of the catalogue is captured, whatever udev takes it for") {
    const auto all = catalogue();
    if (all.empty()) {
        return;
    }
    const auto [found, count] = outcomes(all, [](const Entry& entry) {
        return labelled(entry, "folder", "joysticks") || entry.properties.contains("ID_INPUT_JOYSTICK") ||
               entry.name == "Xbox Elite Wireless Controller" || entry.name == "Nintendo Wiimote";
    });
    CHECK(count == 19);
    for (const auto& [name, outcome] : found) {
        CAPTURE(name);
        CHECK(outcome == controller);
    }
}

TEST_CASE(
    "everything in the catalogue that udev takes for something to type or point with is captured, but for these") {
    const auto all = catalogue();
    if (all.empty()) {
        return;
    }
    const auto [found, count] = outcomes(all, [](const Entry& entry) {
        const Properties& is = entry.properties;
        return !captured(entry) && !is.contains("ID_INPUT_JOYSTICK") && !is.contains("ID_INPUT_TABLET_PAD") &&
               (entry.description.keyboard || entry.description.mouse || entry.description.pointing_stick ||
                entry.description.touchpad || entry.description.touchscreen || entry.description.tablet);
    });
    CHECK(found ==
          Outcomes{// They type secrets.
                   {"Yubico Yubico Yubikey II", "a security key (1050:0010)"},
                   {"Yubico YubiKey OTP+FIDO+CCID", "a security key (1050:0407)"},
                   {"Symbol Technologies, Inc, 2008 Symbol Bar Code Scanner", "a scanner or card reader (05e0:1200)"},
                   {"USB Reader With Keyboard", "a scanner or card reader (08ff:0009)"},
                   // A keyboard to udev because of its many keys, a mouse because of its one button.
                   {"Xbox Elite Wireless Controller", controller},
                   {"Nintendo Wiimote", controller},
                   // Media keys on a node that claims every key there is. What is typed comes from the node beside it.
                   {"Microsoft Microsoft® 2.4GHz Transceiver v9.0 Consumer Control", controls},
                   {"Microsoft Microsoft® Nano Transceiver v1.0 Consumer Control", controls},
                   {"Microsoft Microsoft® Nano Transceiver v2.0 Consumer Control", controls}});
    CHECK(count == 11);
}

TEST_CASE("so many devices of the catalogue are captured, each as its class") {
    const auto all = catalogue();
    if (all.empty()) {
        return;
    }
    std::map<std::string, std::size_t> counts;
    for (const Entry& entry : all) {
        ++counts[captured(entry) ? entry.outcome : "refused"];
    }
    CHECK(counts == std::map<std::string, std::size_t>{{"keyboard", 95},
                                                       {"mouse", 138},
                                                       {"touchpad", 130},
                                                       {"touchscreen", 437},
                                                       {"tablet", 486},
                                                       {"refused", 323}});
}

TEST_CASE("devices are captured as what their sources say they are, but for these") {
    struct Kind {
        const char* label;
        const char* value;
        std::size_t count;
        const char* outcome;
        Outcomes others;
    };
    const std::string pads = "the buttons of a tablet, not its pen";
    const Kind kinds[] = {
        {"folder",
         "keyboards",
         7,
         "keyboard",
         // The pointers of keyboards that have one.
         {{"CHICONY USB Keyboard", "mouse"}, {"Lenovo ThinkPad Compact USB Keyboard with TrackPoint", "mouse"}}},
        {"folder",
         "mice",
         8,
         "mouse",
         // The one has a node for its macro keys, the other claims all keys.
         {{"ROCCAT ROCCAT Kone XTD", "keyboard"}, {"Ultrathin Touch Mouse", "keyboard"}}},
        {"folder", "trackballs", 2, "mouse", {}},
        {"folder", "trackpoints", 2, "mouse", {}},
        {"folder", "touchpads", 23, "touchpad", {}},
        {"folder", "touchscreens", 15, "touchscreen", {}},
        {"litest_features", "LITEST_TOUCHPAD", 22, "touchpad", {}},
        {"litest_features", "LITEST_TOUCH", 11, "touchscreen", {}},
        {"litest_features", "LITEST_POINTINGSTICK", 1, "mouse", {}},
        {"litest_features",
         "LITEST_RELATIVE",
         18,
         "mouse",
         // Keyboard and mouse in one node.
         {{"ASUS ROG GLADIUS", "keyboard"}, {"Microsoft Surface Type Cover", "keyboard"}}},
        {"litest_features",
         "LITEST_TABLET",
         19,
         "tablet",
         {{"Advanced Silicon S.A. CoolTouch® System System Multi Axis", "touchscreen"}}},
        // Most pads are refused. What libinput says of these two is not recorded: no pen, no touch.
        {"litest_features",
         "LITEST_TABLET_PAD",
         11,
         pads.c_str(),
         {{"HUION Huion Tablet_Q620M Dial", nothing},
          {"Wacom MobileStudio Pro 16 Pad", nothing},
          {"Wacom Bamboo 2FG 4x5 Pad", "tablet"},
          {"Wacom Cintiq Pro 16 Pad", "tablet"}}},
    };
    const auto all = catalogue();
    if (all.empty()) {
        return;
    }
    for (const Kind& kind : kinds) {
        const auto of_kind = [&](const Entry& entry) { return labelled(entry, kind.label, kind.value); };
        const auto others =
            outcomes(all, [&](const Entry& entry) { return of_kind(entry) && entry.outcome != kind.outcome; });
        CAPTURE(kind.value);
        CHECK(others.first == kind.others);
        CHECK(outcomes(all, of_kind).second == kind.count);
    }
}

TEST_CASE("keyboards of the catalogue that are missed are these: udev does not call them keyboards") {
    const auto all = catalogue();
    if (all.empty()) {
        return;
    }
    const auto [found, count] = outcomes(all, [](const Entry& entry) {
        return entry.outcome == nothing && entry.name.find("Keyboard") != std::string::npos;
    });
    CHECK(
        found ==
        Outcomes{// A number pad has no letters; neither has the media node of a keyboard, nor the buttons of a screen.
                 {"ELAN2701:00 04F3:31C6 Keyboard", nothing},
                 {"Chicony HP Elite USB Keyboard", nothing},
                 {"GXTP7380:00 27C6:0113 Keyboard", nothing},
                 {"GXTP7385:00 27C6:0113 Keyboard", nothing},
                 {"GXTP7386:00 27C6:0111 Keyboard", nothing},
                 {"GXTP738:00 27C6:011A Keyboard", nothing},
                 {"MICROSOFT SAM Keyboard", nothing},
                 {"Microsoft Surface 045E:09B0 Keyboard", nothing},
                 {"Microsoft Surface Keyboard", nothing},
                 {"Microsoft Surface Keyboard UNKNOWN", nothing}});
    CHECK(count == 10);
}

TEST_CASE("of the mice and keyboards that Chromium lists, only keys, scanners and game controllers are refused") {
    const char* path = std::getenv("CANDOR_DEVICE_CATALOGUE");
    if (path == nullptr) {
        WARN("skipped: CANDOR_DEVICE_CATALOGUE names no catalogue of devices");
        return;
    }
    std::ifstream file(std::filesystem::path(path).replace_filename("chromium_keyboard_lists.json"));
    REQUIRE(file);
    Outcomes refused;
    std::size_t count = 0;
    const json lists = json::parse(file);
    for (const json& devices : lists) {
        for (const json& listed : devices) {
            const auto number = [&](const char* key) {
                return static_cast<std::uint16_t>(std::stoul(listed.at(key).get<std::string>(), nullptr, 16));
            };
            DeviceDescription device;
            device.name = listed.at("name").get<std::string>();
            device.vendor = device.usb_vendor = number("vid");
            device.product = device.usb_product = number("pid");
            device.keyboard = device.tagged = true;
            if (const Verdict verdict = judge(device, {}); !verdict.captured) {
                refused[device.name] = verdict.rule;
            }
            ++count;
        }
    }
    CHECK(count == 250);
    CHECK(refused ==
          Outcomes{{"Yubico.com Yubikey", "a security key (1050:0010)"},
                   {"Yubico.com Yubikey 4 OTP+U2F+CCID", "a security key (1050:0407)"},
                   {"Symbol Technologies / Zebra LS2208 barcode scanner", "a scanner or card reader (05e0:1200)"},
                   {"Xbox One Elite Series 2 gamepad", controller}});
}
