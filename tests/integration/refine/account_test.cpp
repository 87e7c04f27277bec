// SPDX-License-Identifier: Apache-2.0
// verify proves that what was produced is stored or declared: for a stream, for a person on a device, for a lake.
#include "lake.h"

using namespace candor;
using namespace candor::test;

namespace {

/// A lake with streams 1 to 3 of a person.
struct Numbered : Lake {
    Numbered() {
        for (std::uint64_t number = 1; number <= 3; ++number) {
            streams.push_back(numbered(number));
            add(streams.back());
        }
    }
    void remove(std::size_t at) const { std::filesystem::remove(path_of(streams[at])); }
    void note(const std::vector<wire::FrameBytes>& frames, std::uint64_t number) const {
        const wire::Note note{.stream = stream_of(frames), .subject = keys.subject.subject, .number = number};
        add(to_hex(note.stream) + ".note", wire::encode_single(wire::note_magic, wire::make_note(keys.identity, note)));
    }
    [[nodiscard]] Json verified() const { return Json::parse(verify({"--json"}).output); }

    std::vector<std::vector<wire::FrameBytes>> streams;
};

} // namespace

TEST_CASE("streams that are all there add up, for the person and for the lake") {
    const Numbered lake;
    CHECK(lake.verify().status == 0);
    const Json json = lake.verified();
    REQUIRE(json["devices"].size() == 1);
    CHECK(json["devices"][0]["streams"] == 3);
    CHECK(json["devices"][0]["produced"] == 93);
    CHECK(json["devices"][0]["stored"] == 72);
    CHECK(json["devices"][0]["declared"] == 21);
    CHECK(json["totals"]["produced"] == 93);
    CHECK(json["totals"]["gaps"]["ring_full"]["holes"] == 3);
    CHECK(json["holds"] == true);
}

TEST_CASE("a stream that is missing whole is missed, by its number") {
    const Numbered lake;
    lake.remove(1);
    const Result result = lake.verify();
    CHECK(result.status == 1);
    CHECK(has(result.errors, "1 streams are neither stored nor declared: number 2\n"));
    CHECK(lake.verified()["devices"][0]["missing"] == Json::array({2}));
}

TEST_CASE("two streams of one number are not both right") {
    const Numbered lake;
    lake.add(lake.numbered(2));
    const Result result = lake.verify();
    CHECK(result.status == 1);
    CHECK(has(result.errors, "a segment with number 2, which stream "));
}

TEST_CASE("an end that was lost with the machine's memory is declared by a note, with and without anything stored") {
    const Numbered lake;
    auto cut = lake.streams[1];
    cut.pop_back();
    lake.add(cut);
    CHECK(lake.verify().status == 1);
    lake.note(cut, 2);
    CHECK(lake.verify().status == 0);
    const Json json = lake.verified();
    CHECK(json["totals"]["noted"] == 1);
    CHECK(json["totals"]["unclosed"] == 0);
    CHECK(json["devices"][0]["lost_ends"] == 1);
    lake.remove(1);
    CHECK(lake.verify().status == 0);
}

TEST_CASE("a note that the device has not signed declares nothing, and is named") {
    const Numbered lake;
    lake.remove(1);
    wire::Note note{.stream = stream_of(lake.streams[1]), .subject = lake.keys.subject.subject, .number = 2};
    auto message = wire::make_note(lake.keys.identity, note);
    message[message.size() - 1] ^= 1;
    const auto file = lake.add(to_hex(note.stream) + ".note", wire::encode_single(wire::note_magic, message));
    const Result result = lake.verify();
    CHECK(result.status == 1);
    CHECK(has(result.errors, file.string() + ": note.signature: "));
    CHECK(has(result.errors, "number 2"));
}

TEST_CASE("what is left of an expired segment declares all of it as lost") {
    const Numbered lake;
    lake.remove(1);
    lake.add(to_hex(stream_of(lake.streams[1])) + ".expired",
             file_of({lake.streams[1].front(), lake.streams[1].back()}, wire::expired_magic));
    CHECK(lake.verify().status == 0);
    const Json json = lake.verified();
    CHECK(json["devices"][0]["expired"] == 1);
    CHECK(json["totals"]["produced"] == 93);
    CHECK(json["totals"]["stored"] == 48);
    CHECK(json["totals"]["declared"] == 45);
}

TEST_CASE("streams that the person deleted are declared by the tombstone that names them") {
    const Numbered lake;
    lake.remove(1);
    wire::Tombstone tombstone;
    tombstone.id = wire::random_id();
    tombstone.subject = lake.keys.subject.subject;
    tombstone.reason = wire::TombstoneReason::deleted;
    tombstone.streams = {{stream_of(lake.streams[1]), 1, 2}};
    lake.add(to_hex(tombstone.id) + ".tombstone",
             wire::encode_single(wire::tombstone_magic, wire::make_tombstone(lake.keys.identity, tombstone)));
    CHECK(lake.verify().status == 0);
    CHECK(lake.verified()["devices"][0]["deleted"] == 1);
}

TEST_CASE("a single file is verified as far as it goes, and a single stream or device of a lake too") {
    const Numbered lake;
    lake.remove(0);
    CHECK(refine({"verify", "--any-device", "--key", lake.key(), lake.path_of(lake.streams[2])}).status == 0);
    CHECK(lake.verify({"--stream", to_hex(stream_of(lake.streams[1]))}).status == 0);
    CHECK(lake.verify({"--device", to_hex(lake.keys.identity.public_key())}).status == 1);
    CHECK(lake.verify({"--device", std::string(64, '0')}).status == 0);
    CHECK(lake.verify({"--device", "nothing"}).status == 2);
}
