// SPDX-License-Identifier: Apache-2.0
#include "audit/entry.h"
#include "audit_fixture.h"
#include "support/catch.h"

using namespace candor;
using audit::Act;
using audit::Log;
using test::Device;
using test::entry;

namespace {

/// Neither verify() nor open() takes it, both name the place, and nothing is repaired.
void is_damage(const Device& device, const std::string& place) {
    const auto before = device.files();
    const auto found = device.verify();
    CHECK_FALSE(found.intact);
    CHECK(found.problem.find(place) != std::string::npos);
    CHECK(device.refusal() == found.problem);
    CHECK(device.files() == before);
}

void put_lines(const Device& device, const std::vector<std::string>& lines) {
    test::put(device.log, test::join(lines));
}

std::vector<std::string> lines_in(const Device& device) { return test::lines_of(test::bytes_of(device.log)); }

} // namespace

TEST_CASE("an edit of any byte of the log is damage") {
    const Device device;
    device.write(3);
    const auto files = device.files();
    for (std::size_t i = 0; i < files.first.size(); ++i) {
        std::string changed = files.first;
        changed[i] = static_cast<char>(changed[i] ^ 1);
        test::put(device.log, changed);
        CAPTURE(i);
        CHECK_FALSE(device.verify().intact);
        CHECK_FALSE(device.refusal().empty());
    }
    test::put(device.log, files.first);
    CHECK(device.verify().intact);
}

TEST_CASE("an edit of any byte of the head is damage") {
    const Device device;
    device.write(3);
    const auto files = device.files();
    for (std::size_t i = 0; i < files.second.size(); ++i) {
        std::string changed = files.second;
        changed[i] = static_cast<char>(changed[i] ^ 1);
        test::put(device.head, changed);
        CAPTURE(i);
        is_damage(device, "audit.head: ");
    }
}

TEST_CASE("a log that ends earlier than its head says is damage, wherever it is cut") {
    const Device device;
    device.write(3);
    const auto files = device.files();
    for (std::size_t left = 0; left < files.first.size(); ++left) {
        test::put(device.log, files.first.substr(0, left));
        CAPTURE(left);
        CHECK_FALSE(device.verify().intact);
        CHECK_FALSE(device.refusal().empty());
    }
    const auto lines = test::lines_of(files.first);
    put_lines(device, {lines[0], lines[1]});
    is_damage(device, "audit.log:3: the end, expected entry 3 of 3");
    put_lines(device, {lines[0], lines[1].substr(0, 20)});
    is_damage(device, "audit.log:2: cut off, expected entry 2 of 3");
}

TEST_CASE("a removed line is damage") {
    const Device device;
    device.write(4);
    const auto lines = lines_in(device);
    put_lines(device, {lines[1], lines[2], lines[3]});
    is_damage(device, "audit.log:1: entry 2, expected entry 1");
    put_lines(device, {lines[0], lines[2], lines[3]});
    is_damage(device, "audit.log:2: entry 3, expected entry 2");
}

TEST_CASE("lines in another order are damage") {
    const Device device;
    device.write(4);
    const auto lines = lines_in(device);
    put_lines(device, {lines[0], lines[2], lines[1], lines[3]});
    is_damage(device, "audit.log:2: ");
}

TEST_CASE("a repeated line is damage, also behind the last") {
    const Device device;
    device.write(3);
    const auto lines = lines_in(device);
    put_lines(device, {lines[0], lines[0], lines[1], lines[2]});
    is_damage(device, "audit.log:2: ");
    put_lines(device, {lines[0], lines[1], lines[2], lines[2]});
    is_damage(device, "audit.log:4: ");
}

TEST_CASE("an inserted line is damage, be its hash ever so good") {
    const Device device;
    device.write(3);
    const auto lines = lines_in(device);
    auto forged = audit::parse_entry(lines[1].substr(0, lines[1].size() - 1)).value();
    forged.entry.detail = "never said";
    const std::string line = audit::write_entry(audit::chain(forged.entry, forged.previous)) + "\n";
    put_lines(device, {lines[0], line, lines[1], lines[2]});
    is_damage(device, "audit.log:3: ");
    put_lines(device, {lines[0], line, lines[2]});
    is_damage(device, "audit.log:3: does not follow the entry before it");
    put_lines(device, {lines[0], "\n", lines[1], lines[2]});
    is_damage(device, "audit.log:2: ");
}

TEST_CASE("a whole chain written anew is damage: the head knows the last hash") {
    const Device device;
    device.write(3);
    wire::Hash32 last{};
    std::vector<std::string> forged;
    for (const std::string& line : lines_in(device)) {
        auto chained = audit::parse_entry(line.substr(0, line.size() - 1)).value();
        chained.entry.uid = 1001;
        chained = audit::chain(chained.entry, last);
        last = chained.hash;
        forged.push_back(audit::write_entry(chained) + "\n");
    }
    put_lines(device, forged);
    is_damage(device, "audit.log:3: another entry than the head's last");
}

TEST_CASE("an entry behind the head that does not follow the last one is damage") {
    const Device device;
    device.write(2);
    auto lines = lines_in(device);
    audit::Entry next = entry(Act::granted);
    next.number = 3;
    lines.push_back(audit::write_entry(audit::chain(next, wire::Hash32{1})) + "\n");
    put_lines(device, lines);
    is_damage(device, "audit.log:3: does not follow");
}

TEST_CASE("an earlier head of the same log is damage") {
    const Device device;
    device.write(1);
    const std::string earlier = test::bytes_of(device.head);
    device.write(3);
    test::put(device.head, earlier);
    is_damage(device, "audit.log:3: beyond what the head covers");
}

TEST_CASE("an earlier log under a later head is damage") {
    const Device device;
    device.write(2);
    const std::string earlier = test::bytes_of(device.log);
    device.write(1);
    test::put(device.log, earlier);
    is_damage(device, "audit.log:3: the end");
}

TEST_CASE("another device's head is damage, and so are both its files") {
    const Device device;
    const Device other;
    device.write(2);
    other.write(2);
    REQUIRE(device.files().first == other.files().first);
    test::put(device.head, other.files().second);
    is_damage(device, "audit.head: not signed by this device");
    device.put_files(other.files());
    is_damage(device, "audit.head: not signed by this device");
}

TEST_CASE("another log's head is damage") {
    const Device device;
    device.write(2);
    const auto first = device.files();
    std::filesystem::remove(device.log);
    std::filesystem::remove(device.head);
    {
        Log log = device.open();
        log.append(entry(Act::paused, "until 7"));
        log.append(entry(Act::paused, "until 8"));
    }
    REQUIRE(device.verify().intact);
    test::put(device.log, first.first);
    is_damage(device, "audit.log:2: another entry than the head's last");
}

TEST_CASE("a head without its log is damage") {
    const Device device;
    device.write(2);
    std::filesystem::remove(device.log);
    CHECK_FALSE(device.verify().intact);
    CHECK(device.refusal().find("audit.log: missing") != std::string::npos);
    CHECK_FALSE(std::filesystem::exists(device.log));
}

TEST_CASE("a log without its head is damage") {
    const Device device;
    device.write(2);
    std::filesystem::remove(device.head);
    CHECK_FALSE(device.verify().intact);
    CHECK(device.refusal().find("audit.head: ") != std::string::npos);
    CHECK_FALSE(std::filesystem::exists(device.head));
}

TEST_CASE("a log that is a symbolic link or no file is refused") {
    const Device device;
    device.write(2);
    const auto elsewhere = device.directory / "elsewhere";
    std::filesystem::rename(device.log, elsewhere);
    std::filesystem::create_symlink(elsewhere, device.log);
    CHECK_FALSE(device.verify().intact);
    CHECK_FALSE(device.refusal().empty());
    std::filesystem::remove(device.log);
    std::filesystem::create_directory(device.log);
    CHECK_FALSE(device.verify().intact);
    CHECK_FALSE(device.refusal().empty());
}

TEST_CASE("a log that was changed under an open one takes no more entries") {
    const Device device;
    device.write(2);
    const auto files = device.files();
    const std::string lines[] = {files.first.substr(0, files.first.size() - 1), files.first + "x", ""};
    for (const std::string& changed : lines) {
        Log log = device.open();
        test::put(device.log, changed);
        CHECK_THROWS_AS(log.append(entry(Act::granted)), std::system_error);
        CHECK(test::bytes_of(device.log) == changed);
        CHECK(log.entries() == 2);
        test::put(device.log, files.first);
    }
    Log log = device.open();
    std::filesystem::remove(device.log);
    test::put(device.log, files.first);
    CHECK_THROWS_AS(log.append(entry(Act::granted)), std::system_error);
    CHECK(device.files() == files);
}

TEST_CASE("a head that was changed under an open log takes no more entries") {
    const Device device;
    device.write(1);
    const std::string earlier = test::bytes_of(device.head);
    device.write(1);
    Log log = device.open();
    test::put(device.head, earlier);
    CHECK_THROWS_AS(log.append(entry(Act::granted)), std::system_error);
    CHECK(test::bytes_of(device.head) == earlier);
    std::filesystem::remove(device.head);
    CHECK_THROWS_AS(log.append(entry(Act::granted)), std::system_error);
    CHECK_FALSE(std::filesystem::exists(device.head));
}
