// SPDX-License-Identifier: Apache-2.0
#include "ring_writes.h"

#include <functional>

using namespace candor;
using daemon::Ring;
using test::Bytes;
using test::close;
using test::frame;
using test::kib;
using test::Model;
using test::object;
using test::Write;

namespace {

/// Places to die within a write: before it, after it, and so often between that every field of a head is cut.
std::vector<std::size_t> cuts(std::size_t bytes) {
    std::vector<std::size_t> at;
    for (std::size_t i = 0; i<bytes; i += bytes> 1024 ? 509 : 7) {
        at.push_back(i);
    }
    at.push_back(bytes);
    return at;
}

/// Runs one operation and hands every memory to `check` that a process which dies in it can leave.
void die_everywhere(Ring& ring, const std::function<void()>& operation,
                    const std::function<void(const Bytes&)>& check) {
    Bytes image = test::image_of(ring.fd());
    std::vector<Write> writes;
    {
        test::WriteLog log;
        operation();
        writes = std::move(log.writes);
    }
    for (const Write& write : writes) {
        for (const std::size_t cut : cuts(write.bytes.size())) {
            Bytes torn = image;
            write.apply(torn, cut);
            check(torn);
        }
        write.apply(image, write.bytes.size());
    }
    REQUIRE(image == test::image_of(ring.fd()));
}

/// After a death: what is there is one of `allowed`, nothing is lost, and the ring goes on from it.
void check_is_one_of(const Bytes& image, const std::vector<Model>& allowed) {
    auto recovered = Ring::recover(test::memfd_of(image), 256 * kib);
    REQUIRE(recovered);
    const auto found = std::ranges::find_if(allowed, [&](const Model& model) { return model.is_what(*recovered); });
    REQUIRE(found != allowed.end());
    Model model = *found;
    const Ring::Entry next = model.open ? close(model.open->stream, model.open->next_sequence) : frame({250}, 0);
    recovered->ring.push(next);
    model.push(next);
    Ring::Recovered again = test::recover_copy(recovered->ring);
    REQUIRE(model.is_what(again));
    REQUIRE(again.problems.empty());
}

struct Scene {
    Ring ring = test::small_ring(8 * kib);
    Model model;

    void push(const Ring::Entry& entry) {
        const Model before = model;
        model.push(entry);
        die_everywhere(
            ring, [&] { ring.push(entry); },
            [&](const Bytes& image) {
                check_is_one_of(image, {before, model});
            });
    }
    void acknowledge(std::size_t count) {
        const Model before = model;
        model.acknowledge(count);
        die_everywhere(
            ring, [&] { test::acknowledge_first(ring, before, count); },
            [&](const Bytes& image) {
                check_is_one_of(image, {before, model});
            });
    }
    /// Each stream goes whole or stays whole.
    void purge(const std::vector<wire::Id16>& streams) {
        std::vector<Model> allowed{model};
        for (const wire::Id16& stream : streams) {
            const std::size_t before = allowed.size();
            for (std::size_t i = 0; i < before; ++i) {
                allowed.push_back(allowed[i]);
                allowed.back().purge({stream});
            }
        }
        model.purge({streams.begin(), streams.end()});
        const auto goes = [&](const wire::Id16&, const wire::Id16& stream) {
            return std::ranges::find(streams, stream) != streams.end();
        };
        die_everywhere(
            ring, [&] { ring.purge(goes); }, [&](const Bytes& image) { check_is_one_of(image, allowed); });
    }
};

} // namespace

TEST_CASE("a process that dies anywhere in pushing leaves the frame whole or not at all") {
    Scene scene;
    scene.push(object({90}, 120));
    scene.push(frame({1}, 0, 340));
    scene.push(frame({1}, 1, 40));
    scene.push(close({1}, 2, 64));
    scene.push(frame({2}, 0, 1500));
}

TEST_CASE("a process that dies anywhere in taking an acknowledgement has taken it or not") {
    Scene scene;
    scene.push(frame({1}, 0, 340));
    scene.push(frame({1}, 1, 40));
    scene.push(object({90}, 120));
    scene.push(close({1}, 2, 64));
    scene.push(frame({2}, 0, 500));
    scene.acknowledge(1);
    scene.acknowledge(2);
    scene.acknowledge(2);
}

TEST_CASE("a process that dies where the ring goes around loses nothing") {
    Scene scene;
    std::uint32_t sequence = 0;
    for (int i = 0; i < 12; ++i) {
        scene.push(frame({1}, sequence++, 900));
        scene.push(frame({1}, sequence++, 77));
        if (i > 1) {
            scene.acknowledge(2);
        }
    }
}

TEST_CASE("a process that dies anywhere in a purge leaves each stream whole, or gone with all its frames") {
    Scene scene;
    scene.push(object({90}, 120));
    scene.push(frame({1}, 0, 340));
    scene.push(close({1}, 1, 64));
    scene.push(frame({2}, 0, 500));
    scene.push(close({2}, 1, 64));
    scene.push(frame({3}, 0, 500));
    scene.push(frame({3}, 1, 600));
    scene.purge({{1}, {3}});
    scene.push(frame({4}, 0, 80));
    scene.purge({{2}});
    scene.acknowledge(2);
}

TEST_CASE("a purge that a process died in is finished by the next one, byte by byte") {
    Ring ring = test::small_ring(8 * kib);
    ring.push(object({90}, 120));
    ring.push(frame({1}, 0, 340));
    ring.push(frame({1}, 1, 900));
    die_everywhere(
        ring, [&] { ring.purge([](const auto&, const auto&) { return true; }); },
        [](const Bytes& image) {
            auto recovered = Ring::recover(test::memfd_of(image), 256 * kib);
            REQUIRE(recovered);
            if (recovered->ring.frames() == 1) {
                const Bytes after = test::image_of(recovered->ring.fd());
                const Bytes gone = frame({1}, 1, 900).message;
                for (std::size_t at = 0; at + 16 <= gone.size(); at += 16) {
                    REQUIRE(std::search(after.begin(), after.end(), gone.begin() + static_cast<std::ptrdiff_t>(at),
                                        gone.begin() + static_cast<std::ptrdiff_t>(at + 16)) == after.end());
                }
            }
        });
}

TEST_CASE("a frame that the kernel has no memory for is not in the ring, and nothing of it is left there") {
    const std::size_t enough_for = GENERATE(0U, 1U, 2U);
    Ring ring = test::small_ring(8 * kib);
    Model model;
    model.push(frame({1}, 0, 340));
    ring.push(model.entries.back());
    const Bytes before = test::image_of(ring.fd());
    {
        test::WriteLog log;
        log.memory_for = enough_for;
        CHECK_THROWS_AS(ring.push(frame({1}, 1, 900)), std::system_error);
    }
    CHECK(test::image_of(ring.fd()) == before);
    model.push(close({1}, 1, 40));
    ring.push(model.entries.back());
    CHECK(ring.bytes() == 380);
    CHECK(test::messages_in(ring) == model.messages());
    Ring::Recovered recovered = test::recover_copy(ring);
    CHECK(model.is_what(recovered));
}
