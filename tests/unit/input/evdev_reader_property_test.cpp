// SPDX-License-Identifier: Apache-2.0
#include "support/catch.h"
#include "unit/input/input_fixture.h"

#include <map>
#include <random>

// Every event of a random device is numbered by its value and stamped with a time of its own, so that it can be told
// where it went: into one packet, or into the time of a hole.
using namespace candor;
using namespace candor::test;
using State = input::EvdevReader::State;

namespace {

/// What a resync tells. It is none of the events that were fed: those are never keys.
constexpr input::Event state_change = key(KEY_F13, 1);

class RandomDevice {
public:
    explicit RandomDevice(unsigned seed) : random_(seed) {}

    std::vector<input_event> next() {
        std::vector<input_event> events;
        const std::size_t packets = 1 + below(20);
        for (std::size_t i = 0; i < packets; ++i) {
            const std::uint32_t length = below(150) == 0 ? 900 + below(300) : below(6);
            const std::uint32_t drop = below(50) == 0 ? below(length + 1) : length;
            for (std::uint32_t k = 0; k < length; ++k) {
                events = std::move(events) + numbered(k == drop ? dropped : rel(REL_X, 0));
            }
            events = std::move(events) + numbered(syn);
        }
        if (below(2) == 0) {
            events = std::move(events) + numbered(rel(REL_Y, 0));
        }
        return events;
    }

    std::vector<input_event> garbage() { return numbered({0x30, 0, 0}); }
    std::uint32_t below(std::uint32_t limit) { return static_cast<std::uint32_t>(random_() % limit); }
    [[nodiscard]] std::uint64_t last_time() const { return time_of(last_); }
    [[nodiscard]] std::int32_t fed() const { return last_; }
    static std::uint64_t time_of(std::int32_t number) { return 1000 + static_cast<std::uint64_t>(number) * 10; }

private:
    std::vector<input_event> numbered(input::Event event) {
        event.value = ++last_;
        return at(time_of(last_), {event});
    }

    std::mt19937 random_;
    std::int32_t last_ = 0;
};

/// Keeps what it is told, and refuses what breaks the order.
struct Ledger final : input::ReaderSink {
    void on_packet(const input::Packet& packet) override {
        ordered = ordered && packet.time_us >= last_us;
        last_us = packet.time_us;
        whole = whole && packet.events.back().type == EV_SYN && packet.events.back().code == SYN_REPORT;
        const bool of_state = packet.events.front() == state_change;
        for (const input::Event& event : packet.events) {
            if (!of_state) {
                ++told[event.value];
                ordered = ordered && event.value > last_number;
                last_number = event.value;
            }
        }
        states += of_state ? 1 : 0;
    }
    void on_hole(const input::Hole& hole) override {
        ordered = ordered && hole.from_us >= last_us && hole.to_us >= hole.from_us;
        last_us = hole.to_us;
        holes.push_back(hole);
        drops += hole.reason == input::HoleReason::dropped_by_kernel ? 1 : 0;
    }
    [[nodiscard]] bool covered(std::uint64_t time) const {
        return std::any_of(holes.begin(), holes.end(),
                           [&](const input::Hole& hole) { return hole.from_us <= time && time <= hole.to_us; });
    }

    std::map<std::int32_t, int> told;
    std::vector<input::Hole> holes;
    int drops = 0;
    int states = 0;
    bool ordered = true;
    bool whole = true;
    std::uint64_t last_us = 0;
    std::int32_t last_number = 0;
};

/// A device's life; how it ends is up to the seed.
struct Life {
    explicit Life(unsigned seed) : device(seed) {
        now_us = 1000;
        script.state_changes = {state_change};
        input::EvdevReader reader(1, std::make_unique<ScriptedSource>(script), ledger, [] { return now_us; });
        for (int turn = 0; turn < 60; ++turn) {
            auto queued = device.next();
            now_us = device.last_time();
            while (!queued.empty()) { // cut as read(2) may cut it
                const auto size = std::min<std::size_t>(queued.size(), 1 + device.below(300));
                const auto end = queued.begin() + static_cast<std::ptrdiff_t>(size);
                script.reads.push_back({{queued.begin(), end}, 0});
                queued.erase(queued.begin(), end);
            }
            while (!script.reads.empty()) {
                state = reader.drain();
            }
        }
        switch (device.below(4)) {
        case 0:
            script.reads.push_back({{}, ENODEV});
            break;
        case 1:
            script.reads.push_back({{}, EIO});
            break;
        case 2:
            script.reads.push_back({device.garbage(), 0});
            break;
        default:
            script.reads.push_back({at(device.last_time(), {}), EAGAIN});
            break;
        }
        now_us = device.last_time() + 5;
        state = reader.drain();
        if (state == State::open) {
            reader.lose();
        }
    }

    RandomDevice device;
    Script script;
    Ledger ledger;
    State state = State::open;
};

} // namespace

TEST_CASE("every event of a random device is in one packet, in order, or in the time of a hole") {
    const unsigned seed = GENERATE(range(1u, 200u));
    CAPTURE(seed);
    const Life life(seed);
    std::int32_t lost_track_of = 0;
    std::int32_t told_twice = 0;
    for (std::int32_t number = 1; number <= life.device.fed(); ++number) {
        const auto told = life.ledger.told.find(number);
        if (told != life.ledger.told.end()) {
            told_twice += told->second > 1 ? 1 : 0;
        } else if (!life.ledger.covered(RandomDevice::time_of(number))) {
            ++lost_track_of;
        }
    }
    CHECK(lost_track_of == 0);
    CHECK(told_twice == 0);
    CHECK(life.ledger.ordered);
    CHECK(life.ledger.whole);
}

TEST_CASE("each resync of a random device is one hole and one packet of its true state") {
    const unsigned seed = GENERATE(range(200u, 300u));
    CAPTURE(seed);
    const Life life(seed);
    CHECK(life.ledger.states == life.ledger.drops);
    CHECK(life.ledger.drops == life.script.resyncs);
}

TEST_CASE("the random devices are worth the name: their events are told, dropped and damaged") {
    std::size_t told = 0;
    std::size_t drops = 0;
    std::size_t damaged = 0;
    std::size_t ends = 0;
    for (unsigned seed = 1; seed < 50; ++seed) {
        const Life life(seed);
        told += life.ledger.told.size();
        for (const input::Hole& hole : life.ledger.holes) {
            drops += hole.reason == input::HoleReason::dropped_by_kernel ? 1 : 0;
            damaged += hole.reason == input::HoleReason::damaged ? 1 : 0;
            ends += hole.reason == input::HoleReason::device_gone ? 1 : 0;
        }
    }
    CHECK(told > 10'000);
    CHECK(drops > 100);
    CHECK(damaged > 20);
    CHECK(ends == 49);
}
