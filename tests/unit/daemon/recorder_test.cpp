// SPDX-License-Identifier: Apache-2.0
#include "recorder_fixture.h"

using namespace candor;
using candor::test::RecorderFixture;

namespace {

constexpr std::size_t large = 64 * 1024 * 1024;

} // namespace

TEST_CASE("what was typed comes out of the ring event by event") {
    RecorderFixture f(large);
    f.begin();
    f.plug(1);
    f.plug(2, "Test mouse");
    for (std::uint16_t i = 0; i < 200; ++i) {
        f.key(1, static_cast<std::uint16_t>(16 + i % 30));
        f.packet(2, {{2, 0, i}, {2, 1, -3}});
    }
    f.recorder.end(wire::CloseReason::gate_closed);
    f.take();
    REQUIRE(f.streams.size() == 1);
    CHECK(f.packets() == f.given);
    CHECK(f.streams[0].close->reason == wire::CloseReason::gate_closed);
    f.check_accounts();
}

TEST_CASE("a stream says for whom, under what and in which run it was recorded") {
    RecorderFixture f(large);
    f.begin();
    f.plug(1);
    f.key(1, 30);
    f.recorder.end(wire::CloseReason::stopped);
    f.take();
    REQUIRE(f.streams.size() == 1);
    const wire::Open& open = f.streams[0].open;
    CHECK(open.subject == f.keys.subject.subject);
    CHECK(open.policy_hash == wire::Hash32{7});
    CHECK(open.consent_version == 3);
    CHECK(open.run == f.run);
    CHECK(open.boot_id == read_boot_id());
    CHECK(open.identity == f.keys.identity.public_key());
}

TEST_CASE("a recorder to which nothing was given writes nothing") {
    RecorderFixture f(large);
    f.begin();
    f.plug(1);
    f.recorder.flush();
    f.recorder.clock_changed();
    f.recorder.end(wire::CloseReason::gate_closed);
    CHECK(f.ring.frames() == 0);
    CHECK(f.recorder.counters().streams == 0);
}

TEST_CASE("what comes while the gate is closed is a fault") {
    RecorderFixture f(large);
    const std::vector<input::Event> events{{0, 0, 0}};
    CHECK_THROWS_AS(f.recorder.on_packet({1, 1, events}), std::logic_error);
    CHECK_THROWS_AS(f.recorder.on_hole({}), std::logic_error);
    f.begin();
    CHECK_THROWS_AS(f.begin(), std::logic_error);
    f.recorder.end(wire::CloseReason::gate_closed);
    CHECK_THROWS_AS(f.recorder.on_packet({1, 1, events}), std::logic_error);
    CHECK_FALSE(f.recorder.is_active());
}

TEST_CASE("a batch is sealed by the timer, without another packet") {
    RecorderFixture f(large);
    f.begin(std::chrono::seconds(1));
    f.plug(1);
    f.key(1, 30);
    CHECK(f.ring.frames() == 0);
    while (f.called == 0) {
        f.loop.run_once(std::chrono::seconds(10));
    }
    f.take();
    CHECK(f.packets() == f.given);
    f.recorder.end(wire::CloseReason::gate_closed);
    f.take();
    f.check_accounts();
}

TEST_CASE("a full batch is sealed at once") {
    RecorderFixture f(large);
    f.begin();
    f.plug(1);
    f.noise(1, 1024);
    f.noise(1, 1024);
    CHECK(f.recorder.counters().batches == 0);
    f.key(1, 30);
    CHECK(f.recorder.counters().batches == 1);
    CHECK(f.recorder.counters().events_stored == 2048);
    f.recorder.end(wire::CloseReason::gate_closed);
    f.take();
    CHECK(f.packets() == f.given);
    f.check_accounts();
}

TEST_CASE("a stream is closed when it has grown to the length of a segment, and the next one goes on") {
    RecorderFixture f(large);
    f.begin();
    f.plug(1);
    for (int i = 0; i < 60; ++i) {
        f.noise(1, 1000);
    }
    f.recorder.end(wire::CloseReason::gate_closed);
    f.take();
    REQUIRE(f.streams.size() > 1);
    CHECK(f.streams[0].close->reason == wire::CloseReason::rotated);
    CHECK(f.streams.back().close->reason == wire::CloseReason::gate_closed);
    CHECK(f.packets() == f.given);
    f.check_accounts();
}

TEST_CASE("the grant goes once before the first stream, however many follow") {
    RecorderFixture f(large);
    for (int i = 0; i < 3; ++i) {
        f.begin();
        f.plug(1);
        f.key(1, 30);
        f.recorder.end(wire::CloseReason::gate_closed);
    }
    REQUIRE(f.ring.next() != nullptr);
    CHECK(std::holds_alternative<wire::Grant>(wire::parse_frame(*f.ring.next())->body));
    f.take();
    CHECK(f.grants == 1);
    CHECK(f.streams.size() == 3);
}

TEST_CASE("every stream introduces each device that it has packets of, once") {
    RecorderFixture f(large);
    f.begin();
    f.plug(4, "Four");
    f.plug(5, "Five");
    f.plug(6, "Never used");
    for (int i = 0; i < 60; ++i) {
        f.noise(i % 2 == 0 ? 4 : 5, 1000);
    }
    f.recorder.end(wire::CloseReason::gate_closed);
    f.take();
    REQUIRE(f.streams.size() > 1);
    for (const auto& stream : f.streams) {
        std::vector<input::DeviceInfo> devices = stream.devices;
        std::ranges::sort(devices, {}, &input::DeviceInfo::index);
        CHECK(devices == std::vector<input::DeviceInfo>{f.known[4], f.known[5]});
    }
}

TEST_CASE("more devices than a batch can introduce take another batch") {
    RecorderFixture f(large);
    f.begin();
    constexpr std::uint32_t devices = wire::max_batch_devices * 2 + 3;
    for (std::uint32_t device = 0; device < devices; ++device) {
        f.plug(device);
    }
    for (std::uint32_t device = 0; device < devices; ++device) {
        f.key(device, 30);
    }
    f.recorder.end(wire::CloseReason::gate_closed);
    f.take();
    REQUIRE(f.streams.size() == 1);
    CHECK(f.streams[0].devices.size() == devices);
    CHECK(f.streams[0].batches == 3);
    CHECK(f.packets() == f.given);
    f.check_accounts();
}

TEST_CASE("more devices than a stream can introduce take another stream") {
    RecorderFixture f(large);
    f.begin();
    constexpr std::uint32_t devices = wire::max_stream_devices + 1;
    for (std::uint32_t device = 0; device < devices; ++device) {
        f.plug(device);
        f.key(device, 30);
    }
    f.recorder.end(wire::CloseReason::gate_closed);
    f.take();
    CHECK(f.streams.size() == 2);
    CHECK(f.packets() == f.given);
    f.check_accounts();
}

TEST_CASE("holes of the same device and reason become one gap that spans them") {
    RecorderFixture f(large);
    f.begin();
    f.plug(1);
    f.key(1, 30);
    f.hole({1, input::HoleReason::damaged, 4'000'000, 5'000'000, 10});
    f.hole({1, input::HoleReason::damaged, 2'000'000, 3'000'000, 5});
    f.hole({2, input::HoleReason::damaged, 2'000'000, 3'000'000, 1});
    f.hole({1, input::HoleReason::dropped_by_kernel, 2'000'000, 3'000'000, {}});
    f.hole({1, input::HoleReason::dropped_by_kernel, 6'000'000, 7'000'000, {}});
    f.recorder.end(wire::CloseReason::gate_closed);
    f.take();
    REQUIRE(f.streams.size() == 1);
    const auto& gaps = f.streams[0].gaps;
    REQUIRE(gaps.size() == 3);
    CHECK(gaps[0].reason == wire::GapReason::damaged);
    CHECK(gaps[0].from_us == 2'000'000);
    CHECK(gaps[0].to_us == 5'000'000);
    CHECK(gaps[0].events == 15);
    CHECK(gaps[0].device == 1);
    CHECK(gaps[1].device == 2);
    CHECK(gaps[2].reason == wire::GapReason::dropped_by_kernel);
    CHECK(gaps[2].to_us == 7'000'000);
    CHECK_FALSE(gaps[2].events);
    f.check_accounts();
}

TEST_CASE("holes of very many devices share a record and lose no count") {
    RecorderFixture f(large);
    f.begin();
    for (std::uint32_t device = 0; device < 500; ++device) {
        f.hole({device, input::HoleReason::damaged, 1'000'000 + device, 2'000'000 + device, 3});
    }
    f.recorder.end(wire::CloseReason::gate_closed);
    f.take();
    CHECK(f.declared(wire::GapReason::damaged) == 1500);
    CHECK(f.streams[0].gaps.size() <= 65);
    CHECK(std::ranges::any_of(f.streams[0].gaps, [](const wire::Gap& gap) { return gap.device == wire::all_devices; }));
    f.check_accounts();
}

TEST_CASE("holes without any packet are declared in a stream of their own") {
    RecorderFixture f(large);
    f.begin();
    f.hole({1, input::HoleReason::device_gone, 1'000'000, 1'000'000, {}});
    f.recorder.end(wire::CloseReason::gate_closed);
    f.take();
    REQUIRE(f.streams.size() == 1);
    REQUIRE(f.streams[0].gaps.size() == 1);
    CHECK(f.streams[0].gaps[0].reason == wire::GapReason::device_gone);
    f.check_accounts();
}

TEST_CASE("a step of the clock is written into the stream that is open") {
    RecorderFixture f(large);
    f.begin();
    f.plug(1);
    f.key(1, 30);
    f.recorder.flush();
    f.recorder.clock_changed();
    f.recorder.end(wire::CloseReason::gate_closed);
    f.take();
    CHECK(f.streams[0].clocks == 1);
}
