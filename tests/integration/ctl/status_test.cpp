// SPDX-License-Identifier: Apache-2.0
#include "fake_candord.h"
#include "run_ctl.h"

#include "consent/gate.h"
#include "support/catch.h"

#include <nlohmann/json.hpp>

#include <ctime>

using namespace candor::test;
using Json = nlohmann::json;

namespace {

constexpr std::int64_t end_of_consent = 1'798'761'600; // 2027-01-01
constexpr std::int64_t end_of_given = 1'795'564'800;   // 2026-11-25, FakeCandord::given's

} // namespace

TEST_CASE("status says that nothing is recorded, why, and what to do about it") {
    const PrivateBus bus;
    const FakeCandord service(bus.address(), {});
    const Result result = run_ctl(bus.address(), {"status"});
    CHECK(result.status == 0);
    CHECK(result.errors.empty());
    CHECK(result.output == "Recording:  no\n"
                           "  the person at the seat has not consented (consent-none)\n"
                           "    if you agree, after reading the notice: candorctl consent grant\n"
                           "Consent:    none\n"
                           "Indicator:  light, required, works: lit\n"
                           "Allowed:    yes\n"
                           "Devices:    0 of 2 captured\n"
                           "Shipping:   ok\n"
                           "Policy:     " +
                               FakeCandord::policy_hash +
                               "\n"
                               "Counters:\n"
                               "  Batches         3\n"
                               "  EventsProduced  12\n");
}

TEST_CASE("status says that it is recorded, at what level, until when, and from what") {
    const PrivateBus bus;
    const FakeCandord service(bus.address(), {.recording = true, .consent_until = end_of_consent});
    const Result result = run_ctl(bus.address(), {"status"});
    CHECK(result.status == 0);
    CHECK(has(result.output, "Recording:  yes\nLevel:      actions\nConsent:    until 2027-01-01 00:00:00 UTC\n"));
    CHECK(has(result.output, "Devices:    1 of 2 captured: Keyboard (keyboard)\n"));
}

TEST_CASE("status names the pause, who holds recording off, and an indicator that does not work") {
    const PrivateBus bus;
    const FakeCandord service(bus.address(),
                              {.paused_until = end_of_consent,
                               .inhibitors = {{"pass", "shows a password", 0}, {"x", "y", 4'000'000'000}},
                               .indicators = {{"context", false, false, "no helper"}},
                               .enabled = false});
    const Result result = run_ctl(bus.address(), {"status"});
    CHECK(has(result.output, "Paused:     until 2027-01-01 00:00:00 UTC\n"
                             "Held off:   by pass: shows a password (root)\n"
                             "Held off:   by x: y (uid 4000000000)\n"
                             "Indicator:  context, not required, does not work: no helper\n"
                             "Allowed:    no, the administrator has switched recording off\n"));
}

TEST_CASE("status says how shipping goes, what waits since when, and how full the spool is") {
    const PrivateBus bus;
    const auto line = [&bus](std::pair<std::string, std::string> shipping, std::map<std::string, std::uint64_t> spool) {
        const FakeCandord service(bus.address(), {.shipping = std::move(shipping), .spool = std::move(spool)});
        const std::string text = run_ctl(bus.address(), {"status"}).output;
        const auto begin = text.find("Shipping:");
        return text.substr(begin, text.find('\n', begin) - begin);
    };
    const auto spool = [](std::uint64_t waiting, std::int64_t oldest) {
        return std::map<std::string, std::uint64_t>{{"SegmentsWaiting", waiting},
                                                    {"OldestWaiting", static_cast<std::uint64_t>(oldest)},
                                                    {"SpoolBytes", 12'897'485},
                                                    {"SpoolBound", 1'073'741'824}};
    };
    CHECK(line({"shipping", ""}, spool(0, 0)) == "Shipping:   ok, nothing waits, spool 12.3 MiB of 1 GiB");
    CHECK(line({"shipping", ""}, spool(3, 1'000'000'000)) ==
          "Shipping:   ok, 3 segments wait (oldest from 2001-09-09 01:46:40 UTC), spool 12.3 MiB of 1 GiB");
    CHECK(line({"stalled", "the sink is full"}, spool(1, end_of_consent)) ==
          "Shipping:   alive but not shipping: the sink is full; 1 segment waits (from 2027-01-01 00:00:00 UTC), "
          "spool 12.3 MiB of 1 GiB");
    CHECK(line({"refusing", "the spool is full"}, {}) == "Shipping:   refusing what is recorded: the spool is full");
    CHECK(line({"disconnected", ""}, {}) == "Shipping:   no shipper: what is recorded waits in memory");
    CHECK(line({"of\x1b", "later"}, {}) == "Shipping:   of?: later");
    // Of today, the hour is enough.
    const std::int64_t today = std::time(nullptr);
    const std::string now = line({"shipping", ""}, spool(2, today));
    const std::string hour = "(oldest from ";
    REQUIRE(has(now, hour));
    CHECK(now.substr(now.find(hour) + hour.size() + 2, 1) == ":");
    CHECK(now.substr(now.find(hour) + hour.size() + 5, 1) == ")");
}

TEST_CASE("what does not ship is coloured on a terminal") {
    const PrivateBus bus;
    const auto text = [&bus](const std::string& state) {
        const FakeCandord service(bus.address(), {.shipping = {state, ""}});
        return run_ctl_on_terminal(bus.address(), {"status"}, "").output;
    };
    CHECK(has(text("shipping"), "\nShipping:   ok\r"));
    CHECK(has(text("stalled"), "\x1b[1;33mShipping:"));
    CHECK(has(text("refusing"), "\x1b[1;31mShipping:"));
    CHECK(has(text("disconnected"), "\x1b[1;31mShipping:"));
}

TEST_CASE("identity prints the key and the line to enroll it") {
    const PrivateBus bus;
    const std::string key(64, 'b');
    const FakeCandord service(bus.address(), {});
    const Result text = run_ctl(bus.address(), {"identity"});
    CHECK(text.status == 0);
    CHECK(has(text.output, "Identity:   " + key + "\n"));
    const Json json = Json::parse(run_ctl(bus.address(), {"identity", "--json"}).output);
    CHECK(json["identity"] == key);
    const std::string command = json["enroll"];
    CHECK(command.starts_with("candor-refine enroll --name "));
    CHECK(command.ends_with(" " + key));
    CHECK(has(text.output, "\n  " + command + "\n"));
}

TEST_CASE("a candord without an identity is said") {
    const PrivateBus bus;
    const FakeCandord service(bus.address(), {.identity = ""});
    const Result result = run_ctl(bus.address(), {"identity"});
    CHECK(result.status == 1);
    CHECK(has(result.errors, "has no identity"));
}

TEST_CASE("every reason that the gate can give has an advice") {
    std::vector<std::pair<std::string, std::string>> reasons;
    for (std::size_t i = 0; i < candor::consent::reason_count; ++i) {
        const auto reason = static_cast<candor::consent::Reason>(i);
        reasons.emplace_back(candor::consent::reason_name(reason), "so it is");
    }
    const PrivateBus bus;
    const FakeCandord service(bus.address(), {.reasons = reasons});
    const Json json = Json::parse(run_ctl(bus.address(), {"status", "--json"}).output);
    REQUIRE(json["reasons"].size() == candor::consent::reason_count);
    for (const auto& reason : json["reasons"]) {
        INFO(reason.dump());
        CHECK(reason["advice"].get<std::string>().size() > 10);
    }
}

TEST_CASE("a reason of a later version is shown without advice") {
    const PrivateBus bus;
    const FakeCandord service(bus.address(), {.reasons = {{"moon-phase", "the moon is full"}}});
    CHECK(has(run_ctl(bus.address(), {"status"}).output, "  the moon is full (moon-phase)\nConsent:"));
}

TEST_CASE("status tells the person that less is in force than they consented to, and why") {
    const PrivateBus bus;
    const auto text = [&bus](FakeCandord::Answers answers) {
        answers.recording = true;
        answers.receipt_state = "valid";
        answers.receipt = FakeCandord::given;
        FakeCandord service(bus.address(), std::move(answers));
        return run_ctl_as_person(bus.address(), {"status"}).output;
    };
    CHECK(has(text({.consent_until = end_of_given}),
              "Level:      actions (you consented to full: that needs the context helper, which is not running)\n"));
    CHECK(has(text({.consent_until = end_of_given, .context_alive = true}),
              "(you consented to full: the context helper does not know that no secret is typed)\n"));
    CHECK(has(text({.level = "full", .consent_until = end_of_given}), "Level:      full\n"));
    // Somebody else sits there.
    CHECK(has(text({.consent_until = end_of_consent}), "Level:      actions\n"));
}

TEST_CASE("root's status asks for no receipt: it has none, and a denied call is logged") {
    if (::geteuid() != 0) {
        SUCCEED("only root can be root");
        return;
    }
    const PrivateBus bus;
    FakeCandord service(bus.address(), {.recording = true});
    CHECK(run_ctl(bus.address(), {"status"}).status == 0);
    CHECK_FALSE(service.was_called("GetReceipt"));
    CHECK(run_ctl_as_person(bus.address(), {"status"}).status == 0);
    CHECK(service.was_called("GetReceipt"));
}

TEST_CASE("status as JSON has every field, whatever the state") {
    const PrivateBus bus;
    const std::vector<std::string> fields = {
        "recording",    "state",      "level",      "consented_level", "reasons", "consent_until",
        "paused_until", "inhibitors", "indicators", "enabled",         "devices", "shipper_connected",
        "policy_hash",  "counters",   "shipping",   "spool",           "gaps",    "identity"};
    const auto json_of = [&](FakeCandord::Answers answers) {
        const FakeCandord service(bus.address(), std::move(answers));
        const Result result = run_ctl_as_person(bus.address(), {"status", "--json"});
        CHECK(result.status == 0);
        Json json = Json::parse(result.output);
        CHECK(json.size() == fields.size());
        for (const std::string& field : fields) {
            INFO(field);
            CHECK(json.contains(field));
        }
        return json;
    };
    const Json closed = json_of({});
    CHECK(closed["recording"] == false);
    CHECK(closed["state"] == "closed");
    CHECK(closed["reasons"][0]["name"] == "consent-none");
    CHECK(closed["consent_until"].is_null());
    CHECK(closed["paused_until"].is_null());
    CHECK(closed["consented_level"].is_null());
    CHECK(closed["inhibitors"].empty());
    CHECK(closed["enabled"] == true);
    CHECK(closed["devices"] == Json({{"captured", 0}, {"known", 2}}));
    CHECK(closed["counters"]["EventsProduced"] == 12);
    CHECK(closed["shipping"] == Json::parse(R"({"state":"shipping","problem":""})"));
    CHECK(closed["spool"] == Json::object());
    CHECK(closed["gaps"] == Json::parse(R"({"locked":{"events":0,"holes":2},"ring_full":{"events":7,"holes":1}})"));
    CHECK(closed["identity"] == std::string(64, 'b'));
    CHECK(json_of({.spool = {{"SpoolBytes", 5}}})["spool"]["SpoolBytes"] == 5);
    const Json open = json_of({.recording = true,
                               .consent_until = end_of_given,
                               .paused_until = end_of_consent,
                               .inhibitors = {{"pass", "shows", 7}},
                               .receipt_state = "valid",
                               .receipt = FakeCandord::given});
    CHECK(open["recording"] == true);
    CHECK(open["level"] == "actions");
    CHECK(open["consented_level"] == "full");
    CHECK(open["reasons"].empty());
    CHECK(open["consent_until"] == "2026-11-25T00:00:00Z");
    CHECK(open["paused_until"] == "2027-01-01T00:00:00Z");
    CHECK(open["inhibitors"] == Json::parse(R"([{"who":"pass","why":"shows","uid":7}])"));
    CHECK(open["indicators"] == Json::parse(R"([{"name":"light","required":true,"works":true,"text":"lit"}])"));
}

TEST_CASE("devices is a table, or JSON on request") {
    const PrivateBus bus;
    const FakeCandord service(bus.address(), {.recording = true});
    CHECK(run_ctl(bus.address(), {"devices"}).output ==
          "NODE               NAME          CLASS     CAPTURED  RULE\n"
          "/dev/input/event0  Keyboard      keyboard  yes       keyboard\n"
          "/dev/input/event1  Power Button  other     no        power button\n");
    const Result devices = run_ctl(bus.address(), {"devices", "--json"});
    CHECK(devices.status == 0);
    const Json list = Json::parse(devices.output);
    REQUIRE(list.size() == 2);
    CHECK(list[0] == Json::parse(R"({"node":"/dev/input/event0","name":"Keyboard","class":"keyboard","captured":true,)"
                                 R"("rule":"keyboard"})"));
    CHECK(list[1]["captured"] == false);
}

TEST_CASE("a name cannot command the terminal, in text or JSON") {
    const PrivateBus bus;
    const std::string evil = "\x1b[2Jx\n\xc2\x9b";
    const FakeCandord service(bus.address(), {.reasons = {{"inhibited" + evil, evil}},
                                              .device_name = "Key" + evil,
                                              .inhibitors = {{evil, evil, 0}},
                                              .indicators = {{evil, true, true, evil}}});
    for (const Arguments& arguments : {Arguments{"devices"}, {"status"}, {"devices", "--json"}, {"status", "--json"}}) {
        const Result result = run_ctl(bus.address(), arguments);
        CHECK(result.status == 0);
        CHECK_FALSE(has(result.output, "\x1b"));
        CHECK_FALSE(has(result.output, "\xc2\x9b"));
    }
    CHECK(has(run_ctl(bus.address(), {"devices"}).output, "Key?[2Jx?? "));
    CHECK(has(run_ctl(bus.address(), {"status"}).output, "Held off:   by ?[2Jx??: ?[2Jx?? (root)\n"));
}

TEST_CASE("a refusal's words cannot command the terminal") {
    const PrivateBus bus;
    const FakeCandord service(
        bus.address(), {.errors = {{"Pause", "org.candor.Capture1.Error.Failed"}}, .error_text = "no\x1b[2J\n%s"});
    CHECK(run_ctl(bus.address(), {"pause"}).errors == "candorctl: no?[2J?%s\n");
}

TEST_CASE("a status without one of its properties is not understood") {
    const PrivateBus bus;
    for (const char* property : {"State", "Enabled", "PausedUntil", "Shipping", "Identity", "PolicyHash"}) {
        const FakeCandord service(bus.address(), {.missing = property});
        const Result result = run_ctl(bus.address(), {"status"});
        CHECK(result.status == 1);
        CHECK(has(result.errors, "is not understood"));
        CHECK(result.output.empty());
    }
}

TEST_CASE("colour is for a terminal, without NO_COLOR, and never for JSON") {
    const PrivateBus bus;
    const FakeCandord service(bus.address(), {});
    const std::string escape = "\x1b[";
    CHECK(has(run_ctl_on_terminal(bus.address(), {"status"}, "").output, escape));
    CHECK(has(run_ctl_on_terminal(bus.address(), {"devices"}, "").output, escape));
    CHECK_FALSE(has(run_ctl_on_terminal(bus.address(), {"status"}, "", {{"NO_COLOR", "1"}}).output, escape));
    CHECK_FALSE(has(run_ctl_on_terminal(bus.address(), {"status"}, "", {{"TERM", "dumb"}}).output, escape));
    CHECK_FALSE(has(run_ctl_on_terminal(bus.address(), {"status", "--json"}, "").output, escape));
    CHECK_FALSE(has(run_ctl_on_terminal(bus.address(), {"devices", "--json"}, "").output, escape));
    CHECK_FALSE(has(run_ctl(bus.address(), {"status"}).output, escape));
}

TEST_CASE("status is green while recording, red when something is broken, else yellow") {
    const PrivateBus bus;
    const auto first_line = [&bus](FakeCandord::Answers answers) {
        const FakeCandord service(bus.address(), std::move(answers));
        const std::string text = run_ctl_on_terminal(bus.address(), {"status"}, "").output;
        return text.substr(0, text.find('\r'));
    };
    CHECK(first_line({.recording = true}) == "\x1b[1;32mRecording:  yes\x1b[0m");
    CHECK(first_line({.reasons = {{"paused", "p"}, {"session-locked", "l"}}}) == "\x1b[1;33mRecording:  no\x1b[0m");
    CHECK(first_line({.reasons = {{"paused", "p"}, {"audit-failed", "a"}}}) == "\x1b[1;31mRecording:  no\x1b[0m");
}
