// SPDX-License-Identifier: Apache-2.0
// What holds recording off for a while: pauses, inhibitors, password prompts, sleep, the administrator.
#include "machine.h"

#include <ctime>

using namespace candor;
using namespace candor::test;

TEST_CASE("a pause closes before it is answered, and resuming opens") {
    if (!may_record()) {
        return;
    }
    const Machine machine;
    Running running(machine);
    running.consent();
    const Answer answer = running.client.pause(3600);
    INFO(answer.message);
    REQUIRE(answer.values.size() == 1);
    CHECK(running.client.state() == "closed");
    CHECK(running.client.reasons() == "paused");
    CHECK(std::to_string(running.client.paused_until()) == answer.values[0]);
    CHECK(running.client.paused_until() >= std::time(nullptr) + 3590);
    CHECK(running.client.resume().error.empty());
    CHECK(running.client.state() == "recording");
    CHECK(running.client.paused_until() == 0);
}

TEST_CASE("a pause ends by itself") {
    if (!may_record()) {
        return;
    }
    const Machine machine;
    Running running(machine);
    running.consent();
    REQUIRE(running.client.pause(2).error.empty());
    CHECK(running.client.state() == "closed");
    running.client.await_state("recording");
}

TEST_CASE("a pause outlives a restart") {
    if (!may_record()) {
        return;
    }
    const Machine machine;
    {
        Running running(machine);
        running.consent();
        REQUIRE(running.client.pause(3600).error.empty());
        CHECK(running.candord.terminate() == 0);
    }
    Running running(machine);
    running.client.await_reasons("paused");
    CHECK(running.client.resume().error.empty());
    CHECK(running.client.state() == "recording");
}

TEST_CASE("a pause of no length and one of more than a year are refused, and a pause is the caller's own") {
    if (!may_record() || !may_be_another_uid()) {
        return;
    }
    const Machine machine;
    Running running(machine);
    running.consent();
    CHECK(running.client.pause(0).error == "InvalidArgument");
    CHECK(running.client.pause(366ull * 24 * 3600 + 1).error == "InvalidArgument");
    CHECK(running.client.state() == "recording");
    CaptureClient other = machine.client_of(machine.another);
    CHECK(other.pause(60).error.empty());
    CHECK(running.client.state() == "recording");
}

TEST_CASE("an inhibitor closes for as long as its descriptor is open, whoever asked") {
    if (!may_record() || !may_be_another_uid()) {
        return;
    }
    const Machine machine;
    Running running(machine);
    running.consent();
    CaptureClient other = machine.client_of(machine.another);
    UniqueFd held;
    const Answer answer = other.inhibit("safe", "unlocking", held);
    INFO(answer.message);
    REQUIRE(held);
    CHECK(running.client.state() == "closed");
    CHECK(running.client.reasons() == "inhibited");
    CHECK(running.client.reason_text("inhibited") == "held off by safe: unlocking");
    CHECK(running.client.inhibitors() == "safe: unlocking (" + std::to_string(machine.another) + ")");
    held.reset();
    running.client.await_state("recording");
    CHECK(running.client.inhibitors().empty());
}

TEST_CASE("one uid gets sixteen inhibitors at once and no more, and texts that are none are refused") {
    const Machine machine;
    Running running(machine);
    running.await_closed();
    std::vector<UniqueFd> held(17);
    for (std::size_t i = 0; i < 16; ++i) {
        CHECK(running.client.inhibit("a", "b", held[i]).error.empty());
    }
    CHECK(running.client.inhibit("a", "b", held[16]).error == "LimitReached");
    held.clear();
    UniqueFd fd;
    CHECK(running.client.inhibit("", "b", fd).error == "InvalidArgument");
    CHECK(running.client.inhibit("a\nb", "b", fd).error == "InvalidArgument");
}

TEST_CASE("a password prompt of systemd closes while it is there") {
    if (!may_record()) {
        return;
    }
    const Machine machine;
    Running running(machine);
    running.consent();
    machine.ask_password(true);
    running.client.await_state("closed");
    CHECK(running.client.reasons() == "inhibited");
    CHECK(running.client.inhibitors() == "systemd: a password is asked for (0)");
    machine.ask_password(false);
    running.client.await_state("recording");
}

TEST_CASE("a machine that is about to sleep sleeps only when everything is closed") {
    if (!may_record()) {
        return;
    }
    const Machine machine;
    Running running(machine);
    running.consent();
    running.client.await("the lock", [&] { return machine.logind->sleep_locks() == 1; });
    machine.logind->prepare_for_sleep(true);
    running.client.await_state("closed");
    CHECK(running.client.reasons() == "asleep");
    while (machine.logind->sleep_locks() != 0) {
        static_cast<void>(running.client.state()); // a turn of its loop
    }
    machine.logind->prepare_for_sleep(false);
    running.client.await_state("recording");
    while (machine.logind->sleep_locks() != 1) {
        static_cast<void>(running.client.state());
    }
}

TEST_CASE("the administrator switches off for everybody, which outlives a restart, and back on") {
    if (!may_record() || !may_be_another_uid()) {
        return;
    }
    const Machine machine;
    {
        Running running(machine);
        running.consent();
        CHECK(machine.client_of(0).set_enabled(false).error.empty());
        CHECK(running.client.state() == "closed");
        CHECK(running.client.reasons() == "switched-off");
        CHECK_FALSE(running.client.enabled());
        CHECK(running.candord.terminate() == 0);
    }
    Running running(machine);
    running.client.await_reasons("switched-off");
    CHECK(machine.client_of(0).set_enabled(true).error.empty());
    CHECK(running.client.state() == "recording");
    CHECK(running.client.enabled());
}

TEST_CASE("a policy is read again on the administrator's call, and what is wrong with it is the answer") {
    if (!may_be_another_uid()) {
        return;
    }
    const Machine machine;
    Running running(machine);
    running.await_closed();
    const std::string before = running.client.text_property("PolicyHash");
    machine.write_policy("Retention=A year\n");
    CHECK(machine.client_of(0).reload_policy().error.empty());
    CHECK(running.client.text_property("PolicyHash") != before);
    machine.write_policy("Colour=blue\n");
    const Answer answer = machine.client_of(0).reload_policy();
    CHECK(answer.error == "PolicyRefused");
    CHECK(has(answer.message, "policy.conf:6: [Policy] Colour: unknown key"));
    CHECK(running.client.reasons() == "policy-refused");
}

TEST_CASE("outside of the policy's hours nothing is recorded") {
    const Machine machine;
    // A window that is not now, whatever the time zone: the weekday three days away.
    std::time_t later = std::time(nullptr) + 3 * 24 * 3600;
    std::tm parts{};
    ::localtime_r(&later, &parts);
    const char* days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    machine.write_policy(std::string("Schedule=") + days[parts.tm_wday] + " 00:00-24:00\n");
    Running running(machine);
    running.client.await_reasons("outside-schedule consent-none");
}

TEST_CASE("without an impact assessment nothing is recorded") {
    const Machine machine;
    machine.write_policy();
    const auto policy = machine.folders.config / "policy.conf";
    std::string text;
    {
        std::ifstream file(policy);
        text.assign(std::istreambuf_iterator<char>(file), {});
    }
    text.erase(text.find("DPIA="), std::string("DPIA=Nothing is at risk\n").size());
    machine.write("policy.conf", text);
    Running running(machine);
    running.client.await_reasons("no-dpia consent-none");
}
