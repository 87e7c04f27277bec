// SPDX-License-Identifier: Apache-2.0
#include "own_streams.h"

#include "support/catch.h"
#include "support/temporary_directory.h"

#include <nlohmann/json.hpp>

#include <sys/stat.h>

#include <chrono>
#include <fstream>
#include <sstream>

using namespace candor;
using namespace candor::test;
using Json = nlohmann::json;

namespace {

constexpr const char* nothing = "Nothing that was recorded of you waits on this computer to be shipped.\n";

std::string text_of(const std::filesystem::path& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
}

std::vector<std::string> calls_of(FakeCandord& service, const std::string& member) {
    auto calls = service.calls();
    std::erase_if(calls, [&](const std::string& call) { return !call.starts_with(member); });
    return calls;
}

} // namespace

TEST_CASE("my-data list says what waits, from when to when, and when it may leave, and asks for nothing") {
    const PrivateBus bus;
    FakeCandord service(bus.address(),
                        {.streams = {{.id = "aa", .from = midnight, .to = midnight + 600, .level = "actions"},
                                     {.id = "bb", .from = midnight + 600, .to = midnight + 605, .ended = false}},
                         .frames_on_their_way = 2});
    const Result text = run_ctl(bus.address(), {"my-data", "list"});
    CHECK(text.status == 0);
    CHECK(text.output ==
          "FROM                     TO                       LEVEL    SIZE  MAY LEAVE                STREAM\n"
          "2027-01-01 00:00:00 UTC  2027-01-01 00:10:00 UTC  actions  0 B   2027-01-01 01:10:00 UTC  aa\n"
          "2027-01-01 00:10:00 UTC  goes on                  full     0 B   not before its end       bb\n"
          "2 sealed frames are more on the way to the shipper, not in a file yet.\n"
          "To look into them: candorctl my-data show. To delete: candorctl my-data delete\n");
    const Json json = Json::parse(run_ctl(bus.address(), {"my-data", "list", "--json"}).output);
    CHECK(json["embargo_seconds"] == 3600);
    CHECK(json["frames_on_their_way"] == 2);
    CHECK(json["streams"][0] ==
          Json::parse(R"({"stream":"aa","from":"2027-01-01T00:00:00Z","to":"2027-01-01T00:10:00Z","level":"actions",)"
                      R"("bytes":0,"ended":true,"may_leave":"2027-01-01T01:10:00Z"})"));
    CHECK(json["streams"][1]["may_leave"].is_null());
    CHECK_FALSE(service.was_called("Open"));
}

TEST_CASE("my-data show prints what will be shipped, and lets polkit ask") {
    const PrivateBus bus;
    const OwnStreams own;
    FakeCandord service(bus.address(), own.answers({own.stream(midnight)}));
    const Result result = run_ctl(bus.address(), {"my-data", "show"});
    CHECK(result.status == 0);
    CHECK(result.errors.empty());
    CHECK(has(result.output, "2027-01-01 00:00:00 UTC to 2027-01-01 00:00:03 UTC, level full\n"));
    CHECK(has(result.output, "Device:     Test keyboard (keyboard)\n"));
    CHECK(has(result.output, "Recorded:   3 keys (2 of text)\n"));
    CHECK(has(result.output, "Lost:       ring_full: 7 events in 1 hole, 1 second in all\n"));
    CHECK(has(result.output, "End:        rotated\n"));
    CHECK(has(result.output, "  00:00  3 keys (2 of text): hi<ENTER>\n"));
    CHECK(calls_of(service, "Open") == std::vector<std::string>{"Open 0 0 !"});
}

TEST_CASE("on a terminal where polkit cannot be reached, its agent holds nothing up") {
    const PrivateBus bus;
    const OwnStreams own;
    FakeCandord service(bus.address(), own.answers({own.stream(midnight)}));
    const auto begin = std::chrono::steady_clock::now();
    const Result result = run_ctl_on_terminal_as_person(bus.address(), {"my-data", "show"});
    CHECK(result.status == 0);
    CHECK(has(result.output, "hi<ENTER>"));
    CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(4));
    CHECK(calls_of(service, "Open") == std::vector<std::string>{"Open 0 0 !"});
}

TEST_CASE("my-data show --events prints every event, with its time and its device") {
    const PrivateBus bus;
    const OwnStreams own;
    const FakeCandord service(bus.address(), own.answers({own.stream(midnight)}));
    const Result result = run_ctl(bus.address(), {"my-data", "show", "--events"});
    CHECK(result.status == 0);
    CHECK(has(result.output, "  00:00:01.000000  Test keyboard  EV_KEY KEY_H 1\n"
                             "  00:00:01.000000  Test keyboard  EV_SYN SYN_REPORT 0\n"
                             "  00:00:01.100000  Test keyboard  EV_MSC MSC_SCAN 35\n"
                             "  00:00:01.100000  Test keyboard  EV_KEY KEY_H 0\n"));
    CHECK(has(result.output, "  00:00:02.000000  hole until 00:00:03.000000: ring_full, 7 events\n"));
}

TEST_CASE("my-data show as JSON has the same") {
    const PrivateBus bus;
    const OwnStreams own;
    const auto stream = own.stream(midnight);
    const FakeCandord service(bus.address(), own.answers({stream}));
    const Json json = Json::parse(run_ctl(bus.address(), {"my-data", "show", "--json"}).output);
    REQUIRE(json["streams"].size() == 1);
    const Json& one = json["streams"][0];
    CHECK(one["stream"] == stream.id);
    CHECK(one["from"] == "2027-01-01T00:00:00Z");
    CHECK(one["to"] == "2027-01-01T00:00:03Z");
    CHECK(one["level"] == "full");
    CHECK(one["end"] == "rotated");
    CHECK(one["problem"].is_null());
    CHECK(one["devices"] == Json::parse(R"([{"device":1,"class":"keyboard","name":"Test keyboard"}])"));
    CHECK(one["totals"]["presses"] == 3);
    CHECK(one["totals"]["text_keys"] == 2);
    CHECK(one["minutes"][0]["from"] == "2027-01-01T00:00:00Z");
    CHECK(one["minutes"][0]["keys"] == "hi<ENTER>");
    CHECK(one["gaps"] == Json::parse(R"({"ring_full":{"holes":1,"events":7,"uncounted":0,"seconds":1}})"));
}

TEST_CASE("a range is passed on: local times, a day to its end, RFC 3339 with its offset") {
    const PrivateBus bus;
    const OwnStreams own;
    FakeCandord service(bus.address(), own.answers({own.stream(midnight)}));
    const auto opened = [&](const std::string& from, const std::string& to) {
        CHECK(run_ctl(bus.address(), {"my-data", "show", "--from", from, "--to", to}).status == 0);
        const auto calls = calls_of(service, "Open");
        return calls.empty() ? std::string() : calls.back();
    };
    CHECK(opened("2027-01-01", "2027-01-01") == "Open 1798761600 1798847999 !");
    CHECK(opened("2026-12-31 23:59", "2027-01-01T00:00:02") == "Open 1798761540 1798761602 !");
    CHECK(opened("2027-01-01T01:00:00+01:00", "2026-12-31T23:30:01-00:30") == "Open 1798761600 1798761601 !");
    CHECK(opened("00:00", "2027-01-02T00:00:00Z").ends_with(" 1798848000 !"));
    const auto calls = calls_of(service, "Open");
    const auto today = std::stoll(calls.back().substr(5));
    CHECK(today % 86'400 == 0);
    CHECK(std::time(nullptr) - today < 86'400 + 60);
}

TEST_CASE("where there is nothing, no password is asked for") {
    const PrivateBus bus;
    const OwnStreams own;
    {
        FakeCandord service(bus.address(), {});
        CHECK(run_ctl(bus.address(), {"my-data", "list"}).output == nothing);
        CHECK(run_ctl(bus.address(), {"my-data", "show"}).output == nothing);
        CHECK(Json::parse(run_ctl(bus.address(), {"my-data", "show", "--json"}).output)["streams"].empty());
        CHECK(run_ctl(bus.address(), {"my-data", "delete", "--all", "--yes"}).output == nothing);
        CHECK_FALSE(service.was_called("Open"));
        CHECK_FALSE(service.was_called("Delete"));
    }
    FakeCandord service(bus.address(), own.answers({own.stream(midnight)}));
    const Result result = run_ctl(bus.address(), {"my-data", "show", "--from", "2027-01-02"});
    CHECK(result.status == 0);
    CHECK(has(result.output, "at that time"));
    CHECK_FALSE(service.was_called("Open"));
}

TEST_CASE("what candord gives page by page is shown whole, each stream once") {
    const PrivateBus bus;
    const OwnStreams own;
    FakeCandord::Answers answers = own.answers({});
    for (int i = 0; i < 7; ++i) {
        answers.streams.push_back(own.stream(midnight + i * 600));
    }
    answers.page = 3;
    FakeCandord service(bus.address(), answers);
    const Result result = run_ctl(bus.address(), {"my-data", "show", "--json"});
    CHECK(result.status == 0);
    CHECK(has(result.errors, "There is more; it takes your password again.\n"));
    const Json streams = Json::parse(result.output)["streams"];
    REQUIRE(streams.size() == 7);
    for (std::size_t i = 0; i < streams.size(); ++i) {
        CHECK(streams[i]["stream"] == answers.streams[i].id);
    }
    CHECK(calls_of(service, "Open") ==
          std::vector<std::string>{"Open 0 0 !", "Open 1798762800 0 !", "Open 1798764000 0 !"});
}

TEST_CASE("my-data export writes the lines of candor-refine dump to a file of one's own") {
    const PrivateBus bus;
    const TemporaryDirectory folder;
    const OwnStreams own;
    const FakeCandord service(bus.address(), own.answers({own.stream(midnight), own.stream(midnight + 600)}));
    const std::string file = folder / "mine.jsonl";
    const Result result = run_ctl(bus.address(), {"my-data", "export", file});
    CHECK(result.status == 0);
    CHECK(has(result.output, "2 streams written to " + file));
    struct stat status {};
    REQUIRE(::stat(file.c_str(), &status) == 0);
    CHECK((status.st_mode & 07777) == 0600);
    std::map<std::string, int> kinds;
    std::istringstream lines(text_of(file));
    for (std::string line; std::getline(lines, line);) {
        ++kinds[Json::parse(line)["kind"]];
    }
    CHECK(kinds == std::map<std::string, int>{
                       {"open", 2}, {"clock", 2}, {"device", 2}, {"event", 36}, {"gap", 2}, {"close", 2}});
}

TEST_CASE("my-data export does not touch a file that is there, except with --force") {
    const PrivateBus bus;
    const TemporaryDirectory folder;
    const OwnStreams own;
    FakeCandord service(bus.address(), own.answers({own.stream(midnight)}));
    const std::string file = folder / "mine.jsonl";
    std::ofstream(file) << "precious";
    const Result refused = run_ctl(bus.address(), {"my-data", "export", file});
    CHECK(refused.status == 1);
    CHECK(has(refused.errors, "is there already; --force replaces it"));
    CHECK(text_of(file) == "precious");
    CHECK_FALSE(service.was_called("Open"));
    CHECK(run_ctl(bus.address(), {"my-data", "export", file, "--force"}).status == 0);
    CHECK(text_of(file).starts_with(R"({"kind":"open")"));
    // A link is a name that is there, wherever it leads.
    std::filesystem::create_symlink(folder / "elsewhere", folder / "link");
    CHECK(run_ctl(bus.address(), {"my-data", "export", folder / "link"}).status == 1);
}

TEST_CASE("an export that fails leaves nothing behind") {
    const PrivateBus bus;
    const TemporaryDirectory folder;
    const OwnStreams own;
    FakeCandord::Answers answers = own.answers({own.stream(midnight)});
    answers.errors = {{"Open", "org.candor.Capture1.Error.NotAuthorized"}};
    const FakeCandord service(bus.address(), answers);
    const Result result = run_ctl(bus.address(), {"my-data", "export", folder / "mine.jsonl"});
    CHECK(result.status == 4);
    CHECK(std::filesystem::is_empty(folder.path()));
    const Result nowhere = run_ctl(bus.address(), {"my-data", "export", folder / "no/such/mine.jsonl"});
    CHECK(nowhere.status == 1);
    CHECK(has(nowhere.errors, "No such file or directory"));
}

TEST_CASE("my-data delete says that whole streams go, and from when to when that reaches") {
    const PrivateBus bus;
    FakeCandord service(bus.address(), {.streams = {{.id = "aa", .from = midnight, .to = midnight + 600},
                                                    {.id = "bb", .from = midnight + 600, .to = midnight + 1200},
                                                    {.id = "cc", .from = midnight + 1300, .to = midnight + 1310}}});
    const Result result = run_ctl(bus.address(), {"my-data", "delete", "--from", "2027-01-01T00:05:00Z", "--to",
                                                  "2027-01-01T00:15:00Z", "--yes"});
    CHECK(result.status == 0);
    CHECK(has(result.output, "  aa\n"));
    CHECK(has(result.output, "  bb\n"));
    CHECK_FALSE(has(result.output, "  cc\n"));
    CHECK(has(result.output, "what goes reaches from 2027-01-01 00:00:00 UTC to 2027-01-01 00:20:00 UTC.\n"));
    CHECK(has(result.output, "2 streams deleted."));
    CHECK(calls_of(service, "Delete") == std::vector<std::string>{"Delete 1798761900 1798762500"});
    CHECK(run_ctl(bus.address(), {"my-data", "delete", "--all", "--yes"}).status == 0);
    CHECK(calls_of(service, "Delete").back() == "Delete 0 0");
}

TEST_CASE("what is on its way and in no file yet is deleted too") {
    const PrivateBus bus;
    FakeCandord service(bus.address(), {.frames_on_their_way = 3});
    const Result result = run_ctl(bus.address(), {"my-data", "delete", "--all", "--yes"});
    CHECK(has(result.output, "on the way to the shipper"));
    CHECK(service.was_called("Delete 0 0"));
}

TEST_CASE("nothing is deleted without a yes") {
    const PrivateBus bus;
    FakeCandord service(bus.address(),
                        {.streams = {{.id = "aa", .from = midnight, .to = midnight + 600, .ended = false}}});
    const Result silent = run_ctl(bus.address(), {"my-data", "delete", "--all"});
    CHECK(silent.status == 1);
    CHECK(has(silent.errors, "no terminal to ask on"));
    const Result no = run_ctl_on_terminal(bus.address(), {"my-data", "delete", "--all"}, "n\n");
    CHECK(no.status == 1);
    CHECK(has(no.output, "reaches from 2027-01-01 00:00:00 UTC to now."));
    CHECK(has(no.output, "nothing was deleted"));
    CHECK_FALSE(service.was_called("Delete"));
    CHECK(run_ctl_on_terminal(bus.address(), {"my-data", "delete", "--all"}, "y\n").status == 0);
    CHECK(service.was_called("Delete 0 0"));
}
