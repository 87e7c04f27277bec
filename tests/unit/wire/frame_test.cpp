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

TEST_CASE("an acknowledgement comes back as it was sent and not when it is cut") {
    const wire::Ack ack{wire::random_id(), 77};
    const auto bytes = wire::encode_reply(ack);
    const auto back = wire::parse_reply(bytes);
    REQUIRE(back.has_value());
    REQUIRE(std::holds_alternative<wire::Ack>(*back));
    CHECK(std::get<wire::Ack>(*back).stream == ack.stream);
    CHECK(std::get<wire::Ack>(*back).sequence == 77);
    for (std::size_t length = 0; length < bytes.size(); ++length) {
        CHECK_FALSE(wire::parse_reply(std::span(bytes).first(length)).has_value());
    }
}

TEST_CASE("a report and a receipt come back as they were sent") {
    wire::Report report{wire::ShippingState::stalled, "the lake does not answer", 5, 1u << 30, 7, -3, 11, 13};
    CHECK(std::get<wire::Report>(wire::parse_reply(wire::encode_reply(report)).value()) == report);
    CHECK(std::get<wire::Report>(wire::parse_reply(wire::encode_reply(wire::Report{})).value()) == wire::Report{});
    for (const std::size_t size : {0u, 1u, 1000u, unsigned{wire::max_erasure_bytes}}) {
        const wire::ErasureMessage message{std::vector<std::uint8_t>(size, 0xa5)};
        const auto back = wire::parse_reply(wire::encode_reply(message));
        REQUIRE(back.has_value());
        CHECK(std::get<wire::ErasureMessage>(*back).bytes == message.bytes);
    }
}

TEST_CASE("a problem is cut to what a report holds and a longer one is refused") {
    wire::Report report;
    report.problem.assign(wire::max_problem_bytes, 'x');
    CHECK(std::get<wire::Report>(wire::parse_reply(wire::encode_reply(report)).value()) == report);
    report.problem += "y";
    const auto back = wire::parse_reply(wire::encode_reply(report));
    REQUIRE(back.has_value());
    CHECK(std::get<wire::Report>(*back).problem == std::string(wire::max_problem_bytes, 'x'));

    wire::MessageBuilder builder;
    builder.root<proto::Reply>().initReport().setProblem(report.problem);
    CHECK(wire::parse_reply(builder.bytes()).error().message == "report.problem: 257 bytes, expected 256 at most");
}

TEST_CASE("a receipt longer than the limit is not sent and not taken") {
    const std::vector<std::uint8_t> longer(wire::max_erasure_bytes + 1, 1);
    CHECK_THROWS_AS(wire::encode_reply(wire::ErasureMessage{longer}), std::invalid_argument);
    wire::MessageBuilder builder(longer.size());
    builder.root<proto::Reply>().setErasure({longer.data(), longer.size()});
    CHECK(wire::parse_reply(builder.bytes()).error().message == "erasure: 4097 bytes, expected 4096 at most");
}

TEST_CASE("a reply of a kind or a state that is not known, or about no stream, is refused by name") {
    wire::MessageBuilder builder;
    builder.root<proto::Reply>().initReport().setState(static_cast<proto::Report::State>(3));
    CHECK(wire::parse_reply(builder.bytes()).error().message == "report.state: 3 is not known, expected 0 to 2");
    auto bytes = wire::encode_reply(wire::Report{});
    // The union's discriminant is the first of the root's data, behind segment table and root pointer.
    bytes[8 + 8] = 3;
    CHECK(wire::parse_reply(bytes).error().message == "reply: kind 3 is not known");
    wire::MessageBuilder nameless;
    nameless.root<proto::Reply>().initAck();
    CHECK(wire::parse_reply(nameless.bytes()).error().message == "ack.stream: 0 bytes, expected 16");
}

TEST_CASE("whatever bit of a reply is flipped, it is refused or is one that can be sent") {
    wire::Report report{wire::ShippingState::refusing, "full", 1, 2, 3, 4, 5, 6};
    for (const wire::Reply& reply : {wire::Reply(wire::Ack{wire::random_id(), 9}), wire::Reply(report),
                                     wire::Reply(wire::ErasureMessage{std::vector<std::uint8_t>(300, 7)})}) {
        const auto bytes = wire::encode_reply(reply);
        for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
            auto changed = bytes;
            changed[bit / 8] = static_cast<std::uint8_t>(changed[bit / 8] ^ 1u << bit % 8);
            const auto back = wire::parse_reply(changed);
            REQUIRE((!back || wire::parse_reply(wire::encode_reply(*back)).has_value()));
        }
        auto longer = bytes;
        longer.resize(bytes.size() + 8);
        CHECK_FALSE(wire::parse_reply(longer).has_value());
    }
}

TEST_CASE("states, reasons of gaps and of ends have names") {
    CHECK(wire::shipping_state_name(wire::ShippingState::shipping) == "shipping");
    CHECK(wire::shipping_state_name(wire::ShippingState::refusing) == "refusing");
    CHECK(wire::gap_reason_name(wire::GapReason::crash) == "crash");
    CHECK(wire::gap_reason_name(wire::last_gap_reason) == "state_failed");
    CHECK(wire::close_reason_name(wire::last_close_reason) == "crashed");
}

TEST_CASE("a version or a kind of frame that is not known is refused by name") {
    CHECK(refusal_of(hello_of_version(2)) == "accepted");
    CHECK(refusal_of(hello_of_version(1)) == "hello.version: version 1, expected 2");
    CHECK(refusal_of(hello_of_version(3)) == "hello.version: version 3, expected 2");
    auto bytes = hello_of_version(2);
    // The union's discriminant lies after the 32 bits of the sequence, behind segment table and root pointer.
    bytes[8 + 8 + 4] = 9;
    CHECK(refusal_of(bytes) == "frame: kind 9 is not known, this build reads version 2");
}

TEST_CASE("a field of another length is refused by name") {
    CHECK(refusal_of(hello_of_version(2, 15)) == "hello.run: 15 bytes, expected 16");
    CHECK(refusal_of(hello_of_version(2, 0)) == "hello.run: 0 bytes, expected 16");
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
