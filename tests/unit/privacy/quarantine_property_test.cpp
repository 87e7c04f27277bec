// SPDX-License-Identifier: Apache-2.0
#include "quarantine_fixture.h"

#include <algorithm>
#include <deque>
#include <limits>
#include <random>

using namespace candor;
using namespace candor::test;
using privacy::Quarantine;

namespace {

/// What a quarantine is meant to do, in as few words as there are.
class Model {
public:
    struct Entry {
        std::uint64_t time_us;
        std::size_t bytes;
        std::uint64_t events;
        bool is_hole;
        std::string text;
    };

    explicit Model(std::size_t bound) : bound_(bound) {}

    bool push(Entry entry) {
        if (bytes() + entry.bytes > bound_) {
            return false;
        }
        waiting_.push_back(std::move(entry));
        return true;
    }
    Lines release(std::uint64_t before_us) {
        Lines lines;
        while (!waiting_.empty() && waiting_.front().time_us < before_us) {
            lines.push_back(waiting_.front().text);
            waiting_.pop_front();
        }
        return lines;
    }
    /// What is given of it, and what is not.
    std::pair<Lines, std::deque<Entry>> discard() {
        Lines lines;
        std::deque<Entry> packets;
        for (Entry& entry : waiting_) {
            if (entry.is_hole) {
                lines.push_back(entry.text);
            } else {
                packets.push_back(std::move(entry));
            }
        }
        waiting_.clear();
        return {std::move(lines), std::move(packets)};
    }

    [[nodiscard]] const std::deque<Entry>& waiting() const { return waiting_; }
    [[nodiscard]] std::size_t bytes() const {
        std::size_t sum = 0;
        for (const Entry& entry : waiting_) {
            sum += entry.bytes;
        }
        return sum;
    }
    [[nodiscard]] std::uint64_t events() const {
        std::uint64_t sum = 0;
        for (const Entry& entry : waiting_) {
            sum += entry.events;
        }
        return sum;
    }

private:
    std::size_t bound_;
    std::deque<Entry> waiting_;
};

class Life {
public:
    Life(std::uint64_t seed, std::size_t bound) : random_(seed), quarantine_(bound), model_(bound) {}

    void live(int steps) {
        for (int i = 0; i < steps; ++i) {
            step();
            REQUIRE(quarantine_.empty() == model_.waiting().empty());
            REQUIRE(quarantine_.bytes() == model_.bytes());
            REQUIRE(quarantine_.events() == model_.events());
            REQUIRE(quarantine_.oldest_us() ==
                    (model_.waiting().empty() ? std::nullopt : std::optional(model_.waiting().front().time_us)));
        }
        release(std::numeric_limits<std::uint64_t>::max());
        REQUIRE(quarantine_.empty());
    }

    [[nodiscard]] std::size_t refused() const { return refused_; }

private:
    std::uint32_t below(std::uint32_t limit) { return static_cast<std::uint32_t>(random_() % limit); }

    void step() {
        now_ += below(2000);
        switch (below(40)) {
        case 0:
            discard();
            break;
        case 1:
        case 2:
        case 3:
            release(now_ - std::min<std::uint64_t>(now_, below(50'000)));
            break;
        case 4:
        case 5:
            push_hole();
            break;
        default:
            push_packet();
        }
    }

    /// Devices are read one after another: their times run into each other.
    std::uint64_t some_time() { return now_ - std::min<std::uint64_t>(now_, below(3000)); }

    void push_packet() {
        std::vector<input::Event> events(below(20) == 0 ? below(1025) : below(8));
        for (input::Event& event : events) {
            event = {static_cast<std::uint16_t>(random_()), static_cast<std::uint16_t>(random_()),
                     static_cast<std::int32_t>(random_())};
        }
        const input::Packet packet = {below(5), some_time(), events};
        expect(quarantine_.push(packet), model_.push({packet.time_us, head_bytes + events.size() * event_bytes,
                                                      events.size(), false, Given::text_of(packet)}));
    }

    void push_hole() {
        input::Hole hole{below(5), static_cast<input::HoleReason>(below(3)), below(1000), some_time(), std::nullopt};
        if (below(2) == 0) {
            hole.events = random_();
        }
        expect(quarantine_.push(hole), model_.push({hole.to_us, hole_bytes, 0, true, Given::text_of(hole)}));
    }

    void expect(bool taken, bool should) {
        REQUIRE(taken == should);
        refused_ += taken ? 0 : 1;
    }

    void release(std::uint64_t before_us) {
        Given given;
        quarantine_.release(before_us, given);
        REQUIRE(given.lines == model_.release(before_us));
    }

    void discard() {
        Given holes;
        const auto discarded = quarantine_.discard(holes);
        const auto [lines, packets] = model_.discard();
        REQUIRE(holes.lines == lines);
        REQUIRE(discarded.has_value() == !packets.empty());
        if (!discarded) {
            return;
        }
        const auto by_time = [](const auto& a, const auto& b) { return a.time_us < b.time_us; };
        std::uint64_t events = 0;
        for (const auto& packet : packets) {
            events += packet.events;
        }
        REQUIRE(discarded->from_us == std::min_element(packets.begin(), packets.end(), by_time)->time_us);
        REQUIRE(discarded->to_us == std::max_element(packets.begin(), packets.end(), by_time)->time_us);
        REQUIRE(discarded->events == events);
    }

    std::mt19937_64 random_;
    Quarantine quarantine_;
    Model model_;
    std::uint64_t now_ = 0;
    std::size_t refused_ = 0;
};

} // namespace

TEST_CASE("whatever is pushed, released and discarded, a quarantine does what a plain queue would") {
    const auto seed = GENERATE(range(0u, 30u));
    Life life(seed, 1024 * 1024);
    life.live(2000);
    CHECK(life.refused() == 0);
}

TEST_CASE("a quarantine of little room refuses exactly what does not fit, and loses nothing else") {
    const auto seed = GENERATE(range(0u, 30u));
    Life life(seed, 3000);
    life.live(2000);
    CHECK(life.refused() > 0);
}
