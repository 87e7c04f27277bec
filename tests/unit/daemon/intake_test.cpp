// SPDX-License-Identifier: Apache-2.0
#include "daemon/intake.h"

#include "unit/daemon/recorder_fixture.h"

#include <linux/input-event-codes.h>

using namespace candor;
using namespace candor::test;
using privacy::Level;

namespace {

std::uint64_t time_us = 0;
constexpr std::uint64_t second = 1'000'000;

/// An intake before a recorder, on a clock that the test sets, with a keyboard (1) and a mouse (2).
class IntakeFixture : public RecorderFixture {
public:
    explicit IntakeFixture(Level level, std::size_t bound = 1024 * 1024)
        : RecorderFixture(8 * 1024 * 1024),
          intake(
              loop, recorder, {[this] { ++panics; }, [this] { ++lights; }}, [] { return time_us; }, bound) {
        time_us = 100 * second;
        begin();
        daemon::Intake::Rules rules;
        rules.level = level;
        rules.batch_interval = std::chrono::seconds(60);
        rules.panic_keys = {KEY_LEFTSHIFT, KEY_RIGHTSHIFT, KEY_ESC};
        rules.panic_hold = std::chrono::seconds(0);
        intake.begin(rules);
        for (const std::uint32_t device : {1u, 2u}) {
            input::DeviceInfo info;
            info.index = device;
            info.name = "Test device";
            intake.on_device(info);
        }
    }

    void feed(std::uint32_t device, std::vector<input::Event> events) {
        events.push_back({EV_SYN, SYN_REPORT, 0});
        intake.on_packet({device, time_us, events});
    }
    void key(std::uint16_t code, std::int32_t value = 1) { feed(1, {{EV_MSC, MSC_SCAN, code}, {EV_KEY, code, value}}); }
    void move(std::int32_t dx) { feed(2, {{EV_REL, REL_X, dx}}); }

    void end(wire::GapReason reason) {
        intake.end(reason);
        finish();
    }
    void finish() {
        recorder.end(wire::CloseReason::gate_closed);
        take();
    }
    /// Times of the packets that were recorded, in seconds after the beginning.
    [[nodiscard]] std::vector<double> times() const {
        std::vector<double> all;
        for (const Row& row : packets()) {
            all.push_back(static_cast<double>(std::get<1>(row) - 100 * second) / second);
        }
        return all;
    }
    [[nodiscard]] std::vector<wire::Gap> gaps() const {
        std::vector<wire::Gap> all;
        for (const OpenedStream& stream : streams) {
            all.insert(all.end(), stream.gaps.begin(), stream.gaps.end());
        }
        return all;
    }

    daemon::Intake intake;
    int panics = 0;
    int lights = 0;
};

void at(double seconds) { time_us = 100 * second + static_cast<std::uint64_t>(seconds * second); }

} // namespace

TEST_CASE("what has waited its time is recorded, what has not is thrown away and declared without a number") {
    IntakeFixture f(Level::actions);
    f.move(1);
    at(1);
    f.move(2);
    at(2.5);
    f.move(3);
    at(3.2);
    f.end(wire::GapReason::inhibited);
    CHECK(f.times() == std::vector<double>{0, 1});
    const auto gaps = f.gaps();
    REQUIRE(gaps.size() == 1);
    CHECK(gaps[0].reason == wire::GapReason::inhibited);
    CHECK_FALSE(gaps[0].events.has_value());
    CHECK(gaps[0].from_us == 102 * second);
    CHECK(gaps[0].to_us == 104 * second);
    // Nor can it be told from the counters.
    CHECK(f.recorder.counters().events_produced == 4);
}

TEST_CASE("nothing is handed on before it has waited, however often it is asked for") {
    IntakeFixture f(Level::actions);
    f.move(1);
    at(1.999);
    f.intake.hand_on();
    CHECK(f.recorder.counters().events_produced == 0);
    at(2.001);
    f.intake.hand_on();
    CHECK(f.recorder.counters().events_stored == 2);
    f.end(wire::GapReason::quarantined);
    CHECK(f.gaps().empty());
}

TEST_CASE("forgetting throws away what has waited too, unless it is sealed already") {
    IntakeFixture f(Level::actions);
    f.move(1);
    at(3);
    f.intake.hand_on();
    f.move(2);
    at(9);
    f.intake.end_and_forget(wire::GapReason::withdrawn);
    f.finish();
    CHECK(f.times() == std::vector<double>{0});
    REQUIRE(f.gaps().size() == 1);
    CHECK(f.gaps()[0].reason == wire::GapReason::withdrawn);
}

TEST_CASE("below full no code of a text key is recorded, and the stream says its level") {
    for (const Level level : {Level::counts, Level::activity, Level::rhythm, Level::actions}) {
        IntakeFixture f(level);
        f.key(KEY_A);
        f.key(KEY_A, 0);
        at(120);
        f.intake.hand_on();
        f.end(wire::GapReason::quarantined);
        REQUIRE(f.streams.size() == 1);
        CHECK(f.streams[0].open.level == level);
        CHECK_FALSE(f.packets().empty());
        for (const Row& row : f.packets()) {
            for (const input::Event& event : std::get<2>(row)) {
                CHECK(event.type != EV_KEY);
                CHECK(event.type != EV_MSC);
            }
        }
    }
}

TEST_CASE("full is actions where nobody vouches, full between two vouchings, and each in streams of its own") {
    IntakeFixture f(Level::full);
    f.key(KEY_A);
    at(1);
    f.intake.vouch();
    at(1.5);
    f.key(KEY_B);
    at(2);
    f.intake.vouch();
    at(2.5);
    f.key(KEY_C); // nobody vouches after it
    at(9);
    f.intake.hand_on();
    f.end(wire::GapReason::quarantined);
    std::vector<std::pair<Level, std::vector<std::uint16_t>>> seen;
    for (const OpenedStream& stream : f.streams) {
        auto& [level, codes] = seen.emplace_back(stream.open.level, std::vector<std::uint16_t>{});
        for (const Row& row : stream.packets) {
            for (const input::Event& event : std::get<2>(row)) {
                if (event.type == EV_KEY) {
                    codes.push_back(event.code);
                }
            }
        }
    }
    REQUIRE(seen.size() == 3);
    CHECK(seen[0] == std::pair(Level::actions, std::vector<std::uint16_t>{}));
    CHECK(seen[1] == std::pair(Level::full, std::vector<std::uint16_t>{KEY_B}));
    CHECK(seen[2] == std::pair(Level::actions, std::vector<std::uint16_t>{}));
}

TEST_CASE("doubt takes back what was vouched for of everything that still waits") {
    IntakeFixture f(Level::full);
    f.intake.vouch();
    f.key(KEY_A);
    at(3);
    f.key(KEY_B);
    f.intake.vouch();
    at(4);
    f.intake.vouch();
    f.intake.doubt();
    at(9);
    f.intake.hand_on();
    f.end(wire::GapReason::quarantined);
    REQUIRE(f.streams.size() == 2);
    CHECK(f.streams[0].open.level == Level::full);
    CHECK(f.streams[1].open.level == Level::actions);
}

TEST_CASE("the chord is heard before anything waits") {
    IntakeFixture f(Level::counts);
    f.key(KEY_LEFTSHIFT);
    f.key(KEY_RIGHTSHIFT);
    f.key(KEY_ESC);
    f.loop.run_once(std::chrono::seconds(60));
    CHECK(f.panics == 1);
    f.end(wire::GapReason::paused);
}

TEST_CASE("a change of the light is told, and never recorded") {
    IntakeFixture f(Level::full);
    f.intake.vouch();
    f.feed(1, {{EV_LED, LED_SCROLLL, 0}});
    CHECK(f.lights == 1);
    at(1);
    f.intake.vouch();
    at(9);
    f.intake.hand_on();
    f.end(wire::GapReason::quarantined);
    CHECK(f.packets().empty());
}

TEST_CASE("what finds the quarantine full is refused, counted and declared, and nothing leaves early for it") {
    IntakeFixture f(Level::actions, 64 * 1024);
    std::uint64_t fed = 0;
    for (int i = 0; i < 10'000; ++i) {
        f.move(1);
        fed += 2;
    }
    CHECK(f.recorder.counters().events_stored == 0);
    at(5);
    f.intake.hand_on();
    f.end(wire::GapReason::quarantined);
    std::uint64_t refused = 0;
    for (const wire::Gap& gap : f.gaps()) {
        REQUIRE(gap.reason == wire::GapReason::quarantine_full);
        refused += gap.events.value_or(0);
    }
    CHECK(refused > 0);
    CHECK(f.recorder.counters().events_stored + refused == fed);
}

TEST_CASE("a hole keeps its place behind what came before it") {
    IntakeFixture f(Level::actions);
    f.move(1);
    f.intake.on_hole({2, input::HoleReason::dropped_by_kernel, 100 * second, 100 * second, {}});
    CHECK(f.recorder.counters().gaps == 0);
    at(5);
    f.intake.hand_on();
    f.end(wire::GapReason::quarantined);
    REQUIRE(f.gaps().size() == 1);
    CHECK(f.gaps()[0].reason == wire::GapReason::dropped_by_kernel);
}

TEST_CASE("a device that goes while the quarantine is full is forgotten only behind what it sent before") {
    IntakeFixture f(Level::actions, 64 * 1024);
    for (int i = 0; i < 10'000; ++i) {
        f.move(1);
    }
    f.intake.on_hole({2, input::HoleReason::device_gone, time_us, time_us, {}});
    at(5);
    f.intake.hand_on();
    f.end(wire::GapReason::quarantined);
    CHECK_FALSE(f.packets().empty());
    const auto gaps = f.gaps();
    CHECK(std::ranges::count(gaps, wire::GapReason::device_gone, &wire::Gap::reason) == 1);
    CHECK(std::ranges::count(gaps, wire::GapReason::quarantine_full, &wire::Gap::reason) == 1);
}

TEST_CASE("a device that goes while the quarantine is full is told of also when recording ends at once") {
    IntakeFixture f(Level::actions, 64 * 1024);
    for (int i = 0; i < 10'000; ++i) {
        f.move(1);
    }
    f.intake.on_hole({2, input::HoleReason::device_gone, time_us, time_us, {}});
    f.end(wire::GapReason::paused);
    CHECK(f.packets().empty());
    CHECK(std::ranges::count(f.gaps(), wire::GapReason::device_gone, &wire::Gap::reason) == 1);
}

TEST_CASE("forgetting throws away what the level holds back, and declares it") {
    for (const Level level : {Level::counts, Level::activity, Level::actions}) {
        IntakeFixture f(level);
        f.key(KEY_A);
        at(2.1);
        f.intake.hand_on();
        f.intake.end_and_forget(wire::GapReason::withdrawn);
        f.finish();
        INFO(privacy::level_name(level));
        CHECK(f.packets().empty());
        const auto gaps = f.gaps();
        REQUIRE(gaps.size() == 1);
        CHECK(gaps[0].reason == wire::GapReason::withdrawn);
        CHECK(gaps[0].from_us <= 100 * second);
        CHECK_FALSE(gaps[0].events.has_value());
    }
}
