// SPDX-License-Identifier: Apache-2.0
#include "daemon/ring.h"

#include "support/catch.h"

using namespace candor;
using daemon::Ring;

namespace {

constexpr std::size_t kib = 1024;
constexpr wire::Id16 first{1};
constexpr wire::Id16 second{2};

void push(Ring& ring, const wire::Id16& stream, std::uint32_t sequence, std::size_t bytes = 100) {
    ring.push({stream, sequence, Ring::Kind::frame, std::vector<std::uint8_t>(bytes)});
}

/// Three frames of one stream and one of the next, all of them sent.
Ring sent_ring() {
    Ring ring(256 * kib);
    for (std::uint32_t sequence = 0; sequence < 3; ++sequence) {
        push(ring, first, sequence);
    }
    push(ring, second, 0);
    while (ring.next() != nullptr) {
        ring.sent();
    }
    return ring;
}

} // namespace

TEST_CASE("a batch is taken up to 128 KiB before the bound and not a byte further") {
    Ring ring(256 * kib);
    push(ring, first, 0, 28 * kib);
    CHECK(ring.takes_batch(100 * kib));
    CHECK_FALSE(ring.takes_batch(100 * kib + 1));
}

TEST_CASE("a control frame is taken up to 64 KiB before the bound and not a byte further") {
    Ring ring(256 * kib);
    push(ring, first, 0, 100 * kib);
    CHECK(ring.takes_control(92 * kib));
    CHECK_FALSE(ring.takes_control(92 * kib + 1));
}

TEST_CASE("where no batch is taken any more a control frame still is") {
    Ring ring(256 * kib);
    push(ring, first, 0, 128 * kib);
    CHECK_FALSE(ring.takes_batch(1));
    CHECK(ring.takes_control(64 * kib));
}

TEST_CASE("the end of a stream is taken whatever the ring holds") {
    Ring ring(256 * kib);
    push(ring, first, 0, 250 * kib);
    CHECK_FALSE(ring.takes_control(0));
    push(ring, first, 1, kib);
    CHECK(ring.frames() == 2);
    CHECK(ring.bytes() == 251 * kib);
}

TEST_CASE("a ring that could never hold a batch is not made") {
    CHECK_THROWS_AS(Ring(Ring::control_reserve), std::invalid_argument);
    CHECK_NOTHROW(Ring(Ring::control_reserve + 1));
}

TEST_CASE("frames come out in the order they went in, each once") {
    Ring ring(256 * kib);
    push(ring, first, 0);
    push(ring, first, 1);
    REQUIRE(ring.next() != nullptr);
    CHECK(ring.next()->sequence == 0);
    ring.sent();
    REQUIRE(ring.next() != nullptr);
    CHECK(ring.next()->sequence == 1);
    ring.sent();
    CHECK(ring.next() == nullptr);
    CHECK(ring.frames() == 2);
}

TEST_CASE("an acknowledgement drops the named frame and all before it") {
    Ring ring = sent_ring();
    CHECK(ring.acknowledge({first, 1}));
    CHECK(ring.frames() == 2);
    CHECK(ring.bytes() == 200);
}

TEST_CASE("an acknowledgement of a later stream drops the streams before it") {
    Ring ring = sent_ring();
    CHECK(ring.acknowledge({second, 0}));
    CHECK(ring.frames() == 0);
    CHECK(ring.bytes() == 0);
}

TEST_CASE("an acknowledgement of a stream or a frame that is not there changes nothing") {
    Ring ring = sent_ring();
    CHECK_FALSE(ring.acknowledge({wire::Id16{3}, 0}));
    CHECK_FALSE(ring.acknowledge({first, 3}));
    CHECK_FALSE(ring.acknowledge({second, 1}));
    CHECK(ring.frames() == 4);
}

TEST_CASE("an acknowledgement of a frame that was not sent yet changes nothing") {
    Ring ring(256 * kib);
    push(ring, first, 0);
    push(ring, first, 1);
    ring.sent();
    CHECK_FALSE(ring.acknowledge({first, 1}));
    CHECK(ring.frames() == 2);
    CHECK(ring.acknowledge({first, 0}));
    REQUIRE(ring.next() != nullptr);
    CHECK(ring.next()->sequence == 1);
}

TEST_CASE("an acknowledgement that comes again changes nothing") {
    Ring ring = sent_ring();
    CHECK(ring.acknowledge({first, 1}));
    CHECK_FALSE(ring.acknowledge({first, 1}));
    CHECK_FALSE(ring.acknowledge({first, 0}));
    CHECK(ring.frames() == 2);
}

TEST_CASE("a rewound ring begins with the first frame that was not acknowledged") {
    Ring ring = sent_ring();
    CHECK(ring.acknowledge({first, 0}));
    CHECK(ring.next() == nullptr);
    ring.rewind();
    REQUIRE(ring.next() != nullptr);
    CHECK(ring.next()->sequence == 1);
    CHECK_FALSE(ring.acknowledge({first, 1}));
}

TEST_CASE("room that was acknowledged is room again") {
    Ring ring(256 * kib);
    push(ring, first, 0, 60 * kib);
    push(ring, first, 1, 60 * kib);
    ring.sent();
    CHECK_FALSE(ring.takes_batch(60 * kib));
    CHECK(ring.acknowledge({first, 0}));
    CHECK(ring.takes_batch(60 * kib));
}

TEST_CASE("the position is that of the next frame to be sent") {
    Ring ring(256 * kib);
    push(ring, first, 0);
    push(ring, first, 1);
    CHECK(ring.position().stream == first);
    CHECK(ring.position().sequence == 0);
    ring.sent();
    CHECK(ring.position().stream == first);
    CHECK(ring.position().sequence == 1);
}

TEST_CASE("the position passes over a grant") {
    Ring ring(256 * kib);
    ring.push({wire::Id16{9}, 0, Ring::Kind::grant, std::vector<std::uint8_t>(100)});
    CHECK_FALSE(ring.position().stream);
    push(ring, first, 0);
    CHECK(ring.position().stream == first);
    CHECK(ring.position().sequence == 0);
}

TEST_CASE("when all of an open stream was taken the position is its next frame") {
    Ring ring(256 * kib);
    push(ring, first, 0);
    push(ring, first, 1);
    ring.sent();
    ring.sent();
    CHECK(ring.acknowledge({first, 1}));
    CHECK(ring.position().stream == first);
    CHECK(ring.position().sequence == 2);
}

TEST_CASE("when all of a closed stream was taken the position is that of a stream to come") {
    Ring ring(256 * kib);
    push(ring, first, 0);
    ring.push({first, 1, Ring::Kind::close, std::vector<std::uint8_t>(100)});
    CHECK(ring.position().stream == first);
    ring.sent();
    ring.sent();
    CHECK_FALSE(ring.position().stream);
    CHECK(ring.position().sequence == 0);
}
