// SPDX-License-Identifier: Apache-2.0
#include "support/catch.h"
#include "unit/input/input_fixture.h"

#include <limits>

using namespace candor;
using namespace candor::test;
using input::EventMask;
using State = input::EvdevReader::State;

namespace {

constexpr std::size_t word_bits = std::numeric_limits<unsigned long>::digits;

/// Keys, and of the LEDs only Scroll Lock.
EventMask keys_only() {
    EventMask mask;
    mask.types.set(EV_KEY);
    mask.types.set(EV_LED);
    mask.codes[EV_LED].set(LED_SCROLLL);
    return mask;
}

/// A reader that was opened with keys_only() at 1000 µs; it is 9000 µs now.
struct MaskedFixture : ReaderFixture {
    MaskedFixture() {
        now_us = 1000;
        reader = std::make_unique<input::EvdevReader>(
            7, std::make_unique<ScriptedSource>(script), sink, [] { return now_us; }, keys_only());
        now_us = 9000;
    }
};

bool bit(const input::MaskWords& words, std::size_t index) {
    return (words[index / word_bits] >> index % word_bits & 1) != 0;
}

} // namespace

TEST_CASE("a mask of everything lets everything through") {
    for (std::uint16_t type = 0; type < EV_CNT; ++type) {
        CHECK(input::passes(EventMask::all(), type, 0));
    }
    CHECK(input::passes(EventMask::all(), EV_KEY, KEY_MAX));
}

TEST_CASE("a mask of nothing lets the end of packets and the loss of events through, and nothing else") {
    CHECK(input::passes({}, EV_SYN, SYN_REPORT));
    CHECK(input::passes({}, EV_SYN, SYN_DROPPED));
    for (std::uint16_t type = 1; type < EV_CNT; ++type) {
        CHECK_FALSE(input::passes({}, type, 0));
    }
}

TEST_CASE("a type without a list of codes comes whole, one with a list only so far") {
    const EventMask mask = keys_only();
    CHECK(input::passes(mask, EV_KEY, KEY_A));
    CHECK(input::passes(mask, EV_KEY, KEY_MAX));
    CHECK(input::passes(mask, EV_LED, LED_SCROLLL));
    CHECK_FALSE(input::passes(mask, EV_LED, LED_CAPSL));
    CHECK_FALSE(input::passes(mask, EV_MSC, MSC_SCAN));
}

TEST_CASE("codes of a type that does not come at all do not come") {
    EventMask mask = keys_only();
    mask.types.reset(EV_LED);
    CHECK_FALSE(input::passes(mask, EV_LED, LED_SCROLLL));
}

TEST_CASE("what the kernel is given has a bit for each code that comes") {
    const auto leds = input::mask_words(keys_only(), EV_LED);
    const auto keys = input::mask_words(keys_only(), EV_KEY);
    for (std::size_t code = 0; code < KEY_CNT; ++code) {
        REQUIRE(bit(leds, code) == (code == LED_SCROLLL));
        REQUIRE(bit(keys, code));
    }
}

TEST_CASE("what the kernel is given for EV_SYN has a bit for each type that comes") {
    const auto types = input::mask_words(keys_only(), EV_SYN);
    for (std::size_t type = 0; type < EV_CNT; ++type) {
        CHECK(bit(types, type) == (type == EV_SYN || type == EV_KEY || type == EV_LED));
    }
}

TEST_CASE("what the kernel is given has all codes of a type again once its list is gone") {
    const auto leds = input::mask_words(EventMask::all(), EV_LED);
    for (std::size_t code = 0; code < LED_CNT; ++code) {
        CHECK(bit(leds, code));
    }
}

TEST_CASE("what was queued before the mask was set and is masked is not told, nor noted") {
    MaskedFixture f;
    f.drain(at(2000, {{EV_MSC, MSC_SCAN, 30}, key(KEY_A, 1), {EV_LED, LED_CAPSL, 1}, {EV_LED, LED_SCROLLL, 1}, syn}));
    CHECK(f.sink.told == Told{"2000 KEY_A=1 LED_SCROLLL=1 SYN_REPORT=0"});
    CHECK(f.script.noted == std::vector<input::Event>{key(KEY_A, 1), {EV_LED, LED_SCROLLL, 1}});
}

TEST_CASE("a packet of which the mask leaves nothing does not come") {
    MaskedFixture f;
    f.drain(at(2000, {{EV_LED, LED_CAPSL, 1}, syn}) + at(3000, {key(KEY_A, 1), syn}));
    CHECK(f.sink.told == Told{"3000 KEY_A=1 SYN_REPORT=0"});
}

TEST_CASE("what the mask took out of a packet is no hole and does not shorten one") {
    MaskedFixture f;
    std::vector<input::Event> events(1023, {EV_MSC, MSC_SCAN, 30});
    events.push_back(syn);
    f.drain(at(2000, events));
    f.reader->lose();
    CHECK(f.sink.told == Told{"hole device_gone 2000-9000"});
}

TEST_CASE("the state behind a SYN_DROPPED is told without what is masked") {
    MaskedFixture f;
    f.script.state_changes = {
        {EV_LED, LED_CAPSL, 1}, key(KEY_A, 1), {EV_LED, LED_SCROLLL, 1}, {EV_ABS, ABS_X, 5}, {EV_SW, SW_LID, 1}};
    f.drain(at(3000, {dropped, syn}));
    CHECK(f.sink.told == Told{"hole dropped_by_kernel 1000-9000", "9000 KEY_A=1 LED_SCROLLL=1 SYN_REPORT=0"});
}

TEST_CASE("a state behind a SYN_DROPPED of which the mask leaves nothing makes no packet") {
    MaskedFixture f;
    f.script.state_changes = {{EV_LED, LED_CAPSL, 1}, {EV_ABS, ABS_X, 5}};
    f.drain(at(3000, {dropped, syn}));
    CHECK(f.sink.told == Told{"hole dropped_by_kernel 1000-9000"});
}

TEST_CASE("a SYN_DROPPED comes whatever is masked") {
    MaskedFixture f;
    f.drain(at(3000, {{EV_MSC, MSC_SCAN, 30}, dropped, {EV_LED, LED_CAPSL, 1}, syn}));
    CHECK(f.script.resyncs == 1);
    CHECK(f.sink.told == Told{"hole dropped_by_kernel 1000-9000"});
}

TEST_CASE("events that no kernel knows end a masked device too") {
    MaskedFixture f;
    CHECK(f.drain(at(2000, {{0x7f, 0, 0}, syn})) == State::failed);
}

TEST_CASE("a new mask reaches the device, and holds for what was queued or half read before") {
    ReaderFixture f;
    f.drain(at(2000, {{EV_MSC, MSC_SCAN, 30}}));
    CHECK(f.reader->set_mask(keys_only()) == State::open);
    CHECK(f.script.masks == std::vector<EventMask>{keys_only()});
    f.drain(at(2000, {key(KEY_A, 1), syn}) + at(3000, {{EV_MSC, MSC_SCAN, 48}, key(KEY_B, 1), syn}));
    CHECK(f.sink.told == Told{"2000 KEY_A=1 SYN_REPORT=0", "3000 KEY_B=1 SYN_REPORT=0"});
}

TEST_CASE("a mask that is widened lets through what it held back") {
    MaskedFixture f;
    CHECK(f.reader->set_mask(EventMask::all()) == State::open);
    f.drain(at(2000, {{EV_MSC, MSC_SCAN, 30}, key(KEY_A, 1), syn}));
    CHECK(f.sink.told == Told{"2000 MSC_SCAN=30 KEY_A=1 SYN_REPORT=0"});
}

TEST_CASE("the sink may set another mask from within a packet, and the next is told by it") {
    ReaderFixture f;
    f.sink.then = [&] { f.reader->set_mask(keys_only()); };
    f.drain(at(2000, {{EV_MSC, MSC_SCAN, 30}, key(KEY_A, 1), syn}) +
            at(3000, {{EV_MSC, MSC_SCAN, 48}, key(KEY_B, 1), syn}));
    CHECK(f.sink.told == Told{"2000 MSC_SCAN=30 KEY_A=1 SYN_REPORT=0", "3000 KEY_B=1 SYN_REPORT=0"});
}

TEST_CASE("the sink may set another mask from within the hole of a SYN_DROPPED, and the state is told by it") {
    ReaderFixture f;
    f.sink.then = [&] { f.reader->set_mask(keys_only()); };
    f.script.state_changes = {key(KEY_A, 1), {EV_LED, LED_CAPSL, 1}};
    f.drain(at(3000, {dropped, syn}));
    CHECK(f.sink.told == Told{"hole dropped_by_kernel 1000-9000", "9000 KEY_A=1 SYN_REPORT=0"});
}

TEST_CASE(
    "a device whose kernel refuses a mask has failed: the reason says how, a hole is told, the descriptor closed") {
    ReaderFixture f;
    f.script.mask_error = EINVAL;
    CHECK(f.reader->set_mask(keys_only()) == State::failed);
    CHECK(f.reader->reason() == "masking failed: Invalid argument");
    CHECK(f.sink.told == Told{"hole device_gone 1000-9000"});
    CHECK_FALSE(f.script.open);
}

TEST_CASE("a device that is gone when it is to be masked is unplugged") {
    ReaderFixture f;
    f.script.mask_error = ENODEV;
    CHECK(f.reader->set_mask(keys_only()) == State::gone);
    CHECK(f.reader->reason() == "unplugged");
}

TEST_CASE("a mask that fails from within a packet ends the reading of what was read with it") {
    ReaderFixture f;
    f.script.mask_error = EINVAL;
    f.sink.then = [&] { f.reader->set_mask(keys_only()); };
    CHECK(f.drain(at(2000, {key(KEY_A, 1), syn}) + at(3000, {key(KEY_B, 1), syn})) == State::failed);
    CHECK(f.sink.told == Told{"2000 KEY_A=1 SYN_REPORT=0", "hole device_gone 2000-9000"});
}

TEST_CASE("a reader that is closed sets no mask") {
    ReaderFixture f;
    f.reader->close();
    CHECK(f.reader->set_mask(keys_only()) == State::closed);
    CHECK(f.script.masks.empty());
}
