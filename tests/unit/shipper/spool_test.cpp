// SPDX-License-Identifier: Apache-2.0
#include "unit/shipper/spool_fixture.h"

using namespace candor;
using candor::test::SpoolFixture;

TEST_CASE("a stream becomes a segment when its Close has been acknowledged, not before") {
    SpoolFixture fixture;
    auto spool = fixture.spool();
    const auto stream = fixture.stream();
    spool.resume(SpoolFixture::names(stream), 0);
    const auto ack = SpoolFixture::take(spool, stream, 0, stream.size(), false);
    CHECK(ack.stream == SpoolFixture::id_of(stream));
    CHECK(ack.sequence == stream.size() - 1);
    CHECK(fixture.files() == std::set{SpoolFixture::part(stream)});
    CHECK(spool.finished().empty());
    spool.acknowledged();
    CHECK(fixture.files() == std::set{SpoolFixture::segment(stream)});
    CHECK(fixture.read(SpoolFixture::segment(stream)) == "24 events, closed");
    CHECK(fixture.log.empty());
}

TEST_CASE("a grant is durable as soon as it is taken") {
    SpoolFixture fixture;
    auto spool = fixture.spool();
    const auto message = wire::make_grant(fixture.identity, fixture.subject, std::vector{fixture.recipient.public_key});
    const auto ack = spool.take(message);
    REQUIRE(ack.has_value());
    const auto file = SpoolFixture::bytes_of(fixture.folder / (to_hex(ack->stream) + ".grant"));
    CHECK(wire::read_single(file, wire::grant_magic).value() == message);
    CHECK(fixture.files().size() == 1);
}

TEST_CASE("two streams after each other become two segments") {
    SpoolFixture fixture;
    auto spool = fixture.spool();
    const auto first = fixture.stream();
    const auto second = fixture.stream();
    spool.resume(SpoolFixture::names(first), 0);
    static_cast<void>(SpoolFixture::take(spool, first, 0, first.size(), false));
    static_cast<void>(SpoolFixture::take(spool, second, 0, second.size()));
    CHECK(fixture.files() == std::set{SpoolFixture::segment(first), SpoolFixture::segment(second)});
    CHECK(fixture.read(SpoolFixture::segment(first)) == "24 events, closed");
    CHECK(fixture.read(SpoolFixture::segment(second)) == "24 events, closed");
}

TEST_CASE("what is no frame, out of order or of no stream is refused and nothing of it is written") {
    SpoolFixture fixture;
    auto spool = fixture.spool();
    const auto stream = fixture.stream();
    spool.resume(SpoolFixture::names(stream), 0);
    CHECK(spool.take(stream[1]).error().message == "frame 1 of no stream, expected an Open or a Grant");
    static_cast<void>(SpoolFixture::take(spool, stream, 0, 1));
    const auto before = SpoolFixture::bytes_of(fixture.folder / SpoolFixture::part(stream));

    SECTION("a frame that comes too early") {
        CHECK(spool.take(stream[2]).error().message == "frame 1: sequence 2, expected 1");
    }
    SECTION("bytes that are no message") {
        CHECK(spool.take(std::vector<std::uint8_t>(24, 7)).error().message.starts_with("frame: "));
    }
    SECTION("a cut frame") { CHECK_FALSE(spool.take(std::span(stream[1]).first(stream[1].size() - 8)).has_value()); }
    SECTION("an Open before the Close of the stream before it") {
        CHECK(spool.take(fixture.stream()[0]).error().message.find("begins before the Close of stream") !=
              std::string::npos);
    }
    SECTION("an Open whose signature is not its device's") {
        auto changed = fixture.stream()[0];
        changed[changed.size() - 1] ^= 1;
        auto fresh = fixture.spool();
        CHECK_FALSE(fresh.take(changed).has_value());
    }
    CHECK(SpoolFixture::bytes_of(fixture.folder / SpoolFixture::part(stream)) == before);
    CHECK(fixture.files() == std::set{SpoolFixture::part(stream)});
}

TEST_CASE("a Close that does not fit the frames before it is refused") {
    SpoolFixture fixture;
    auto spool = fixture.spool();
    auto stream = fixture.stream();
    // A batch that was changed on its way: without a key only the transcript can tell.
    stream[1][stream[1].size() - 9] ^= 1;
    spool.resume(SpoolFixture::names(stream), 0);
    static_cast<void>(SpoolFixture::take(spool, stream, 0, stream.size() - 1));
    CHECK(spool.take(stream.back()).error().message ==
          "frame 5: close.transcript: the frames before it are not those that were sealed");
}

TEST_CASE("the end of a stream that is delivered already may come once more, and leaves nothing") {
    SpoolFixture fixture;
    auto spool = fixture.spool();
    const auto frames = fixture.stream();
    spool.resume(SpoolFixture::names(frames), 0);
    static_cast<void>(SpoolFixture::take(spool, frames, 0, frames.size()));
    for (const bool delivered : {false, true}) {
        if (delivered) {
            spool.remove(spool.finished().at(0));
        }
        const auto before = fixture.files();
        // The process that read no acknowledgement is gone; the next one begins with the Close.
        spool.resume(SpoolFixture::names(frames), static_cast<std::uint32_t>(frames.size() - 1));
        const auto ack = SpoolFixture::take(spool, frames, frames.size() - 1, frames.size());
        CHECK(ack.sequence == frames.size() - 1);
        CHECK(fixture.files() == before);
        CHECK(fixture.files("damaged").empty());
        // All of it, too.
        spool.resume(SpoolFixture::names(frames), 0);
        static_cast<void>(SpoolFixture::take(spool, frames, 0, frames.size()));
        CHECK(fixture.files() == before);
        const auto next = fixture.stream();
        static_cast<void>(SpoolFixture::take(spool, next, 0, 2));
        CHECK(fixture.files().contains(SpoolFixture::part(next)));
        spool.resume({}, 0);
        // One that has no Close is not remembered: more of it may come.
        spool.remove(fixture.folder / SpoolFixture::segment(next));
        CHECK(fixture.files() == before);
    }
    CHECK(fixture.log.empty());
}

TEST_CASE("of the streams that were delivered the newest are remembered, and no more") {
    SpoolFixture fixture;
    auto spool = fixture.spool();
    for (int i = 0; i < 80; ++i) {
        const auto frames = fixture.stream();
        spool.resume(SpoolFixture::names(frames), 0);
        static_cast<void>(SpoolFixture::take(spool, frames, 0, frames.size()));
        spool.remove(spool.finished().at(0));
    }
    CHECK(fixture.files().size() == 64);
}
