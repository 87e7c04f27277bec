// SPDX-License-Identifier: Apache-2.0
#include "frame_server_fixture.h"

#include <numeric>

using namespace candor;
using candor::test::FrameServerFixture;
using candor::test::Peer;
using candor::test::Received;

namespace {

/// Two frames were sent; then the peer says this.
std::string answer_to(FrameServerFixture& f, const std::vector<std::uint8_t>& message) {
    f.push_stream(1, 2);
    const Peer peer(f.path());
    f.settle();
    peer.send(message);
    f.settle();
    CHECK_FALSE(f.server->is_connected());
    CHECK(peer.receive().back() == "end");
    CHECK(f.ring.frames() == 2);
    REQUIRE(f.log.size() == 1);
    return f.log[0];
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

} // namespace

TEST_CASE("a peer that sends what is no reply is cut off, and the ring keeps everything") {
    FrameServerFixture f;
    std::vector<std::uint8_t> garbage(64);
    std::iota(garbage.begin(), garbage.end(), std::uint8_t{1});
    CHECK(has(answer_to(f, garbage), "it sent what is no reply: "));
}

TEST_CASE("a peer that sends an acknowledgement and something behind it is cut off") {
    FrameServerFixture f;
    auto message = wire::encode_reply(wire::Ack{wire::Id16{1}, 1});
    message.resize(message.size() + 8);
    CHECK(has(answer_to(f, message), "it sent what is no reply: "));
}

TEST_CASE("a peer that sends half an acknowledgement is cut off") {
    FrameServerFixture f;
    auto message = wire::encode_reply(wire::Ack{wire::Id16{1}, 1});
    message.resize(message.size() / 2);
    CHECK(has(answer_to(f, message), "it sent what is no reply: "));
}

TEST_CASE("a peer that sends more than a reply can be is cut off") {
    FrameServerFixture f;
    CHECK(has(answer_to(f, std::vector<std::uint8_t>(10'000)), "it sent 10000 bytes, expected a reply"));
}

TEST_CASE("a peer that acknowledges what it was never sent is cut off") {
    FrameServerFixture f;
    CHECK(has(answer_to(f, wire::encode_reply(wire::Ack{wire::Id16{1}, 2})),
              "it acknowledged frame 2 of a stream, which was not sent"));
}

TEST_CASE("a peer that acknowledges a stream it does not know is cut off") {
    FrameServerFixture f;
    CHECK(has(answer_to(f, wire::encode_reply(wire::Ack{wire::Id16{9}, 0})),
              "it acknowledged frame 0 of a stream, which was not sent"));
}

TEST_CASE("a peer that acknowledges twice is cut off") {
    FrameServerFixture f;
    f.push_stream(1, 2);
    const Peer peer(f.path());
    f.settle();
    peer.acknowledge(wire::Id16{1}, 0);
    peer.acknowledge(wire::Id16{1}, 0);
    f.settle();
    CHECK_FALSE(f.server->is_connected());
    CHECK(f.ring.frames() == 1);
}

TEST_CASE("what a peer says after it has erred does not count") {
    FrameServerFixture f;
    f.push_stream(1, 2);
    const Peer peer(f.path());
    f.settle();
    peer.send(std::vector<std::uint8_t>(24, 7));
    peer.acknowledge(wire::Id16{1}, 1);
    f.settle();
    CHECK(f.ring.frames() == 2);
}

TEST_CASE("after a peer that erred the next one is served as if it had not been") {
    FrameServerFixture f;
    f.push_stream(1, 2);
    {
        const Peer peer(f.path());
        f.settle();
        peer.send(std::vector<std::uint8_t>(24, 7));
        f.settle();
    }
    const Peer good(f.path());
    f.settle();
    CHECK(good.receive() == Received{"hello 1/0", "frame 1/0", "frame 1/1"});
    good.acknowledge(wire::Id16{1}, 1);
    f.settle();
    CHECK(f.ring.frames() == 0);
}

TEST_CASE("a peer of another uid is refused, and nothing is sent to it") {
    FrameServerFixture f(::geteuid() + 1);
    f.push_stream(1, 2);
    const Peer peer(f.path());
    f.settle();
    CHECK(peer.receive() == Received{"end"});
    CHECK_FALSE(f.server->is_connected());
    REQUIRE(f.log.size() == 1);
    CHECK(f.log[0] == "refused a connection of uid " + std::to_string(::geteuid()) + ", expected the shipper's uid " +
                          std::to_string(::geteuid() + 1));
}
