// SPDX-License-Identifier: Apache-2.0
#include "machine.h"

using namespace candor::test;

namespace {

/// With this session at the seat candord is closed for these reasons.
std::string reasons_with(std::optional<FakeSession> session) {
    Machine machine(false);
    machine.start_logind(std::move(session));
    Running running(machine);
    running.client.await("an answer of logind", [&] { return running.client.reasons() != "logind-unreachable"; });
    CHECK(running.client.state() == "closed");
    return running.client.reasons();
}

} // namespace

TEST_CASE("without a policy nothing is recorded, and the reason names the file") {
    const Machine machine;
    std::filesystem::remove(machine.folders.config / "policy.conf");
    Running running(machine);
    running.client.await_reasons("policy-refused");
    CHECK(running.client.state() == "closed");
    CHECK(running.client.text_property("PolicyHash").empty());
    CHECK(running.client.reason_text("policy-refused") ==
          "the policy is refused: " + (machine.folders.config / "policy.conf").string() +
              ": missing, expected a policy");
}

TEST_CASE("an unknown key in policy.conf closes, and the reason names file, line and key") {
    const Machine machine;
    machine.write_policy("Colour=blue\n");
    Running running(machine);
    running.client.await_reasons("policy-refused");
    const std::string text = running.client.reason_text("policy-refused");
    INFO(text);
    CHECK(has(text, (machine.folders.config / "policy.conf").string() + ":6: [Policy] Colour: unknown key"));
}

TEST_CASE("an unknown key in candord.conf closes, and the journal names file, line and key") {
    const Machine machine;
    Running running(machine);
    running.client.await_reasons("consent-none");
    machine.write_settings("Colour=blue\n");
    running.reload();
    running.client.await_reasons("disabled consent-none");
    running.candord.wait_message("configuration refused: " + (machine.folders.config / "candord.conf").string() +
                                 ":5: [Candord] Colour: unknown key");
}

TEST_CASE("Enabled=no closes") {
    const Machine machine;
    machine.write_settings("Enabled=no\n");
    Running running(machine);
    running.client.await_reasons("disabled consent-none");
}

TEST_CASE("a policy without recipients closes") {
    const Machine machine;
    machine.write_policy("", false);
    Running running(machine);
    running.client.await_reasons("no-recipients consent-none");
}

TEST_CASE("without logind nothing is recorded") {
    const Machine machine(false);
    Running running(machine);
    running.client.await_reasons("logind-unreachable");
    CHECK(running.client.state() == "closed");
}

TEST_CASE("a logind that makes no sense counts as none") {
    const Machine machine;
    Running running(machine);
    running.client.await_reasons("consent-none");
    machine.logind->go_mad();
    running.client.await_reasons("logind-unreachable");
}

TEST_CASE("a session of which logind does not say whose it is counts as none that can be known") {
    const Machine machine;
    Running running(machine);
    running.await_closed();
    machine.logind->forget_user();
    running.client.await_reasons("logind-unreachable");
}

TEST_CASE("a machine without a seat has no session") {
    const Machine machine;
    Running running(machine);
    running.client.await_reasons("consent-none");
    machine.logind->remove_seat();
    running.client.await_reasons("no-session");
}

TEST_CASE("nobody at the seat closes") { CHECK(reasons_with(std::nullopt) == "no-session"); }

TEST_CASE("only a session of class user is recorded") {
    FakeSession session;
    session.session_class = "greeter";
    CHECK(reasons_with(session) == "session-class consent-none");
}

TEST_CASE("a remote session is not recorded") {
    FakeSession session;
    session.remote = true;
    CHECK(reasons_with(session) == "session-remote consent-none");
}

TEST_CASE("a locked session is not recorded") {
    FakeSession session;
    session.locked = true;
    CHECK(reasons_with(session) == "session-locked consent-none");
}

TEST_CASE("a session in the background is not recorded") {
    FakeSession session;
    session.active = false;
    CHECK(reasons_with(session) == "session-inactive consent-none");
}

TEST_CASE("every reason is named, not the first alone") {
    FakeSession session;
    session.session_class = "greeter";
    session.locked = true;
    session.remote = true;
    CHECK(reasons_with(session) == "session-class session-remote session-locked consent-none");
}

TEST_CASE("locking closes and unlocking opens again") {
    if (!may_record()) {
        return;
    }
    const Machine machine;
    Running running(machine);
    running.consent();
    FakeSession session = machine.session();
    session.locked = true;
    machine.logind->set(session);
    running.client.await_reasons("session-locked");
    machine.logind->set(machine.session());
    running.client.await_state("recording");
}

TEST_CASE("one person's consent does not record another") {
    if (!may_record()) {
        return;
    }
    const Machine machine;
    Running running(machine);
    running.consent();
    FakeSession other = machine.session();
    other.id = "2";
    other.uid = machine.another;
    machine.logind->set(other);
    running.client.await_reasons("consent-none");
}

TEST_CASE("logging out closes") {
    if (!may_record()) {
        return;
    }
    const Machine machine;
    Running running(machine);
    running.consent();
    machine.logind->set(std::nullopt);
    running.client.await_reasons("no-session");
    CHECK(running.client.consent_until() == 0);
}

TEST_CASE("a logind that dies closes, and one that comes back is asked again") {
    if (!may_record()) {
        return;
    }
    Machine machine;
    Running running(machine);
    running.consent();
    machine.logind.reset();
    running.client.await_state("closed");
    CHECK(running.client.reasons() == "logind-unreachable");
    machine.start_logind(machine.session());
    running.client.await_state("recording");
}
