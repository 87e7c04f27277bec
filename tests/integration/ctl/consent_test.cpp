// SPDX-License-Identifier: Apache-2.0
#include "fake_candord.h"
#include "run_ctl.h"

#include "consent/utc.h"
#include "support/catch.h"

#include <nlohmann/json.hpp>

#include <ctime>

using namespace candor::test;
using Json = nlohmann::json;

namespace {

constexpr std::int64_t day = 86'400;

Arguments grant(Arguments more) {
    Arguments arguments = {"consent", "grant", "--yes"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
}

} // namespace

TEST_CASE("notice prints what consent is asked for and what can be chosen, and changes nothing") {
    const PrivateBus bus;
    FakeCandord service(bus.address(), {.level_ceiling = "rhythm"});
    const Result result = run_ctl(bus.address(), {"notice"});
    CHECK(result.status == 0);
    CHECK(result.output == FakeCandord::notice + "\nHash of the policy and this notice: " + FakeCandord::policy_hash +
                               "\n"
                               "Levels that you can choose:         counts, activity or rhythm\n"
                               "Devices that you can allow:         keyboard and mouse\n"
                               "A consent lasts at most:            90 days\n");
    CHECK_FALSE(service.was_called("Grant"));
}

TEST_CASE("a grant shows the notice and the hash, and passes on exactly what was shown") {
    const PrivateBus bus;
    FakeCandord service(bus.address(), {});
    const std::int64_t until = std::time(nullptr) / day * day + 10 * day;
    const std::string date = candor::consent::format_utc(until).substr(0, 10);
    const Result result = run_ctl(bus.address(), grant({"--until", date, "--level", "full", "--devices", "mouse"}));
    CHECK(result.status == 0);
    CHECK(has(result.output, FakeCandord::notice));
    CHECK(has(result.output, FakeCandord::policy_hash));
    CHECK(has(result.output, "Level:      full: everything, with all text that is typed\n"));
    CHECK(has(result.output, "Devices:    mouse\n"));
    CHECK(has(result.output, "Ends:       " + date + " 00:00:00 UTC, or when you take it back\n"));
    CHECK(has(result.output, "Consent is given. To take it back: candorctl consent revoke\n"));
    CHECK(has(result.output, "Until:      2026-11-25 00:00:00 UTC\n"));
    REQUIRE(service.grants().size() == 1);
    CHECK(service.grants()[0].policy_hash == FakeCandord::policy_hash);
    CHECK(service.grants()[0].level == "full");
    CHECK(service.grants()[0].device_classes == std::vector<std::string>{"mouse"});
    CHECK(service.grants()[0].until == until);
}

TEST_CASE("without a level, a grant is for actions, or for the ceiling where that is lower") {
    const PrivateBus bus;
    const auto granted = [&bus](const std::string& ceiling) {
        FakeCandord service(bus.address(), {.level_ceiling = ceiling});
        CHECK(run_ctl(bus.address(), grant({})).status == 0);
        return service.grants().at(0).level;
    };
    CHECK(granted("full") == "actions");
    CHECK(granted("actions") == "actions");
    CHECK(granted("rhythm") == "rhythm");
    CHECK(granted("counts") == "counts");
}

TEST_CASE("without devices, a grant is for all that the policy allows") {
    const PrivateBus bus;
    FakeCandord service(bus.address(), {});
    CHECK(run_ctl(bus.address(), grant({})).status == 0);
    CHECK(run_ctl(bus.address(), grant({"--devices", "keyboard,mouse"})).status == 0);
    REQUIRE(service.grants().size() == 2);
    CHECK(service.grants()[0].device_classes.empty());
    CHECK(service.grants()[1].device_classes == std::vector<std::string>{"keyboard", "mouse"});
}

TEST_CASE("a grant lasts as long as the policy allows, or for the days that are asked for") {
    const PrivateBus bus;
    FakeCandord service(bus.address(), {});
    CHECK(run_ctl(bus.address(), grant({})).status == 0);
    const std::int64_t before = std::time(nullptr);
    CHECK(run_ctl(bus.address(), grant({"--days", "3"})).status == 0);
    const auto grants = service.grants();
    REQUIRE(grants.size() == 2);
    CHECK(grants[0].until == 0);
    CHECK(grants[1].until >= before + 3 * day);
    CHECK(grants[1].until <= std::time(nullptr) + 3 * day);
}

TEST_CASE("what the policy does not allow is said before anything is asked, with what it does allow") {
    const PrivateBus bus;
    FakeCandord service(bus.address(), {.level_ceiling = "rhythm"});
    const auto errors = [&bus](Arguments more) {
        const Result result = run_ctl(bus.address(), grant(std::move(more)));
        CHECK(result.status == 1);
        CHECK(result.output.empty());
        CHECK(has(result.errors, ": nothing was changed\n"));
        return result.errors;
    };
    CHECK(has(errors({"--level", "actions"}),
              "'actions' is more than the policy allows, choose counts, activity or rhythm"));
    CHECK(has(errors({"--devices", "keyboard,touchpad"}), "'touchpad' is not a class that the policy allows, choose of "
                                                          "keyboard and mouse"));
    CHECK(has(errors({"--days", "91"}), "the policy allows a consent for 90 days at most"));
    CHECK(has(errors({"--until", "2020-01-01"}), "2020-01-01 00:00:00 UTC is past"));
    CHECK(has(errors({"--until", "2999-01-01"}), "2999-01-01 00:00:00 UTC is later than the policy allows, at most "));
    CHECK(service.grants().empty());
}

TEST_CASE("a ceiling of a later version is not guessed at") {
    const PrivateBus bus;
    FakeCandord service(bus.address(), {.level_ceiling = "soul"});
    const Result result = run_ctl(bus.address(), grant({}));
    CHECK(result.status == 1);
    CHECK(has(result.errors, "'soul' is not known"));
    CHECK(service.grants().empty());
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

TEST_CASE("consent is shown with what it was given for") {
    const PrivateBus bus;
    const FakeCandord service(bus.address(), {.receipt_state = "valid", .receipt = FakeCandord::given});
    const Result text = run_ctl(bus.address(), {"consent", "show"});
    CHECK(text.status == 0);
    CHECK(text.output == "Consent:    valid\n"
                         "Given:      2026-11-24 00:00:00 UTC\n"
                         "Until:      2026-11-25 00:00:00 UTC\n"
                         "Level:      full\n"
                         "Devices:    keyboard, mouse\n"
                         "Controller: Example\n"
                         "Contact:    a@example.org\n"
                         "Purpose:    Training\n"
                         "Recipients: lab, archive\n"
                         "Retention:  a year\n"
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

TEST_CASE("a receipt of another shape is shown as far as it is understood") {
    const PrivateBus bus;
    const FakeCandord service(
        bus.address(),
        {.receipt_state = "valid",
         .receipt =
             R"({"level":7,"purposes":"none","record_id":"r\u001b","event":{"event_time":"2026-11-24T00:00:00Z",)"
             R"("validity_duration":"PT99999999999999999999S"}})"});
    CHECK(run_ctl(bus.address(), {"consent", "show"}).output == "Consent:    valid\n"
                                                                "Given:      2026-11-24 00:00:00 UTC\n"
                                                                "Record:     r?\n");
}

TEST_CASE("revoke asks nothing, not on a terminal either, and says that recording has stopped") {
    const PrivateBus bus;
    FakeCandord service(bus.address(), {});
    const Result result = run_ctl(bus.address(), {"consent", "revoke"});
    CHECK(result.status == 0);
    CHECK(result.output == "Consent is withdrawn: recording has stopped.\n"
                           "What was recorded before stays. To erase it too: candorctl consent revoke --erase\n"
                           "Consent:    withdrawn\n"
                           "Erasure:    not asked for\n");
    CHECK(run_ctl_on_terminal(bus.address(), {"consent", "revoke"}, "").status == 0);
    CHECK(service.calls() == std::vector<std::string>{"Revoke false", "Revoke false"});
}

TEST_CASE("revoke --erase says what is gone here, what is on its way, and where the lake's receipt will stand") {
    const PrivateBus bus;
    FakeCandord service(bus.address(), {});
    const Result result = run_ctl(bus.address(), {"consent", "revoke", "--erase"});
    CHECK(result.status == 0);
    CHECK(has(result.output, "recording has stopped"));
    CHECK(has(result.output, "is erased here: its keys are destroyed on this machine"));
    CHECK(has(result.output, "A signed order to destroy the rest is on its way"));
    CHECK(has(result.output, "until the lake has done it, who is named in the notice can still open"));
    CHECK(has(result.output, "The lake's receipt will stand in: candorctl audit\n"));
    CHECK(has(result.output, "Erasure:    asked for\n"));
    CHECK(service.calls() == std::vector<std::string>{"Revoke true"});
}

TEST_CASE("a withdrawal that could not be stored says that recording has stopped all the same") {
    const PrivateBus bus;
    const FakeCandord service(bus.address(), {.errors = {{"Revoke", "org.candor.Capture1.Error.Failed"}}});
    const Result result = run_ctl(bus.address(), {"consent", "revoke"});
    CHECK(result.status == 1);
    CHECK(result.errors == "candorctl: what the service says; recording has stopped, but the withdrawal is not stored: "
                           "repeat this command\n");
}
