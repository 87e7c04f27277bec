// SPDX-License-Identifier: Apache-2.0
// The audit log as people see it over the bus.
#include "machine.h"

using namespace candor;
using namespace candor::test;

namespace {

/// The acts of entries, in their order.
std::vector<std::string> acts(const Answer& answer) {
    std::vector<std::string> all;
    for (const std::string& entry : answer.values) {
        const std::size_t begin = entry.find("\"act\":\"") + 7;
        all.push_back(entry.substr(begin, entry.find('"', begin) - begin));
    }
    return all;
}

} // namespace

TEST_CASE("what a person did about their recording is in the log in its order") {
    if (!may_record()) {
        return;
    }
    const Machine machine;
    Running running(machine);
    running.consent();
    REQUIRE(running.client.pause(60).error.empty());
    REQUIRE(running.client.resume().error.empty());
    UniqueFd held;
    REQUIRE(running.client.inhibit("safe", "unlocking", held).error.empty());
    held.reset();
    running.client.await_state("recording");
    REQUIRE(running.client.revoke(true).error.empty());
    CHECK(acts(running.client.entries()) ==
          std::vector<std::string>{"started", "policy-loaded", "granted", "gate-opened", "paused", "gate-closed",
                                   "resumed", "gate-opened", "gate-closed", "inhibited", "released", "gate-opened",
                                   "revoked", "erasure-asked", "keys-destroyed", "gate-closed"});
    CHECK(running.client.verify().values == std::vector<std::string>{"true", "16", ""});
}

TEST_CASE("entries come in pages") {
    const Machine machine;
    Running running(machine);
    running.await_closed();
    for (int i = 0; i < 5; ++i) {
        REQUIRE(running.client.pause(60).error.empty());
    }
    const Answer all = running.client.entries();
    REQUIRE(all.values.size() == 7);
    const Answer first = running.client.entries(0, 3);
    const Answer second = running.client.entries(3, 3);
    const Answer third = running.client.entries(6, 3);
    CHECK(first.values == std::vector(all.values.begin(), all.values.begin() + 3));
    CHECK(second.values == std::vector(all.values.begin() + 3, all.values.begin() + 6));
    CHECK(third.values == std::vector(all.values.begin() + 6, all.values.end()));
    CHECK(running.client.entries(7, 3).values.empty());
    CHECK(running.client.entries(0, 0).error == "InvalidArgument");
    CHECK(running.client.entries(0, 1001).error == "InvalidArgument");
}

TEST_CASE("a log that somebody edited keeps the gate closed and says where") {
    if (!may_record()) {
        return;
    }
    const Machine machine;
    {
        Running running(machine);
        running.consent();
        CHECK(running.candord.terminate() == 0);
    }
    const auto path = machine.folders.state / "audit.log";
    std::string text;
    {
        std::ifstream file(path);
        text.assign(std::istreambuf_iterator<char>(file), {});
    }
    text[text.find("granted")] = 'G';
    std::ofstream(path) << text;
    Running running(machine);
    running.client.await_reasons("audit-failed");
    CHECK(has(running.client.reason_text("audit-failed"), "audit.log:3"));
    const Answer verified = running.client.verify();
    CHECK(verified.values.at(0) == "false");
    CHECK(has(verified.values.at(2), "audit.log:3"));
}

TEST_CASE("a log that is changed under a running candord closes at the next entry") {
    if (!may_record()) {
        return;
    }
    const Machine machine;
    Running running(machine);
    running.consent();
    std::ofstream(machine.folders.state / "audit.log", std::ios::app) << "{}\n";
    REQUIRE(running.client.pause(60).error.empty());
    REQUIRE(running.client.resume().error.empty());
    running.client.await_reasons("audit-failed");
}
