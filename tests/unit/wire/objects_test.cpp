// SPDX-License-Identifier: Apache-2.0
#include "wire/objects.h"

#include "frame.capnp.h"
#include "support/catch.h"
#include "unit/wire/stream_fixture.h"
#include "wire/segment.h"
#include "wire/wire_message.h"

using namespace candor;
using candor::test::StreamFixture;

namespace {

wire::Tombstone of_epochs(std::uint32_t last_epoch) {
    wire::Tombstone tombstone;
    tombstone.id = wire::random_id();
    tombstone.subject = wire::random_id();
    tombstone.last_epoch = last_epoch;
    tombstone.requested_ns = 1'700'000'000'000'000'001;
    return tombstone;
}

wire::Tombstone of_streams(std::size_t count) {
    wire::Tombstone tombstone = of_epochs(0);
    tombstone.reason = wire::TombstoneReason::deleted;
    for (std::size_t i = 0; i < count; ++i) {
        tombstone.streams.push_back({wire::random_id(), static_cast<std::uint32_t>(1 + i % 3), 1 + i});
    }
    return tombstone;
}

wire::Note a_note() {
    wire::Note note;
    note.stream = wire::random_id();
    note.subject = wire::random_id();
    note.epoch = 3;
    note.number = 0x1'0000'0007;
    note.noticed_ns = -5;
    return note;
}

wire::Erasure an_erasure() {
    wire::Erasure erasure;
    erasure.tombstone = wire::random_id();
    erasure.subject = wire::random_id();
    erasure.identity = wire::Identity::generate().public_key();
    erasure.segments = 40;
    erasure.grants = 2;
    erasure.bytes = 0x2'0000'0001;
    erasure.completed_ns = 1'800'000'000'000'000'000;
    return erasure;
}

/// How many of the messages that differ in one bit `check` accepts.
template <typename Check> std::size_t accepted_flips(const std::vector<std::uint8_t>& message, Check&& check) {
    std::size_t accepted = 0;
    for (std::size_t bit = 0; bit < message.size() * 8; ++bit) {
        auto changed = message;
        changed[bit / 8] = static_cast<std::uint8_t>(changed[bit / 8] ^ 1u << bit % 8);
        accepted += check(changed).has_value() ? 1 : 0;
    }
    return accepted;
}

/// The same message with another signer's signature in the place of the right one.
template <typename Body>
std::vector<std::uint8_t> with_signature(std::vector<std::uint8_t> message, const Body& body,
                                         const wire::Signature& signature) {
    std::ranges::copy(signature, message.begin() + static_cast<std::ptrdiff_t>(body.signature_at));
    return message;
}

/// A tombstone as somebody else's program might write it, unsigned.
std::vector<std::uint8_t> raw_tombstone(std::uint32_t last_epoch, unsigned streams) {
    wire::MessageBuilder builder(streams * 64);
    const wire::Id16 id{1};
    auto out = builder.root<proto::Frame>().initTombstone();
    out.setId(wire::as_data(id));
    out.setSubject(wire::as_data(id));
    out.setLastEpoch(last_epoch);
    auto list = out.initStreams(streams);
    for (auto one : list) {
        one.setStream(wire::as_data(id));
        one.setEpoch(1);
        one.setNumber(1);
    }
    out.setIdentity(wire::as_data(wire::PublicKey{}));
    out.setSignature(wire::as_data(wire::Signature{}));
    return builder.bytes();
}

std::string scope_refusal(std::uint32_t last_epoch, std::size_t streams) {
    return "tombstone: epoch " + std::to_string(last_epoch) + " and " + std::to_string(streams) +
           " streams, expected an epoch or 1 to 512 streams";
}

} // namespace

TEST_CASE("a tombstone for all epochs up to one comes back as it was written") {
    const StreamFixture fixture;
    const auto written = of_epochs(4);
    const auto back = wire::check_tombstone(wire::make_tombstone(fixture.identity, written));
    REQUIRE(back.has_value());
    CHECK(back->id == written.id);
    CHECK(back->subject == written.subject);
    CHECK(back->last_epoch == 4);
    CHECK(back->streams.empty());
    CHECK(back->reason == wire::TombstoneReason::erased);
    CHECK(back->requested_ns == written.requested_ns);
    CHECK(back->identity == fixture.identity.public_key());
}

TEST_CASE("a tombstone for single streams comes back as it was written, up to the limit and within a frame") {
    const StreamFixture fixture;
    for (const std::size_t count : {std::size_t{1}, std::size_t{2}, wire::max_tombstone_streams}) {
        const auto written = of_streams(count);
        const auto message = wire::make_tombstone(fixture.identity, written);
        CHECK(message.size() <= wire::max_frame_bytes);
        const auto back = wire::check_tombstone(message);
        REQUIRE(back.has_value());
        CHECK(back->last_epoch == 0);
        CHECK(back->streams == written.streams);
        CHECK(back->reason == wire::TombstoneReason::deleted);
        CHECK(wire::read_single(wire::encode_single(wire::tombstone_magic, message), wire::tombstone_magic) == message);
    }
}

TEST_CASE("a tombstone covers the epochs up to its last or the streams that it names") {
    const auto epochs = of_epochs(4);
    CHECK(epochs.covers(wire::random_id(), 1));
    CHECK(epochs.covers(wire::random_id(), 4));
    CHECK_FALSE(epochs.covers(wire::random_id(), 5));
    const auto streams = of_streams(3);
    for (const auto& one : streams.streams) {
        CHECK(streams.covers(one.stream, one.epoch));
    }
    CHECK_FALSE(streams.covers(wire::random_id(), 1));
}

TEST_CASE("a tombstone of no scope, of two, or of too many streams is neither made nor taken") {
    const StreamFixture fixture;
    auto both = of_streams(2);
    both.last_epoch = 1;
    CHECK_THROWS_AS(wire::make_tombstone(fixture.identity, both), std::invalid_argument);
    CHECK_THROWS_AS(wire::make_tombstone(fixture.identity, of_epochs(0)), std::invalid_argument);
    CHECK_THROWS_AS(wire::make_tombstone(fixture.identity, of_streams(wire::max_tombstone_streams + 1)),
                    std::invalid_argument);
    for (const auto& [epoch, streams] : {std::pair(0u, 0u), std::pair(1u, 1u), std::pair(0u, 513u)}) {
        CHECK(wire::parse_frame(raw_tombstone(epoch, streams)).error().message == scope_refusal(epoch, streams));
    }
    CHECK(wire::parse_frame(raw_tombstone(0, 512)).has_value());
    CHECK(wire::parse_frame(raw_tombstone(0xffffffff, 0)).has_value());
}

TEST_CASE("a tombstone that names no reason that is known is refused") {
    const StreamFixture fixture;
    auto odd = of_epochs(1);
    odd.reason = static_cast<wire::TombstoneReason>(2);
    CHECK_THROWS_AS(wire::make_tombstone(fixture.identity, odd), std::invalid_argument);
}

TEST_CASE("a note comes back as it was written") {
    const StreamFixture fixture;
    const auto written = a_note();
    const auto message = wire::make_note(fixture.identity, written);
    const auto back = wire::check_note(message);
    REQUIRE(back.has_value());
    CHECK(back->stream == written.stream);
    CHECK(back->subject == written.subject);
    CHECK(back->epoch == written.epoch);
    CHECK(back->number == written.number);
    CHECK(back->noticed_ns == written.noticed_ns);
    CHECK(back->identity == fixture.identity.public_key());
    CHECK(wire::read_single(wire::encode_single(wire::note_magic, message), wire::note_magic) == message);
}

TEST_CASE("the receipt of an erasure comes back as it was written, signed by the key holder") {
    const StreamFixture fixture;
    const auto written = an_erasure();
    const auto signer = fixture.recipient.signer();
    const auto message = wire::make_erasure(signer, written);
    CHECK(message.size() <= wire::max_erasure_bytes);
    const auto back = wire::check_erasure(message);
    REQUIRE(back.has_value());
    CHECK(back->tombstone == written.tombstone);
    CHECK(back->subject == written.subject);
    CHECK(back->identity == written.identity);
    CHECK(back->segments == 40);
    CHECK(back->grants == 2);
    CHECK(back->bytes == written.bytes);
    CHECK(back->completed_ns == written.completed_ns);
    CHECK(back->signer == signer.public_key());
    CHECK(wire::check_erasure(std::get<wire::ErasureMessage>(
                                  wire::parse_reply(wire::encode_reply(wire::ErasureMessage{message})).value())
                                  .bytes)
              .has_value());
}

TEST_CASE("the key that signs receipts follows from the recipient's and is no other's") {
    const StreamFixture fixture;
    const auto other = wire::RecipientKeyPair::generate();
    CHECK(fixture.recipient.signer().public_key() == fixture.recipient.signer().public_key());
    CHECK(fixture.recipient.signer().public_key() != other.signer().public_key());
    CHECK(fixture.recipient.signer().public_key() != fixture.recipient.public_key);
}

TEST_CASE("a receipt of another version is refused") {
    wire::MessageBuilder builder;
    builder.root<proto::Erasure>().setVersion(2);
    CHECK(wire::parse_erasure(builder.bytes()).error().message == "erasure.version: 2, expected 1");
}

TEST_CASE("another's signature is refused of every object") {
    const StreamFixture fixture;
    const auto other = wire::Identity::generate();
    const auto tombstone = wire::make_tombstone(fixture.identity, of_epochs(1));
    const auto others_tombstone = wire::check_tombstone(wire::make_tombstone(other, of_epochs(1)));
    CHECK(
        wire::check_tombstone(with_signature(tombstone, *wire::check_tombstone(tombstone), others_tombstone->signature))
            .error()
            .message == "tombstone.signature: not that of the device it names");

    const auto note = wire::make_note(fixture.identity, a_note());
    CHECK(
        wire::check_note(with_signature(note, *wire::check_note(note), others_tombstone->signature)).error().message ==
        "note.signature: not that of the device it names");

    const auto erasure = wire::make_erasure(fixture.identity, an_erasure());
    CHECK(wire::check_erasure(with_signature(erasure, *wire::check_erasure(erasure), others_tombstone->signature))
              .error()
              .message == "erasure.signature: not that of the signer it names");

    const auto open = fixture.stream()[0];
    CHECK(
        wire::check_open(with_signature(open, *wire::check_open(open), others_tombstone->signature)).error().message ==
        "open.signature: not that of the device it names");
}

TEST_CASE("one kind of object does not pass for another") {
    const StreamFixture fixture;
    const auto frames = fixture.stream();
    const auto tombstone = wire::make_tombstone(fixture.identity, of_epochs(1));
    const auto note = wire::make_note(fixture.identity, a_note());
    CHECK(wire::check_tombstone(note).error().message == "expected a tombstone");
    CHECK(wire::check_note(tombstone).error().message == "expected a note");
    CHECK(wire::check_grant(note).error().message == "expected a grant");
    CHECK(wire::check_open(frames[5]).error().message == "expected a open");
    CHECK(wire::check_close(frames[0], fixture.identity.public_key()).error().message == "expected a Close");
    CHECK_FALSE(wire::check_erasure(tombstone).has_value());
    CHECK_FALSE(wire::check_erasure(note).has_value());
}

TEST_CASE("an Open and a Close are checked without the frames between them") {
    const StreamFixture fixture;
    const auto frames = fixture.stream();
    const auto open = wire::check_open(frames[0]);
    REQUIRE(open.has_value());
    CHECK(open->identity == fixture.identity.public_key());
    const auto close = wire::check_close(frames[5], open->identity);
    REQUIRE(close.has_value());
    CHECK(close->stored == 24);
    CHECK(wire::check_close(frames[5], wire::Identity::generate().public_key()).error().message ==
          "close.signature: not that of the device that opened the stream");
}

TEST_CASE("a stream says its place, and how long it stays on the machine") {
    const StreamFixture fixture;
    auto context = fixture.context();
    context.number = 0x1'0000'0002;
    context.embargo = std::chrono::hours(168);
    const auto open = wire::check_open(fixture.stream(context)[0]);
    REQUIRE(open.has_value());
    CHECK(open->number == 0x1'0000'0002);
    CHECK(open->embargo == std::chrono::hours(168));
    context.number = 0;
    CHECK_THROWS_AS(fixture.stream(context), std::invalid_argument);
}

TEST_CASE("no bit of a tombstone, a note, a receipt, an Open or a Close can be changed") {
    const StreamFixture fixture;
    CHECK(accepted_flips(wire::make_tombstone(fixture.identity, of_epochs(2)), wire::check_tombstone) == 0);
    CHECK(accepted_flips(wire::make_tombstone(fixture.identity, of_streams(3)), wire::check_tombstone) == 0);
    CHECK(accepted_flips(wire::make_note(fixture.identity, a_note()), wire::check_note) == 0);
    CHECK(accepted_flips(wire::make_erasure(fixture.identity, an_erasure()), wire::check_erasure) == 0);
    const auto frames = fixture.stream();
    CHECK(accepted_flips(frames[0], wire::check_open) == 0);
    CHECK(accepted_flips(frames[5], [&](const auto& message) {
              return wire::check_close(message, fixture.identity.public_key());
          }) == 0);
}

TEST_CASE("an object that is cut anywhere or followed by more is refused") {
    const StreamFixture fixture;
    const auto refused = [](const std::vector<std::uint8_t>& whole, auto check) {
        for (std::size_t length = 0; length < whole.size(); ++length) {
            REQUIRE_FALSE(check(std::span(whole).first(length)).has_value());
        }
        auto longer = whole;
        longer.resize(whole.size() + 8);
        CHECK_FALSE(check(longer).has_value());
    };
    refused(wire::make_tombstone(fixture.identity, of_streams(2)), wire::check_tombstone);
    refused(wire::make_note(fixture.identity, a_note()), wire::check_note);
    refused(wire::make_erasure(fixture.identity, an_erasure()), wire::check_erasure);
}
