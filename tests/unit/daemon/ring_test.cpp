// SPDX-License-Identifier: Apache-2.0
#include "ring_fixture.h"

#include <fcntl.h>
#include <sys/mman.h>

#include <fstream>
#include <functional>

using namespace candor;
using daemon::Ring;
using test::close;
using test::frame;
using test::kib;
using test::object;

namespace {

constexpr wire::Id16 first{1};
constexpr wire::Id16 second{2};

/// Three frames of one stream and one of the next, all of them sent.
Ring sent_ring() {
    Ring ring(256 * kib);
    ring.push(frame(first, 0));
    ring.push(frame(first, 1));
    ring.push(close(first, 2));
    ring.push(frame(second, 0));
    test::send_all(ring);
    return ring;
}

std::size_t memory_of(const Ring& ring) {
    struct stat status {};
    REQUIRE(::fstat(ring.fd(), &status) == 0);
    return static_cast<std::size_t>(status.st_blocks) * 512;
}

std::size_t resident_bytes() {
    std::ifstream in("/proc/self/statm");
    std::size_t size = 0;
    std::size_t resident = 0;
    in >> size >> resident;
    return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

bool holds_bytes(const test::Bytes& image, const test::Bytes& bytes) {
    return std::search(image.begin(), image.end(), std::boyer_moore_horspool_searcher(bytes.begin(), bytes.end())) !=
           image.end();
}

} // namespace

TEST_CASE("a batch is taken up to 128 KiB before the bound and not a byte further") {
    Ring ring(256 * kib);
    ring.push(frame(first, 0, 28 * kib));
    CHECK(ring.takes_batch(100 * kib));
    CHECK_FALSE(ring.takes_batch(100 * kib + 1));
}

TEST_CASE("a control frame is taken up to 64 KiB before the bound and not a byte further") {
    Ring ring(256 * kib);
    ring.push(frame(first, 0, 100 * kib));
    CHECK(ring.takes_control(92 * kib));
    CHECK_FALSE(ring.takes_control(92 * kib + 1));
}

TEST_CASE("where no batch is taken any more a control frame still is") {
    Ring ring(256 * kib);
    ring.push(frame(first, 0, 128 * kib));
    CHECK_FALSE(ring.takes_batch(1));
    CHECK(ring.takes_control(64 * kib));
}

TEST_CASE("the end of a stream is taken whatever the ring holds") {
    Ring ring(256 * kib);
    ring.push(frame(first, 0, 250 * kib));
    CHECK_FALSE(ring.takes_control(0));
    ring.push(close(first, 1, kib));
    CHECK(ring.frames() == 2);
    CHECK(ring.bytes() == 251 * kib);
}

TEST_CASE("a ring full of the smallest frames takes its end like any other") {
    Ring ring(256 * kib);
    std::uint32_t sequence = 0;
    while (ring.takes_batch(1)) {
        ring.push(frame(first, sequence++, 1));
    }
    CHECK(ring.frames() == 128 * kib);
    CHECK_NOTHROW(ring.push(close(first, sequence, 64 * kib)));
}

TEST_CASE("a ring that could never hold a batch is not made") {
    CHECK_THROWS_AS(Ring(Ring::control_reserve), std::invalid_argument);
    CHECK_NOTHROW(Ring(Ring::control_reserve + 1));
}

TEST_CASE("a frame whose progress is not its own stream's is not taken") {
    Ring ring(256 * kib);
    Ring::Entry none = frame(first, 0);
    none.progress.reset();
    CHECK_THROWS_AS(ring.push(none), std::invalid_argument);
    Ring::Entry behind = frame(first, 4);
    behind.progress->next_sequence = 4;
    CHECK_THROWS_AS(ring.push(behind), std::invalid_argument);
    Ring::Entry elsewhere = frame(first, 0);
    elsewhere.stream = second;
    CHECK_THROWS_AS(ring.push(elsewhere), std::invalid_argument);
    Ring::Entry object_with = object(first);
    object_with.progress = frame(first, 0).progress;
    CHECK_THROWS_AS(ring.push(object_with), std::invalid_argument);
    CHECK(ring.frames() == 0);
}

TEST_CASE("a message longer than a mebibyte is not taken") {
    Ring ring(4096 * kib);
    CHECK_NOTHROW(ring.push(frame(first, 0, 1024 * kib)));
    CHECK_THROWS_AS(ring.push(frame(first, 1, 1024 * kib + 1)), std::invalid_argument);
    CHECK(ring.frames() == 1);
}

TEST_CASE("frames come out in the order they went in, each once, with the bytes they had") {
    Ring ring(256 * kib);
    ring.push(frame(first, 0, 40));
    ring.push(frame(first, 1, 70 * kib));
    REQUIRE(ring.next() != nullptr);
    CHECK(*ring.next() == frame(first, 0, 40).message);
    ring.sent();
    REQUIRE(ring.next() != nullptr);
    CHECK(*ring.next() == frame(first, 1, 70 * kib).message);
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
    ring.push(frame(first, 0));
    ring.push(frame(first, 1));
    ring.sent();
    CHECK_FALSE(ring.acknowledge({first, 1}));
    CHECK(ring.frames() == 2);
    CHECK(ring.acknowledge({first, 0}));
    REQUIRE(ring.next() != nullptr);
    CHECK(*ring.next() == frame(first, 1).message);
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
    CHECK(*ring.next() == frame(first, 1).message);
    CHECK_FALSE(ring.acknowledge({first, 1}));
}

TEST_CASE("room that was acknowledged is room again") {
    Ring ring(256 * kib);
    ring.push(frame(first, 0, 60 * kib));
    ring.push(frame(first, 1, 60 * kib));
    ring.sent();
    CHECK_FALSE(ring.takes_batch(60 * kib));
    CHECK(ring.acknowledge({first, 0}));
    CHECK(ring.takes_batch(60 * kib));
}

TEST_CASE("the position is that of the next frame to be sent") {
    Ring ring(256 * kib);
    ring.push(frame(first, 0));
    ring.push(frame(first, 1));
    CHECK(ring.position().stream == first);
    CHECK(ring.position().sequence == 0);
    ring.sent();
    CHECK(ring.position().stream == first);
    CHECK(ring.position().sequence == 1);
}

TEST_CASE("the position passes over an object") {
    Ring ring(256 * kib);
    ring.push(object({9}));
    CHECK_FALSE(ring.position().stream);
    ring.push(frame(first, 0));
    CHECK(ring.position().stream == first);
    CHECK(ring.position().sequence == 0);
}

TEST_CASE("when all of an open stream was taken the position is its next frame") {
    Ring ring(256 * kib);
    ring.push(frame(first, 0));
    ring.push(frame(first, 1));
    test::send_all(ring);
    CHECK(ring.acknowledge({first, 1}));
    CHECK(ring.position().stream == first);
    CHECK(ring.position().sequence == 2);
}

TEST_CASE("when all of a closed stream was taken the position is that of a stream to come") {
    Ring ring(256 * kib);
    ring.push(frame(first, 0));
    ring.push(close(first, 1));
    CHECK(ring.position().stream == first);
    test::send_all(ring);
    CHECK_FALSE(ring.position().stream);
    CHECK(ring.position().sequence == 0);
}

TEST_CASE("a purge takes the streams it is asked for and leaves the others and all objects") {
    Ring ring(256 * kib);
    ring.push(object({9}));
    ring.push(frame(first, 0));
    ring.push(close(first, 1));
    ring.push(frame(second, 0));
    CHECK(ring.purge([](const wire::Id16&, const wire::Id16& stream) { return stream == first; }) == 2);
    CHECK(test::messages_in(ring) == test::Messages{object({9}).message, frame(second, 0).message});
    CHECK(ring.bytes() == 200);
    CHECK(ring.holds({9}));
    CHECK_FALSE(ring.holds(first));
}

TEST_CASE("a purge is asked with the person and the stream") {
    Ring ring(256 * kib);
    const wire::Id16 others{200};
    ring.push(close(first, 0));
    ring.push(close(others, 0));
    CHECK(ring.purge([](const wire::Id16& subject, const wire::Id16&) { return subject == test::subject_of(first); }) ==
          1);
    CHECK(ring.frames_of(test::subject_of(first)) == 0);
    CHECK(ring.frames_of(test::subject_of(others)) == 1);
}

TEST_CASE("after a purge none of the bytes are in the memory any more") {
    Ring ring = test::small_ring(64 * kib);
    ring.push(object({9}));
    ring.push(frame(first, 0, 9000));
    ring.push(frame(second, 0, 700));
    REQUIRE(holds_bytes(test::image_of(ring.fd()), frame(first, 0, 9000).message));
    REQUIRE(ring.purge([](const auto&, const wire::Id16& stream) { return stream == first; }) == 1);
    const test::Bytes image = test::image_of(ring.fd());
    const test::Bytes gone = frame(first, 0, 9000).message;
    for (std::size_t at = 0; at + 16 <= gone.size(); at += 16) {
        CHECK_FALSE(holds_bytes(image, {gone.begin() + static_cast<std::ptrdiff_t>(at),
                                        gone.begin() + static_cast<std::ptrdiff_t>(at + 16)}));
    }
    CHECK(holds_bytes(image, frame(second, 0, 700).message));
}

TEST_CASE("after a purge of the open stream the position is that of a stream to come") {
    Ring ring(256 * kib);
    ring.push(frame(first, 0));
    ring.push(frame(first, 1));
    ring.purge([](const auto&, const auto&) { return true; });
    CHECK_FALSE(ring.position().stream);
}

TEST_CASE("a purge is asked about an open stream of which all frames were taken") {
    Ring ring(256 * kib);
    ring.push(frame(first, 0));
    test::send_all(ring);
    REQUIRE(ring.acknowledge({first, 0}));
    CHECK(ring.purge([](const auto&, const wire::Id16& stream) { return stream == first; }) == 0);
    CHECK_FALSE(ring.position().stream);
}

TEST_CASE("what was sent of other streams before a purge can still be acknowledged") {
    Ring ring(256 * kib);
    ring.push(close(first, 0));
    ring.push(close(second, 0));
    ring.push(frame({3}, 0));
    ring.sent();
    ring.sent();
    ring.purge([](const auto&, const wire::Id16& stream) { return stream == first; });
    CHECK(ring.acknowledge({second, 0}));
    CHECK(ring.frames() == 1);
    CHECK_FALSE(ring.acknowledge({{3}, 0}));
}

TEST_CASE("the memfd keeps its size whoever has it") {
    const Ring ring(256 * kib);
    CHECK(::fcntl(ring.fd(), F_GET_SEALS) == (F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL));
    CHECK(::ftruncate(ring.fd(), 0) < 0);
    CHECK((::fcntl(ring.fd(), F_GETFD) & FD_CLOEXEC) != 0);
}

TEST_CASE("memory goes back when frames are acknowledged, but for a few pages when none waits") {
    Ring ring(16 * 1024 * kib);
    for (std::uint32_t i = 0; i < 100; ++i) {
        ring.push(frame(first, i, 50 * kib));
    }
    CHECK(memory_of(ring) >= 5000 * kib);
    test::send_all(ring);
    REQUIRE(ring.acknowledge({first, 49}));
    CHECK(memory_of(ring) < 2800 * kib);
    REQUIRE(ring.acknowledge({first, 99}));
    CHECK(memory_of(ring) <= 16 * kib);
}

TEST_CASE("what waits is not in the process's own memory") {
    Ring ring(64 * 1024 * kib);
    Ring::Entry entry = frame(first, 0, 60 * kib);
    ring.push(entry);
    const std::size_t before = resident_bytes();
    for (std::uint32_t i = 1; i < 400; ++i) {
        entry.sequence = i;
        entry.progress->next_sequence = i + 1;
        ring.push(entry);
    }
    CHECK(resident_bytes() < before + 2 * 1024 * kib);
}

TEST_CASE("memory that something else changed is not sent") {
    Ring ring = test::small_ring(8 * kib);
    ring.push(frame(first, 0));
    const std::uint8_t other = 0;
    REQUIRE(::pwrite(ring.fd(), &other, 1, test::layout::data_at + test::layout::record_head_bytes + 50) == 1);
    CHECK_THROWS_AS(ring.next(), std::runtime_error);
}

TEST_CASE("a frame for which the area has no room is not in the ring, and what is there stays good") {
    Ring ring = test::small_ring(4 * kib);
    ring.push(frame(first, 0, 2000));
    CHECK_THROWS_AS(ring.push(frame(first, 1, 2000)), std::system_error);
    CHECK(test::messages_in(ring) == test::Messages{frame(first, 0, 2000).message});
    REQUIRE(ring.acknowledge({first, 0}));
    CHECK_NOTHROW(ring.push(frame(first, 1, 2000)));
}
