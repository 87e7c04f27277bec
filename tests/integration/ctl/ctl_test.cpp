// SPDX-License-Identifier: Apache-2.0
#include "fake_candord.h"
#include "run_ctl.h"

#include "support/catch.h"

#include <nlohmann/json.hpp>

#include <ctime>

using namespace candor::test;
using Json = nlohmann::json;

namespace {

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

constexpr std::int64_t end_of_consent = 1'798'761'600; // 2027-01-01

} // namespace

TEST_CASE("status says that nothing is recorded, why, and what to do about it") {
    const PrivateBus bus;
    const FakeCandord service(bus.address(), {});
    const Result result = run_ctl(bus.address(), {"status"});
    CHECK(result.status == 0);
    CHECK(result.errors.empty());
    CHECK(result.output == "Recording: no\n"
                           "  the person at the seat has not consented (consent-none)\n"
                           "    if you agree, after reading the notice: candorctl consent grant\n"
                           "Consent:   none\n"
                           "Devices:   0 of 2 captured\n"
                           "Shipper:   connected\n"
                           "Policy:    " +
                               FakeCandord::policy_hash +
                               "\n"
                               "Counters:\n"
                               "  Batches         3\n"
                               "  EventsProduced  12\n");
}

TEST_CASE("status says that it is recorded, and until when") {
    const PrivateBus bus;
    const FakeCandord service(bus.address(), {.recording = true, .consent_until = end_of_consent});
    const Result result = run_ctl(bus.address(), {"status"});
    CHECK(result.status == 0);
    CHECK(has(result.output, "Recording: yes\nLevel:     full\nConsent:   until 2027-01-01T00:00:00Z\n"
                             "Devices:   1 of 2 captured\n"));
}

TEST_CASE("status and devices are JSON on request") {
    const PrivateBus bus;
    const FakeCandord service(bus.address(), {});
    const Result status = run_ctl(bus.address(), {"status", "--json"});
    CHECK(status.status == 0);
    const Json json = Json::parse(status.output);
    CHECK(json["recording"] == false);
    CHECK(json["state"] == "closed");
    CHECK(json["reasons"][0]["name"] == "consent-none");
    CHECK(json["consent_until"].is_null());
    CHECK(json["devices"]["known"] == 2);
    CHECK(json["counters"]["EventsProduced"] == 12);
    const Result devices = run_ctl(bus.address(), {"devices", "--json"});
    CHECK(devices.status == 0);
    const Json list = Json::parse(devices.output);
    REQUIRE(list.size() == 2);
    CHECK(list[0]["node"] == "/dev/input/event0");
    CHECK(list[1]["rule"] == "power button");
    CHECK(list[1]["captured"] == false);
}

TEST_CASE("devices is a table") {
    const PrivateBus bus;
    const FakeCandord service(bus.address(), {.recording = true});
    CHECK(run_ctl(bus.address(), {"devices"}).output ==
          "NODE               NAME          CLASS     CAPTURED  RULE\n"
          "/dev/input/event0  Keyboard      keyboard  yes       keyboard\n"
          "/dev/input/event1  Power Button  other     no        power button\n");
}

TEST_CASE("a device's name cannot command the terminal") {
    const PrivateBus bus;
    const FakeCandord service(bus.address(), {.device_name = "Key\x1b[2Jboard\n\xc2\x9b"});
    const Result result = run_ctl(bus.address(), {"devices"});
    CHECK(has(result.output, "Key?[2Jboard?? "));
    CHECK_FALSE(has(result.output, "\x1b"));
    CHECK(run_ctl(bus.address(), {"devices", "--json"}).status == 0);
}

TEST_CASE("a grant shows the notice and the hash, and passes on exactly what was shown") {
    const PrivateBus bus;
    FakeCandord service(bus.address(), {});
    const Result result = run_ctl(bus.address(), {"consent", "grant", "--yes", "--until", "2027-01-01"});
    CHECK(result.status == 0);
    CHECK(has(result.output, FakeCandord::notice));
    CHECK(has(result.output, FakeCandord::policy_hash));
    CHECK(has(result.output, "would end at 2027-01-01T00:00:00Z"));
    CHECK(has(result.output, "Consent is given."));
    CHECK(has(result.output, "Until:      2026-11-25T00:00:00Z\n"));
    REQUIRE(service.grants().size() == 1);
    CHECK(service.grants()[0].level == "full");
    CHECK(service.grants()[0].policy_hash == FakeCandord::policy_hash);
    CHECK(service.grants()[0].expiry == end_of_consent);
}

TEST_CASE("a grant lasts as long as the policy allows, or for the days that are asked for") {
    const PrivateBus bus;
    FakeCandord service(bus.address(), {});
    CHECK(run_ctl(bus.address(), {"consent", "grant", "--yes"}).status == 0);
    const std::int64_t before = std::time(nullptr);
    CHECK(run_ctl(bus.address(), {"consent", "grant", "--yes", "--days", "3"}).status == 0);
    const auto grants = service.grants();
    REQUIRE(grants.size() == 2);
    CHECK(grants[0].expiry == 0);
    CHECK(grants[1].expiry >= before + 3 * 24 * 3600);
    CHECK(grants[1].expiry <= std::time(nullptr) + 3 * 24 * 3600);
}

TEST_CASE("without a terminal and without --yes nothing is granted") {
    const PrivateBus bus;
    FakeCandord service(bus.address(), {});
    const Result result = run_ctl(bus.address(), {"consent", "grant"});
    CHECK(result.status == 1);
    CHECK(result.errors == "candorctl: no terminal to ask on: read the notice (candorctl notice), then pass --yes\n");
    CHECK(service.grants().empty());
}

TEST_CASE("on a terminal only a yes grants") {
    const PrivateBus bus;
    FakeCandord service(bus.address(), {});
    for (const char* no : {"n\n", "\n", "yess\n", "\x04"}) {
        const Result result = run_ctl_on_terminal(bus.address(), {"consent", "grant"}, no);
        CHECK(result.status == 1);
        CHECK(has(result.output, "Do you consent to this? [y/N]"));
        CHECK(has(result.output, "nothing was changed"));
    }
    CHECK(service.grants().empty());
    const Result result = run_ctl_on_terminal(bus.address(), {"consent", "grant"}, "y\n");
    CHECK(result.status == 0);
    CHECK(has(result.output, "Every key is recorded."));
    CHECK(service.grants().size() == 1);
}

TEST_CASE("notice prints what consent is asked for, and changes nothing") {
    const PrivateBus bus;
    FakeCandord service(bus.address(), {});
    const Result result = run_ctl(bus.address(), {"notice"});
    CHECK(result.status == 0);
    CHECK(result.output ==
          FakeCandord::notice + "\nHash of the policy and this notice: " + FakeCandord::policy_hash + "\n");
    CHECK(service.grants().empty());
}

TEST_CASE("consent is shown with what it was given for") {
    const PrivateBus bus;
    const FakeCandord service(bus.address(), {.receipt_state = "valid", .receipt = FakeCandord::given});
    const Result text = run_ctl(bus.address(), {"consent", "show"});
    CHECK(text.status == 0);
    CHECK(text.output == "Consent:    valid\n"
                         "Given:      2026-11-24T00:00:00Z\n"
                         "Until:      2026-11-25T00:00:00Z\n"
                         "Level:      full\n"
                         "Controller: Example\n"
                         "Contact:    a@example.org\n"
                         "Purpose:    Training\n"
                         "Policy:     aa\n"
                         "Record:     r1\n");
    const Json json = Json::parse(run_ctl(bus.address(), {"consent", "show", "--json"}).output);
    CHECK(json["state"] == "valid");
    CHECK(json["receipt"] == Json::parse(FakeCandord::given));
}

TEST_CASE("no consent is shown as none") {
    const PrivateBus bus;
    const FakeCandord service(bus.address(), {});
    CHECK(run_ctl(bus.address(), {"consent", "show"}).output == "Consent:    none\n");
    CHECK(Json::parse(run_ctl(bus.address(), {"consent", "show", "--json"}).output)["receipt"].is_null());
}

TEST_CASE("revoke asks nothing and says that recording has stopped") {
    const PrivateBus bus;
    FakeCandord service(bus.address(), {});
    const Result result = run_ctl(bus.address(), {"consent", "revoke"});
    CHECK(result.status == 0);
    CHECK(has(result.output, "Consent is withdrawn: recording has stopped.\n"));
    CHECK(service.revocations() == 1);
}

TEST_CASE("every command says so when candord is not running") {
    const PrivateBus bus;
    const std::vector<std::vector<std::string>> commands = {
        {"status"}, {"devices"}, {"notice"}, {"consent", "show"}, {"consent", "grant", "--yes"}, {"consent", "revoke"}};
    for (const auto& command : commands) {
        const Result result = run_ctl(bus.address(), command);
        INFO(command.back());
        CHECK(result.status == 1);
        CHECK(result.output.empty());
        CHECK(result.errors ==
              "candorctl: candord is not running: nothing is recorded (to start it: systemctl start candord)\n");
    }
}

TEST_CASE("a bus that cannot be reached is said") {
    const Result result = run_ctl("unix:path=/nonexistent/bus", {"status"});
    CHECK(result.status == 1);
    CHECK(has(result.errors, "candorctl: cannot reach the system bus: "));
}

TEST_CASE("the service's refusal is passed on") {
    const PrivateBus bus;
    SECTION("its own words") {
        const FakeCandord service(bus.address(), {.error = "org.candor.Capture1.Error.NotAuthorized"});
        const Result result = run_ctl(bus.address(), {"consent", "grant", "--yes"});
        CHECK(result.status == 1);
        CHECK(result.errors == "candorctl: what the service says\n");
    }
    SECTION("the bus's policy") {
        const FakeCandord service(bus.address(), {.error = "org.freedesktop.DBus.Error.AccessDenied"});
        const Result result = run_ctl(bus.address(), {"consent", "revoke"});
        CHECK(result.status == 1);
        CHECK(result.errors == "candorctl: not allowed: what the service says\n");
    }
}

TEST_CASE("an answer of the wrong types is refused, not guessed") {
    const PrivateBus bus;
    const FakeCandord service(bus.address(), {.nonsense = true});
    const std::vector<std::vector<std::string>> commands = {
        {"status"}, {"devices"}, {"notice"}, {"consent", "show"}, {"consent", "grant", "--yes"}, {"consent", "revoke"}};
    for (const auto& command : commands) {
        const Result result = run_ctl(bus.address(), command);
        INFO(command.back());
        CHECK(result.status == 1);
        CHECK(has(result.errors, "is not understood"));
    }
}

TEST_CASE("wrong usage is exit status 2, and help and version are 0") {
    const std::vector<std::vector<std::string>> wrong = {{},
                                                         {"record"},
                                                         {"status", "extra"},
                                                         {"status", "--jsn"},
                                                         {"consent"},
                                                         {"consent", "grant", "--level", "some"},
                                                         {"consent", "grant", "--days", "0"},
                                                         {"consent", "grant", "--days", "366"},
                                                         {"consent", "grant", "--until", "tomorrow"},
                                                         {"consent", "grant", "--until", "2027-02-30"},
                                                         {"consent", "grant", "--days", "1", "--until", "2027-01-01"},
                                                         {"consent", "revoke", "--json"}};
    for (const auto& arguments : wrong) {
        const Result result = run_ctl("unix:path=/nonexistent/bus", arguments);
        INFO(result.errors);
        CHECK(result.status == 2);
        CHECK_FALSE(result.errors.empty());
        CHECK(result.output.empty());
    }
    for (const std::vector<std::string>& arguments :
         {std::vector<std::string>{"--help"}, {"--version"}, {"consent", "grant", "--help"}}) {
        CHECK(run_ctl("unix:path=/nonexistent/bus", arguments).status == 0);
    }
}
