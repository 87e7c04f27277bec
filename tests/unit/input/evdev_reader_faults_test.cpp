// SPDX-License-Identifier: Apache-2.0
#include "support/catch.h"
#include "support/temporary_directory.h"
#include "unit/input/input_fixture.h"

#include <fstream>

using namespace candor;
using namespace candor::test;
using State = input::EvdevReader::State;

TEST_CASE("EAGAIN ends the turn and tells nothing") {
    ReaderFixture f;
    CHECK(f.fail(EAGAIN) == State::open);
    CHECK(f.script.reads_made == 1);
    CHECK(f.sink.told.empty());
}

TEST_CASE("EINTR is tried again at once") {
    ReaderFixture f;
    f.script.reads = {{{}, EINTR}, {{}, EINTR}, {at(2000, {key(KEY_A, 1), syn}), 0}};
    CHECK(f.reader->drain() == State::open);
    CHECK(f.sink.told == Told{"2000 KEY_A=1 SYN_REPORT=0"});
}

TEST_CASE("EINTR without end does not hold up the loop") {
    ReaderFixture f;
    f.script.reads.assign(1000, {{}, EINTR});
    CHECK(f.reader->drain() == State::open);
    CHECK(f.script.reads_made < 100);
}

TEST_CASE("ENODEV is a device that was unplugged: a hole is told and its descriptor closed") {
    ReaderFixture f;
    f.drain(at(2000, {key(KEY_A, 1), syn}));
    CHECK(f.fail(ENODEV) == State::gone);
    CHECK(f.reader->reason() == "unplugged");
    CHECK(f.sink.told.back() == "hole device_gone 2000-9000");
    CHECK_FALSE(f.script.open);
}

TEST_CASE("a packet that the unplugging cut is part of the hole") {
    ReaderFixture f;
    f.drain(at(2000, {key(KEY_A, 1)}));
    CHECK(f.fail(ENODEV) == State::gone);
    CHECK(f.sink.told == Told{"hole device_gone 1000-9000"});
}

TEST_CASE("any other error is a device that failed: the reason says how, a hole is told, the descriptor closed") {
    ReaderFixture f;
    CHECK(f.fail(EIO) == State::failed);
    CHECK(f.reader->reason() == "reading failed: Input/output error");
    CHECK(f.sink.told == Told{"hole device_gone 1000-9000"});
    CHECK_FALSE(f.script.open);
}

TEST_CASE("a device that ended is never read again, and tells one hole only") {
    ReaderFixture f;
    REQUIRE(f.fail(ENODEV) == State::gone);
    f.reader->lose();
    CHECK(f.drain(at(3000, {key(KEY_A, 1), syn})) == State::gone);
    CHECK(f.script.reads_made == 1);
    CHECK(f.sink.told.size() == 1);
}

TEST_CASE("events that no kernel knows end the device, and nothing behind them is told") {
    ReaderFixture f;
    const auto wrong =
        GENERATE(input::Event{0x7f, 0, 0}, input::Event{EV_KEY, KEY_MAX + 1, 1}, input::Event{EV_SYN, 0x10, 0});
    CHECK(f.drain(at(2000, {key(KEY_A, 1), syn, wrong, key(KEY_B, 1), syn})) == State::failed);
    CHECK(f.reader->reason() == "sent events that no kernel knows");
    CHECK(f.sink.told == Told{"2000 KEY_A=1 SYN_REPORT=0", "hole device_gone 2000-9000"});
}

TEST_CASE("the hole of a device that sent garbage begins behind its last packet, whatever time the garbage claims") {
    ReaderFixture f;
    const std::uint64_t claimed = GENERATE(0u, 5000u, 99'000'000u);
    f.drain(at(2000, {key(KEY_A, 1), syn}) + at(3000, {key(KEY_B, 1)}) + at(claimed, {{0x7f, 0, 0}}));
    CHECK(f.sink.told.back() == "hole device_gone 2000-9000");
}

TEST_CASE("a device that is gone when its state is asked for is unplugged") {
    ReaderFixture f;
    f.script.resync_error = ENODEV;
    CHECK(f.drain(at(3000, {dropped, syn})) == State::gone);
    CHECK(f.sink.told == Told{"hole device_gone 1000-9000"});
}

TEST_CASE("a device that does not tell its state has failed, and says how") {
    ReaderFixture f;
    f.script.state_changes = {key(KEY_A, 1)};
    f.script.resync_error = EIO;
    CHECK(f.drain(at(3000, {dropped, syn})) == State::failed);
    CHECK(f.reader->reason() == "resynchronising failed: Input/output error");
    CHECK(f.sink.told == Told{"hole device_gone 1000-9000"});
}

TEST_CASE("close() closes the descriptor and tells nothing") {
    ReaderFixture f;
    f.drain(at(2000, {key(KEY_A, 1)}));
    f.reader->close();
    CHECK_FALSE(f.script.open);
    f.reader->lose();
    CHECK(f.drain(at(3000, {syn})) == State::closed);
    CHECK(f.sink.told.empty());
}

TEST_CASE("lose() tells the hole of a device that is gone") {
    ReaderFixture f;
    f.drain(at(2000, {key(KEY_A, 1), syn}));
    f.reader->lose();
    CHECK_FALSE(f.script.open);
    CHECK(f.sink.told.back() == "hole device_gone 2000-9000");
}

TEST_CASE("the sink may close the reader from within a packet, and is told nothing more") {
    ReaderFixture f;
    f.sink.then = [&] { f.reader->close(); };
    f.script.state_changes = {key(KEY_C, 1)};
    const auto behind = GENERATE(std::vector<input::Event>{key(KEY_B, 1), syn}, std::vector<input::Event>{dropped, syn},
                                 std::vector<input::Event>{{0x7f, 0, 0}});
    CHECK(f.drain(at(2000, {key(KEY_A, 1), syn}) + at(3000, behind)) == State::closed);
    CHECK(f.sink.told == Told{"2000 KEY_A=1 SYN_REPORT=0"});
    CHECK(f.script.reads_made == 1);
    CHECK_FALSE(f.script.open);
}

TEST_CASE("the sink may close the reader from within the hole of a SYN_DROPPED, and gets no packet of the state") {
    ReaderFixture f;
    f.sink.then = [&] { f.reader->close(); };
    f.script.state_changes = {key(KEY_A, 1)};
    CHECK(f.drain(at(3000, {dropped, syn})) == State::closed);
    CHECK(f.sink.told == Told{"hole dropped_by_kernel 1000-9000"});
}

TEST_CASE("the sink may close the reader from within the packet of the state") {
    ReaderFixture f;
    f.sink.then = [&] {
        if (f.sink.told.size() == 2) {
            f.reader->close();
        }
    };
    f.script.state_changes = {key(KEY_A, 1)};
    CHECK(f.drain(at(3000, {dropped, syn})) == State::closed);
    CHECK(f.sink.told.size() == 2);
}

TEST_CASE("the sink may close the reader from within the hole of an overlong packet, and no state is asked for") {
    ReaderFixture f;
    f.sink.then = [&] { f.reader->close(); };
    std::vector<input::Event> events(1024, rel(REL_X, 1));
    events.push_back(syn);
    CHECK(f.drain(at(3000, events)) == State::closed);
    CHECK(f.script.resyncs == 0);
    CHECK(f.sink.told == Told{"hole damaged 1000-3000 1025 events"});
}

TEST_CASE("the sink may close the reader from within the hole of a device that is gone") {
    ReaderFixture f;
    f.sink.then = [&] { f.reader->close(); };
    CHECK(f.fail(ENODEV) == State::closed);
    CHECK(f.sink.told == Told{"hole device_gone 1000-9000"});
}

TEST_CASE("a node that does not exist is refused by name") {
    const auto source = input::EvdevSource::open("/dev/input/event-none", input::EventMask::all());
    REQUIRE_FALSE(source.has_value());
    CHECK(source.error().message == "cannot open /dev/input/event-none: No such file or directory");
}

TEST_CASE("a file that is no event device is refused") {
    const TemporaryDirectory directory;
    const std::string path = directory / "file";
    std::ofstream(path) << "not a device";
    const auto source = input::EvdevSource::open(path, input::EventMask::all());
    REQUIRE_FALSE(source.has_value());
    CHECK(source.error().message == "cannot open " + path + ": Inappropriate ioctl for device");
}
