// SPDX-License-Identifier: Apache-2.0
#include "wire/segment.h"

#include "base/file.h"

#include "support/catch.h"
#include "unit/wire/stream_fixture.h"
#include "wire/packing.h"

#include <capnp/message.h>
#include <capnp/serialize-packed.h>
#include <kj/io.h>

#include <optional>
#include <random>

using namespace candor;
using candor::test::StreamFixture;

namespace {

std::vector<std::uint8_t> file_of(const std::vector<wire::FrameBytes>& frames,
                                  std::string_view magic = wire::segment_magic) {
    std::vector<std::uint8_t> file(magic.begin(), magic.end());
    std::uint32_t place = 0;
    for (const auto& frame : frames) {
        const auto record = wire::encode_record(frame, place++);
        file.insert(file.end(), record.begin(), record.end());
    }
    return file;
}

/// Reads on until the end or a refusal; the refusal's message.
std::string read_all(std::span<const std::uint8_t> file, std::vector<wire::FrameBytes>& frames) {
    wire::SegmentReader reader(file);
    for (;;) {
        auto message = reader.next();
        if (!message) {
            return message.error().message;
        }
        if (!*message) {
            return "";
        }
        frames.push_back(std::move(**message));
    }
}

} // namespace

TEST_CASE("a segment gives back the messages that went over the socket, byte for byte") {
    const StreamFixture fixture;
    const auto frames = fixture.stream();
    std::vector<wire::FrameBytes> back;
    CHECK(read_all(file_of(frames), back).empty());
    CHECK(back == frames);
}

TEST_CASE("a segment that is cut anywhere gives its whole records and then says where it ends") {
    const StreamFixture fixture;
    const auto frames = fixture.stream();
    const auto file = file_of(frames);
    std::vector<std::size_t> ends{wire::segment_magic.size()};
    for (std::uint32_t place = 0; place < frames.size(); ++place) {
        ends.push_back(ends.back() + wire::encode_record(frames[place], place).size());
    }
    for (std::size_t length = 0; length < file.size(); ++length) {
        std::vector<wire::FrameBytes> back;
        const auto problem = read_all(std::span(file).first(length), back);
        const auto whole =
            static_cast<std::size_t>(std::ranges::count_if(ends, [&](auto end) { return end <= length; }));
        REQUIRE(back.size() == (whole == 0 ? 0 : whole - 1));
        const bool at_record = std::ranges::find(ends, length) != ends.end();
        REQUIRE(problem.empty() == at_record);
        if (!at_record) {
            REQUIRE(problem.starts_with("byte " + std::to_string(whole == 0 ? 0 : ends[whole - 1]) + ": "));
        }
    }
}

TEST_CASE("a batch takes three bytes on disk besides its sealed bytes") {
    const StreamFixture fixture;
    wire::StreamSealer sealer(fixture.identity, fixture.subject.epoch_key, fixture.context());
    const auto open = sealer.open();
    std::uint32_t place = 1;
    for (const std::size_t size : {48u, 400u, 2000u}) {
        std::size_t worst = 0;
        for (int i = 0; i < 50; ++i) {
            const auto frame = sealer.batch(std::vector<std::uint8_t>(size, 5), 1);
            worst = std::max(worst, wire::encode_record(frame, place++).size() - (size + 17));
        }
        CHECK(worst <= 3);
    }
}

TEST_CASE("a batch whose place in the file is not its sequence comes back all the same") {
    const StreamFixture fixture;
    const auto frames = fixture.stream();
    std::vector<std::uint8_t> file(wire::segment_magic.begin(), wire::segment_magic.end());
    for (const auto& frame : {frames[4], frames[1]}) {
        for (const auto place : {std::optional<std::uint32_t>(7), std::optional<std::uint32_t>()}) {
            const auto record = wire::encode_record(frame, place);
            file.insert(file.end(), record.begin(), record.end());
        }
    }
    std::vector<wire::FrameBytes> back;
    CHECK(read_all(file, back).empty());
    CHECK(back == std::vector<wire::FrameBytes>{frames[4], frames[4], frames[1], frames[1]});
}

TEST_CASE("packing is what Cap'n Proto's own packer writes, and unpacks again") {
    std::mt19937 random(7);
    for (int round = 0; round < 300; ++round) {
        capnp::MallocMessageBuilder message;
        auto list = message.initRoot<capnp::AnyPointer>().initAs<capnp::Data>(static_cast<unsigned>(random() % 3000));
        const unsigned density = static_cast<unsigned>(random() % 9);
        for (auto& byte : list) {
            byte = static_cast<std::uint8_t>(random() % 8 < density ? random() : 0);
        }
        const auto flat = capnp::messageToFlatArray(message);
        const auto bytes = flat.asBytes();
        kj::VectorOutputStream theirs;
        capnp::writePackedMessage(theirs, message);
        const auto expected = theirs.getArray();
        const auto packed = wire::pack({bytes.begin(), bytes.size()});
        REQUIRE(std::ranges::equal(packed, std::span(expected.begin(), expected.size())));
        const auto back = wire::unpack(packed, bytes.size());
        REQUIRE(back.has_value());
        REQUIRE(std::ranges::equal(*back, std::span(bytes.begin(), bytes.size())));
        CHECK_FALSE(wire::unpack(packed, bytes.size() - 1).has_value());
    }
}

TEST_CASE("unpacking stops at the limit before it allocates more") {
    // Each pair claims 256 words of zeros.
    std::vector<std::uint8_t> bomb;
    for (int i = 0; i < 100'000; ++i) {
        bomb.push_back(0);
        bomb.push_back(255);
    }
    CHECK_FALSE(wire::unpack(bomb, wire::max_frame_bytes).has_value());
}

TEST_CASE("what is not a segment is refused with the byte") {
    std::vector<wire::FrameBytes> none;
    CHECK(read_all(as_bytes("not a segment"), none) == "byte 0: expected the magic CANDORSG");
    CHECK(read_all({}, none) == "byte 0: expected the magic CANDORSG");
    const auto with = [&](std::initializer_list<std::uint8_t> tail) {
        std::vector<std::uint8_t> file(wire::segment_magic.begin(), wire::segment_magic.end());
        file.insert(file.end(), tail);
        return read_all(file, none);
    };
    CHECK(with({0}) == "byte 8: a record's length is not in its shortest form");
    CHECK(with({0x80, 0x80, 0x80, 1}) == "byte 8: a record's length is longer than 3 bytes");
    CHECK(with({0xff, 0xff, 0x7f}).starts_with("byte 8: a record of 2097151 bytes, expected "));
    CHECK(with({3, 0, 1, 0}) == "byte 8: a record that is not a packed frame");
    CHECK(with({1, 1}) == "byte 8: a sealed batch of 0 bytes, expected 1 to 57361");
    CHECK(with({2, 2, 0}) == "byte 8: a record of kind 2, expected 0 or 1");
}

TEST_CASE("a file of one frame holds exactly one, of its own kind of file") {
    const StreamFixture fixture;
    const auto grant = wire::make_grant(fixture.identity, fixture.subject, std::vector{fixture.recipient.public_key});
    for (const auto magic : {wire::grant_magic, wire::tombstone_magic, wire::note_magic}) {
        CHECK(wire::encode_single(magic, grant) == file_of({grant}, magic));
        CHECK(wire::read_single(file_of({grant}, magic), magic) == grant);
        CHECK_FALSE(wire::read_single(file_of({grant, grant}, magic), magic).has_value());
        CHECK_FALSE(wire::read_single(file_of({}, magic), magic).has_value());
        CHECK_FALSE(wire::read_single(file_of({grant}), magic).has_value());
    }
}
