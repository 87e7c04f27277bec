// SPDX-License-Identifier: Apache-2.0
#include "machine.h"

#include <ctime>

using namespace candor::test;

TEST_CASE("the notice is the text, the policy's words, the hash and the days") {
    const Machine machine;
    machine.write_policy("ConsentDays=30\n");
    Running running(machine);
    const Answer notice = running.client.notice();
    REQUIRE(notice.values.size() == 2);
    CHECK(has(notice.values[0], "Every key is recorded.\n\nController: Example\n"));
    CHECK(has(notice.values[0],
              "Can open what is recorded: team (" + candor::to_hex(machine.recipient.public_key) + ")"));
    CHECK(notice.values[1] == running.client.text_property("PolicyHash"));
    CHECK(notice.values[1].size() == 64);
}

TEST_CASE("the person's consent opens") {
    if (!may_record()) {
        return;
    }
    const Machine machine;
    Running running(machine);
    running.consent();
    CHECK(running.client.reasons().empty());
    CHECK(running.client.text_property("Level") == "actions");
    CHECK(running.client.consent_until() > std::time(nullptr));
}

TEST_CASE("everything is closed when the answer to a revocation arrives") {
    if (!may_record()) {
        return;
    }
    const Machine machine;
    Running running(machine);
    running.consent();
    const Answer answer = running.client.revoke();
    CHECK(running.client.state() == "closed");
    CHECK(running.client.reasons() == "consent-withdrawn");
    CHECK(running.client.text_property("Level").empty());
    CHECK(running.client.consent_until() == 0);
    REQUIRE(answer.values.size() == 1);
    CHECK(has(answer.values[0], "consent_withdrawn"));
}

TEST_CASE("opening and closing are signalled with what has changed") {
    if (!may_record()) {
        return;
    }
    const Machine machine;
    Running running(machine);
    running.await_closed();
    const std::set<std::string> expected{
        "State",        "Level",         "Reasons", "ConsentUntil",        "PausedUntil",
        "Inhibitors",   "Indicators",    "Enabled", "PolicyHash",          "Alive",
        "LevelCeiling", "DeviceClasses", "MaxDays", "Devices invalidated", "EmbargoSeconds"};
    static_cast<void>(running.client.changed());
    REQUIRE(running.client.consent().error.empty());
    std::set<std::string> changed;
    running.client.await("the signals of opening", [&] {
        changed.merge(running.client.changed());
        return changed == expected;
    });
    REQUIRE(running.client.revoke().error.empty());
    changed.clear();
    running.client.await("the signals of closing", [&] {
        changed.merge(running.client.changed());
        return changed == expected;
    });
}

TEST_CASE("a receipt says what is given, and that it was taken back") {
    if (!may_record()) {
        return;
    }
    const Machine machine;
    Running running(machine);
    CHECK(running.client.receipt().values == std::vector<std::string>{"none", ""});
    running.await_closed();
    const Answer given = running.client.consent();
    REQUIRE(given.values.size() == 1);
    CHECK(running.client.receipt().values == std::vector<std::string>{"valid", given.values[0]});
    const Answer taken = running.client.revoke();
    REQUIRE(taken.values.size() == 1);
    CHECK(running.client.receipt().values == std::vector<std::string>{"withdrawn", taken.values[0]});
}

TEST_CASE("consent that ends closes by itself") {
    if (!may_record()) {
        return;
    }
    const Machine machine;
    Running running(machine);
    running.await_closed();
    const Answer answer =
        running.client.grant(running.client.text_property("PolicyHash"), "actions", std::time(nullptr) + 2);
    INFO(answer.message);
    REQUIRE(answer.error.empty());
    running.client.await_reasons("consent-expired");
    CHECK(running.client.state() == "closed");
}

TEST_CASE("a policy that changes while recording closes") {
    if (!may_record()) {
        return;
    }
    const Machine machine;
    Running running(machine);
    running.consent();
    machine.write_policy("Retention=For ever\n");
    running.reload();
    CHECK(running.client.state() == "closed");
    CHECK(running.client.reasons() == "consent-wrong-policy");
    machine.write_policy();
    running.reload();
    CHECK(running.client.state() == "recording");
}

TEST_CASE("consent outlives a restart") {
    if (!may_record()) {
        return;
    }
    const Machine machine;
    {
        Running running(machine);
        running.consent();
        CHECK(running.candord.terminate() == 0);
    }
    Running running(machine);
    running.client.await_state("recording");
}

TEST_CASE("a receipt that is damaged while recording closes as soon as it is looked at") {
    if (!may_record()) {
        return;
    }
    const Machine machine;
    Running running(machine);
    running.consent();
    std::ofstream(machine.receipt(), std::ios::app) << " ";
    machine.logind->prepare_for_sleep(false);
    running.client.await_state("closed");
    CHECK(running.client.reasons() == "consent-damaged");
    CHECK(running.client.receipt().values.at(0) == "damaged");
}

TEST_CASE("a receipt that another device signed is no consent") {
    if (!may_record()) {
        return;
    }
    const Machine machine;
    {
        Running running(machine);
        running.consent();
        CHECK(running.candord.terminate() == 0);
    }
    std::filesystem::remove(machine.folders.state / "identity.key");
    Running running(machine);
    // Nor is an audit log this device's own.
    running.client.await_reasons("audit-failed consent-damaged");
    CHECK(running.client.state() == "closed");
}

TEST_CASE("a revocation of what was never given writes nothing") {
    const Machine machine;
    Running running(machine);
    running.await_closed();
    CHECK(running.client.revoke().values == std::vector<std::string>{""});
    CHECK(machine.receipts() == 0);
}

TEST_CASE("a revocation closes and says why even when the receipt is gone from the disk") {
    if (!may_record()) {
        return;
    }
    const Machine machine;
    Running running(machine);
    running.consent();
    std::filesystem::remove(machine.receipt());
    CHECK(running.client.revoke().error.empty());
    CHECK(running.client.state() == "closed");
    CHECK(running.client.reasons() == "consent-none");
}
