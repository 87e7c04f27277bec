// SPDX-License-Identifier: Apache-2.0
#include "consent/policy.h"

#include "base/hex.h"
#include "input/eligibility.h"
#include "support/catch.h"
#include "support/temporary_directory.h"
#include "wire/wire_limits.h"

#include <linux/input-event-codes.h>

#include <fstream>
#include <random>
#include <sstream>

using namespace candor;
using namespace candor::consent;

namespace {

const std::string key_a = "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f";
const std::string key_b = "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a";
const std::string signing_key = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";
const std::string notice = "What is recorded: keys.\n";
const std::string required = "[Policy]\nController=Example\nContact=privacy@example.org\nPurpose=Training\n";

std::expected<Policy, Refusal> policy_of(const std::string& text, const std::string& shown = notice) {
    const auto entries = parse_ini(text, "policy.conf");
    return entries ? make_policy(*entries, shown, "policy.conf") : std::unexpected(entries.error());
}

std::string refusal_of(const std::string& text, const std::string& shown = notice) {
    const auto policy = policy_of(text, shown);
    return policy ? "accepted" : policy.error().message;
}

void write(const std::filesystem::path& path, const std::string& text) { std::ofstream(path) << text; }

std::string example_policy() {
    std::ifstream file(CANDOR_SOURCE "/docs/policy.conf.example");
    return {std::istreambuf_iterator<char>(file), {}};
}

} // namespace

TEST_CASE("a policy with the required keys alone has the documented defaults") {
    const auto policy = policy_of(required);
    REQUIRE(policy.has_value());
    CHECK(policy->controller == "Example");
    CHECK(policy->contact == "privacy@example.org");
    CHECK(policy->purpose == "Training");
    CHECK(policy->lawful_basis == "consent");
    CHECK(policy->dpia.empty());
    CHECK(policy->sites.empty());
    CHECK(policy->retention.empty());
    CHECK(policy->level == privacy::Level::actions);
    CHECK(policy->devices == all_device_classes());
    CHECK(policy->devices.size() == 5);
    CHECK(policy->schedule.windows.empty());
    CHECK(policy->batch_interval == std::chrono::seconds(5));
    CHECK(policy->quarantine == std::chrono::seconds(2));
    CHECK(policy->consent_duration == std::chrono::days(90));
    CHECK(policy->embargo == std::chrono::minutes(60));
    CHECK(policy->epoch == std::chrono::days(30));
    CHECK(policy->indicators.light);
    CHECK_FALSE(policy->indicators.context);
    CHECK(policy->panic_keys == std::vector<std::uint16_t>{KEY_LEFTSHIFT, KEY_RIGHTSHIFT, KEY_ESC});
    CHECK(policy->panic_hold == std::chrono::seconds(1));
    CHECK(policy->panic_pause == std::chrono::minutes(15));
    CHECK(policy->allow_virtual.empty());
    CHECK(policy->recipients.empty());
    CHECK(policy->notice == notice);
}

TEST_CASE("every key of a policy is read") {
    const auto policy = policy_of(required +
                                  "LawfulBasis=contract\nDPIA=https://example.org/dpia/7\nSites=the lab\n"
                                  "Retention=two years\nLevel=full\nDevices=mouse  keyboard\n"
                                  "Schedule=Mon..Fri 08:00-18:00\nSchedule=Sat,Sun 10:00-12:00\nBatchSeconds=60\n"
                                  "QuarantineSeconds=60\nEmbargoMinutes=10080\nEpochDays=365\nConsentDays=365\n"
                                  "RequiredIndicators=context light\n"
                                  "PanicChord=KEY_LEFTCTRL KEY_PAUSE\nPanicSeconds=10\nPanicPauseMinutes=1440\n"
                                  "AllowVirtual=Candor test keyboard\nAllowVirtual=ydotoold virtual device\n"
                                  "[Recipients]\nlake-1=" +
                                  key_a + " " + signing_key + "\nbackup=" + key_b + "\n");
    REQUIRE(policy.has_value());
    CHECK(policy->lawful_basis == "contract");
    CHECK(policy->dpia == "https://example.org/dpia/7");
    CHECK(policy->sites == "the lab");
    CHECK(policy->retention == "two years");
    CHECK(policy->level == privacy::Level::full);
    CHECK(policy->devices == std::vector{input::DeviceClass::mouse, input::DeviceClass::keyboard});
    CHECK(policy->schedule.windows ==
          std::vector<Schedule::Window>{{0b0011111, 8 * 60, 18 * 60}, {0b1100000, 10 * 60, 12 * 60}});
    CHECK(policy->batch_interval == std::chrono::seconds(60));
    CHECK(policy->quarantine == std::chrono::seconds(60));
    CHECK(policy->consent_duration == std::chrono::days(365));
    CHECK(policy->embargo == std::chrono::hours(168));
    CHECK(policy->epoch == std::chrono::days(365));
    CHECK(policy->indicators.light);
    CHECK(policy->indicators.context);
    CHECK(policy->panic_keys == std::vector<std::uint16_t>{KEY_LEFTCTRL, KEY_PAUSE});
    CHECK(policy->panic_hold == std::chrono::seconds(10));
    CHECK(policy->panic_pause == std::chrono::minutes(1440));
    CHECK(policy->allow_virtual == std::vector<std::string>{"Candor test keyboard", "ydotoold virtual device"});
    REQUIRE(policy->recipients.size() == 2);
    CHECK(policy->recipients[0].name == "lake-1");
    CHECK(to_hex(policy->recipients[0].key) == key_a);
    REQUIRE(policy->recipients[0].signing_key.has_value());
    CHECK(to_hex(*policy->recipients[0].signing_key) == signing_key);
    CHECK(policy->recipients[1].name == "backup");
    CHECK_FALSE(policy->recipients[1].signing_key.has_value());
}

TEST_CASE("a missing required key refuses the policy") {
    CHECK(refusal_of("") == "policy.conf: [Policy] Controller: missing, expected a text");
    CHECK(refusal_of("[Policy]\nController=a\nPurpose=b\n") ==
          "policy.conf: [Policy] Contact: missing, expected a text");
    CHECK(refusal_of("[Policy]\nController=a\nContact=b\n") ==
          "policy.conf: [Policy] Purpose: missing, expected a text");
}

TEST_CASE("every kind of bad value is refused with its place and what was expected") {
    const auto bad = [](const std::string& line) { return refusal_of(required + line); };
    const std::string text = "expected 1 to 1024 bytes of UTF-8 text";
    CHECK(bad("Retention=\n") == "policy.conf:5: [Policy] Retention: " + text);
    CHECK(bad("Retention=" + std::string(1025, 'x') + "\n") == "policy.conf:5: [Policy] Retention: " + text);
    CHECK(bad("LawfulBasis=\xff\n") == "policy.conf:5: [Policy] LawfulBasis: " + text);
    CHECK(bad("LawfulBasis=\xed\xa0\x80\n") == "policy.conf:5: [Policy] LawfulBasis: " + text);
    CHECK(bad("LawfulBasis=\xc0\xaf\n") == "policy.conf:5: [Policy] LawfulBasis: " + text);
    for (const char* value : {"", "0", "61", "-1", "+5", "5s", "5.0", "0x5", "five", "18446744073709551621"}) {
        CHECK(bad(std::string("BatchSeconds=") + value + "\n") ==
              "policy.conf:5: [Policy] BatchSeconds: expected a number from 1 to 60");
    }
    CHECK(bad("ConsentDays=366\n") == "policy.conf:5: [Policy] ConsentDays: expected a number from 1 to 365");
    CHECK(bad("AllowVirtual=\n") == "policy.conf:5: [Policy] AllowVirtual: expected 1 to 128 bytes of UTF-8 text");
    CHECK(bad("AllowVirtual=a\nAllowVirtual=a\n") ==
          "policy.conf:6: [Policy] AllowVirtual: repeated, expected each device once");
    CHECK(bad("Purpose=again\n") == "policy.conf:5: [Policy] Purpose: repeated, expected once (first in line 4)");
    CHECK(bad("purpose=x\n") ==
          "policy.conf:5: [Policy] purpose: unknown key, expected Controller, Contact, Purpose, "
          "LawfulBasis, DPIA, Sites, Retention, Level, Devices, Schedule, BatchSeconds, "
          "QuarantineSeconds, EmbargoMinutes, EpochDays, ConsentDays, RequiredIndicators, PanicChord, PanicSeconds, "
          "PanicPauseMinutes or AllowVirtual");
    CHECK(bad("[Extra]\nKey=1\n") == "policy.conf:6: [Extra] Key: unknown section, expected [Policy] or [Recipients]");
}

TEST_CASE("a level, devices, indicators and times that are not known are refused with what was expected") {
    const auto refused = [](const std::string& key, const std::string& value) {
        const std::string place = "policy.conf:5: [Policy] " + key + ": ";
        const std::string refusal = refusal_of(required + key + "=" + value + "\n");
        return refusal.starts_with(place) ? refusal.substr(place.size()) : "elsewhere: " + refusal;
    };
    for (const char* value : {"", "Full", "none", "actions full", "3"}) {
        CHECK(refused("Level", value) == "expected counts, activity, rhythm, actions or full");
    }
    for (const char* value : {"", "keyboards", "keyboard,mouse", "keyboard keyboard", "Mouse", "other", "all"}) {
        CHECK(refused("Devices", value) == "expected one or more of keyboard, mouse, touchpad, touchscreen and tablet, "
                                           "separated by blanks, each once");
    }
    for (const char* value : {"", "yes", "light light", "light none", "none none", "Light", "light, context"}) {
        CHECK(refused("RequiredIndicators", value) == "expected light, context, both separated by a blank, or none");
    }
    CHECK(refused("QuarantineSeconds", "61") == "expected a number from 1 to 60");
    for (const char* value : {"", "-1", "10081", "1h", "18446744073709551616"}) {
        CHECK(refused("EmbargoMinutes", value) == "expected a number from 0 to 10080");
    }
    for (const char* value : {"", "0", "366", "30d"}) {
        CHECK(refused("EpochDays", value) == "expected a number from 1 to 365");
    }
    CHECK(refusal_of(required + "EmbargoMinutes=0\nEpochDays=1\n") == "accepted");
    CHECK(refused("PanicSeconds", "0") == "expected a number from 1 to 10");
    CHECK(refused("PanicSeconds", "11") == "expected a number from 1 to 10");
    CHECK(refused("PanicPauseMinutes", "0") == "expected a number from 1 to 1440");
    CHECK(refused("PanicPauseMinutes", "1441") == "expected a number from 1 to 1440");
    CHECK(refused("DPIA", "") == "expected 1 to 1024 bytes of UTF-8 text");
    CHECK(refused("Sites", "") == "expected 1 to 1024 bytes of UTF-8 text");
    CHECK(refused("Schedule", "always").starts_with("expected days and hours of one day, as"));
}

TEST_CASE("a chord is two to five different keys by the kernel's names") {
    const auto chord = [](const std::string& value) { return refusal_of(required + "PanicChord=" + value + "\n"); };
    const std::string place = "policy.conf:5: [Policy] PanicChord: ";
    CHECK(chord("KEY_LEFTSHIFT KEY_A KEY_B KEY_C KEY_D") == "accepted");
    for (const char* value : {"", "KEY_ESC", "KEY_LEFTSHIFT KEY_A KEY_B KEY_C KEY_D KEY_E"}) {
        CHECK(chord(value) == place + "expected two to five keys, separated by blanks");
    }
    for (const std::string name :
         {"ESC", "key_esc", "KEY_NOSUCH", "BTN_LEFT", "KEY_MAX", "KEY_RESERVED", "1", "SYN_REPORT"}) {
        CHECK(chord("KEY_LEFTSHIFT " + name) ==
              place + "expected kernel names of keys, such as KEY_LEFTSHIFT, not '" + name + "'");
    }
    CHECK(chord("KEY_ESC KEY_ESC") == place + "expected each key once, this is KEY_ESC again");
}

TEST_CASE("32 windows are accepted, and neither a 33rd nor the same one twice") {
    std::string many = required;
    for (std::size_t i = 0; i < max_schedule_windows; ++i) {
        many += "Schedule=Mon 0" + std::to_string(i / 6) + ":" + std::to_string(i % 6) + "0-23:00\n";
    }
    CHECK(refusal_of(many) == "accepted");
    CHECK(refusal_of(many + "Schedule=Tue 08:00-09:00\n") ==
          "policy.conf:37: [Policy] Schedule: expected at most 32 windows");
    CHECK(refusal_of(required + "Schedule=Mon,Tue 08:00-09:00\nSchedule=Mon..Tue 08:00-09:00\n") ==
          "policy.conf:6: [Policy] Schedule: repeated, expected each window once");
}

TEST_CASE("level full without a quarantine is refused at the place that was set last") {
    const std::string expected =
        "expected QuarantineSeconds of 2 or more with Level=full: what is typed is recognised as a "
        "secret only afterwards";
    CHECK(refusal_of(required + "QuarantineSeconds=1\nLevel=full\n") == "policy.conf:6: [Policy] Level: " + expected);
    CHECK(refusal_of(required + "Level=full\nQuarantineSeconds=1\nConsentDays=9\n") ==
          "policy.conf:6: [Policy] QuarantineSeconds: " + expected);
    CHECK(refusal_of(required + "Level=full\n") == "accepted");
    CHECK(refusal_of(required + "Level=full\nQuarantineSeconds=2\n") == "accepted");
    CHECK(refusal_of(required + "Level=actions\nQuarantineSeconds=1\n") == "accepted");
}

TEST_CASE("device classes are known by their names alone") {
    for (const input::DeviceClass device : all_device_classes()) {
        CHECK(parse_device_class(input::class_name(device)) == device);
    }
    for (const char* name : {"", "unknown", "other", "Keyboard", "keyboard "}) {
        CHECK_FALSE(parse_device_class(name).has_value());
    }
}

TEST_CASE("more virtual devices than the limit are refused") {
    std::string many = required;
    for (std::size_t i = 0; i < max_allow_virtual; ++i) {
        many += "AllowVirtual=device " + std::to_string(i) + "\n";
    }
    CHECK(refusal_of(many) == "accepted");
    CHECK(refusal_of(many + "AllowVirtual=one more\n") ==
          "policy.conf:37: [Policy] AllowVirtual: expected at most 32 devices");
}

TEST_CASE("a recipient's key is refused unless it is a usable X25519 key of its own") {
    const auto bad = [](const std::string& lines) { return refusal_of(required + "[Recipients]\n" + lines); };
    const std::string digits = "policy.conf:6: [Recipients] a: expected an X25519 public key as 64 hexadecimal digits, "
                               "and perhaps the Ed25519 public key that signs receipts of erasure";
    CHECK(bad("a=\n") == digits);
    CHECK(bad("a=" + key_a.substr(1) + "\n") == digits);
    CHECK(bad("a=" + key_a + "0\n") == digits);
    CHECK(bad("a=g" + key_a.substr(1) + "\n") == digits);
    for (const std::string low : {
             "0000000000000000000000000000000000000000000000000000000000000000",
             "0100000000000000000000000000000000000000000000000000000000000000",
             "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
             "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
             "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
             "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
             "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
         }) {
        CHECK(bad("a=" + low + "\n") ==
              "policy.conf:6: [Recipients] a: expected an X25519 public key that is not of low order");
    }
    CHECK(bad("a=" + key_a + "\na=" + key_b + "\n") ==
          "policy.conf:7: [Recipients] a: repeated, expected each recipient once");
    CHECK(bad("a=" + key_a + "\nb=" + key_a + "\n") ==
          "policy.conf:7: [Recipients] b: expected a key of its own, this is that of a");
    CHECK(bad(std::string(65, 'n') + "=" + key_a + "\n").ends_with("expected a name of at most 64 characters"));
}

TEST_CASE("a recipient may have a key that signs receipts of erasure, and nothing behind it") {
    const auto recipients = [](const std::string& value) {
        return policy_of(required + "[Recipients]\na=" + value + "\n");
    };
    for (const std::string blanks : {" ", "\t", "  \t "}) {
        const auto policy = recipients(key_a + blanks + signing_key);
        REQUIRE(policy.has_value());
        CHECK(to_hex(policy->recipients.at(0).key) == key_a);
        CHECK(to_hex(policy->recipients.at(0).signing_key.value()) == signing_key);
    }
    for (const std::string& bad :
         {key_a + signing_key, key_a + " " + signing_key.substr(1), key_a + " " + signing_key + "0",
          key_a + " g" + signing_key.substr(1), key_a + "," + signing_key,
          key_a + " " + signing_key + " " + signing_key, key_a + " " + signing_key + " x"}) {
        INFO(bad);
        CHECK(recipients(bad).error().message.starts_with(
            "policy.conf:6: [Recipients] a: expected an X25519 public key as 64 hexadecimal digits, and perhaps"));
    }
    const PolicyHash with = recipients(key_a + " " + signing_key)->hash;
    CHECK(with != recipients(key_a)->hash);
    CHECK(with != recipients(key_a + " " + key_b)->hash);
}

TEST_CASE("32 recipients are accepted and 33 are not") {
    std::string text = required + "[Recipients]\n";
    for (std::size_t i = 0; i < wire::max_recipients; ++i) {
        text += "r" + std::to_string(i) + "=" + to_hex(wire::RecipientKeyPair::generate().public_key) + "\n";
    }
    CHECK(refusal_of(text) == "accepted");
    CHECK(refusal_of(text + "more=" + key_a + "\n").ends_with("more: expected at most 32 recipients"));
}

TEST_CASE("a notice that nobody could read is refused") {
    const std::string refused = "notice.txt: expected 1 to 65536 bytes of UTF-8 text, not blank, without control "
                                "characters but newline and tab";
    CHECK(refusal_of(required, "") == refused);
    CHECK(refusal_of(required, " \n\t\n") == refused);
    CHECK(refusal_of(required, "a\xff") == refused);
    CHECK(refusal_of(required, "what\x1b[8m is hidden") == refused);
    CHECK(refusal_of(required, std::string(max_notice_bytes + 1, 'n')) == refused);
    CHECK(refusal_of(required, std::string(max_notice_bytes, 'n')) == "accepted");
}

TEST_CASE("the hash changes with every value, key, order and the notice, and not with comments") {
    const std::string text = required + "[Recipients]\na=" + key_a + "\nb=" + key_b + "\n";
    const auto hash = [](const std::string& t, const std::string& n = notice) { return policy_of(t, n).value().hash; };
    const PolicyHash original = hash(text);
    CHECK(hash("# a comment\n" + text + "\n; another\n") == original);
    CHECK(hash(text, notice + " ") != original);
    CHECK(hash(required + "[Recipients]\nb=" + key_b + "\na=" + key_a + "\n") != original);
    CHECK(hash(required + "[Recipients]\na=" + key_a + "\n") != original);
    CHECK(hash(required + "ConsentDays=90\n[Recipients]\na=" + key_a + "\nb=" + key_b + "\n") != original);
    // Fields are told apart: the same letters, cut elsewhere.
    CHECK(hash("[Policy]\nController=ab\nContact=c\nPurpose=d\n") !=
          hash("[Policy]\nController=a\nContact=bc\nPurpose=d\n"));
}

TEST_CASE("the hash is the documented one") {
    // SHA-256 of the fields as policy.h says, computed by another program.
    CHECK(to_hex(policy_of(required).value().hash) ==
          "996d89a7599cd6a7cf38244ca6e0f26b3072698e36ae0571806bf3ebe050cdf4");
}

TEST_CASE("the person is shown the notice, every word of the policy, and who can open what is recorded") {
    const auto policy = policy_of(
        required +
        "DPIA=DPIA-7\nSites=the lab\nRetention=two years\nLevel=rhythm\nDevices=keyboard mouse\n"
        "Schedule=Mon..Fri 08:00-18:00\nSchedule=Sat,Sun 10:00-12:00\nBatchSeconds=1\n"
        "QuarantineSeconds=3\nEmbargoMinutes=90\nEpochDays=1\nConsentDays=7\nRequiredIndicators=light context\n"
        "PanicChord=KEY_LEFTCTRL KEY_Q\nPanicSeconds=2\nPanicPauseMinutes=30\n"
        "AllowVirtual=Robot\n[Recipients]\nlake=" +
        key_a + " " + signing_key + "\n");
    CHECK(present(policy.value()) ==
          notice +
              "\nController: Example\nContact: privacy@example.org\nPurpose: Training\nLawful basis: consent\n"
              "Impact assessment (DPIA): DPIA-7\nIn use at: the lab\nRetention: two years\n"
              "Highest level that you can choose: rhythm (how many keys of each kind are pressed, on a grid of 250 "
              "milliseconds)\n"
              "Devices that you can allow: keyboards and mice\n"
              "Hours: Mon..Fri 08:00-18:00, this computer's local time\n"
              "Hours: Sat,Sun 10:00-12:00, this computer's local time\n"
              "Waits before it is kept: 3 seconds; what is still waiting when recording stops or is held off, as by a "
              "password prompt, is thrown away\n"
              "Encrypted and handed on: every 1 second\n"
              "Stays on this computer: for 90 minutes at least, where you can look at it and delete it\n"
              "A new key of yours: every 1 day\n"
              "A consent lasts at most: 7 days\n"
              "Shows that recording is on: the keyboard's Scroll Lock light and the sign on the screen; without both "
              "of them nothing is recorded\n"
              "To pause: \"candorctl pause\", or hold left Ctrl + Q (of a US keyboard) for 2 seconds: nothing is "
              "recorded for 30 minutes then\n"
              "Virtual device that is recorded too: Robot\n"
              "Can open what is recorded: lake (" +
              key_a + ")\n");
}

TEST_CASE("what holds by default is told too") {
    const std::string shown = present(policy_of(required).value());
    for (const char* line : {
             "Impact assessment (DPIA): none is named, and nothing is recorded until one is",
             "In use at: not stated",
             "Retention: not stated",
             "Highest level that you can choose: actions (pointer, touch and all keys but those of text exactly; of "
             "text how "
             "many keys, not which)",
             "Devices that you can allow: keyboards, mice, touchpads, touchscreens and tablets with a pen",
             "Hours: at any time of any day",
             "Waits before it is kept: 2 seconds;",
             "Stays on this computer: for 60 minutes at least, where you can look at it and delete it",
             "A new key of yours: every 30 days",
             "Shows that recording is on: the keyboard's Scroll Lock light; without it nothing is recorded",
             "To pause: \"candorctl pause\", or hold left Shift + right Shift + Escape for 1 second: nothing is "
             "recorded for 15 "
             "minutes then",
             "Can open what is recorded: nobody is named, and nothing is recorded until somebody is",
         }) {
        INFO(line);
        CHECK(shown.find(std::string("\n") + line) != std::string::npos);
    }
}

TEST_CASE("the person is told plainly when nothing lights up") {
    const auto shown = [](const std::string& line) { return present(policy_of(required + line + "\n").value()); };
    CHECK(shown("RequiredIndicators=none").find("\"candorctl status\" is then the only indication\n") !=
          std::string::npos);
    CHECK(shown("RequiredIndicators=context").find("the sign on the screen; without it nothing is recorded") !=
          std::string::npos);
    CHECK(shown("Level=full").find("full (everything, with all text that is typed)") != std::string::npos);
}

TEST_CASE("the person is told plainly when nothing stays on the computer") {
    CHECK(present(policy_of(required + "EmbargoMinutes=0\n").value())
              .find("\nStays on this computer: until it can be sent on, which may be at once\n") != std::string::npos);
    CHECK(present(policy_of(required + "EmbargoMinutes=1\n").value())
              .find("\nStays on this computer: for 1 minute at least,") != std::string::npos);
}

TEST_CASE("every key that a chord can have is called by some name") {
    for (std::uint16_t code = KEY_ESC; code < KEY_MAX; ++code) {
        Policy policy = policy_of(required).value();
        policy.panic_keys = {KEY_LEFTSHIFT, code};
        const std::string shown = present(policy);
        const std::size_t at = shown.find("left Shift + ") + 13;
        INFO(code);
        REQUIRE(shown.find(" for 1 second", at) > at);
    }
}

TEST_CASE("the example policy is refused until it says who, how to reach them, and what for") {
    const std::filesystem::path docs = CANDOR_SOURCE "/docs";
    std::string text = example_policy();
    REQUIRE_FALSE(text.empty());
    for (const std::string key : {"Controller", "Contact", "Purpose"}) {
        const std::string refused = refusal_of(text);
        CHECK(refused.find("[Policy] " + key + ": expected 1 to 1024 bytes") != std::string::npos);
        text.replace(text.find(key + "="), key.size() + 1, key + "=x");
    }
    std::ifstream notice_file(docs / "notice.txt");
    const std::string template_notice{std::istreambuf_iterator<char>(notice_file), {}};
    CHECK(refusal_of(text, template_notice) == "accepted");
}

TEST_CASE("the example policy shows every key that has a default, with that default") {
    std::istringstream lines(example_policy());
    std::string shown = required;
    std::size_t count = 0;
    for (std::string line; std::getline(lines, line);) {
        const bool with_value = line.starts_with("#") && line.size() > 1 && line[1] != ' ' && !line.ends_with("=") &&
                                line.find('=') != std::string::npos;
        if (with_value) {
            shown += line.substr(1) + "\n";
            ++count;
        }
    }
    CHECK(count == 12);
    const auto policy = policy_of(shown);
    REQUIRE(policy.has_value());
    CHECK(present(*policy) == present(policy_of(required).value()));
}

TEST_CASE("a policy is read from its folder with its drop-ins") {
    const test::TemporaryDirectory directory;
    const std::string file = directory / "policy.conf";
    CHECK(load_policy(directory.path()).error().message == file + ": missing, expected a policy");
    write(file, required);
    CHECK(load_policy(directory.path())
              .error()
              .message.starts_with((directory / "notice.txt").string() + ": No such file"));
    write(directory / "notice.txt", notice);
    const auto plain = load_policy(directory.path());
    REQUIRE(plain.has_value());
    CHECK(plain->hash == policy_of(required)->hash);

    std::filesystem::create_directory(file + ".d");
    write(file + ".d/10-site.conf", "[Policy]\nPurpose=Another\nConsentDays=7\n[Recipients]\na=" + key_a + "\n");
    write(file + ".d/20-site.conf", "[Policy]\nConsentDays=8\n");
    const auto merged = load_policy(directory.path());
    REQUIRE(merged.has_value());
    CHECK(merged->purpose == "Another");
    CHECK(merged->consent_duration == std::chrono::days(8));
    CHECK(merged->recipients.size() == 1);
    CHECK(merged->hash != plain->hash);

    write(file + ".d/30-site.conf", "[Policy]\nSecretKey=1\n");
    CHECK(load_policy(directory.path())
              .error()
              .message.starts_with(file + ".d/30-site.conf:2: [Policy] SecretKey: unknown key"));
}

TEST_CASE("windows and virtual devices of drop-ins add up, everything else is replaced") {
    const test::TemporaryDirectory directory;
    const std::string file = directory / "policy.conf";
    write(directory / "notice.txt", notice);
    write(file, required + "Level=full\nDevices=keyboard\nSchedule=Mon 08:00-09:00\nAllowVirtual=a\n");
    std::filesystem::create_directory(file + ".d");
    write(file + ".d/10.conf",
          "[Policy]\nLevel=counts\nDevices=mouse tablet\nSchedule=Tue 08:00-09:00\nAllowVirtual=b\n");
    const auto policy = load_policy(directory.path());
    REQUIRE(policy.has_value());
    CHECK(policy->level == privacy::Level::counts);
    CHECK(policy->devices == std::vector{input::DeviceClass::mouse, input::DeviceClass::tablet});
    CHECK(policy->schedule.windows.size() == 2);
    CHECK(policy->allow_virtual.size() == 2);
    write(file + ".d/20.conf", "[Policy]\nQuarantineSeconds=1\n");
    CHECK(load_policy(directory.path()).has_value());
    write(file + ".d/30.conf", "[Policy]\nLevel=full\n");
    CHECK(load_policy(directory.path())
              .error()
              .message.starts_with(file + ".d/30.conf:2: [Policy] Level: expected QuarantineSeconds of 2 or more"));
}

TEST_CASE("a policy is read by any name, with its own drop-ins and the notice beside it") {
    const test::TemporaryDirectory directory;
    const std::string file = directory / "draft.txt";
    CHECK(load_policy_file(file).error().message == file + ": missing, expected a policy");
    write(file, required);
    CHECK(load_policy_file(file).error().message.starts_with((directory / "notice.txt").string() + ": No such file"));
    write(directory / "notice.txt", notice);
    CHECK(load_policy_file(file).value().hash == policy_of(required)->hash);
    std::filesystem::create_directory(file + ".d");
    write(file + ".d/1.conf", "[Policy]\nConsentDays=1\n");
    CHECK(load_policy_file(file).value().consent_duration == std::chrono::days(1));
}

TEST_CASE("a policy that is a folder or too large is refused") {
    const test::TemporaryDirectory directory;
    write(directory / "notice.txt", notice);
    std::filesystem::create_directory(directory / "policy.conf");
    CHECK_FALSE(load_policy(directory.path()).has_value());
    std::filesystem::remove(directory / "policy.conf");
    write(directory / "policy.conf", required + std::string(max_config_bytes, '#'));
    CHECK_FALSE(load_policy(directory.path()).has_value());
}

TEST_CASE("no policy with a changed key or section name passes") {
    const std::string text = required + "BatchSeconds=5\nConsentDays=30\nAllowVirtual=x\nDPIA=d\nSites=s\nLevel=full\n"
                                        "Devices=mouse\nSchedule=Mon 08:00-09:00\nQuarantineSeconds=2\n"
                                        "RequiredIndicators=none\nPanicChord=KEY_A KEY_B\nPanicSeconds=2\n"
                                        "PanicPauseMinutes=2\nEmbargoMinutes=5\nEpochDays=9\n";
    REQUIRE(policy_of(text).has_value());
    std::mt19937 random(20260601);
    const std::vector<std::string> names = {"Policy",
                                            "Controller",
                                            "Contact",
                                            "Purpose",
                                            "BatchSeconds",
                                            "ConsentDays",
                                            "AllowVirtual",
                                            "DPIA",
                                            "Sites",
                                            "Level",
                                            "Devices",
                                            "Schedule",
                                            "QuarantineSeconds",
                                            "RequiredIndicators",
                                            "PanicChord",
                                            "PanicSeconds",
                                            "PanicPauseMinutes",
                                            "EmbargoMinutes",
                                            "EpochDays"};
    std::size_t refused = 0;
    for (int round = 0; round < 5000; ++round) {
        const std::string& name = names[random() % names.size()];
        std::string changed = name;
        const std::size_t at = random() % changed.size();
        const char letter = static_cast<char>("abcxyzABCXYZ019-_."[random() % 18]);
        switch (random() % 3) {
        case 0:
            changed[at] = letter;
            break;
        case 1:
            changed.insert(at, 1, letter);
            break;
        default:
            changed.erase(at, 1);
        }
        if (changed == name) {
            continue;
        }
        std::string mutated = text;
        mutated.replace(mutated.find(name), name.size(), changed);
        INFO(mutated);
        REQUIRE_FALSE(policy_of(mutated).has_value());
        ++refused;
    }
    CHECK(refused > 4000);
}

TEST_CASE("whatever bytes of a policy change, it is refused, says the same, or has another hash") {
    const std::string text = required + "[Recipients]\na=" + key_a + "\n";
    const PolicyHash original = policy_of(text)->hash;
    std::mt19937 random(7);
    for (int round = 0; round < 20000; ++round) {
        std::string mutated = text;
        mutated[random() % mutated.size()] = static_cast<char>(random());
        const auto policy = policy_of(mutated);
        if (policy && policy->hash == original) {
            const auto entries = parse_ini(text, "policy.conf");
            const auto same = parse_ini(mutated, "policy.conf");
            REQUIRE(entries->size() == same->size());
            for (std::size_t i = 0; i < entries->size(); ++i) {
                REQUIRE((*entries)[i].key == (*same)[i].key);
                REQUIRE((*entries)[i].value == (*same)[i].value);
            }
        }
    }
}
