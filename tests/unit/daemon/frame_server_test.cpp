// SPDX-License-Identifier: Apache-2.0
#include "frame_server_fixture.h"

using namespace candor;
using candor::test::FrameServerFixture;
using candor::test::Peer;
using candor::test::Received;

TEST_CASE("a connection begins with Hello and the frames that wait") {
    FrameServerFixture f;
    f.push_stream(1, 2);
    const Peer peer(f.path());
    f.settle();
    CHECK(f.server->is_connected());
    CHECK(peer.receive() == Received{"hello 1/0", "frame 1/0", "frame 1/1"});
}

TEST_CASE("Hello comes at once, and names no stream when none has begun") {
    FrameServerFixture f;
    const Peer peer(f.path());
    f.settle();
    CHECK(peer.receive() == Received{"hello 0"});
    f.push(1, 0);
    f.server->send();
    CHECK(peer.receive() == Received{"frame 1/0"});
}

TEST_CASE("Hello names the stream that goes on although nothing of it waits") {
    FrameServerFixture f;
    f.push_stream(1, 3);
    {
        const Peer peer(f.path());
        f.settle();
        peer.acknowledge(wire::Id16{1}, 2);
        f.settle();
    }
    const Peer again(f.path());
    f.settle();
    CHECK(again.receive() == Received{"hello 1/3"});
}

TEST_CASE("new frames follow without another Hello") {
    FrameServerFixture f;
    f.push(1, 0);
    const Peer peer(f.path());
    f.settle();
    f.push(1, 1);
    f.server->send();
    CHECK(peer.receive() == Received{"hello 1/0", "frame 1/0", "frame 1/1"});
}

TEST_CASE("a new connection begins with the first frame that was not acknowledged, and Hello names its stream") {
    FrameServerFixture f;
    f.push_stream(7, 4);
    {
        const Peer peer(f.path());
        f.settle();
        peer.acknowledge(wire::Id16{7}, 1);
        f.settle();
    }
    f.settle();
    CHECK_FALSE(f.server->is_connected());
    const Peer again(f.path());
    f.settle();
    CHECK(again.receive() == Received{"hello 7/2", "frame 7/2", "frame 7/3"});
}

TEST_CASE("without any acknowledgement a new connection gets everything again") {
    FrameServerFixture f;
    f.push_stream(7, 3);
    {
        const Peer peer(f.path());
        f.settle();
    }
    f.settle();
    const Peer again(f.path());
    f.settle();
    CHECK(again.receive() == Received{"hello 7/0", "frame 7/0", "frame 7/1", "frame 7/2"});
}

TEST_CASE("an acknowledged frame leaves the ring") {
    FrameServerFixture f;
    f.push_stream(1, 3);
    const Peer peer(f.path());
    f.settle();
    peer.acknowledge(wire::Id16{1}, 2);
    f.settle();
    CHECK(f.ring.frames() == 0);
    CHECK(f.server->is_connected());
    CHECK(f.log.empty());
}

TEST_CASE("a peer that reads slowly gets every frame in order") {
    FrameServerFixture f;
    constexpr std::uint32_t frames = 200;
    f.push_stream(1, frames, 60'000);
    const Peer peer(f.path());
    f.settle();
    REQUIRE(f.ring.next() != nullptr); // the socket is full
    Received all;
    for (std::size_t before = SIZE_MAX; all.size() != before;) {
        before = all.size();
        for (const std::string& one : peer.receive(1)) {
            all.push_back(one);
        }
        f.settle();
    }
    REQUIRE(all.size() == frames + 1);
    for (std::uint32_t i = 0; i < frames; ++i) {
        REQUIRE(all[i + 1] == "frame 1/" + std::to_string(i));
    }
    CHECK(f.log.empty());
}

TEST_CASE("after a peer whose socket was full a new one gets everything") {
    FrameServerFixture f;
    f.push_stream(1, 20, 60'000);
    const Peer slow(f.path());
    f.settle();
    REQUIRE(f.ring.next() != nullptr);
    const Peer next(f.path());
    f.settle();
    CHECK(next.receive(2) == Received{"hello 1/0", "frame 1/0"});
}

TEST_CASE("acknowledgements of a slow peer are taken while its socket is full") {
    FrameServerFixture f;
    f.push_stream(1, 200, 60'000);
    const Peer peer(f.path());
    f.settle();
    REQUIRE(f.ring.next() != nullptr);
    CHECK(peer.receive(2) == Received{"hello 1/0", "frame 1/0"});
    peer.acknowledge(wire::Id16{1}, 0);
    f.settle();
    CHECK(f.ring.frames() == 199);
}

TEST_CASE("a new connection takes the place of one that hangs") {
    FrameServerFixture f;
    f.push_stream(1, 2);
    const Peer first(f.path());
    f.settle();
    const Peer second(f.path());
    f.settle();
    CHECK(first.receive() == Received{"hello 1/0", "frame 1/0", "frame 1/1", "end"});
    CHECK(second.receive() == Received{"hello 1/0", "frame 1/0", "frame 1/1"});
    REQUIRE(f.log.size() == 1);
    CHECK(f.log[0] == "the shipper's connection is closed: a new connection takes its place");
}

TEST_CASE("what a shipper acknowledged before it died is not sent again") {
    FrameServerFixture f;
    f.push_stream(1, 5);
    {
        // It dies with frames unread, which the kernel reports as a reset before it gives out what was queued.
        const Peer peer(f.path());
        f.settle();
        CHECK(peer.receive(4).size() == 4);
        peer.acknowledge(wire::Id16{1}, 0);
        peer.acknowledge(wire::Id16{1}, 2);
    }
    f.settle();
    CHECK(f.ring.frames() == 2);
    CHECK_FALSE(f.server->is_connected());
    const Peer again(f.path());
    f.settle();
    CHECK(again.receive() == Received{"hello 1/3", "frame 1/3", "frame 1/4"});
}

TEST_CASE("what a dead shipper acknowledged counts when sending to it fails first") {
    FrameServerFixture f;
    f.push_stream(1, 3);
    {
        const Peer peer(f.path());
        f.settle();
        CHECK(peer.receive(3).size() == 3);
        peer.acknowledge(wire::Id16{1}, 1);
    }
    f.push(1, 3);
    f.server->send();
    CHECK(f.ring.frames() == 2);
    CHECK_FALSE(f.server->is_connected());
}

TEST_CASE("what the old shipper acknowledged counts when a new one connects") {
    FrameServerFixture f;
    f.push_stream(1, 4);
    const Peer old(f.path());
    f.settle();
    CHECK(old.receive().size() == 5);
    // The server learns of both in the same turn of its loop.
    const Peer next(f.path());
    old.acknowledge(wire::Id16{1}, 1);
    old.acknowledge(wire::Id16{1}, 2);
    f.settle();
    CHECK(f.ring.frames() == 1);
    CHECK(next.receive() == Received{"hello 1/3", "frame 1/3"});
}

TEST_CASE("very many acknowledgements of a shipper that died all count") {
    FrameServerFixture f;
    constexpr std::uint32_t frames = 150;
    f.push_stream(1, frames);
    {
        const Peer peer(f.path());
        f.settle();
        CHECK(peer.receive(frames / 2).size() == frames / 2);
        for (std::uint32_t i = 0; i + 1 < frames; ++i) {
            peer.acknowledge(wire::Id16{1}, i);
        }
    }
    const Peer next(f.path());
    f.settle();
    CHECK(f.ring.frames() == 1);
    CHECK(next.receive() == Received{"hello 1/149", "frame 1/149"});
}

TEST_CASE("what the shipper says of itself is kept for as long as it is connected") {
    FrameServerFixture f;
    const Peer peer(f.path());
    f.settle();
    CHECK_FALSE(f.server->report());
    wire::Report report;
    report.state = wire::ShippingState::stalled;
    report.problem = "the folder is gone";
    report.waiting = 3;
    peer.send(wire::encode_reply(report));
    f.settle();
    REQUIRE(f.server->report());
    CHECK(*f.server->report() == report);
    CHECK(f.changed == 2); // connected, and this
    f.server->restart("for a test");
    CHECK_FALSE(f.server->report());
    CHECK_FALSE(f.server->is_connected());
    CHECK(peer.receive() == Received{"hello 0", "end"});
}

TEST_CASE("the receipt of an erasure is handed on as it came") {
    FrameServerFixture f;
    const Peer peer(f.path());
    f.settle();
    peer.send(wire::encode_reply(wire::ErasureMessage{{1, 2, 3}}));
    f.settle();
    CHECK(f.erasures == std::vector<std::vector<std::uint8_t>>{{1, 2, 3}});
    CHECK(f.server->is_connected());
}

TEST_CASE(
    "a server that starts anew sends the frames again that were not acknowledged, and takes what was before it ends") {
    FrameServerFixture f;
    f.push_stream(1, 3);
    const Peer peer(f.path());
    f.settle();
    peer.acknowledge(wire::Id16{1}, 0);
    f.server->restart("for a test");
    CHECK(f.acknowledged == 1);
    const Peer again(f.path());
    f.settle();
    CHECK(again.receive() == Received{"hello 1/1", "frame 1/1", "frame 1/2"});
}
