// SPDX-License-Identifier: Apache-2.0
#include "support/catch.h"
#include "unit/wire/stream_fixture.h"

#include <stdexcept>

using namespace candor;
using candor::test::StreamFixture;

namespace {

/// A stream that is never closed, and how far it had come after each of its frames.
struct Begun {
    explicit Begun(const StreamFixture& fixture) {
        wire::StreamSealer sealer(fixture.identity, fixture.subject.epoch_key, fixture.context());
        wire::BatchEncoder encoder;
        const auto keep = [&](wire::FrameBytes frame) {
            frames.push_back(std::move(frame));
            progress.push_back(sealer.progress());
        };
        keep(sealer.open());
        keep(sealer.batch(encoder.encode(StreamFixture::typed({30, 31, 32})), 18));
        keep(sealer.clock(read_clock_anchor()));
        keep(sealer.gap({wire::GapReason::ring_full, 1'500'000, 2'500'000, 7, wire::all_devices}));
        keep(sealer.gap({wire::GapReason::paused, 1'500'000, 2'500'000, std::nullopt, wire::all_devices}));
        keep(sealer.batch(encoder.encode(StreamFixture::typed({33}, false, 3'000'000)), 6));
    }

    /// The first `count` frames, and the end that a successor gives them.
    [[nodiscard]] std::vector<wire::FrameBytes> ended(std::size_t count, const wire::Identity& identity) const {
        const auto end =
            wire::end_crashed_stream(identity, progress[count - 1], progress[count - 1].sealed_us + 9'000'000);
        std::vector<wire::FrameBytes> all(frames.begin(), frames.begin() + static_cast<std::ptrdiff_t>(count));
        all.push_back(end.gap);
        all.push_back(end.close);
        return all;
    }

    std::vector<wire::FrameBytes> frames;
    std::vector<wire::StreamProgress> progress;
};

} // namespace

TEST_CASE("a stream that ended after any of its frames is ended by a successor, and opens with a key and without") {
    const StreamFixture fixture;
    const Begun begun(fixture);
    const std::vector<std::string> events = {"0", "18", "18", "18", "18", "24"};
    for (std::size_t count = 1; count <= begun.frames.size(); ++count) {
        INFO(count);
        const auto all = begun.ended(count, fixture.identity);
        CHECK(fixture.read(all) == events[count - 1] + " events, closed");
        CHECK(StreamFixture::read(wire::StreamOpener(), all) == "0 events, closed");
    }
}

TEST_CASE("the end of a crashed stream says so, and counts what was sealed") {
    const StreamFixture fixture;
    const Begun begun(fixture);
    wire::StreamOpener opener(fixture.epoch_key());
    std::vector<wire::Gap> gaps;
    for (const auto& frame : begun.ended(begun.frames.size(), fixture.identity)) {
        const auto item = opener.next(frame);
        REQUIRE(item.has_value());
        if (const auto* gap = std::get_if<wire::Gap>(&item->frame.body)) {
            gaps.push_back(*gap);
        }
    }
    REQUIRE(gaps.size() == 3);
    CHECK(gaps[2].reason == wire::GapReason::crash);
    CHECK(gaps[2].from_us == begun.progress.back().sealed_us);
    CHECK(gaps[2].to_us == begun.progress.back().sealed_us + 9'000'000);
    CHECK_FALSE(gaps[2].events.has_value());
    CHECK(gaps[2].device == wire::all_devices);
    REQUIRE(opener.close().has_value());
    CHECK(opener.close()->reason == wire::CloseReason::crashed);
    CHECK(opener.close()->stored == 24);
    CHECK(opener.close()->declared == 7);
    CHECK(opener.close()->produced == 31);
    CHECK(opener.close()->batches == 2);
    CHECK(opener.close()->gaps == 3);
}

TEST_CASE("the progress moves on over the gap and the end") {
    const StreamFixture fixture;
    const Begun begun(fixture);
    const auto& last = begun.progress.back();
    const auto end = wire::end_crashed_stream(fixture.identity, last, last.sealed_us + 1);
    CHECK(end.after_gap.next_sequence == last.next_sequence + 1);
    CHECK(end.after_gap.gaps == last.gaps + 1);
    CHECK_FALSE(end.after_gap.closed);
    CHECK(end.after_close.next_sequence == last.next_sequence + 2);
    CHECK(end.after_close.closed);
    CHECK(end.after_close.stream == last.stream);
    CHECK(end.after_close.number == last.number);
    CHECK_THROWS_AS(wire::end_crashed_stream(fixture.identity, end.after_close, last.sealed_us), std::logic_error);
}

TEST_CASE("a successor that died after the gap is followed by one that ends the stream with a second gap") {
    const StreamFixture fixture;
    const Begun begun(fixture);
    const auto& last = begun.progress[1];
    const auto first = wire::end_crashed_stream(fixture.identity, last, last.sealed_us + 2'000'000);
    const auto second = wire::end_crashed_stream(fixture.identity, first.after_gap, last.sealed_us + 5'000'000);
    CHECK(fixture.read({begun.frames[0], begun.frames[1], first.gap, second.gap, second.close}) == "18 events, closed");
}

TEST_CASE("a clock that stands before the last frame gives a gap that does not run backwards") {
    const StreamFixture fixture;
    const Begun begun(fixture);
    auto last = begun.progress[1];
    last.sealed_us = 50'000'000;
    const auto end = wire::end_crashed_stream(fixture.identity, last, 3'000'000);
    const auto gap = std::get<wire::Gap>(wire::parse_frame(end.gap)->body);
    CHECK(gap.from_us == 50'000'000);
    CHECK(gap.to_us == 50'000'000);
}

TEST_CASE("another device cannot end a stream") {
    const StreamFixture fixture;
    const Begun begun(fixture);
    for (std::size_t count = 1; count <= begun.frames.size(); ++count) {
        const auto all = begun.ended(count, wire::Identity::generate());
        const std::string place = "frame " + std::to_string(count + 1);
        CHECK(fixture.read(all) == place + ": close.signature: not that of the device that opened the stream");
        CHECK(StreamFixture::read(wire::StreamOpener(), all) ==
              place + ": close.signature: not that of the device that opened the stream");
    }
}

TEST_CASE("an end that was made for another prefix of the stream is refused") {
    const StreamFixture fixture;
    const Begun begun(fixture);
    const auto& earlier = begun.progress[2];
    const auto end = wire::end_crashed_stream(fixture.identity, earlier, earlier.sealed_us);
    auto all = begun.frames;
    all.push_back(end.gap);
    all.push_back(end.close);
    CHECK(fixture.read(all) == "frame 6: sequence 3, expected 6");

    // The right place, and other frames before it.
    const Begun other(fixture);
    const auto foreign = wire::end_crashed_stream(fixture.identity, other.progress.back(), earlier.sealed_us);
    all = begun.frames;
    all.push_back(foreign.gap);
    all.push_back(foreign.close);
    CHECK(fixture.read(all) == "frame 7: close.transcript: the frames before it are not those that were sealed");
}

TEST_CASE("an end whose counts are not those of the frames is refused") {
    const StreamFixture fixture;
    const Begun begun(fixture);
    const auto refusal = [&](auto change) {
        auto progress = begun.progress.back();
        change(progress);
        const auto end = wire::end_crashed_stream(fixture.identity, progress, progress.sealed_us);
        auto all = begun.frames;
        all.push_back(end.gap);
        all.push_back(end.close);
        return fixture.read(all);
    };
    const std::string counts = "frame 7: close: its counts are not those of the frames before it";
    CHECK(refusal([](auto& progress) { ++progress.batches; }) == counts);
    CHECK(refusal([](auto& progress) { --progress.gaps; }) == counts);
    CHECK(refusal([](auto& progress) { ++progress.declared; }) == counts);
    CHECK(refusal([](auto& progress) { ++progress.stored; }) == "frame 7: close.stored: 25, but the batches hold 24");
}
