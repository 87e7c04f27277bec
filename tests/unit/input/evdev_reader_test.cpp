// SPDX-License-Identifier: Apache-2.0
#include "support/catch.h"
#include "unit/input/input_fixture.h"

using namespace candor;
using namespace candor::test;
using State = input::EvdevReader::State;

namespace {

constexpr int reads_a_turn = 16;
constexpr std::size_t events_a_read = 256;

/// Fills `reads` reads to the brim with packets of two events.
std::vector<input_event> flood(std::size_t reads) {
    std::vector<input_event> events;
    while (events.size() < reads * events_a_read) {
        events = std::move(events) + at(2000, {rel(REL_X, 1), syn});
    }
    return events;
}

} // namespace

TEST_CASE("each packet of a read is told with the time of its SYN_REPORT") {
    ReaderFixture f;
    CHECK(f.drain(at(2000, {key(KEY_A, 1), syn}) + at(3000, {key(KEY_A, 0), syn})) == State::open);
    CHECK(f.sink.told == Told{"2000 KEY_A=1 SYN_REPORT=0", "3000 KEY_A=0 SYN_REPORT=0"});
}

TEST_CASE("a packet names its device") {
    Script script;
    struct : input::ReaderSink {
        void on_packet(const input::Packet& packet) override { device = packet.device; }
        void on_hole(const input::Hole& hole) override { hole_device = hole.device; }
        std::uint32_t device = 0;
        std::uint32_t hole_device = 0;
    } sink;
    input::EvdevReader reader(41, std::make_unique<ScriptedSource>(script), sink, [] { return now_us; });
    script.reads = {{at(2000, {syn}), 0}};
    reader.drain();
    reader.lose();
    CHECK(reader.device() == 41);
    CHECK(sink.device == 41);
    CHECK(sink.hole_device == 41);
}

TEST_CASE("a packet that is cut by a read goes on in the next") {
    ReaderFixture f;
    f.drain(at(2000, {{EV_MSC, MSC_SCAN, 4}}));
    CHECK(f.sink.told.empty());
    f.drain(at(2000, {key(KEY_A, 1), syn}));
    CHECK(f.sink.told == Told{"2000 MSC_SCAN=4 KEY_A=1 SYN_REPORT=0"});
}

TEST_CASE("a short read has emptied the queue and is the last of its turn") {
    ReaderFixture f;
    f.script.reads = {{at(2000, {key(KEY_A, 1), syn}), 0}, {at(3000, {key(KEY_A, 0), syn}), 0}};
    CHECK(f.reader->drain() == State::open);
    CHECK(f.script.reads_made == 1);
    CHECK(f.sink.told.size() == 1);
}

TEST_CASE("a full read is followed by another until the queue is empty") {
    ReaderFixture f;
    CHECK(f.drain(flood(3)) == State::open);
    CHECK(f.script.reads_made == 4);
    CHECK(f.sink.told.size() == 3 * events_a_read / 2);
}

TEST_CASE("a flooding device is left after a bounded turn and loses nothing by it") {
    ReaderFixture f;
    CHECK(f.drain(flood(reads_a_turn + 4)) == State::open);
    CHECK(f.script.reads_made == reads_a_turn);
    CHECK(f.sink.told.size() == reads_a_turn * events_a_read / 2);
    CHECK(f.reader->drain() == State::open);
    CHECK(f.sink.told.size() == (reads_a_turn + 4) * events_a_read / 2);
}

TEST_CASE("time that runs backwards is told as standing still") {
    ReaderFixture f;
    f.drain(at(5000, {key(KEY_A, 1), syn}) + at(4000, {key(KEY_A, 0), syn}) + at(6000, {key(KEY_B, 1), syn}));
    CHECK(f.sink.told == Told{"5000 KEY_A=1 SYN_REPORT=0", "5000 KEY_A=0 SYN_REPORT=0", "6000 KEY_B=1 SYN_REPORT=0"});
}

TEST_CASE("what a device queued before it was opened here is not told as earlier than that") {
    ReaderFixture f;
    f.drain(at(500, {key(KEY_A, 1), syn}));
    CHECK(f.sink.told == Told{"1000 KEY_A=1 SYN_REPORT=0"});
}

TEST_CASE("the state that was told is noted, motion and scan codes are not") {
    ReaderFixture f;
    f.drain(at(2000, {{EV_MSC, MSC_SCAN, 4},
                      key(KEY_A, 1),
                      rel(REL_X, 3),
                      {EV_ABS, ABS_X, 5},
                      {EV_LED, LED_CAPSL, 1},
                      {EV_SW, SW_LID, 1},
                      syn}));
    CHECK(f.script.noted ==
          std::vector<input::Event>{key(KEY_A, 1), {EV_ABS, ABS_X, 5}, {EV_LED, LED_CAPSL, 1}, {EV_SW, SW_LID, 1}});
}

TEST_CASE("the state of a packet that was not told is not noted") {
    ReaderFixture f;
    f.drain(at(2000, {key(KEY_A, 1), dropped, key(KEY_B, 1), syn}));
    CHECK(f.script.noted.empty());
}

TEST_CASE("behind a SYN_DROPPED comes the hole, then one packet of the true state") {
    ReaderFixture f;
    f.script.state_changes = {key(KEY_A, 0), {EV_LED, LED_CAPSL, 1}};
    f.drain(at(2000, {key(KEY_A, 1), syn}) + at(3000, {dropped, key(KEY_B, 1), syn}));
    CHECK(f.sink.told == Told{"2000 KEY_A=1 SYN_REPORT=0", "hole dropped_by_kernel 2000-9000",
                              "9000 KEY_A=0 LED_CAPSL=1 SYN_REPORT=0"});
}

TEST_CASE("wherever in a packet SYN_DROPPED stands, nothing of that packet is told") {
    ReaderFixture f;
    f.script.state_changes = {key(KEY_C, 1)};
    const auto events =
        GENERATE(std::vector<input::Event>{dropped, syn}, std::vector<input::Event>{dropped, key(KEY_B, 1), syn},
                 std::vector<input::Event>{key(KEY_B, 1), dropped, syn},
                 std::vector<input::Event>{key(KEY_B, 1), dropped, key(KEY_B, 0), dropped, syn});
    f.drain(at(3000, events));
    CHECK(f.sink.told == Told{"hole dropped_by_kernel 1000-9000", "9000 KEY_C=1 SYN_REPORT=0"});
}

TEST_CASE("a SYN_DROPPED that ends a read waits for its SYN_REPORT") {
    ReaderFixture f;
    f.drain(at(3000, {key(KEY_B, 1), dropped}));
    CHECK(f.script.resyncs == 0);
    f.drain(at(3000, {key(KEY_B, 0), syn}));
    CHECK(f.script.resyncs == 1);
    CHECK(f.sink.told == Told{"hole dropped_by_kernel 1000-9000"});
}

TEST_CASE("a state that did not change behind a SYN_DROPPED makes no packet") {
    ReaderFixture f;
    f.drain(at(3000, {dropped, syn}));
    CHECK(f.sink.told == Told{"hole dropped_by_kernel 1000-9000"});
}

TEST_CASE("what was read together with a SYN_DROPPED is older than the state and part of the hole") {
    ReaderFixture f;
    f.script.state_changes = {key(KEY_A, 1)};
    f.drain(at(3000, {dropped, syn}) + at(4000, {key(KEY_B, 1), syn}));
    CHECK(f.sink.told == Told{"hole dropped_by_kernel 1000-9000", "9000 KEY_A=1 SYN_REPORT=0"});
}

TEST_CASE("after a resync the device is read as before, and no time goes back behind the hole") {
    ReaderFixture f;
    f.drain(at(3000, {dropped, syn}));
    f.drain(at(8000, {key(KEY_A, 1), syn}) + at(9500, {key(KEY_A, 0), syn}));
    CHECK(f.sink.told ==
          Told{"hole dropped_by_kernel 1000-9000", "9000 KEY_A=1 SYN_REPORT=0", "9500 KEY_A=0 SYN_REPORT=0"});
}

TEST_CASE("an overlong packet is a hole of known size, and the state is asked for behind it") {
    ReaderFixture f;
    f.script.state_changes = {key(BTN_LEFT, 1)};
    std::vector<input::Event> events(1024, rel(REL_X, 1));
    events.push_back(syn);
    f.drain(at(3000, events));
    CHECK(f.script.resyncs == 1);
    CHECK(f.sink.told == Told{"hole damaged 1000-3000 1025 events", "hole dropped_by_kernel 3000-9000",
                              "9000 BTN_LEFT=1 SYN_REPORT=0"});
}

TEST_CASE("a press that began before the device was opened is not told, nor what ends it, nor its scan code") {
    ReaderFixture f;
    f.script.held.set(KEY_ENTER);
    f.reader = std::make_unique<input::EvdevReader>(7, std::make_unique<ScriptedSource>(f.script), f.sink,
                                                    [] { return now_us; });
    f.drain(at(9100, {key(KEY_ENTER, 2), syn}) + at(9200, {{EV_MSC, MSC_SCAN, 28}, key(KEY_ENTER, 0), syn}) +
            at(9300, {{EV_MSC, MSC_SCAN, 28}, key(KEY_ENTER, 1), syn}) +
            at(9400, {{EV_MSC, MSC_SCAN, 28}, key(KEY_ENTER, 0), syn}));
    CHECK(f.sink.told ==
          Told{"9300 MSC_SCAN=28 KEY_ENTER=1 SYN_REPORT=0", "9400 MSC_SCAN=28 KEY_ENTER=0 SYN_REPORT=0"});
    // resync() must know that it is up.
    CHECK(f.script.noted.front() == key(KEY_ENTER, 0));
}

TEST_CASE("the end of an earlier press that a hole has swallowed is not told either") {
    ReaderFixture f;
    f.script.held.set(KEY_ENTER);
    f.reader = std::make_unique<input::EvdevReader>(7, std::make_unique<ScriptedSource>(f.script), f.sink,
                                                    [] { return now_us; });
    f.script.state_changes = {key(KEY_ENTER, 0), key(KEY_A, 1)};
    f.drain(at(9100, {dropped, syn}));
    CHECK(f.sink.told == Told{"hole dropped_by_kernel 9000-9000", "9000 KEY_A=1 SYN_REPORT=0"});
    f.drain(at(9200, {key(KEY_ENTER, 1), syn}));
    CHECK(f.sink.told.back() == "9200 KEY_ENTER=1 SYN_REPORT=0");
}

TEST_CASE("revoking reaches the device while it is open, and is nothing after") {
    ReaderFixture f;
    f.reader->revoke();
    CHECK(f.script.revoked);
    f.reader->close();
    f.reader->revoke();
    CHECK(f.sink.told.empty());
}
