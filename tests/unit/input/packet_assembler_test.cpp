// SPDX-License-Identifier: Apache-2.0
#include "input/packet_assembler.h"

#include "support/catch.h"
#include "unit/input/input_fixture.h"

#include <utility>

using namespace candor;
using namespace candor::test;
using input::Event;
using input::PacketAssembler;
using Result = PacketAssembler::Result;

namespace {

/// Feeds all; the last one's result. None before it may say more than "incomplete".
Result feed(PacketAssembler& assembler, const std::vector<Event>& events) {
    Result result = Result::incomplete;
    for (const Event& event : events) {
        REQUIRE(result == Result::incomplete);
        result = assembler.feed(event);
    }
    return result;
}

std::vector<Event> packet(const PacketAssembler& assembler) {
    return {assembler.packet().begin(), assembler.packet().end()};
}

/// `count` events, the SYN_REPORT among them.
std::vector<Event> packet_of(std::size_t count) {
    std::vector<Event> events(count - 1, rel(REL_X, 1));
    events.push_back(syn);
    return events;
}

} // namespace

TEST_CASE("a packet ends in its SYN_REPORT, which is part of it") {
    PacketAssembler assembler;
    const std::vector<Event> events = {{EV_MSC, MSC_SCAN, 0x70004}, key(KEY_A, 1), syn};
    REQUIRE(feed(assembler, events) == Result::packet);
    CHECK(packet(assembler) == events);
}

TEST_CASE("a SYN_REPORT alone is a packet of one event") {
    PacketAssembler assembler;
    REQUIRE(assembler.feed(syn) == Result::packet);
    CHECK(packet(assembler) == std::vector{syn});
}

TEST_CASE("a packet holds nothing of the one before it") {
    PacketAssembler assembler;
    REQUIRE(feed(assembler, {key(KEY_A, 1), syn}) == Result::packet);
    REQUIRE(feed(assembler, {key(KEY_A, 0), syn}) == Result::packet);
    CHECK(packet(assembler) == std::vector{key(KEY_A, 0), syn});
}

TEST_CASE("SYN events that end no packet stay inside it") {
    PacketAssembler assembler;
    const std::vector<Event> events = {{EV_SYN, SYN_MT_REPORT, 0}, {EV_SYN, SYN_CONFIG, 0}, syn};
    REQUIRE(feed(assembler, events) == Result::packet);
    CHECK(packet(assembler) == events);
}

TEST_CASE("a SYN_DROPPED spoils its packet, wherever in it it stands") {
    PacketAssembler assembler;
    const auto events = GENERATE(std::vector<Event>{dropped, syn}, std::vector<Event>{dropped, key(KEY_A, 1), syn},
                                 std::vector<Event>{key(KEY_A, 1), dropped, syn},
                                 std::vector<Event>{key(KEY_A, 1), dropped, key(KEY_B, 1), syn},
                                 std::vector<Event>{dropped, key(KEY_A, 1), dropped, syn});
    REQUIRE(feed(assembler, events) == Result::resync);
    CHECK(assembler.packet().empty());
}

TEST_CASE("the packet after a spoilt one is whole again") {
    PacketAssembler assembler;
    REQUIRE(feed(assembler, {key(KEY_A, 1), dropped, key(KEY_B, 1), syn}) == Result::resync);
    REQUIRE(feed(assembler, {key(KEY_C, 1), syn}) == Result::packet);
    CHECK(packet(assembler) == std::vector{key(KEY_C, 1), syn});
}

TEST_CASE("a packet of as many events as a stream can hold is whole") {
    PacketAssembler assembler;
    REQUIRE(feed(assembler, packet_of(PacketAssembler::max_events)) == Result::packet);
    CHECK(assembler.packet().size() == PacketAssembler::max_events);
}

TEST_CASE("a longer packet is damaged, and says how many events went with it") {
    PacketAssembler assembler;
    const std::size_t more = GENERATE(1u, 2u, 1000u);
    REQUIRE(feed(assembler, packet_of(PacketAssembler::max_events + more)) == Result::damaged);
    CHECK(assembler.lost() == PacketAssembler::max_events + more);
    CHECK(assembler.packet().empty());
}

TEST_CASE("the packet after a damaged one is whole again") {
    PacketAssembler assembler;
    REQUIRE(feed(assembler, packet_of(PacketAssembler::max_events + 1)) == Result::damaged);
    REQUIRE(feed(assembler, {key(KEY_A, 1), syn}) == Result::packet);
    CHECK(packet(assembler) == std::vector{key(KEY_A, 1), syn});
}

TEST_CASE("each damaged packet counts its own events") {
    PacketAssembler assembler;
    REQUIRE(feed(assembler, packet_of(PacketAssembler::max_events + 500)) == Result::damaged);
    REQUIRE(feed(assembler, packet_of(PacketAssembler::max_events + 1)) == Result::damaged);
    CHECK(assembler.lost() == PacketAssembler::max_events + 1);
}

TEST_CASE("a SYN_DROPPED in an overlong packet asks for a resync: what it dropped nobody counted") {
    PacketAssembler assembler;
    std::vector<Event> events(PacketAssembler::max_events + 5, rel(REL_X, 1));
    events.push_back(dropped);
    events.push_back(syn);
    CHECK(feed(assembler, events) == Result::resync);
}

TEST_CASE("a type or code that no kernel knows is garbage") {
    PacketAssembler assembler;
    const Event wrong =
        GENERATE(Event{EV_SYN, SYN_MAX + 1, 0}, Event{EV_KEY, KEY_MAX + 1, 1}, Event{EV_REL, REL_MAX + 1, 1},
                 Event{EV_ABS, ABS_MAX + 1, 1}, Event{EV_MSC, MSC_MAX + 1, 1}, Event{EV_SW, SW_MAX + 1, 1},
                 Event{EV_LED, LED_MAX + 1, 1}, Event{EV_SND, SND_MAX + 1, 1}, Event{0x06, 0, 0}, Event{0x1f, 0, 0},
                 Event{0x40, 0, 0}, Event{0xffff, 0xffff, -1});
    CHECK(assembler.feed(wrong) == Result::garbage);
    CHECK_FALSE(input::is_kernel_event(wrong.type, wrong.code));
}

TEST_CASE("the last code of each of the kernel's types is no garbage") {
    PacketAssembler assembler;
    const Event right = GENERATE(Event{EV_KEY, KEY_MAX, 1}, Event{EV_REL, REL_MAX, 1}, Event{EV_ABS, ABS_MAX, 1},
                                 Event{EV_MSC, MSC_MAX, 1}, Event{EV_SW, SW_MAX, 1}, Event{EV_LED, LED_MAX, 1},
                                 Event{EV_SND, SND_MAX, 1}, Event{EV_REP, REP_MAX, 1}, Event{EV_FF, FF_MAX, 1},
                                 Event{EV_PWR, 0, 0}, Event{EV_FF_STATUS, 0, 1});
    CHECK(assembler.feed(right) == Result::incomplete);
}

TEST_CASE("reset() forgets what is half assembled") {
    PacketAssembler assembler;
    const auto before = GENERATE(std::vector<Event>{key(KEY_A, 1)}, std::vector<Event>{key(KEY_A, 1), dropped},
                                 std::vector<Event>(PacketAssembler::max_events + 1, rel(REL_X, 1)));
    REQUIRE(feed(assembler, before) == Result::incomplete);
    assembler.reset();
    REQUIRE(feed(assembler, {key(KEY_B, 1), syn}) == Result::packet);
    CHECK(packet(assembler) == std::vector{key(KEY_B, 1), syn});
}
