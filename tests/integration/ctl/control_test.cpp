// SPDX-License-Identifier: Apache-2.0
#include "fake_candord.h"
#include "run_ctl.h"

#include "support/catch.h"
#include "support/temporary_directory.h"

#include <fstream>

using namespace candor::test;

namespace {

using Calls = std::vector<std::string>;

/// A policy.conf with its notice.
void write_policy(const TemporaryDirectory& folder, const std::string& more) {
    std::ofstream(folder / "policy.conf") << "[Policy]\nController=Example\nContact=a@example.org\nPurpose=Training\n"
                                          << more;
    std::ofstream(folder / "notice.txt") << "What is recorded.\n";
}

} // namespace

TEST_CASE("pause is for a quarter of an hour, and says until when and how to go on") {
    const PrivateBus bus;
    FakeCandord service(bus.address(), {});
    const Result result = run_ctl(bus.address(), {"pause"});
    CHECK(result.status == 0);
    CHECK(result.output == "Nothing of yours is recorded until 2027-01-01 00:00:00 UTC.\n"
                           "To go on before that: candorctl resume\n");
    CHECK(service.calls() == Calls{"Pause 900"});
}

TEST_CASE("pause takes a number and a unit") {
    const PrivateBus bus;
    FakeCandord service(bus.address(), {});
    const std::vector<std::pair<std::string, std::string>> forms = {
        {"90s", "Pause 90"},  {"1s", "Pause 1"},     {"15m", "Pause 900"},       {"15min", "Pause 900"},
        {"2h", "Pause 7200"}, {"1d", "Pause 86400"}, {"366d", "Pause 31622400"}, {"31622400s", "Pause 31622400"},
        {"10", "Pause 600"},  {"007", "Pause 420"},
    };
    Calls expected;
    for (const auto& [text, call] : forms) {
        CHECK(run_ctl(bus.address(), {"pause", text}).status == 0);
        expected.push_back(call);
    }
    CHECK(service.calls() == expected);
}

TEST_CASE("pause takes nothing else for a duration") {
    for (const char* text : {"",
                             "0",
                             "0s",
                             "s",
                             "min",
                             "-5",
                             "+5",
                             "1.5h",
                             "1 h",
                             " 1h",
                             "1h ",
                             "1H",
                             "1hour",
                             "1h30m",
                             "1w",
                             "0x10",
                             "1e3",
                             "367d",
                             "31622401s",
                             "18446744073709551616",
                             "18446744073709551615d",
                             "forever",
                             "\xd9\xa1"}) {
        INFO(text);
        const Result result = run_ctl(no_bus, {"pause", text});
        CHECK(result.status == 2);
        CHECK(result.output.empty());
        CHECK_FALSE(result.errors.empty());
    }
}

TEST_CASE("resume ends the pause") {
    const PrivateBus bus;
    FakeCandord service(bus.address(), {});
    const Result result = run_ctl(bus.address(), {"resume"});
    CHECK(result.status == 0);
    CHECK(has(result.output, "Your pause has ended."));
    CHECK(service.calls() == Calls{"Resume"});
}

TEST_CASE("enable and disable let polkit ask, and say what follows") {
    const PrivateBus bus;
    FakeCandord service(bus.address(), {});
    const Result off = run_ctl(bus.address(), {"disable"});
    CHECK(off.status == 0);
    CHECK(off.output == "Recording is switched off for everybody, until: candorctl enable\n");
    const Result on = run_ctl(bus.address(), {"enable"});
    CHECK(on.status == 0);
    CHECK(has(on.output, "It takes the consent of the person at the seat as before."));
    CHECK(service.calls() == Calls{"SetEnabled false !", "SetEnabled true !"});
}

TEST_CASE("policy reload lets polkit ask, and says which policy is in force") {
    const PrivateBus bus;
    FakeCandord service(bus.address(), {});
    const Result result = run_ctl(bus.address(), {"policy", "reload"});
    CHECK(result.status == 0);
    CHECK(has(result.output, FakeCandord::policy_hash));
    CHECK(service.calls() == Calls{"ReloadPolicy !"});
}

TEST_CASE("policy reload passes the policy's refusal on") {
    const PrivateBus bus;
    const FakeCandord service(bus.address(), {.errors = {{"ReloadPolicy", "org.candor.Capture1.Error.PolicyRefused"}},
                                              .error_text = "policy.conf:3: [Policy] Level: expected"});
    const Result result = run_ctl(bus.address(), {"policy", "reload"});
    CHECK(result.status == 1);
    CHECK(result.errors == "candorctl: policy.conf:3: [Policy] Level: expected\n");
}

TEST_CASE("a sound policy is checked without candord: its hash, and what the person would be shown") {
    const TemporaryDirectory folder;
    write_policy(folder, "DPIA=2026-7\nLevel=rhythm\n[Recipients]\nlab=" + std::string(64, 'b') + "\n");
    const Result result = run_ctl(no_bus, {"policy", "check", (folder / "policy.conf").string()});
    CHECK(result.errors.empty());
    CHECK(result.status == 0);
    CHECK(has(result.output, "The policy is sound. Its hash: "));
    CHECK(has(result.output, "What the person is shown:\n\nWhat is recorded.\n"));
    CHECK(has(result.output, "Controller: Example\n"));
    CHECK_FALSE(has(result.output, "Nothing is recorded under it"));
}

TEST_CASE("a policy that loads, but under which nothing is recorded, is said to be one") {
    const TemporaryDirectory folder;
    write_policy(folder, "");
    const Result result = run_ctl(no_bus, {"policy", "check", (folder / "policy.conf").string()});
    CHECK(result.status == 0);
    CHECK(has(result.output, "Nothing is recorded under it: [Recipients] names nobody who could open it.\n"
                             "Nothing is recorded under it: DPIA= names no impact assessment.\n"));
}

TEST_CASE("a refused policy is refused with its place") {
    const TemporaryDirectory folder;
    write_policy(folder, "Level=everything\n");
    const std::string file = (folder / "policy.conf").string();
    const Result result = run_ctl(no_bus, {"policy", "check", file});
    CHECK(result.status == 1);
    CHECK(result.output.empty());
    CHECK(has(result.errors, "candorctl: " + file + ":5: [Policy] Level: expected"));
}

TEST_CASE("a policy or a notice that is not there is named") {
    const TemporaryDirectory folder;
    const std::string file = (folder / "policy.conf").string();
    const Result without = run_ctl(no_bus, {"policy", "check", file});
    CHECK(without.status == 1);
    CHECK(has(without.errors, file + ": no such file"));
    write_policy(folder, "");
    std::filesystem::remove(folder / "notice.txt");
    const Result without_notice = run_ctl(no_bus, {"policy", "check", file});
    CHECK(without_notice.status == 1);
    CHECK(has(without_notice.errors, "notice.txt"));
}
