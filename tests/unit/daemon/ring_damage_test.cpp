// SPDX-License-Identifier: Apache-2.0
#include "ring_fixture.h"

#include <map>
#include <random>

using namespace candor;
using daemon::Ring;
using test::Bytes;
using test::close;
using test::frame;
using test::kib;
using test::Model;
using test::object;
namespace layout = daemon::ring_layout;

namespace {

constexpr wire::Id16 first{1};
constexpr wire::Id16 second{2};

/// A ring of everything: acknowledged, purged and waiting, around the end of its area, with an open stream at the end.
struct Full {
    Ring ring = test::small_ring(16 * kib);
    Model model;
    Bytes image;

    Full() {
        for (std::uint32_t i = 0; i < 9; ++i) {
            push(frame({20}, i, 1000));
        }
        acknowledge(7);
        push(close({20}, 9));
        push(object({200}));
        push(frame({3}, 0, 400));
        push(close({3}, 1, 60));
        push(frame({4}, 0, 900));
        push(frame({4}, 1, 40));
        push(close({4}, 2, 60));
        push(object({201}, 300));
        push(frame({5}, 0, 250));
        push(close({5}, 1, 50));
        push(frame({6}, 0, 300));
        push(frame({6}, 1, 2000));
        push(frame({6}, 2, 100));
        ring.purge([](const wire::Id16&, const wire::Id16& stream) { return stream == wire::Id16{4}; });
        model.purge({{4}});
        image = test::image_of(ring.fd());
    }
    void push(const Ring::Entry& entry) {
        ring.push(entry);
        model.push(entry);
    }
    void acknowledge(std::size_t count) {
        test::acknowledge_first(ring, model, count);
        model.acknowledge(count);
    }
};

bool is_lost(const Ring::Recovered& recovered, const wire::Id16& stream) {
    return std::ranges::find(recovered.lost, stream, &wire::StreamProgress::stream) != recovered.lost.end();
}

/// True of whatever happened to the memory: what comes out went in, in the same order; a stream's frames come from its first
/// that waits, without a hole; and a stream that lacks frames behind those is lost or unfinished.
void check_is_sound(const Model& model, Ring::Recovered& recovered) {
    const std::vector<Bytes> out = test::messages_in(recovered.ring);
    std::map<wire::Id16, std::size_t> missing;
    std::map<wire::Id16, std::size_t> kept;
    std::size_t at = 0;
    for (const Ring::Entry& entry : model.entries) {
        const bool is_frame = entry.kind != Ring::Kind::object;
        if (at < out.size() && out[at] == entry.message) {
            ++at;
            if (is_frame) {
                ++kept[entry.stream];
                REQUIRE(missing[entry.stream] == 0);
            }
        } else if (is_frame) {
            ++missing[entry.stream];
        }
    }
    REQUIRE(at == out.size());
    for (const auto& [stream, count] : missing) {
        if (count > 0 && kept[stream] > 0) {
            // Memory that is all zero again is as if it had never been written: then the stream is open, and gets its end.
            REQUIRE((is_lost(recovered, stream) || (recovered.unfinished && recovered.unfinished->stream == stream)));
        }
    }
    if (recovered.unfinished) {
        REQUIRE_FALSE(recovered.unfinished->closed);
        REQUIRE_FALSE(is_lost(recovered, recovered.unfinished->stream));
    }
}

/// Recovering again finds the same, as long as nobody did anything about it.
void check_is_stable(Ring::Recovered& recovered) {
    Ring::Recovered again = test::recover_copy(recovered.ring);
    REQUIRE(test::messages_in(again.ring) == test::messages_in(recovered.ring));
    REQUIRE(again.unfinished == recovered.unfinished);
    REQUIRE(again.lost == recovered.lost);
}

std::size_t place_of(const Bytes& image, const Bytes& message) {
    const auto found = std::search(image.begin(), image.end(), message.begin(), message.end());
    REQUIRE(found != image.end());
    return static_cast<std::size_t>(found - image.begin());
}

Ring::Recovered recover(const Bytes& image) {
    auto recovered = Ring::recover(test::memfd_of(image), 256 * kib);
    REQUIRE(recovered);
    return std::move(*recovered);
}

} // namespace

TEST_CASE("of 10000 bits that flip each changes nothing or is named, and no frame has other bytes") {
    const Full full;
    std::mt19937 random(1);
    std::size_t named = 0;
    for (int i = 0; i < 10'000; ++i) {
        Bytes image = full.image;
        const std::size_t bit = std::uniform_int_distribution<std::size_t>(0, image.size() * 8 - 1)(random);
        image[bit / 8] = static_cast<std::uint8_t>(image[bit / 8] ^ (1U << (bit % 8)));
        INFO("bit " << bit % 8 << " of byte " << bit / 8);
        Ring::Recovered recovered = recover(image);
        check_is_sound(full.model, recovered);
        if (recovered.problems.empty()) {
            REQUIRE(full.model.is_what(recovered));
        } else {
            ++named;
        }
        if (i % 10 == 0) {
            check_is_stable(recovered);
        }
    }
    CHECK(named > 1000);
}

TEST_CASE("of 10000 stretches that are overwritten none crashes a reader or changes a frame") {
    const Full full;
    std::mt19937 random(2);
    const auto below = [&](std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(random); };
    std::size_t refused = 0;
    for (int i = 0; i < 10'000; ++i) {
        Bytes image = full.image;
        const std::size_t from = below(image.size());
        const std::size_t to = std::min(image.size(), from + 1 + below(below(3) == 0 ? 4000 : 40));
        const std::size_t how = below(3);
        for (std::size_t at = from; at < to; ++at) {
            image[at] = how == 0   ? std::uint8_t{0}
                        : how == 1 ? std::uint8_t{0xff}
                                   : static_cast<std::uint8_t>(random());
        }
        INFO("bytes " << from << " to " << to << " way " << how);
        auto recovered = Ring::recover(test::memfd_of(image), 256 * kib);
        if (!recovered) {
            ++refused;
            REQUIRE(from < layout::header_bytes);
            REQUIRE(to > layout::header_slot_bytes);
            continue;
        }
        check_is_sound(full.model, *recovered);
        if (i % 10 == 0) {
            check_is_stable(*recovered);
        }
    }
    CHECK(refused < 500);
}

TEST_CASE("of 1000 places a memfd is cut at each is refused with its size") {
    const Full full;
    std::mt19937 random(3);
    for (int i = 0; i < 1000; ++i) {
        Bytes image = full.image;
        image.resize(std::uniform_int_distribution<std::size_t>(0, image.size() - 1)(random));
        const auto refused = Ring::recover(test::memfd_of(image), 256 * kib);
        REQUIRE_FALSE(refused);
        if (image.size() >= layout::header_bytes) {
            REQUIRE(refused.error().message.find(std::to_string(image.size()) + " bytes") != std::string::npos);
        }
    }
}

TEST_CASE("one damaged header is named and the other one is used") {
    Ring ring = test::small_ring(8 * kib);
    ring.push(frame(first, 0));
    Bytes image = test::image_of(ring.fd());
    image[GENERATE(std::size_t{20}, layout::header_slot_bytes + 20)] ^= 1;
    Ring::Recovered recovered = recover(image);
    CHECK(recovered.problems.size() == 1);
    CHECK(test::messages_in(recovered.ring) == test::Messages{frame(first, 0).message});
    CHECK(test::recover_copy(recovered.ring).problems.empty());
}

TEST_CASE("with both headers damaged it is no ring") {
    Bytes image = test::image_of(test::small_ring(8 * kib).fd());
    image[20] ^= 1;
    image[layout::header_slot_bytes + 20] ^= 1;
    const auto refused = Ring::recover(test::memfd_of(image), 256 * kib);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().message.find("its checksum does not fit") != std::string::npos);
}

TEST_CASE("a damaged message is named with its place, and what follows it in its stream is left out") {
    Ring ring = test::small_ring(8 * kib);
    ring.push(frame(first, 0));
    ring.push(frame(first, 1, 500));
    ring.push(close(first, 2));
    ring.push(frame(second, 0));
    Bytes image = test::image_of(ring.fd());
    const std::size_t place = place_of(image, frame(first, 1, 500).message);
    image[place + 77] ^= 4;
    Ring::Recovered recovered = recover(image);
    CHECK(test::messages_in(recovered.ring) == test::Messages{frame(first, 0).message, frame(second, 0).message});
    CHECK(recovered.lost == std::vector{*frame(first, 0).progress});
    CHECK(recovered.unfinished == frame(second, 0).progress);
    REQUIRE_FALSE(recovered.problems.empty());
    CHECK(recovered.problems[0].find("byte " + std::to_string(place) + " of the memfd") == 0);
}

TEST_CASE("a damaged head is passed over, and what follows it in its stream is left out") {
    Ring ring = test::small_ring(8 * kib);
    ring.push(frame(first, 0));
    ring.push(frame(first, 1, 500));
    ring.push(close(first, 2));
    ring.push(frame(second, 0));
    Bytes image = test::image_of(ring.fd());
    const std::size_t place = place_of(image, frame(first, 1, 500).message) - layout::record_head_bytes;
    image[place + 20] ^= 4;
    Ring::Recovered recovered = recover(image);
    CHECK(test::messages_in(recovered.ring) == test::Messages{frame(first, 0).message, frame(second, 0).message});
    CHECK(recovered.lost == std::vector{*frame(first, 0).progress});
    REQUIRE_FALSE(recovered.problems.empty());
    CHECK(recovered.problems[0].find("byte " + std::to_string(place) + " of the memfd: expected the record") == 0);
}

TEST_CASE("a stream whose first frame is damaged is lost whole, with its name and number") {
    Ring ring = test::small_ring(8 * kib);
    ring.push(frame(first, 0));
    ring.push(frame(first, 1));
    Bytes image = test::image_of(ring.fd());
    image[place_of(image, frame(first, 0).message)] ^= 1;
    Ring::Recovered recovered = recover(image);
    CHECK(recovered.ring.frames() == 0);
    CHECK_FALSE(recovered.unfinished);
    REQUIRE(recovered.lost.size() == 1);
    CHECK(recovered.lost[0].stream == first);
    CHECK(recovered.lost[0].number == frame(first, 0).progress->number);
    CHECK_FALSE(recovered.ring.position().stream);
}

TEST_CASE("an open stream whose last frame is damaged is lost and not unfinished, for the next process too") {
    Ring ring = test::small_ring(8 * kib);
    ring.push(frame(first, 0));
    ring.push(frame(first, 1));
    Bytes image = test::image_of(ring.fd());
    const std::size_t message = place_of(image, frame(first, 1).message);
    SECTION("its head") { image[message - 200] ^= 1; }
    SECTION("its message") { image[message + 20] ^= 1; }
    Ring::Recovered recovered = recover(image);
    CHECK(recovered.lost == std::vector{*frame(first, 0).progress});
    CHECK_FALSE(recovered.unfinished);
    check_is_stable(recovered);
}

TEST_CASE("a stream that is lost does not become unfinished when its last good frame is acknowledged") {
    Ring ring = test::small_ring(8 * kib);
    ring.push(frame(first, 0));
    ring.push(frame(first, 1));
    Bytes image = test::image_of(ring.fd());
    image[place_of(image, frame(first, 1).message)] ^= 1;
    Ring::Recovered recovered = recover(image);
    test::send_all(recovered.ring);
    REQUIRE(recovered.ring.acknowledge({first, 0}));
    Ring::Recovered again = test::recover_copy(recovered.ring);
    CHECK_FALSE(again.unfinished);
    CHECK(again.lost.empty());
}

TEST_CASE("a lost stream whose Note waits in the ring is not lost again") {
    Ring ring = test::small_ring(8 * kib);
    ring.push(frame(first, 0));
    ring.push(frame(first, 1));
    Bytes image = test::image_of(ring.fd());
    image[place_of(image, frame(first, 1).message)] ^= 1;
    Ring::Recovered recovered = recover(image);
    REQUIRE(recovered.lost.size() == 1);
    recovered.ring.push(object(first, 120));
    Ring::Recovered again = test::recover_copy(recovered.ring);
    CHECK(again.lost.empty());
    CHECK_FALSE(again.unfinished);
}

TEST_CASE("a damaged object costs no stream its frames") {
    Ring ring = test::small_ring(8 * kib);
    ring.push(frame(first, 0));
    ring.push(object({9}, 400));
    ring.push(frame(first, 1));
    Bytes image = test::image_of(ring.fd());
    const std::size_t message = place_of(image, object({9}, 400).message);
    SECTION("its head") { image[message - 100] ^= 1; }
    SECTION("its message") { image[message + 100] ^= 1; }
    Ring::Recovered recovered = recover(image);
    CHECK(test::messages_in(recovered.ring) == test::Messages{frame(first, 0).message, frame(first, 1).message});
    CHECK(recovered.unfinished == frame(first, 1).progress);
    CHECK(recovered.problems.size() == 1);
}

TEST_CASE("a life byte with a flipped bit is read as what it was, and named once") {
    Ring ring = test::small_ring(8 * kib);
    ring.push(frame(first, 0));
    Bytes image = test::image_of(ring.fd());
    image[layout::data_at + layout::life_at] ^= static_cast<std::uint8_t>(1U << GENERATE(range(0, 8)));
    Ring::Recovered recovered = recover(image);
    CHECK(recovered.problems.size() == 1);
    CHECK(test::messages_in(recovered.ring) == test::Messages{frame(first, 0).message});
    CHECK(test::recover_copy(recovered.ring).problems.empty());
}

TEST_CASE("what is left out is wiped, so that no later purge misses it") {
    Ring ring = test::small_ring(8 * kib);
    ring.push(frame(first, 0));
    ring.push(frame(first, 1, 500));
    ring.push(frame(first, 2, 600));
    Bytes image = test::image_of(ring.fd());
    image[place_of(image, frame(first, 1, 500).message)] ^= 1;
    const Ring::Recovered recovered = recover(image);
    const Bytes after = test::image_of(recovered.ring.fd());
    const Bytes behind = frame(first, 2, 600).message;
    CHECK(std::search(after.begin(), after.end(), behind.begin() + 300, behind.begin() + 320) == after.end());
}
