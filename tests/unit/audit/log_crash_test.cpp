// SPDX-License-Identifier: Apache-2.0
#include "audit_fixture.h"
#include "support/catch.h"

using namespace candor;
using audit::Act;
using audit::Log;
using test::Device;
using test::entry;

namespace {

using Files = std::pair<std::string, std::string>;

struct Append {
    Files before;
    Files after;
};

/// Both files around the append of an entry after `entries` others.
Append append_after(const Device& device, int entries) {
    device.write(entries);
    Append append;
    append.before = device.files();
    device.open().append(entry(Act::revoked, "the last"));
    append.after = device.files();
    return append;
}

audit::Entry last_entry(const Log& log) { return audit::parse_entry(test::all_of(log).back()).value().entry; }

} // namespace

TEST_CASE("a crash before the whole line is on disk loses that entry alone, and the log says how many bytes went") {
    const Device device;
    const int entries = GENERATE(0, 3);
    const Append append = append_after(device, entries);
    const std::string line = append.after.first.substr(append.before.first.size());
    REQUIRE(line.size() > 200);
    for (std::size_t written = 1; written < line.size(); ++written) {
        device.put_files({append.before.first + line.substr(0, written), append.before.second});
        CHECK_FALSE(device.verify().intact);
        const Log log = device.open();
        REQUIRE(log.entries() == static_cast<std::uint64_t>(entries) + 1);
        CHECK(last_entry(log).act == Act::repaired);
        CHECK(last_entry(log).detail == std::to_string(written) + " bytes of an unfinished entry were cut off");
        CHECK(device.verify().intact);
        CHECK(test::bytes_of(device.log).starts_with(append.before.first));
    }
}

TEST_CASE("a crash between the line and the head keeps the entry, and the log says so") {
    const Device device;
    const int entries = GENERATE(0, 3);
    const Append append = append_after(device, entries);
    device.put_files({append.after.first, append.before.second});
    const auto found = device.verify();
    CHECK_FALSE(found.intact);
    CHECK(found.entries == static_cast<std::uint64_t>(entries));
    const Log log = device.open();
    REQUIRE(log.entries() == static_cast<std::uint64_t>(entries) + 2);
    CHECK(test::bytes_of(device.log).starts_with(append.after.first));
    CHECK(last_entry(log).act == Act::repaired);
    CHECK(last_entry(log).detail == "entry " + std::to_string(entries + 1) + " was not yet in the head");
    CHECK_FALSE(last_entry(log).uid);
    CHECK_FALSE(last_entry(log).subject);
    CHECK(last_entry(log).time > 1'700'000'000);
    CHECK(device.verify().intact);
}

TEST_CASE("a crash before the first byte or after the head leaves nothing to repair") {
    const Device device;
    const Append append = append_after(device, 3);
    for (const Files& files : {append.before, append.after}) {
        device.put_files(files);
        CHECK(device.verify().intact);
        static_cast<void>(device.open());
        CHECK(device.files() == files);
    }
}

TEST_CASE("a crash that leaves a half-written new head beside the old one does no harm") {
    const Device device;
    const Append append = append_after(device, 3);
    device.put_files({append.after.first, append.before.second});
    test::put(device.directory / "audit.head.a1B2c3", append.after.second.substr(0, 40));
    CHECK(device.open().entries() == 5);
    CHECK(device.verify().intact);
}

TEST_CASE("a crash between the making of the two files leaves an empty log, which is given its head") {
    const Device device;
    test::put(device.log, "");
    CHECK(device.open().entries() == 0);
    CHECK(device.verify().intact);
}

TEST_CASE("a crash while a log is being repaired is repaired in its turn") {
    const Device device;
    const Append append = append_after(device, 3);
    device.put_files({append.after.first, append.before.second});
    static_cast<void>(device.open());
    const std::string repaired = test::bytes_of(device.log);
    // The head has taken the entry in, of the entry that says so half is on disk.
    device.put_files({repaired.substr(0, append.after.first.size() + 100), append.after.second});
    CHECK(device.open().entries() == 5);
    CHECK(device.verify().intact);
}

TEST_CASE("two entries that the head does not know are more than a crash leaves") {
    const Device device;
    device.write(2);
    const std::string head = test::bytes_of(device.head);
    device.write(2);
    test::put(device.head, head);
    const Files damaged = device.files();
    CHECK(device.refusal().find("audit.log:4: beyond what the head covers") != std::string::npos);
    CHECK(device.files() == damaged);
}

TEST_CASE("an entry that the head does not know and a torn line behind it are more than a crash leaves") {
    const Device device;
    const Append append = append_after(device, 2);
    device.put_files({append.after.first + "{\"number\":4", append.before.second});
    CHECK(device.refusal().find("audit.log:4: beyond what the head covers") != std::string::npos);
}

TEST_CASE("a torn line is no longer than an entry can be") {
    const Device device;
    device.write(2);
    const Files files = device.files();
    device.put_files({files.first + std::string(4097, 'x'), files.second});
    CHECK(device.refusal().find("audit.log:3: longer than an entry can be") != std::string::npos);
    device.put_files({files.first + std::string(4096, 'x'), files.second});
    CHECK(device.open().entries() == 3);
}
