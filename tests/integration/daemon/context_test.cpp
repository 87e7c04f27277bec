// SPDX-License-Identifier: Apache-2.0
// The helper in the person's session, played by a scripted one: what it says decides whether full is full.
#include "machine.h"

using namespace candor;
using namespace candor::test;

namespace {

std::string level(CaptureClient& client) { return client.text_property("Level"); }

} // namespace

TEST_CASE("level full is actions without a helper") {
    if (!may_record()) {
        return;
    }
    const Machine machine;
    Running running(machine);
    running.await_closed();
    REQUIRE(running.client.consent("full").error.empty());
    CHECK(level(running.client) == "actions");
}

TEST_CASE("level full is full while a helper says that no secret is typed, and actions when it does not know") {
    if (!may_record()) {
        return;
    }
    const Machine machine;
    Running running(machine);
    running.await_closed();
    REQUIRE(running.client.consent("full").error.empty());
    CaptureClient helper = machine.client_of(machine.person);
    CHECK(helper.enroll({"focus"}).values == std::vector<std::string>{"1000"});
    CHECK(level(running.client) == "actions");
    CHECK(helper.report("editor", "text", "plain").error.empty());
    CHECK(level(running.client) == "full");
    for (const auto& [application, role, field] :
         {std::array{"editor", "text", "unknown"}, std::array{"", "text", "plain"},
          std::array{"editor", "", "plain"}}) {
        CHECK(helper.report("editor", "text", "plain").error.empty());
        CHECK(level(running.client) == "full");
        CHECK(helper.report(application, role, field).error.empty());
        CHECK(level(running.client) == "actions");
    }
    CHECK(helper.report("editor", "text", "plain").error.empty());
    CHECK(helper.leave().error.empty());
    CHECK(level(running.client) == "actions");
    CHECK(running.client.state() == "recording");
}

TEST_CASE("silence, and a report that is not understood, let full fall back to actions") {
    if (!may_record()) {
        return;
    }
    const Machine machine;
    Running running(machine);
    running.await_closed();
    REQUIRE(running.client.consent("full").error.empty());
    CaptureClient helper = machine.client_of(machine.person);
    REQUIRE(helper.enroll({"focus"}).error.empty());
    REQUIRE(helper.report("editor", "text", "plain").error.empty());
    CHECK(helper.report("editor", "text", "harmless").error == "InvalidArgument");
    CHECK(level(running.client) == "actions");
    REQUIRE(helper.report("editor", "text", "plain").error.empty());
    CHECK(helper.report(std::string(257, 'a'), "text", "plain").error == "InvalidArgument");
    CHECK(level(running.client) == "actions");
    REQUIRE(helper.report("editor", "text", "plain").error.empty());
    CHECK(level(running.client) == "full");
    running.client.await("silence to be noticed", [&] { return level(running.client) == "actions"; });
    // A sign of life says nothing about what is focused now.
    CHECK(helper.beat("").error.empty());
    CHECK(level(running.client) == "actions");
    CHECK(helper.report("editor", "text", "plain").error.empty());
    CHECK(level(running.client) == "full");
}

TEST_CASE("a helper that dies is noticed at once") {
    if (!may_record()) {
        return;
    }
    const Machine machine;
    Running running(machine);
    running.await_closed();
    REQUIRE(running.client.consent("full").error.empty());
    {
        CaptureClient helper = machine.client_of(machine.person);
        REQUIRE(helper.enroll({"focus"}).error.empty());
        REQUIRE(helper.report("editor", "text", "plain").error.empty());
        CHECK(level(running.client) == "full");
    }
    running.client.await("its death", [&] { return level(running.client) == "actions"; });
}

TEST_CASE("a field for a secret closes at every level, and so does a password by its role alone") {
    if (!may_record()) {
        return;
    }
    const Machine machine;
    Running running(machine);
    running.consent();
    CaptureClient helper = machine.client_of(machine.person);
    REQUIRE(helper.enroll({"focus"}).error.empty());
    CHECK(helper.report("browser", "text", "secure").error.empty());
    CHECK(running.client.reasons() == "inhibited");
    CHECK(running.client.inhibitors() == "context helper: a field for a secret is focused (0)");
    CHECK(helper.report("browser", "text", "plain").error.empty());
    CHECK(running.client.state() == "recording");
    CHECK(helper.report("browser", "password text", "plain").error.empty());
    CHECK(running.client.reasons() == "inhibited");
}

TEST_CASE("level full needs a grant of its own: a helper does not raise another level") {
    if (!may_record()) {
        return;
    }
    const Machine machine;
    Running running(machine);
    running.consent();
    CaptureClient helper = machine.client_of(machine.person);
    REQUIRE(helper.enroll({"focus"}).error.empty());
    REQUIRE(helper.report("editor", "text", "plain").error.empty());
    CHECK(level(running.client) == "actions");
}

TEST_CASE("nobody speaks for the helper, and a helper says what it can do") {
    if (!may_record()) {
        return;
    }
    const Machine machine;
    Running running(machine);
    running.await_closed();
    CaptureClient helper = machine.client_of(machine.person);
    CHECK(helper.beat("").error == "NotRegistered");
    CHECK(helper.enroll({}).error == "InvalidArgument");
    CHECK(helper.enroll({"mind reading"}).error == "InvalidArgument");
    REQUIRE(helper.enroll({"focus"}).error.empty());
    CHECK(running.client.report("editor", "text", "plain").error == "NotRegistered");
    CHECK(running.client.leave().error == "NotRegistered");
    CHECK(helper.beat("shown").error == "InvalidArgument");
    REQUIRE(helper.enroll({"indicator"}).error.empty());
    CHECK(helper.beat("").error == "InvalidArgument");
    CHECK(helper.report("editor", "text", "plain").error == "InvalidArgument");
}

TEST_CASE("the helper of a person who left the seat is forgotten") {
    if (!may_record()) {
        return;
    }
    const Machine machine;
    Running running(machine);
    running.await_closed();
    REQUIRE(running.client.consent("full").error.empty());
    CaptureClient helper = machine.client_of(machine.person);
    REQUIRE(helper.enroll({"focus"}).error.empty());
    REQUIRE(helper.report("editor", "text", "plain").error.empty());
    FakeSession other = machine.session();
    other.id = "2";
    other.uid = machine.another;
    machine.logind->set(other);
    running.client.await_reasons("consent-none");
    machine.logind->set(machine.session());
    running.client.await_state("recording");
    CHECK(level(running.client) == "actions");
    CHECK(helper.beat("").error == "NotRegistered");
}
