// SPDX-License-Identifier: Apache-2.0
#include "machine.h"

#include <ctime>

using namespace candor::test;

TEST_CASE("another person cannot consent for the one at the seat") {
    if (!may_be_another_uid()) {
        return;
    }
    const Machine machine;
    Running running(machine);
    running.await_closed();
    CaptureClient other = machine.client_of(machine.another);
    const Answer answer = other.consent();
    CHECK(answer.error == "NotAuthorized");
    CHECK(answer.message == "only the person whose session is active at this machine may do this, for themselves");
    CHECK(running.client.reasons() == "consent-none");
    CHECK(machine.receipts() == 0);
}

TEST_CASE("root cannot consent for the one at the seat") {
    if (!may_be_another_uid()) {
        return;
    }
    const Machine machine;
    Running running(machine);
    running.await_closed();
    CaptureClient root = machine.client_of(0);
    const Answer answer = root.consent();
    CHECK(answer.error == "NotAuthorized");
    CHECK(machine.receipts() == 0);
}

TEST_CASE("root at the seat cannot consent either") {
    if (!may_be_another_uid()) {
        return;
    }
    Machine machine(false);
    FakeSession session = machine.session();
    session.uid = 0;
    machine.start_logind(session);
    Running running(machine);
    running.await_closed();
    CHECK(machine.client_of(0).consent().error == "NotAuthorized");
    CHECK(machine.receipts() == 0);
}

TEST_CASE("a person who is not at the seat cannot consent") {
    const Machine machine;
    Running running(machine);
    machine.logind->set(std::nullopt);
    running.client.await_reasons("no-session");
    CHECK(running.client.consent().error == "NotAuthorized");
}

TEST_CASE("a person whose session is remote cannot consent") {
    const Machine machine;
    FakeSession session = machine.session();
    session.remote = true;
    machine.logind->set(session);
    Running running(machine);
    running.client.await_reasons("session-remote consent-none");
    CHECK(running.client.consent().error == "NotAuthorized");
}

TEST_CASE("another person's revocation leaves the one at the seat alone") {
    if (!may_be_another_uid() || !may_record()) {
        return;
    }
    const Machine machine;
    Running running(machine);
    running.consent();
    CHECK(machine.client_of(0).revoke().error == "NotAuthorized");
    CHECK(machine.client_of(machine.another).revoke().error.empty());
    CHECK(running.client.state() == "recording");
    CHECK(running.client.receipt().values.at(0) == "valid");
}

TEST_CASE("consent is taken for the policy that was shown and for no other") {
    const Machine machine;
    Running running(machine);
    running.await_closed();
    const std::string shown = running.client.notice().values.at(1);
    machine.write("notice.txt", "Every key is recorded, and sold.\n");
    running.reload();
    const Answer answer = running.client.grant(shown);
    CHECK(answer.error == "PolicyChanged");
    CHECK(answer.message == "the policy is not the one that was shown: read the notice again");
    CHECK(machine.receipts() == 0);
}

TEST_CASE("without a valid policy there is nothing to consent to") {
    const Machine machine;
    Running running(machine);
    running.await_closed();
    const std::string shown = running.client.notice().values.at(1);
    std::filesystem::remove(machine.folders.config / "notice.txt");
    running.reload();
    CHECK(running.client.notice().error == "PolicyRefused");
    const Answer answer = running.client.grant(shown);
    CHECK(answer.error == "PolicyRefused");
    CHECK(has(answer.message, "notice.txt"));
}

TEST_CASE("a level, a device class or an end that cannot be is refused, and nothing is granted") {
    const Machine machine;
    machine.write_policy("ConsentDays=30\nLevel=rhythm\nDevices=keyboard mouse\n");
    Running running(machine);
    running.await_closed();
    const std::string hash = running.client.text_property("PolicyHash");
    const std::int64_t now = std::time(nullptr);
    CHECK(running.client.grant(hash, "actions").error == "InvalidArgument");
    CHECK(running.client.grant(hash, "everything").error == "InvalidArgument");
    CHECK(running.client.grant(hash, "rhythm", 0, {"touchpad"}).error == "InvalidArgument");
    CHECK(running.client.grant(hash, "rhythm", 0, {"keyboard", "keyboard"}).error == "InvalidArgument");
    CHECK(running.client.grant(hash, "rhythm", 0, std::vector<std::string>(17, "keyboard")).error == "InvalidArgument");
    CHECK(running.client.grant(hash, "rhythm", now - 1).error == "InvalidArgument");
    CHECK(running.client.grant(hash, "rhythm", now + 31 * 24 * 3600).error == "InvalidArgument");
    CHECK(running.client.grant(hash, "rhythm", -1).error == "InvalidArgument");
    CHECK(running.client.grant("", "rhythm").error == "PolicyChanged");
    CHECK(machine.receipts() == 0);
}
