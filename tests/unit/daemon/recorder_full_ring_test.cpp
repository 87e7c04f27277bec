// SPDX-License-Identifier: Apache-2.0
#include "recorder_fixture.h"

using namespace candor;
using candor::test::RecorderFixture;

namespace {

/// Takes a few batches of noise, then none until somebody acknowledges.
constexpr std::size_t tiny = 256 * 1024;

/// Noise until a batch was refused.
void fill(RecorderFixture& f) {
    for (int i = 0; i < 100 && f.recorder.counters().gaps == 0; ++i) {
        f.noise(1, 1000);
        f.recorder.flush();
    }
    REQUIRE(f.recorder.counters().gaps > 0);
}

/// Batches that are refused until not even their gaps are taken any more.
void fill_to_the_brim(RecorderFixture& f) {
    for (int i = 0; i < 2000 && f.ring.takes_control(4096); ++i) {
        f.key(1, 30);
        f.recorder.flush();
    }
    REQUIRE_FALSE(f.ring.takes_control(4096));
}

/// Streams that only declare until not even the end of one is taken, and then a loss of 9 events that nobody declares.
void leave_pending(RecorderFixture& f) {
    while (f.ring.takes_control(0)) {
        f.begin();
        f.hole({1, input::HoleReason::damaged, 1'000'000, 2'000'000, 2});
        f.recorder.end(wire::CloseReason::gate_closed);
    }
    f.begin();
    f.hole({1, input::HoleReason::damaged, 1'000'000, 2'000'000, 9});
    f.recorder.end(wire::CloseReason::gate_closed);
}

} // namespace

TEST_CASE("a batch that the ring does not take is counted in a gap of the same stream") {
    RecorderFixture f(tiny);
    f.begin();
    f.plug(1);
    fill(f);
    const std::size_t refused = f.given.size() - 1;
    f.recorder.end(wire::CloseReason::gate_closed);
    f.take();
    REQUIRE(f.streams.size() == 1);
    REQUIRE(f.streams[0].gaps.size() == 1);
    const wire::Gap& gap = f.streams[0].gaps[0];
    CHECK(gap.reason == wire::GapReason::ring_full);
    CHECK(gap.events == 1000);
    CHECK(gap.device == wire::all_devices);
    CHECK(gap.from_us <= std::get<1>(f.given[refused]));
    CHECK(gap.to_us >= std::get<1>(f.given[refused]));
    f.check_accounts();
}

TEST_CASE("a ring that is full never grows beyond its bound, however much is typed") {
    RecorderFixture f(tiny);
    f.begin();
    f.plug(1);
    fill(f);
    for (int i = 0; i < 2000; ++i) {
        f.key(1, 30);
        f.recorder.flush();
        REQUIRE(f.ring.bytes() <= f.ring.bound());
    }
    f.recorder.end(wire::CloseReason::gate_closed);
    CHECK(f.ring.bytes() <= f.ring.bound());
    f.take();
    f.check_accounts();
}

TEST_CASE("gaps that the ring does not take either are declared at the end of the stream") {
    RecorderFixture f(tiny);
    f.begin();
    f.plug(1);
    fill(f);
    fill_to_the_brim(f);
    const auto gaps = f.recorder.counters().gaps;
    for (int i = 0; i < 5; ++i) {
        f.key(1, 30);
        f.recorder.flush();
    }
    CHECK(f.recorder.counters().gaps == gaps);
    f.recorder.end(wire::CloseReason::gate_closed);
    CHECK(f.recorder.counters().gaps == gaps + 1);
    f.take();
    CHECK(f.streams.back().gaps.back().events == 15);
    f.check_accounts();
}

TEST_CASE("when the ring has room again recording goes on in the same stream") {
    RecorderFixture f(tiny);
    f.begin();
    f.plug(1);
    fill(f);
    f.take();
    f.key(1, 44);
    f.recorder.end(wire::CloseReason::gate_closed);
    f.take();
    CHECK(f.streams.size() == 1);
    REQUIRE_FALSE(f.packets().empty());
    CHECK(f.packets().back() == f.given.back());
    f.check_accounts();
}

TEST_CASE("losses from before there was a stream are declared in the next that opens") {
    RecorderFixture f(tiny);
    f.begin();
    f.plug(1);
    fill(f);
    fill_to_the_brim(f);
    f.recorder.end(wire::CloseReason::gate_closed);
    f.begin();
    f.plug(2);
    f.key(2, 30);
    f.recorder.flush();
    CHECK(f.recorder.counters().streams == 1);
    f.take();
    f.key(2, 31);
    f.recorder.end(wire::CloseReason::gate_closed);
    f.take();
    REQUIRE(f.streams.size() == 2);
    REQUIRE(f.streams[1].gaps.size() == 1);
    CHECK(f.streams[1].gaps[0].events == 3);
    f.check_accounts();
}

TEST_CASE("losses that no stream could declare before the gate closed are declared when it opens again") {
    RecorderFixture f(tiny);
    f.begin();
    f.plug(1);
    fill(f);
    fill_to_the_brim(f);
    f.recorder.end(wire::CloseReason::gate_closed);
    leave_pending(f);
    CHECK(f.recorder.counters().events_declared + f.recorder.counters().events_stored == f.produced - 9);
    f.take();
    f.begin();
    f.recorder.end(wire::CloseReason::gate_closed);
    f.take();
    CHECK(f.streams.back().gaps.back().events == 9);
    f.check_accounts();
}

TEST_CASE(
    "a refused batch that no stream could take is declared when the gate closes, if there is room for that much") {
    RecorderFixture f(tiny);
    f.begin();
    f.plug(1);
    fill(f);
    fill_to_the_brim(f);
    f.recorder.end(wire::CloseReason::gate_closed);
    REQUIRE(f.ring.takes_control(0));
    f.begin();
    f.plug(2);
    f.key(2, 30);
    f.recorder.end(wire::CloseReason::gate_closed);
    f.take();
    REQUIRE(f.streams.size() == 2);
    CHECK(f.streams[1].packets.empty());
    CHECK(f.declared(wire::GapReason::ring_full) == f.recorder.counters().events_declared);
    f.check_accounts();
}

TEST_CASE("while the gate is closed nothing is sealed, whatever is pending and however much room there is") {
    RecorderFixture f(tiny);
    f.begin();
    f.plug(1);
    fill(f);
    fill_to_the_brim(f);
    f.recorder.end(wire::CloseReason::gate_closed);
    leave_pending(f);
    f.take();
    f.recorder.flush();
    f.recorder.clock_changed();
    f.recorder.end(wire::CloseReason::gate_closed);
    CHECK(f.ring.frames() == 0);
}
