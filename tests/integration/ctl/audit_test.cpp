// SPDX-License-Identifier: Apache-2.0
#include "fake_candord.h"
#include "run_ctl.h"

#include "support/catch.h"

#include <nlohmann/json.hpp>

using namespace candor::test;
using Json = nlohmann::json;

namespace {

using Entries = std::vector<std::pair<std::uint64_t, std::string>>;

std::pair<std::uint64_t, std::string> entry(std::uint64_t number, const Json& uid, const Json& subject,
                                            const std::string& act, const std::string& detail) {
    return {number, Json{{"number", number},
                         {"time", 1'798'761'600},
                         {"act", act},
                         {"uid", uid},
                         {"subject", subject},
                         {"detail", detail},
                         {"previous", std::string(64, '0')},
                         {"hash", std::string(64, '1')}}
                        .dump()};
}

Entries some_entries() {
    return {entry(1, nullptr, nullptr, "started", "0.1.0"), entry(4, 0, 4'000'000'000, "gate-opened", "level actions")};
}

} // namespace

TEST_CASE("audit prints the entries that concern the caller: when, what, by whom, about whom") {
    const PrivateBus bus;
    FakeCandord service(bus.address(), {.entries = some_entries()});
    const Result result = run_ctl(bus.address(), {"audit"});
    CHECK(result.status == 0);
    CHECK(result.output == "NO  TIME                     ACT          BY       ABOUT           DETAIL\n"
                           "1   2027-01-01 00:00:00 UTC  started      candord  everybody       0.1.0\n"
                           "4   2027-01-01 00:00:00 UTC  gate-opened  root     uid 4000000000  level actions\n");
    CHECK(service.calls() == std::vector<std::string>{"GetEntries 0 1000"});
}

TEST_CASE("acts on what was recorded are told in words, before their own detail") {
    const PrivateBus bus;
    const FakeCandord service(
        bus.address(),
        {.entries = {entry(1, nullptr, 0, "keys-destroyed", "keys up to epoch 3"),
                     entry(2, nullptr, 0, "erased", "in the lake: 4 segments"),
                     entry(3, 0, 0, "data-read", "2 streams"), entry(4, 0, 0, "data-deleted", ""),
                     entry(5, nullptr, 0, "stream-ended", "x"), entry(6, nullptr, 0, "of-a-later-version", "y")}});
    const std::string text = run_ctl(bus.address(), {"audit"}).output;
    CHECK(has(text, "  an erasure has begun here: keys up to epoch 3\n"));
    CHECK(has(text, "  the lake has carried out an erasure: in the lake: 4 segments\n"));
    CHECK(has(text, "  looked at before it was shipped: 2 streams\n"));
    CHECK(has(text, "  deleted before it was shipped\n"));
    CHECK(has(text, "  streams that were left open have their end: x\n"));
    CHECK(has(text, "of-a-later-version  candord  root   y\n"));
}

TEST_CASE("audit --all lets polkit ask") {
    const PrivateBus bus;
    FakeCandord service(bus.address(), {.entries = some_entries()});
    CHECK(run_ctl(bus.address(), {"audit", "--all"}).status == 0);
    CHECK(service.calls() == std::vector<std::string>{"GetEntries 0 1000 all !"});
}

TEST_CASE("audit --json is the entries as they are in the log") {
    const PrivateBus bus;
    const FakeCandord service(bus.address(), {.entries = some_entries()});
    const Result result = run_ctl(bus.address(), {"audit", "--json"});
    CHECK(result.status == 0);
    const Json json = Json::parse(result.output);
    REQUIRE(json.size() == 2);
    CHECK(json[0] == Json::parse(some_entries()[0].second));
    CHECK(json[1] == Json::parse(some_entries()[1].second));
}

TEST_CASE("audit reads a long log page by page, to its end") {
    Entries entries;
    for (std::uint64_t i = 1; i <= 2000; ++i) {
        entries.push_back(entry(3 * i, nullptr, nullptr, "paused", ""));
    }
    const PrivateBus bus;
    FakeCandord service(bus.address(), {.entries = entries});
    const Json json = Json::parse(run_ctl(bus.address(), {"audit", "--json"}).output);
    REQUIRE(json.size() == 2000);
    CHECK(json[1999]["number"] == 6000);
    CHECK(service.calls() ==
          std::vector<std::string>{"GetEntries 0 1000", "GetEntries 3000 1000", "GetEntries 6000 1000"});
}

TEST_CASE("an audit log without entries for the caller says so") {
    const PrivateBus bus;
    const FakeCandord service(bus.address(), {});
    CHECK(run_ctl(bus.address(), {"audit"}).output == "No entry of the audit log concerns you.\n");
    CHECK(run_ctl(bus.address(), {"audit", "--all"}).output == "The audit log has no entry.\n");
    CHECK(Json::parse(run_ctl(bus.address(), {"audit", "--json"}).output) == Json::array());
}

TEST_CASE("an entry that is not understood is refused, and does not command the terminal") {
    const PrivateBus bus;
    const std::string sound = some_entries()[0].second;
    const auto changed = [&sound](const char* field, const Json& value) {
        Json json = Json::parse(sound);
        json[field] = value;
        return json.dump();
    };
    for (const std::string& text :
         {std::string("{\x1b"), std::string("[]"), changed("number", 0), changed("number", "1"), changed("time", 1.5),
          changed("act", nullptr), changed("uid", -1), changed("subject", 4'294'967'296), changed("detail", 7)}) {
        INFO(text);
        const FakeCandord service(bus.address(), {.entries = {{1, text}}});
        const Result result = run_ctl(bus.address(), {"audit"});
        CHECK(result.status == 1);
        CHECK(has(result.errors, "an entry of the audit log is not understood"));
        CHECK_FALSE(has(result.errors, "\x1b"));
    }
}

TEST_CASE("an entry's words do not command the terminal") {
    const PrivateBus bus;
    const FakeCandord service(bus.address(), {.entries = {entry(1, nullptr, nullptr, "denied\x1b", "x\x1b[2J")}});
    CHECK(has(run_ctl(bus.address(), {"audit"}).output, "denied?  candord  everybody  x?[2J\n"));
    CHECK_FALSE(has(run_ctl(bus.address(), {"audit", "--json"}).output, "\x1b"));
}

TEST_CASE("audit verify says that the log is intact, or where it is not, with exit status 1") {
    const PrivateBus bus;
    {
        const FakeCandord service(bus.address(), {});
        const Result result = run_ctl(bus.address(), {"audit", "verify"});
        CHECK(result.status == 0);
        CHECK(result.output == "The audit log is intact: 41 entries\n");
    }
    const FakeCandord service(bus.address(), {.intact = false});
    const Result result = run_ctl(bus.address(), {"audit", "verify"});
    CHECK(result.status == 1);
    CHECK(result.output == "The audit log is not intact: audit.log:42: another hash (41 entries hold)\n");
    const Result json = run_ctl(bus.address(), {"audit", "verify", "--json"});
    CHECK(json.status == 1);
    CHECK(Json::parse(json.output) ==
          Json::parse(R"({"intact":false,"entries":41,"problem":"audit.log:42: another hash"})"));
}
