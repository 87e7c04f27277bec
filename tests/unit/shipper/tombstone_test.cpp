// SPDX-License-Identifier: Apache-2.0
// What a tombstone covers is gone from the spool, wherever it lay.
#include "unit/shipper/spool_fixture.h"

using namespace candor;
using candor::test::SpoolFixture;

namespace {

struct TombstoneFixture : SpoolFixture {
    /// A finished stream in the spool.
    Frames finished(shipper::Spool& to) const {
        auto frames = stream();
        to.resume(names(frames), 0);
        static_cast<void>(take(to, frames, 0, frames.size()));
        return frames;
    }
    [[nodiscard]] wire::Tombstone erasing(std::uint32_t last_epoch = 1) const {
        wire::Tombstone tombstone;
        tombstone.id = wire::random_id();
        tombstone.subject = subject.subject;
        tombstone.last_epoch = last_epoch;
        return tombstone;
    }
    [[nodiscard]] static std::string name(const wire::Tombstone& tombstone) {
        return to_hex(tombstone.id) + ".tombstone";
    }
};

} // namespace

TEST_CASE("an erasure takes everything of the person's epoch, and leaves what is another's") {
    TombstoneFixture f;
    const TombstoneFixture other;
    auto spool = f.spool();
    const auto mine = f.finished(spool);
    const auto theirs = other.finished(spool);
    REQUIRE(spool.take(wire::make_grant(f.identity, f.subject, std::vector{f.recipient.public_key})).has_value());
    REQUIRE(spool.take(wire::make_note(f.identity, {.stream = wire::random_id(), .subject = f.subject.subject}))
                .has_value());
    const auto begun = f.stream();
    REQUIRE(spool.take(begun[0]).has_value());
    spool.sync();
    REQUIRE(f.files().size() == 5);
    const auto tombstone = f.erasing();
    REQUIRE(spool.take(wire::make_tombstone(f.identity, tombstone)).has_value());
    CHECK(f.files() == std::set<std::string>{SpoolFixture::segment(theirs), TombstoneFixture::name(tombstone)});
}

TEST_CASE("an erasure reaches what was set aside as damaged") {
    TombstoneFixture f;
    {
        auto spool = f.spool();
        const auto begun = f.stream();
        spool.resume(SpoolFixture::names(begun), 0);
        static_cast<void>(SpoolFixture::take(spool, begun, 0, 2));
        f.append_bytes(SpoolFixture::part(begun), "not a record");
    }
    auto spool = f.spool();
    spool.resume({}, 0);
    REQUIRE(f.files("damaged").size() == 1);
    REQUIRE(spool.take(wire::make_tombstone(f.identity, f.erasing())).has_value());
    CHECK(f.files("damaged").empty());
}

TEST_CASE("a tombstone that another device has signed reaches nothing of this one's") {
    TombstoneFixture f;
    auto spool = f.spool();
    const auto mine = f.finished(spool);
    REQUIRE(spool.take(wire::make_tombstone(wire::Identity::generate(), f.erasing())).has_value());
    CHECK(f.files().contains(SpoolFixture::segment(mine)));
}

TEST_CASE("a tombstone whose signature does not hold is refused") {
    TombstoneFixture f;
    auto spool = f.spool();
    const auto mine = f.finished(spool);
    auto message = wire::make_tombstone(f.identity, f.erasing());
    message[message.size() - 1] ^= 1;
    CHECK_FALSE(spool.take(message).has_value());
    CHECK(f.files() == std::set<std::string>{SpoolFixture::segment(mine)});
}

TEST_CASE("a tombstone of streams takes those, and neither the others nor the grant that opens them") {
    TombstoneFixture f;
    auto spool = f.spool();
    const auto one = f.finished(spool);
    const auto two = f.finished(spool);
    REQUIRE(spool.take(wire::make_grant(f.identity, f.subject, std::vector{f.recipient.public_key})).has_value());
    auto tombstone = f.erasing(0);
    tombstone.reason = wire::TombstoneReason::deleted;
    tombstone.streams = {{SpoolFixture::id_of(one), 1, 1}};
    REQUIRE(spool.take(wire::make_tombstone(f.identity, tombstone)).has_value());
    CHECK_FALSE(f.files().contains(SpoolFixture::segment(one)));
    CHECK(f.files().contains(SpoolFixture::segment(two)));
    CHECK(f.files().size() == 3);
}

TEST_CASE("a process that died with a tombstone on disk leaves its work to the next one") {
    TombstoneFixture f;
    const auto tombstone = f.erasing();
    {
        auto spool = f.spool();
        f.finished(spool);
        write_file_atomically(f.folder / TombstoneFixture::name(tombstone),
                              wire::encode_single(wire::tombstone_magic, wire::make_tombstone(f.identity, tombstone)),
                              0640);
    }
    auto again = f.spool();
    again.finish_tombstones();
    CHECK(f.files() == std::set<std::string>{TombstoneFixture::name(tombstone)});
}

TEST_CASE("what comes late for an erased epoch is not kept, and what is of a later epoch is") {
    TombstoneFixture f;
    auto spool = f.spool();
    const auto tombstone = f.erasing();
    REQUIRE(spool.take(wire::make_tombstone(f.identity, tombstone)).has_value());
    REQUIRE(spool.take(wire::make_grant(f.identity, f.subject, std::vector{f.recipient.public_key})).has_value());
    CHECK(f.files() == std::set<std::string>{TombstoneFixture::name(tombstone)});
    f.subject.epoch = 2;
    REQUIRE(spool.take(wire::make_grant(f.identity, f.subject, std::vector{f.recipient.public_key})).has_value());
    CHECK(f.files().size() == 2);
}

TEST_CASE("a note for the stream that is being received ends it") {
    TombstoneFixture f;
    auto spool = f.spool();
    const auto begun = f.stream();
    spool.resume(SpoolFixture::names(begun), 0);
    static_cast<void>(SpoolFixture::take(spool, begun, 0, 2));
    const wire::Note note{.stream = SpoolFixture::id_of(begun), .subject = f.subject.subject};
    const auto ack = spool.take(wire::make_note(f.identity, note));
    REQUIRE(ack.has_value());
    CHECK(ack->stream == note.stream);
    spool.acknowledged();
    CHECK(f.files() == std::set<std::string>{SpoolFixture::segment(begun), to_hex(note.stream) + ".note"});
    // The next one begins without complaint.
    REQUIRE(spool.take(f.stream()[0]).has_value());
}

TEST_CASE("a spool is full a frame before its bound, and has room when something has left") {
    TombstoneFixture f;
    auto spool = f.spool();
    f.finished(spool);
    const auto used = spool.bytes();
    CHECK(used > 0);
    f.bound = used + 2 * wire::max_frame_bytes;
    auto small = f.spool();
    CHECK_FALSE(small.full());
    f.bound -= 1;
    auto smaller = f.spool();
    CHECK(smaller.full());
    smaller.remove(smaller.finished()[0]);
    CHECK_FALSE(smaller.full());
    CHECK(smaller.bytes() == 0);
}
