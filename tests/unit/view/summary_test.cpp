// SPDX-License-Identifier: Apache-2.0
#include "view/summary.h"

#include "input/abstract_events.h"
#include "support/catch.h"
#include "unit/wire/stream_fixture.h"

#include <linux/input-event-codes.h>

#include <limits>

using namespace candor;
using candor::test::StreamFixture;

namespace {

constexpr std::int64_t midnight_s = 1'798'761'600; // 2027-01-01 00:00:00 UTC
constexpr std::uint64_t second_us = 1'000'000;

/// Adds up frames as StreamOpener would give them; the monotonic clock began 10 s before midnight_s.
class Sum {
public:
    explicit Sum(privacy::Level level = privacy::Level::full) {
        wire::Open open;
        open.level = level;
        open.anchor = {10'000'000'000, 10'000'000'000, midnight_s * 1'000'000'000};
        add(open);
    }

    template <typename Body> void add(const Body& body) { sum_.add({{0, body}, std::nullopt}); }
    void packet(std::uint64_t time_us, const std::vector<input::Event>& events, std::uint32_t device = 1) {
        wire::Batch batch;
        batch.packets.push({device, time_us, events});
        add(std::move(batch));
    }
    void add(wire::Batch batch) { sum_.add({{0, wire::SealedBatch{}}, std::move(batch)}); }
    /// Pressed, repeated that often, released.
    void key(std::uint16_t code, int repeats = 0) {
        packet(11 * second_us, {{EV_KEY, code, 1}, {EV_SYN, 0, 0}});
        for (; repeats > 0; --repeats) {
            packet(11 * second_us, {{EV_KEY, code, 2}, {EV_SYN, 0, 0}});
        }
        packet(11 * second_us, {{EV_KEY, code, 0}, {EV_SYN, 0, 0}});
    }

    [[nodiscard]] view::Summary summary() const { return sum_.summary(); }
    [[nodiscard]] view::Totals totals() const { return sum_.summary().totals; }
    [[nodiscard]] std::string keys() const { return sum_.summary().minutes.at(midnight_s).keys; }

private:
    view::Summarizer sum_;
};

} // namespace

TEST_CASE("a sealed stream is summed up as it was written") {
    const StreamFixture fixture;
    wire::StreamOpener opener(fixture.epoch_key());
    view::Summarizer sum;
    for (const auto& frame : fixture.stream()) {
        const auto item = opener.next(frame);
        REQUIRE(item.has_value());
        sum.add(*item);
    }
    const view::Summary summary = sum.summary();
    CHECK(summary.stream == opener.open()->stream);
    CHECK(summary.level == privacy::Level::full);
    REQUIRE(summary.devices.size() == 1);
    CHECK(summary.devices[0].name == "Test keyboard");
    CHECK(summary.totals.presses == 4);
    CHECK(summary.totals.text_keys == 4);
    CHECK(summary.totals.events == 24);
    CHECK(summary.gaps.at(wire::GapReason::ring_full) == view::GapTotals{1, 7, 0, 2});
    CHECK(summary.closed == wire::CloseReason::gate_closed);
}

TEST_CASE("times are the wall clock's, by the stream's latest anchor") {
    Sum sum;
    sum.packet(70 * second_us, {{EV_KEY, KEY_A, 1}});
    CHECK(sum.summary().from_us == midnight_s * 1'000'000);
    CHECK(sum.summary().to_us == (midnight_s + 60) * 1'000'000);
    // The wall clock was set an hour ahead.
    sum.add(ClockAnchor{71'000'000'000, 71'000'000'000, (midnight_s + 3661) * 1'000'000'000});
    sum.packet(72 * second_us, {{EV_KEY, KEY_B, 1}});
    CHECK(sum.summary().to_us == (midnight_s + 3662) * 1'000'000);
    const auto minutes = sum.summary().minutes;
    REQUIRE(minutes.size() == 2);
    CHECK(minutes.at(midnight_s + 60).keys == "a");
    CHECK(minutes.at(midnight_s + 3660).keys == "b");
    CHECK(minutes.at(midnight_s + 60).totals.presses == 1);
}

TEST_CASE("keys are shown in the order of their presses, as they will be shipped") {
    Sum sum;
    for (const int code : {KEY_LEFTSHIFT, KEY_H, KEY_I, KEY_SPACE, KEY_1, KEY_COMMA, KEY_APOSTROPHE}) {
        sum.key(static_cast<std::uint16_t>(code));
    }
    sum.key(KEY_BACKSPACE, 2);
    sum.key(KEY_ENTER);
    sum.key(KEY_L);
    sum.key(KEY_L);
    CHECK(sum.keys() == "<LEFTSHIFT>hi 1,'<BACKSPACE>*3<ENTER>ll");
    CHECK(sum.totals().presses == 11);
    CHECK(sum.totals().text_keys == 8);
}

TEST_CASE("a repeat whose press is not there is shown all the same") {
    Sum sum;
    sum.key(KEY_A);
    sum.packet(11 * second_us, {{EV_KEY, KEY_B, 2}});
    CHECK(sum.keys() == "ab");
    CHECK(sum.totals().presses == 1);
}

TEST_CASE("of keys that are kept by class it is shown how many, between those that are kept exactly") {
    Sum sum(privacy::Level::actions);
    namespace abstract = input::abstract;
    sum.packet(11 * second_us, {{abstract::key_press, 0, 2}});
    sum.packet(11 * second_us + 250'000, {{abstract::key_press, 0, 3}});
    sum.key(KEY_ENTER);
    sum.packet(12 * second_us, {{abstract::key_press, 1, 1}, {abstract::key_press, 6, 1}});
    CHECK(sum.keys() == "{5 text}<ENTER>{1 edit}{1 shortcut}");
    CHECK(sum.totals().presses == 8);
    CHECK(sum.totals().text_keys == 5);
}

TEST_CASE("buttons, fingers and pens are clicks, and no keys") {
    namespace abstract = input::abstract;
    Sum sum;
    sum.key(BTN_LEFT);
    sum.packet(11 * second_us, {{abstract::touch, abstract::touch_code::down, 0}});
    sum.packet(11 * second_us, {{abstract::tablet, abstract::tablet_code::tip, 1}});
    sum.packet(11 * second_us, {{abstract::tablet, abstract::tablet_code::tip, 0}});
    CHECK(sum.totals().clicks == 3);
    CHECK(sum.totals().presses == 0);
    CHECK(sum.keys().empty());
}

TEST_CASE("scrolling is counted in notches, and a wheel that tells it twice once") {
    namespace abstract = input::abstract;
    Sum sum;
    sum.packet(11 * second_us, {{EV_REL, REL_WHEEL, -2}, {EV_REL, REL_WHEEL_HI_RES, -240}});
    sum.packet(11 * second_us, {{EV_REL, REL_HWHEEL, 1}});
    sum.packet(11 * second_us, {{abstract::scroll, abstract::scroll_code::wheel_vertical, 60}});
    sum.packet(11 * second_us, {{abstract::scroll, abstract::scroll_code::finger_vertical, 15 * 128}});
    CHECK(sum.totals().scroll == 4);
}

TEST_CASE("the way is that of a mouse in its counts, or between positions") {
    namespace abstract = input::abstract;
    Sum sum;
    sum.packet(11 * second_us, {{EV_REL, REL_X, -3}, {EV_REL, REL_Y, 4}});
    CHECK(sum.totals().distance == 7);
    sum.packet(11 * second_us, {{abstract::pointer, abstract::pointer_code::dx, 512}});
    CHECK(sum.totals().distance == 9);
    sum.packet(11 * second_us, {{abstract::pointer, abstract::pointer_code::x, 32'000}});
    CHECK(sum.totals().distance == 9);
    sum.packet(11 * second_us, {{abstract::pointer, abstract::pointer_code::x, 32'064}});
    CHECK(sum.totals().distance == 11);
    // Another finger begins elsewhere; the first one's way is no longer followed.
    sum.packet(11 * second_us, {{abstract::touch, 0, 0}, {abstract::touch, 4, 0}, {abstract::touch, 5, 0}});
    sum.packet(11 * second_us, {{abstract::touch, 0, 1}, {abstract::touch, 4, 65'535}, {abstract::touch, 5, 0}});
    sum.packet(11 * second_us, {{abstract::touch, 3, 0}, {abstract::touch, 4, 640}});
    CHECK(sum.totals().distance == 11);
    sum.packet(11 * second_us, {{abstract::touch, 3, 1}, {abstract::touch, 4, 65'535 - 32}});
    CHECK(sum.totals().distance == 12);
}

TEST_CASE("levels that keep counts or bursts are summed up from those") {
    namespace abstract = input::abstract;
    Sum counts(privacy::Level::counts);
    counts.packet(
        60 * second_us,
        {{abstract::count, 0, 64}, {abstract::count, 1, 8}, {abstract::count, 2, 4}, {abstract::count, 3, 1024}});
    CHECK(counts.totals() == view::Totals{.presses = 64, .clicks = 8, .scroll = 4, .distance = 1024, .events = 4});
    Sum bursts(privacy::Level::activity);
    bursts.packet(11 * second_us, {{abstract::burst, abstract::burst_code::typing_begin, 1}});
    bursts.packet(12 * second_us, {{abstract::burst, abstract::burst_code::pointing_begin, 1}});
    bursts.packet(14 * second_us, {{abstract::burst, abstract::burst_code::typing_end, 1}});
    bursts.packet(17 * second_us, {{abstract::burst, abstract::burst_code::pointing_end, 1}});
    // An end without a beginning, which another stream has.
    bursts.packet(18 * second_us, {{abstract::burst, abstract::burst_code::typing_end, 1}});
    CHECK(bursts.totals().typing_us == 3 * second_us);
    CHECK(bursts.totals().pointing_us == 5 * second_us);
}

TEST_CASE("holes are summed up by their reason, counted or not") {
    Sum sum;
    sum.add(wire::Gap{wire::GapReason::locked, 10 * second_us, 12 * second_us, std::nullopt});
    sum.add(wire::Gap{wire::GapReason::locked, 20 * second_us, 21 * second_us, std::nullopt});
    sum.add(wire::Gap{wire::GapReason::quarantine_full, 30 * second_us, 31 * second_us, 5});
    const auto gaps = sum.summary().gaps;
    REQUIRE(gaps.size() == 2);
    CHECK(gaps.at(wire::GapReason::locked) == view::GapTotals{2, 0, 2, 3});
    CHECK(gaps.at(wire::GapReason::quarantine_full) == view::GapTotals{1, 5, 0, 1});
    CHECK(sum.summary().to_us == (midnight_s + 21) * 1'000'000);
    CHECK_FALSE(sum.summary().closed.has_value());
}

TEST_CASE("numbers that no clock and no device gives are taken as they are, within bounds") {
    Sum sum;
    sum.add(ClockAnchor{0, 0, std::numeric_limits<std::int64_t>::max()});
    sum.packet(std::numeric_limits<std::uint64_t>::max(), {{EV_REL, REL_X, std::numeric_limits<std::int32_t>::min()},
                                                           {0x47, 0xffff, std::numeric_limits<std::int32_t>::min()},
                                                           {0x45, 0xffff, 1},
                                                           {0xffff, 1, 1}});
    CHECK(sum.totals().distance == std::uint64_t{1} << 31);
    CHECK(sum.summary().minutes.rbegin()->second.keys == "{1 unknown}");
    view::Timeline timeline;
    timeline.see(
        {0, ClockAnchor{std::numeric_limits<std::uint64_t>::max(), 0, std::numeric_limits<std::int64_t>::min()}});
    CHECK(timeline.realtime_us(0) < 0);
}
