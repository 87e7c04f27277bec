// SPDX-License-Identifier: Apache-2.0
// What tells people that they are recorded: the light, and the helper in their session.
#include "machine.h"

using namespace candor;
using namespace candor::test;

TEST_CASE("a policy that requires the light records nothing where there is none") {
    const Machine machine;
    machine.write_policy("RequiredIndicators=light\n");
    Running running(machine);
    running.client.await_reasons("indicator-failed consent-none");
    CHECK(running.client.indicators() == "light! fails context fails");
    CHECK(has(running.client.reason_text("indicator-failed"), "a required indicator does not work: "));
}

TEST_CASE("the light of every keyboard is lit exactly while recording") {
    if (!may_record()) {
        return;
    }
    const Machine machine;
    machine.write_policy("RequiredIndicators=light\n");
    machine.add_light("input3");
    machine.add_light("input7");
    Running running(machine);
    running.await_closed();
    CHECK(running.client.indicators() == "light! works context fails");
    CHECK_FALSE(machine.is_lit("input3"));
    running.consent();
    CHECK(machine.is_lit("input3"));
    CHECK(machine.is_lit("input7"));
    REQUIRE(running.client.pause(60).error.empty());
    CHECK_FALSE(machine.is_lit("input3"));
    CHECK_FALSE(machine.is_lit("input7"));
    REQUIRE(running.client.resume().error.empty());
    CHECK(machine.is_lit("input3"));
    CHECK(running.candord.terminate() == 0);
    CHECK_FALSE(machine.is_lit("input3"));
    CHECK_FALSE(machine.is_lit("input7"));
}

TEST_CASE("a light that cannot be lit keeps the gate closed when the policy requires it, and is told about") {
    const Machine machine;
    machine.write_policy("RequiredIndicators=light\n");
    // What cannot be written by anybody.
    machine.add_light("input3");
    std::filesystem::remove(machine.folders.leds / "input3::scrolllock" / "brightness");
    std::filesystem::create_directory(machine.folders.leds / "input3::scrolllock" / "brightness");
    Running running(machine);
    running.client.await_reasons("indicator-failed consent-none");
    CHECK(has(running.client.reason_text("indicator-failed"), "input3::scrolllock"));
}

TEST_CASE("a required helper must be there, must say that it would show, and must show") {
    if (!may_record()) {
        return;
    }
    const Machine machine;
    machine.write_policy("RequiredIndicators=context\n");
    Running running(machine);
    running.client.await_reasons("indicator-failed consent-none");
    CaptureClient helper = machine.client_of(machine.person);
    CHECK(helper.enroll({"indicator"}).values == std::vector<std::string>{"1000"});
    CHECK(running.client.reasons() == "indicator-failed consent-none");
    CHECK(helper.beat("ready").error.empty());
    CHECK(running.client.reasons() == "consent-none");
    running.consent();
    CHECK(helper.beat("shown").error.empty());
    CHECK(running.client.state() == "recording");
    CHECK(helper.beat("failed").error.empty());
    CHECK(running.client.state() == "closed");
    CHECK(running.client.reasons() == "indicator-failed");
}

TEST_CASE("a helper that is asked to show and does not is believed no more") {
    if (!may_record()) {
        return;
    }
    const Machine machine;
    machine.write_policy("RequiredIndicators=context\n");
    Running running(machine);
    running.client.await_reasons("indicator-failed consent-none");
    CaptureClient helper = machine.client_of(machine.person);
    CHECK(helper.enroll({"indicator"}).error.empty());
    CHECK(helper.beat("ready").error.empty());
    running.consent();
    // It goes on saying that it is ready to.
    running.client.await("the end", [&] {
        static_cast<void>(helper.beat("ready"));
        return running.client.reasons() == "indicator-failed";
    });
    CHECK(helper.beat("shown").error.empty());
    CHECK(running.client.reasons() == "indicator-failed");
    CHECK(helper.enroll({"indicator"}).error.empty());
    CHECK(helper.beat("ready").error.empty());
    CHECK(running.client.state() == "recording");
}

TEST_CASE("a helper that falls silent, or dies, closes where it is required") {
    if (!may_record()) {
        return;
    }
    const Machine machine;
    machine.write_policy("RequiredIndicators=context\n");
    Running running(machine);
    running.client.await_reasons("indicator-failed consent-none");
    {
        CaptureClient helper = machine.client_of(machine.person);
        CHECK(helper.enroll({"indicator"}).error.empty());
        CHECK(helper.beat("shown").error.empty());
        running.consent();
        running.client.await_reasons("indicator-failed");
        CHECK(helper.beat("shown").error.empty());
        CHECK(running.client.state() == "recording");
    }
    running.client.await_reasons("indicator-failed");
}
