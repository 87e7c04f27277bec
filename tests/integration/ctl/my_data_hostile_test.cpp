// SPDX-License-Identifier: Apache-2.0
#include "own_streams.h"

#include "support/catch.h"
#include "support/temporary_directory.h"

#include <nlohmann/json.hpp>

#include <fstream>

using namespace candor;
using namespace candor::test;
using Json = nlohmann::json;

namespace {

/// A stream that cannot be read, between two that can: what is said of it, once it is sure that the others are shown.
std::string problem_of(const OwnStreams& own, FakeCandord::Stream bad) {
    const PrivateBus bus;
    bad.from = midnight + 600;
    bad.to = midnight + 604;
    const auto first = own.stream(midnight), last = own.stream(midnight + 1200);
    const FakeCandord service(bus.address(), own.answers({first, bad, last}));
    const Result result = run_ctl(bus.address(), {"my-data", "show"});
    CHECK(result.status == 1);
    CHECK(has(result.output, first.id));
    CHECK(has(result.output, last.id));
    const std::string prefix = "candorctl: stream " + bad.id + ": ";
    CHECK(result.errors.starts_with(prefix));
    return result.errors.substr(std::min(prefix.size(), result.errors.size()));
}

} // namespace

TEST_CASE("a damaged record is said with its place, and what stands before it is shown") {
    const OwnStreams own;
    auto frames = own.frames(midnight + 600);
    auto stream = own.stream(midnight + 600, frames);
    const auto whole = stream.segment.size();
    stream.segment.resize(whole - 5);
    CHECK(has(problem_of(own, stream), "byte "));
    frames.erase(frames.begin() + 1);
    CHECK(has(problem_of(own, own.stream(midnight + 600, frames)), ": sequence 2, expected 1"));
}

TEST_CASE("no change of a byte of a stream goes unsaid") {
    const OwnStreams own;
    const auto sound = own.stream(midnight);
    const PrivateBus bus;
    for (std::size_t at = 0; at < sound.segment.size(); at += 41) {
        INFO(at);
        auto changed = sound;
        changed.segment[at] ^= 0x10;
        const FakeCandord service(bus.address(), own.answers({changed}));
        const Result result = run_ctl(bus.address(), {"my-data", "show"});
        CHECK(result.status == 1);
        CHECK(has(result.errors, "candorctl: stream " + sound.id + ": "));
    }
}

TEST_CASE("another stream in its place, or one that another device signed, is refused") {
    const OwnStreams own;
    auto swapped = own.stream(midnight);
    swapped.id = std::string(32, 'c');
    CHECK(has(problem_of(own, swapped), "open.stream: another stream"));
    const OwnStreams other;
    CHECK(has(problem_of(own, other.stream(midnight)), "open.identity: of another device"));
}

TEST_CASE("a wrong key, no key, no file and an empty file are refused") {
    const OwnStreams own;
    auto stream = own.stream(midnight);
    stream.key[0] ^= 1;
    CHECK(has(problem_of(own, stream), "byte "));
    stream.key.resize(31);
    CHECK(has(problem_of(own, stream), "the key that candord gave is none\n"));
    stream = own.stream(midnight);
    stream.pipe = true;
    CHECK(has(problem_of(own, stream), "the file is no regular file\n"));
    stream = own.stream(midnight);
    stream.segment.clear();
    CHECK(has(problem_of(own, stream), "byte "));
    stream.segment.assign(5 * 1024 * 1024, 0);
    CHECK(has(problem_of(own, stream), "expected 4194304 at most\n"));
}

TEST_CASE("a stream that candord lists and does not open is said") {
    const OwnStreams own;
    auto stream = own.stream(midnight);
    stream.opens = false;
    CHECK(has(problem_of(own, stream), "candord did not open it"));
}

TEST_CASE("a stream without its end is shown as such, and is no failure") {
    const PrivateBus bus;
    const TemporaryDirectory folder;
    const OwnStreams own;
    auto stream = own.stream(midnight, own.frames(midnight, false));
    stream.ended = false;
    const FakeCandord service(bus.address(), own.answers({stream}));
    const Result result = run_ctl(bus.address(), {"my-data", "show"});
    CHECK(result.status == 0);
    CHECK(has(result.output, "End:        none: it goes on, or its end is not here\n"));
    CHECK(run_ctl(bus.address(), {"my-data", "export", folder / "mine"}).status == 0);
    std::ifstream file(folder / "mine");
    std::string line, last;
    while (std::getline(file, line)) {
        last = line;
    }
    CHECK(Json::parse(last) == Json({{"kind", "unclosed"}, {"stream", stream.id}}));
}

TEST_CASE("what cannot be read stands in the export as a hole, and in the JSON as a problem") {
    const PrivateBus bus;
    const TemporaryDirectory folder;
    const OwnStreams own;
    auto stream = own.stream(midnight);
    stream.segment.resize(stream.segment.size() - 5);
    const FakeCandord service(bus.address(), own.answers({stream}));
    const Result json = run_ctl(bus.address(), {"my-data", "show", "--json"});
    CHECK(json.status == 1);
    CHECK(has(Json::parse(json.output)["streams"][0]["problem"], "byte "));
    CHECK(run_ctl(bus.address(), {"my-data", "export", folder / "mine"}).status == 1);
    std::ifstream file(folder / "mine");
    std::string line, last;
    while (std::getline(file, line)) {
        last = line;
    }
    CHECK(Json::parse(last)["kind"] == "damaged");
    CHECK(Json::parse(last)["stream"] == stream.id);
}

TEST_CASE("a page that brings nothing new does not go on for ever") {
    const PrivateBus bus;
    const OwnStreams own;
    // All of one moment: there is no later time to ask from.
    FakeCandord::Answers answers = own.answers({});
    for (int i = 0; i < 4; ++i) {
        answers.streams.push_back(own.stream(midnight));
    }
    answers.page = 2;
    FakeCandord service(bus.address(), answers);
    const Result result = run_ctl(bus.address(), {"my-data", "show"});
    CHECK(result.status == 1);
    CHECK(has(result.errors, "there is more, but candord does not give it"));
    CHECK(std::ranges::count_if(service.calls(), [](const std::string& c) { return c.starts_with("Open"); }) == 2);
}

TEST_CASE("what candord lists cannot command the terminal") {
    const PrivateBus bus;
    const FakeCandord service(bus.address(), {.streams = {{.id = "a\x1b[2J", .from = 1, .to = 2, .level = "\x1b"}}});
    for (const Arguments& arguments :
         {Arguments{"my-data", "list"}, {"my-data", "list", "--json"}, {"my-data", "delete", "--all", "--yes"}}) {
        const Result result = run_ctl(bus.address(), arguments);
        CHECK(result.status == 0);
        CHECK_FALSE(has(result.output, "\x1b"));
    }
}
