// SPDX-License-Identifier: Apache-2.0
#include "ring_fixture.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>

using namespace candor;
using daemon::Ring;
using test::Bytes;
using test::close;
using test::frame;
using test::kib;
using test::object;
namespace layout = daemon::ring_layout;

namespace {

constexpr wire::Id16 first{1};
constexpr wire::Id16 second{2};

/// As a later build of the same layout would write it: with `more` bytes of fields that this one does not know.
template <typename Head> Bytes lengthened(const Head& head, std::size_t more, std::size_t size_at) {
    Bytes bytes(head.begin(), head.end() - 32);
    bytes.resize(bytes.size() + more, 0xee);
    const std::size_t size = bytes.size() + 32;
    bytes[size_at] = static_cast<std::uint8_t>(size);
    bytes[size_at + 1] = static_cast<std::uint8_t>(size >> 8);
    const layout::Sum sum = layout::sum_of(bytes);
    bytes.insert(bytes.end(), sum.begin(), sum.end());
    return bytes;
}

void put(Bytes& image, std::size_t at, const Bytes& bytes) {
    std::ranges::copy(bytes, image.begin() + static_cast<std::ptrdiff_t>(at));
}

Bytes empty_image() {
    const UniqueFd memfd = test::small_memfd(8 * kib);
    return test::image_of(memfd.get());
}

/// Both header slots with the layout's number changed and the checksum made to fit.
Bytes image_of_layout(std::uint16_t version) {
    Bytes image = empty_image();
    for (const std::size_t at : {std::size_t{0}, layout::header_slot_bytes}) {
        image[at + 8] = static_cast<std::uint8_t>(version);
        const layout::Sum sum =
            layout::sum_of(std::span<const std::uint8_t>(image).subspan(at, layout::header_bytes - 32));
        std::ranges::copy(sum, image.begin() + static_cast<std::ptrdiff_t>(at + layout::header_bytes - 32));
    }
    return image;
}

} // namespace

TEST_CASE("a process that comes after finds every frame, in order, and how far the open stream is") {
    Ring ring(256 * kib);
    ring.push(object({9}));
    ring.push(frame(first, 0));
    ring.push(close(first, 1, 5000));
    ring.push(frame(second, 0, 60 * kib));
    ring.push(frame(second, 1, 40));
    auto recovered = Ring::recover(UniqueFd(::dup(ring.fd())), 256 * kib);
    REQUIRE(recovered);
    CHECK(recovered->problems.empty());
    CHECK(recovered->lost.empty());
    CHECK(recovered->unfinished == frame(second, 1).progress);
    CHECK(test::messages_in(recovered->ring) ==
          test::Messages{object({9}).message, frame(first, 0).message, close(first, 1, 5000).message,
                         frame(second, 0, 60 * kib).message, frame(second, 1, 40).message});
    CHECK(recovered->ring.bytes() == 100 + 100 + 5000 + 60 * kib + 40);
}

TEST_CASE("an empty ring is recovered as an empty one") {
    const Ring ring(256 * kib);
    auto recovered = Ring::recover(UniqueFd(::dup(ring.fd())), 256 * kib);
    REQUIRE(recovered);
    CHECK(recovered->ring.frames() == 0);
    CHECK_FALSE(recovered->unfinished);
    CHECK(recovered->problems.empty());
    CHECK_FALSE(recovered->ring.position().stream);
}

TEST_CASE("a stream that was closed is not unfinished") {
    Ring ring = test::small_ring(8 * kib);
    ring.push(frame(first, 0));
    ring.push(close(first, 1));
    CHECK_FALSE(test::recover_copy(ring).unfinished);
    test::send_all(ring);
    REQUIRE(ring.acknowledge({first, 1}));
    CHECK_FALSE(test::recover_copy(ring).unfinished);
}

TEST_CASE("an open stream of which all frames were acknowledged is still known") {
    Ring ring = test::small_ring(8 * kib);
    ring.push(frame(first, 0));
    ring.push(frame(first, 1));
    ring.push(object({9}));
    test::send_all(ring);
    REQUIRE(ring.acknowledge({{9}, 0}));
    Ring::Recovered recovered = test::recover_copy(ring);
    CHECK(recovered.ring.frames() == 0);
    CHECK(recovered.unfinished == frame(first, 1).progress);
    CHECK(recovered.ring.position().stream == first);
    CHECK(recovered.ring.position().sequence == 2);
}

TEST_CASE("what was acknowledged does not come back") {
    Ring ring = test::small_ring(8 * kib);
    ring.push(frame(first, 0));
    ring.push(frame(first, 1));
    ring.push(frame(first, 2));
    test::send_all(ring);
    REQUIRE(ring.acknowledge({first, 1}));
    Ring::Recovered recovered = test::recover_copy(ring);
    CHECK(test::messages_in(recovered.ring) == test::Messages{frame(first, 2).message});
}

TEST_CASE("a recovered ring begins with the first frame that was not acknowledged, sent or not") {
    Ring ring = test::small_ring(8 * kib);
    ring.push(frame(first, 0));
    ring.push(frame(first, 1));
    test::send_all(ring);
    Ring::Recovered recovered = test::recover_copy(ring);
    CHECK(recovered.ring.position().sequence == 0);
    CHECK_FALSE(recovered.ring.acknowledge({first, 0}));
}

TEST_CASE("a recovered ring goes on like any other") {
    Ring ring = test::small_ring(8 * kib);
    ring.push(frame(first, 0));
    Ring::Recovered recovered = test::recover_copy(ring);
    recovered.ring.push(close(first, 1));
    recovered.ring.push(frame(second, 0));
    Ring::Recovered again = test::recover_copy(recovered.ring);
    CHECK(again.unfinished == frame(second, 0).progress);
    CHECK(test::messages_in(again.ring) ==
          test::Messages{frame(first, 0).message, close(first, 1).message, frame(second, 0).message});
}

TEST_CASE("purged frames do not come back, and their stream is not unfinished") {
    Ring ring = test::small_ring(8 * kib);
    ring.push(close(first, 0));
    ring.push(frame(second, 0));
    ring.push(frame(second, 1));
    ring.purge([](const auto&, const wire::Id16& stream) { return stream == second; });
    Ring::Recovered recovered = test::recover_copy(ring);
    CHECK(recovered.problems.empty());
    CHECK(recovered.lost.empty());
    CHECK_FALSE(recovered.unfinished);
    CHECK(test::messages_in(recovered.ring) == test::Messages{close(first, 0).message});
}

TEST_CASE("a stream that was purged after all its frames were acknowledged is not unfinished") {
    Ring ring = test::small_ring(8 * kib);
    ring.push(frame(first, 0));
    test::send_all(ring);
    REQUIRE(ring.acknowledge({first, 0}));
    ring.purge([](const auto&, const auto&) { return true; });
    CHECK_FALSE(test::recover_copy(ring).unfinished);
}

TEST_CASE("a ring with another bound keeps its frames and takes by the new one") {
    Ring ring(1024 * kib);
    for (std::uint32_t i = 0; i < 10; ++i) {
        ring.push(frame(first, i, 60 * kib));
    }
    auto smaller = Ring::recover(UniqueFd(::dup(ring.fd())), 256 * kib);
    REQUIRE(smaller);
    CHECK(smaller->ring.bytes() == 600 * kib);
    CHECK_FALSE(smaller->ring.takes_control(0));
    auto larger = Ring::recover(UniqueFd(::dup(smaller->ring.fd())), 64 * 1024 * kib);
    REQUIRE(larger);
    CHECK(larger->ring.takes_batch(60 * 1024 * kib));
    for (std::uint32_t i = 10; i < 300; ++i) {
        larger->ring.push(frame(first, i, 60 * kib));
    }
    CHECK(test::messages_in(larger->ring).size() == 300);
}

TEST_CASE("a ring of a later layout is refused with both numbers") {
    const auto refused = Ring::recover(test::memfd_of(image_of_layout(2)), 256 * kib);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().message.find("layout 2, expected 1") != std::string::npos);
    CHECK(Ring::recover(test::memfd_of(image_of_layout(1)), 256 * kib));
}

TEST_CASE("a ring of a later layout is refused before anything in it is changed") {
    const Bytes image = image_of_layout(2);
    const UniqueFd memfd = test::memfd_of(image);
    REQUIRE_FALSE(Ring::recover(UniqueFd(::dup(memfd.get())), 256 * kib));
    CHECK(test::image_of(memfd.get()) == image);
}

TEST_CASE("of two whole headers the newer one counts, wherever it stands") {
    const std::size_t newer = GENERATE(std::size_t{0}, layout::header_slot_bytes);
    Bytes image = empty_image();
    layout::Header header;
    header.area = 8 * kib;
    header.generation = 7;
    header.progress = frame(first, 4).progress;
    const auto bytes = layout::encode(header);
    put(image, newer, {bytes.begin(), bytes.end()});
    auto recovered = Ring::recover(test::memfd_of(image), 256 * kib);
    REQUIRE(recovered);
    CHECK(recovered->problems.empty());
    CHECK(recovered->unfinished == frame(first, 4).progress);
}

TEST_CASE("headers with more fields than this build knows are read") {
    const std::size_t more = GENERATE(std::size_t{8}, std::size_t{64}, std::size_t{700});
    Ring ring = test::small_ring(8 * kib);
    ring.push(frame(first, 0));
    ring.push(frame(first, 1));
    test::send_all(ring);
    REQUIRE(ring.acknowledge({first, 0}));
    Bytes image = test::image_of(ring.fd());
    const Bytes header(image.begin(), image.begin() + layout::header_bytes);
    put(image, 0, lengthened(header, more, 10));
    put(image, layout::header_slot_bytes, lengthened(header, more, 10));
    auto recovered = Ring::recover(test::memfd_of(image), 256 * kib);
    REQUIRE(recovered);
    CHECK(recovered->problems.empty());
    CHECK(recovered->unfinished == frame(first, 1).progress);
    CHECK(test::messages_in(recovered->ring) == test::Messages{frame(first, 1).message});
}

TEST_CASE("records with more fields than this build knows are read, sent, acknowledged and purged") {
    const std::size_t more = GENERATE(std::size_t{8}, std::size_t{64}, std::size_t{700});
    Bytes image = empty_image();
    std::uint64_t position = 0;
    for (std::uint32_t i = 0; i < 2; ++i) {
        const Ring::Entry entry = frame(first, i);
        layout::RecordHead head;
        head.position = position;
        head.message_bytes = static_cast<std::uint32_t>(entry.message.size());
        head.sequence = i;
        head.stream = entry.stream;
        head.subject = entry.subject;
        head.progress = entry.progress;
        head.message_sum = layout::sum_of(entry.message);
        Bytes bytes = lengthened(layout::encode(head), more, 16);
        bytes[layout::life_at] = static_cast<std::uint8_t>(layout::Life::alive);
        bytes.insert(bytes.end(), entry.message.begin(), entry.message.end());
        put(image, layout::data_at + position, bytes);
        head.bytes = static_cast<std::uint16_t>(layout::record_head_bytes + more);
        position += head.size();
    }
    auto recovered = Ring::recover(test::memfd_of(image), 256 * kib);
    REQUIRE(recovered);
    CHECK(recovered->problems.empty());
    recovered->ring.push(frame(first, 2));
    CHECK(test::messages_in(recovered->ring) ==
          test::Messages{frame(first, 0).message, frame(first, 1).message, frame(first, 2).message});
    REQUIRE(recovered->ring.acknowledge({first, 0}));
    CHECK(recovered->ring.purge([](const auto&, const auto&) { return true; }) == 2);
}

TEST_CASE("what is no ring is refused") {
    SECTION("nothing at all") { CHECK_FALSE(Ring::recover(UniqueFd(), 256 * kib)); }
    SECTION("an empty memfd") { CHECK_FALSE(Ring::recover(test::memfd_of({}), 256 * kib)); }
    SECTION("zeros") { CHECK_FALSE(Ring::recover(test::memfd_of(Bytes(64 * kib)), 256 * kib)); }
    SECTION("a socket") {
        CHECK_FALSE(Ring::recover(UniqueFd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)), 256 * kib));
    }
    SECTION("one that cannot be written") {
        const Ring ring(256 * kib);
        const std::string path = "/proc/self/fd/" + std::to_string(ring.fd());
        CHECK_FALSE(Ring::recover(UniqueFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC)), 256 * kib));
    }
    SECTION("one that was cut") {
        Bytes image = empty_image();
        image.pop_back();
        const auto refused = Ring::recover(test::memfd_of(image), 256 * kib);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().message.find("expected 12288 by its header") != std::string::npos);
    }
}
