// SPDX-License-Identifier: Apache-2.0
// Who may call what: every method, called by everybody, against a table of its own.
#include "machine.h"

#include <array>

using namespace candor;
using namespace candor::test;

namespace {

struct Row {
    const char* method;
    std::function<Answer(CaptureClient&)> call;
    bool root;
    bool person;
    bool other;
};

/// Calls that a permitted caller may get another error for than NotAuthorized, but never changes anything of the others'.
std::vector<Row> rows(const std::string& hash) {
    return {
        {"GetNotice", [](CaptureClient& c) { return c.notice(); }, true, true, true},
        {"GetReceipt", [](CaptureClient& c) { return c.receipt(); }, false, true, true},
        {"Grant", [hash](CaptureClient& c) { return c.grant(hash); }, false, true, false},
        {"Revoke", [](CaptureClient& c) { return c.revoke(); }, false, true, true},
        {"Pause", [](CaptureClient& c) { return c.pause(60); }, false, true, true},
        {"Resume", [](CaptureClient& c) { return c.resume(); }, false, true, false},
        {"Inhibit",
         [](CaptureClient& c) {
             UniqueFd held;
             return c.inhibit("test", "looks who may", held);
         },
         true, true, true},
        {"SetEnabled", [](CaptureClient& c) { return c.set_enabled(true); }, true, false, false},
        {"ReloadPolicy", [](CaptureClient& c) { return c.reload_policy(); }, true, false, false},
        {"Register", [](CaptureClient& c) { return c.enroll(); }, false, true, false},
        {"Report", [](CaptureClient& c) { return c.report("a", "text", "plain"); }, false, true, false},
        {"Heartbeat", [](CaptureClient& c) { return c.beat("ready"); }, false, true, false},
        {"Unregister", [](CaptureClient& c) { return c.leave(); }, false, true, false},
        {"GetEntries", [](CaptureClient& c) { return c.entries(); }, true, true, true},
        {"GetEntries all", [](CaptureClient& c) { return c.entries(0, 10, true); }, true, false, false},
        {"Verify", [](CaptureClient& c) { return c.verify(); }, true, true, true},
        {"List", [](CaptureClient& c) { return c.my_streams(); }, false, true, true},
        // The person is asked for their password, and there is nobody here to ask.
        {"Open", [](CaptureClient& c) { return c.open_mine(0, 0); }, false, false, false},
        {"Delete", [](CaptureClient& c) { return c.delete_mine(0, 0); }, false, true, true},
    };
}

} // namespace

TEST_CASE("every method is permitted to those whom the table permits it and to nobody else") {
    if (!may_be_another_uid()) {
        return;
    }
    const Machine machine;
    Running running(machine);
    running.await_closed();
    CaptureClient root = machine.client_of(0);
    CaptureClient other = machine.client_of(machine.another);
    for (const Row& row : rows(running.client.text_property("PolicyHash"))) {
        const std::array<std::pair<CaptureClient*, bool>, 3> callers = {
            {{&root, row.root}, {&running.client, row.person}, {&other, row.other}}};
        for (const auto& [client, permitted] : callers) {
            const Answer answer = row.call(*client);
            INFO(row.method << " by "
                            << (client == &root    ? "root"
                                : client == &other ? "another"
                                                   : "the person")
                            << ": " << answer.error << " " << answer.message);
            CHECK((answer.error != "NotAuthorized") == permitted);
        }
    }
}

TEST_CASE("a person whose session is in the background may end recording and not begin it") {
    Machine machine;
    Running running(machine);
    running.await_closed();
    FakeSession session = machine.session();
    session.active = false;
    machine.logind->set(session);
    running.client.await_reasons("session-inactive consent-none");
    for (const Row& row : rows(running.client.text_property("PolicyHash"))) {
        const Answer answer = row.call(running.client);
        INFO(row.method << ": " << answer.error << " " << answer.message);
        CHECK((answer.error != "NotAuthorized") == row.other);
    }
}

TEST_CASE("a denied call is in the audit log once a minute, with its caller and its number") {
    if (!may_be_another_uid()) {
        return;
    }
    const Machine machine;
    Running running(machine);
    running.await_closed();
    CaptureClient other = machine.client_of(machine.another);
    for (int i = 0; i < 5; ++i) {
        CHECK(other.resume().error == "NotAuthorized");
    }
    std::size_t found = 0;
    for (const std::string& entry : machine.client_of(0).entries(0, 1000, true).values) {
        found +=
            has(entry, "\"denied\"") && has(entry, "Resume") && has(entry, "\"uid\":" + std::to_string(machine.another))
                ? 1
                : 0;
    }
    CHECK(found == 1);
}

TEST_CASE("nobody can ask for another's entries without being the administrator") {
    if (!may_be_another_uid() || !may_record()) {
        return;
    }
    const Machine machine;
    Running running(machine);
    running.consent();
    const auto mentions_grant = [](const Answer& answer) {
        for (const std::string& entry : answer.values) {
            if (has(entry, "\"granted\"")) {
                return true;
            }
        }
        return false;
    };
    CHECK(mentions_grant(running.client.entries()));
    CHECK_FALSE(mentions_grant(machine.client_of(machine.another).entries()));
    CHECK(mentions_grant(machine.client_of(0).entries(0, 1000, true)));
}
