// SPDX-License-Identifier: Apache-2.0
#include "lake.h"

using namespace candor;
using namespace candor::test;

namespace {

std::vector<Json> dumped(const std::string& output) {
    std::vector<Json> all;
    for (const std::string& line : lines_of(output)) {
        all.push_back(Json::parse(line));
    }
    return all;
}

std::vector<Json> of_kind(const std::vector<Json>& all, const std::string& kind) {
    std::vector<Json> some;
    std::ranges::copy_if(all, std::back_inserter(some), [&](const Json& json) { return json["kind"] == kind; });
    return some;
}

/// A short stream that begins so long after the first of its run.
std::vector<wire::FrameBytes> stream_at(const Lake& lake, const wire::Id16& run, std::int64_t wall_s,
                                        std::uint64_t mono_s) {
    wire::StreamContext context = lake.keys.context();
    context.run = run;
    context.anchor = {mono_s * 1'000'000'000, mono_s * 1'000'000'000, wall_s * 1'000'000'000};
    wire::StreamSealer sealer(lake.keys.identity, lake.keys.subject.epoch_key, context);
    std::vector<wire::FrameBytes> frames{sealer.open()};
    frames.push_back(sealer.close(wire::CloseReason::rotated, 0));
    return frames;
}

} // namespace

TEST_CASE("dump writes a line for every event, with the names of types and codes") {
    const Lake lake;
    const auto frames = lake.keys.stream();
    lake.add(frames);
    const Result result = lake.dump();
    CHECK(result.status == 0);
    CHECK(result.errors.empty());
    const auto events = of_kind(dumped(result.output), "event");
    REQUIRE(events.size() == 24);
    const std::string stream = to_hex(stream_of(frames));
    CHECK(events[0] == Json({{"kind", "event"},
                             {"stream", stream},
                             {"device", 1},
                             {"t_us", 1'100'000},
                             {"type", "EV_MSC"},
                             {"code", "MSC_SCAN"},
                             {"value", 30}}));
    CHECK(events[1] == Json({{"kind", "event"},
                             {"stream", stream},
                             {"device", 1},
                             {"t_us", 1'100'000},
                             {"type", "EV_KEY"},
                             {"code", "KEY_A"},
                             {"value", 1}}));
    CHECK(events[2]["type"] == "EV_SYN");
    CHECK(events[2]["code"] == "SYN_REPORT");
    CHECK(events[23]["t_us"] == 3'200'000);
}

TEST_CASE("a code without a name is a number") {
    const Lake lake;
    wire::StreamSealer sealer(lake.keys.identity, lake.keys.subject.epoch_key, lake.keys.context());
    wire::BatchEncoder encoder;
    std::vector<wire::FrameBytes> frames{sealer.open()};
    wire::Batch batch;
    batch.devices.push_back({.index = 1, .name = "Odd"});
    batch.packets.push({1, 1'000'000, std::vector<input::Event>{{0x1e, 0x7f, 5}}});
    frames.push_back(sealer.batch(encoder.encode(batch), 1));
    frames.push_back(sealer.close(wire::CloseReason::rotated, 1));
    lake.add(frames);
    const auto events = of_kind(dumped(lake.dump().output), "event");
    REQUIRE(events.size() == 1);
    CHECK(events[0]["type"] == "0x1e");
    CHECK(events[0]["code"] == "0x7f");
}

TEST_CASE("dump keeps the order of the stream: open, devices, events, clocks, gaps, close") {
    const Lake lake;
    lake.add(lake.keys.stream());
    std::vector<std::string> kinds;
    for (const Json& json : dumped(lake.dump().output)) {
        const std::string kind = json["kind"];
        if (kinds.empty() || kinds.back() != kind) {
            kinds.push_back(kind);
        }
    }
    CHECK(kinds == std::vector<std::string>{"open", "clock", "device", "event", "clock", "gap", "event", "close"});
}

TEST_CASE("dump writes what is known of devices, gaps and the end") {
    const Lake lake;
    const auto frames = lake.keys.stream();
    lake.add(frames);
    const auto all = dumped(lake.dump().output);
    const std::string stream = to_hex(stream_of(frames));
    CHECK(of_kind(all, "device") == std::vector<Json>{{{"kind", "device"},
                                                       {"stream", stream},
                                                       {"device", 1},
                                                       {"class", "keyboard"},
                                                       {"bus", 0},
                                                       {"vendor", 0},
                                                       {"product", 0},
                                                       {"version", 0},
                                                       {"name", "Test keyboard"}}});
    CHECK(of_kind(all, "gap") == std::vector<Json>{{{"kind", "gap"},
                                                    {"stream", stream},
                                                    {"reason", "ring_full"},
                                                    {"from_us", 1'000'000},
                                                    {"to_us", 3'000'000},
                                                    {"events", 7},
                                                    {"device", nullptr}}});
    CHECK(of_kind(all, "close") == std::vector<Json>{{{"kind", "close"},
                                                      {"stream", stream},
                                                      {"reason", "gate_closed"},
                                                      {"produced", 31},
                                                      {"stored", 24},
                                                      {"declared", 7}}});
}

TEST_CASE("streams come in the order of their runs and, within a run, of the monotonic clock") {
    const Lake lake;
    const wire::Id16 early = wire::random_id();
    const wire::Id16 late = wire::random_id();
    // The wall clock was set back while the early run lasted: the monotonic clock was not.
    const std::vector<std::vector<wire::FrameBytes>> in_order = {
        stream_at(lake, early, 1'000, 10), stream_at(lake, early, 700, 20), stream_at(lake, early, 900, 30),
        stream_at(lake, late, 2'000, 5)};
    std::vector<std::string> expected;
    for (const auto& frames : in_order) {
        expected.push_back(to_hex(stream_of(frames)));
        lake.add(frames);
    }
    std::vector<std::string> streams;
    for (const Json& open : of_kind(dumped(lake.dump().output), "open")) {
        streams.push_back(open["stream"]);
    }
    CHECK(streams == expected);
}

TEST_CASE("a stream that two files hold is dumped once, and said") {
    const Lake lake;
    const auto frames = lake.keys.stream();
    lake.add(frames);
    lake.add("copy.candor", file_of(frames));
    const Result result = lake.dump();
    CHECK(result.status == 1);
    CHECK(of_kind(dumped(result.output), "event").size() == 24);
    CHECK(has(result.errors, "a stream that another file holds too; left out here"));
}

TEST_CASE("where a stream stops although it should not stands in the data") {
    const Lake lake;
    const auto frames = lake.keys.stream();
    Bytes bytes = file_of(frames);
    const std::size_t at = offsets_of(frames)[4];
    bytes.resize(at + 3);
    const auto path = lake.add("cut.candor", bytes);
    const Result result = lake.dump();
    CHECK(result.status == 1);
    const auto all = dumped(result.output);
    CHECK(of_kind(all, "event").size() == 18);
    CHECK(all.back()["kind"] == "damaged");
    CHECK(all.back()["file"] == path.string());
    CHECK(all.back()["offset"] == at);
    CHECK(has(result.errors, path.string() + ": byte " + std::to_string(at) + ": the file is cut"));
}

TEST_CASE("a stream without a Close is dumped, and its end is marked") {
    const Lake lake;
    auto frames = lake.keys.stream();
    frames.pop_back();
    lake.add(frames);
    const Result result = lake.dump();
    CHECK(result.status == 0);
    CHECK(dumped(result.output).back() == Json({{"kind", "unclosed"}, {"stream", to_hex(stream_of(frames))}}));
}

TEST_CASE("a damaged file does not keep the others from being dumped") {
    const Lake lake;
    lake.add("garbage.candor", Bytes(100, 0x55));
    lake.add(lake.keys.stream());
    const Result result = lake.dump();
    CHECK(result.status == 1);
    CHECK(of_kind(dumped(result.output), "event").size() == 24);
}
