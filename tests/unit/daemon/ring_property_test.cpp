// SPDX-License-Identifier: Apache-2.0
#include "ring_fixture.h"

#include <random>

using namespace candor;
using daemon::Ring;
using test::kib;
using test::Model;

namespace {

/// A ring and its model, driven at random the way candord drives it.
class Pair {
public:
    Pair(std::uint32_t seed, std::uint64_t area) : random_(seed), ring_(test::small_ring(area)) {}

    void step() {
        switch (below(10)) {
        case 0:
        case 1:
        case 2:
        case 3:
            push_frame();
            break;
        case 4:
            push({{static_cast<std::uint8_t>(100 + below(100))}, {}, 0, Ring::Kind::object, message(), {}});
            break;
        case 5:
        case 6:
            acknowledge();
            break;
        case 7:
            if (below(4) == 0) {
                purge();
            }
            break;
        default:
            if (below(3) == 0) {
                recover();
            }
        }
    }
    void compare() {
        REQUIRE(ring_.frames() == model_.entries.size());
        std::size_t bytes = 0;
        for (const Ring::Entry& entry : model_.entries) {
            bytes += entry.message.size();
        }
        REQUIRE(ring_.bytes() == bytes);
        REQUIRE(test::messages_in(ring_) == model_.messages());
    }
    void recover() {
        auto recovered = Ring::recover(UniqueFd(::dup(ring_.fd())), 256 * kib);
        REQUIRE(recovered);
        REQUIRE(recovered->problems == std::vector<std::string>{});
        REQUIRE(model_.is_what(*recovered));
        ring_ = std::move(recovered->ring);
    }
    [[nodiscard]] std::size_t refused() const noexcept { return refused_; }
    [[nodiscard]] std::size_t pushed() const noexcept { return pushed_; }

private:
    std::size_t below(std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(random_); }

    std::vector<std::uint8_t> message() {
        std::vector<std::uint8_t> bytes(below(8) == 0 ? below(3000) : below(200));
        std::ranges::generate(bytes, [&] { return static_cast<std::uint8_t>(random_()); });
        return bytes;
    }
    void push_frame() {
        const bool opens = !model_.open;
        if (opens) {
            ++stream_;
        }
        const wire::Id16 stream{static_cast<std::uint8_t>(stream_), static_cast<std::uint8_t>(stream_ >> 8), 1};
        const std::uint32_t sequence = opens ? 0 : model_.open->next_sequence;
        Ring::Entry entry =
            test::frame(stream, sequence, 0, !opens && below(5) == 0 ? Ring::Kind::close : Ring::Kind::frame);
        entry.message = message();
        push(entry);
    }
    void push(const Ring::Entry& entry) {
        try {
            ring_.push(entry);
        } catch (const std::system_error&) {
            ++refused_; // the area is full: then it is as if it had not been tried
            return;
        }
        ++pushed_;
        model_.push(entry);
    }
    void acknowledge() {
        if (model_.entries.empty()) {
            return;
        }
        const std::size_t count = 1 + below(model_.entries.size());
        // Objects may come twice under one name: the first is meant.
        const Ring::Entry& last = model_.entries[count - 1];
        const auto first = std::ranges::find_if(model_.entries, [&](const Ring::Entry& entry) {
            return entry.stream == last.stream && entry.sequence == last.sequence;
        });
        const auto meant = static_cast<std::size_t>(first - model_.entries.begin()) + 1;
        test::acknowledge_first(ring_, model_, count);
        model_.acknowledge(meant);
    }
    void purge() {
        std::set<wire::Id16> streams;
        ring_.purge([&](const wire::Id16&, const wire::Id16& stream) {
            const bool goes = below(2) == 0;
            if (goes) {
                streams.insert(stream);
            }
            return goes;
        });
        model_.purge(streams);
    }

    std::mt19937 random_;
    Ring ring_;
    Model model_;
    std::uint32_t stream_ = 0;
    std::size_t refused_ = 0;
    std::size_t pushed_ = 0;
};

} // namespace

TEST_CASE("whatever is pushed, acknowledged, purged and recovered, the ring holds what the plainest one holds") {
    const auto seed = static_cast<std::uint32_t>(GENERATE(range(1, 9)));
    Pair pair(seed, 5 * kib);
    for (int i = 0; i < 1500; ++i) {
        pair.step();
        pair.compare();
    }
    pair.recover();
    CHECK(pair.pushed() > 300);
    CHECK(pair.refused() > 0);
}

TEST_CASE("the same holds where the area is never full") {
    Pair pair(77, std::uint64_t{1} << 40);
    for (int i = 0; i < 1500; ++i) {
        pair.step();
        pair.compare();
    }
    pair.recover();
    CHECK(pair.refused() == 0);
}
