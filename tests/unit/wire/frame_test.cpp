// SPDX-License-Identifier: Apache-2.0
#include "frame.capnp.h"
#include "support/catch.h"
#include "unit/wire/stream_fixture.h"
#include "wire/wire_message.h"

using namespace candor;
using candor::test::StreamFixture;

namespace {

std::string refusal_of(std::span<const std::uint8_t> message) {
    const auto frame = wire::parse_frame(message);
    return frame ? "accepted" : frame.error().message;
}

std::vector<std::uint8_t> hello_of_version(std::uint16_t version, std::size_t run_bytes = 16) {
    wire::MessageBuilder builder;
    auto hello = builder.root<proto::Frame>().initHello();
    hello.setVersion(version);
    const std::vector<std::uint8_t> run(run_bytes);
    hello.setRun({run.data(), run.size()});
    return builder.bytes();
}

} // namespace

TEST_CASE("hello says which stream goes on and where") {
    const auto run = wire::random_id();
    const auto stream = wire::random_id();
    const auto frame = wire::parse_frame(wire::make_hello(run, stream, 9));
    REQUIRE(frame.has_value());
    CHECK(frame->sequence == 9);
    CHECK(std::get<wire::Hello>(frame->body).run == run);
    CHECK(std::get<wire::Hello>(frame->body).stream == stream);
    CHECK_FALSE(std::get<wire::Hello>(wire::parse_frame(wire::make_hello(run, {}, 0))->body).stream.has_value());
}

TEST_CASE("an acknowledgement comes back as it was sent and nothing else passes for one") {
    const wire::Ack ack{wire::random_id(), 77};
    const auto bytes = wire::encode_ack(ack);
    const auto back = wire::parse_ack(bytes);
    REQUIRE(back.has_value());
    CHECK(back->stream == ack.stream);
    CHECK(back->sequence == 77);
    for (std::size_t length = 0; length < bytes.size(); ++length) {
        CHECK_FALSE(wire::parse_ack(std::span(bytes).first(length)).has_value());
    }
    CHECK(wire::parse_ack(hello_of_version(1)).error().message.starts_with("frame: not a valid message"));
}

TEST_CASE("a version or a kind of frame that is not known is refused by name") {
    CHECK(refusal_of(hello_of_version(1)) == "accepted");
    CHECK(refusal_of(hello_of_version(2)) == "hello.version: version 2, expected 1");
    auto bytes = hello_of_version(1);
    // The union's discriminant lies after the 32 bits of the sequence, behind segment table and root pointer.
    bytes[8 + 8 + 4] = 7;
    CHECK(refusal_of(bytes) == "frame: kind 7 is not known, this build reads version 1");
}

TEST_CASE("a field of another length is refused by name") {
    CHECK(refusal_of(hello_of_version(1, 15)) == "hello.run: 15 bytes, expected 16");
    CHECK(refusal_of(hello_of_version(1, 0)) == "hello.run: 0 bytes, expected 16");
}

TEST_CASE("a batch too short for a seal or too long for a frame is refused") {
    for (const unsigned size : {0u, 17u, unsigned{wire::max_plaintext_bytes + 18}}) {
        wire::MessageBuilder builder(size);
        builder.root<proto::Frame>().initBatch(size);
        CHECK(refusal_of(builder.bytes()) == "batch: " + std::to_string(size) + " bytes, expected 18 to " +
                                                 std::to_string(wire::max_plaintext_bytes + 17));
    }
}

TEST_CASE("a packet that is not exactly one message is refused") {
    const StreamFixture fixture;
    for (const auto& whole : fixture.stream()) {
        for (std::size_t length = 0; length < whole.size(); ++length) {
            REQUIRE_FALSE(wire::parse_frame(std::span(whole).first(length)).has_value());
        }
        auto longer = whole;
        longer.resize(whole.size() + 8);
        CHECK(refusal_of(longer).starts_with("frame: expected one segment of "));
    }
    CHECK(refusal_of(std::vector<std::uint8_t>(wire::max_frame_bytes + 8))
              .starts_with("frame: 65544 bytes, expected 65536"));
}

TEST_CASE("a batch of the largest plaintext is still one frame") {
    const StreamFixture fixture;
    wire::StreamSealer sealer(fixture.identity, fixture.subject.epoch_key, fixture.context());
    const auto open = sealer.open();
    const auto frame = sealer.batch(std::vector<std::uint8_t>(wire::max_plaintext_bytes, 1), 1);
    CHECK(frame.size() <= wire::max_frame_bytes);
    CHECK(refusal_of(frame) == "accepted");
    CHECK_THROWS_AS(sealer.batch(std::vector<std::uint8_t>(wire::max_plaintext_bytes + 1), 1), std::invalid_argument);
    CHECK_THROWS_AS(sealer.batch({}, 1), std::invalid_argument);
}
