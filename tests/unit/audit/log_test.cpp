// SPDX-License-Identifier: Apache-2.0
#include "audit_fixture.h"
#include "support/catch.h"

#include <csignal>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

using namespace candor;
using audit::Act;
using audit::Entry;
using audit::Log;
using test::Device;
using test::entry;

namespace {

mode_t mode_of(const std::filesystem::path& path) {
    struct stat status {};
    REQUIRE(::stat(path.c_str(), &status) == 0);
    return status.st_mode & 07777;
}

std::vector<std::uint64_t> numbers(const std::vector<std::string>& lines) {
    std::vector<std::uint64_t> numbers;
    for (const std::string& line : lines) {
        numbers.push_back(audit::parse_entry(line).value().entry.number);
    }
    return numbers;
}

bool everything(const Entry&) { return true; }

/// While it lives no file can grow beyond so many bytes: a full disk. At the first write that fails for that, `from` is renamed
/// to `to`.
class FullDisk {
public:
    explicit FullDisk(std::uint64_t bytes, const std::filesystem::path& from = {}, const std::filesystem::path& to = {})
        : before_(std::signal(SIGXFSZ, [](int) { ::rename(from_.c_str(), to_.c_str()); })) {
        from_ = from;
        to_ = to;
        ::getrlimit(RLIMIT_FSIZE, &limit_);
        rlimit less = limit_;
        less.rlim_cur = bytes;
        ::setrlimit(RLIMIT_FSIZE, &less);
    }
    ~FullDisk() {
        ::setrlimit(RLIMIT_FSIZE, &limit_);
        std::signal(SIGXFSZ, before_);
    }
    FullDisk(const FullDisk&) = delete;
    FullDisk& operator=(const FullDisk&) = delete;

private:
    static inline std::string from_;
    static inline std::string to_;
    void (*before_)(int);
    rlimit limit_{};
};

/// A log whose next append has a line that a full disk takes and a head that it does not.
struct HeadTooLarge {
    Device device;
    Log log = device.open();
    std::pair<std::string, std::string> before = device.files();
    std::uint64_t limit = before.second.size() - 1; // the old head is too large as well
    std::pair<std::string, std::string> after;      // as if the disk had taken both
    std::filesystem::path aside = device.directory / "aside";

    HeadTooLarge() {
        const Device other;
        {
            Log same = Log::open(other.directory.path(), device.identity).value();
            same.append(small());
        }
        after = other.files();
        REQUIRE(after.first.size() <= limit);
        REQUIRE(after.second.size() > before.second.size());
    }
    static Entry small() {
        Entry small = entry(Act::paused, "", 1, 1);
        small.time = 1;
        return small;
    }
    /// `head`: what is in the head's place when the append fails and is to be undone.
    void fail(const std::string& head, std::uint64_t bytes) {
        test::put(aside, head);
        const FullDisk full(bytes, aside, device.head);
        CHECK_THROWS_AS(log.append(small()), std::system_error);
    }
};

} // namespace

TEST_CASE("where neither file is there an empty log with a signed head is made") {
    const Device device;
    const Log log = device.open();
    CHECK(log.entries() == 0);
    CHECK(log.head() == wire::Hash32{});
    CHECK(std::filesystem::is_empty(device.log));
    const auto found = device.verify();
    CHECK(found.intact);
    CHECK(found.entries == 0);
    CHECK(found.problem.empty());
}

TEST_CASE("nobody else may read the log or its head") {
    const Device device;
    device.write(2);
    CHECK(mode_of(device.log) == 0600);
    CHECK(mode_of(device.head) == 0600);
}

TEST_CASE("what was appended is there when the log is opened again") {
    const Device device;
    wire::Hash32 last{};
    {
        Log log = device.open();
        log.append(entry(Act::granted, "level full"));
        log.append(entry(Act::gate_opened, "", std::nullopt));
        last = log.head();
    }
    Log log = device.open();
    CHECK(log.entries() == 2);
    CHECK(log.head() == last);
    log.append(entry(Act::gate_closed, "locked", std::nullopt));
    const auto lines = test::all_of(log);
    REQUIRE(lines.size() == 3);
    const auto third = audit::parse_entry(lines[2]).value();
    CHECK(third.previous == last);
    CHECK(third.hash == log.head());
    CHECK(third.entry.number == 3);
    CHECK(third.entry.detail == "locked");
    CHECK(device.verify().intact);
}

TEST_CASE("an entry's number is the log's, whatever the caller says") {
    const Device device;
    Log log = device.open();
    Entry wrong = entry(Act::paused);
    wrong.number = 99;
    log.append(wrong);
    CHECK(numbers(test::all_of(log)) == std::vector<std::uint64_t>{1});
}

TEST_CASE("a detail that is too long or not printable is made fit and the log stays intact") {
    const Device device;
    {
        Log log = device.open();
        log.append(entry(Act::inhibited, std::string(100'000, '"')));
        log.append(entry(Act::inhibited, "a\nb\xff"));
    }
    CHECK(device.verify().intact);
    CHECK(device.open().entries() == 2);
}

TEST_CASE("entries are read in pages, oldest first, as they are in the file") {
    const Device device;
    Log log = device.open();
    for (int i = 0; i < 150; ++i) {
        log.append(entry(Act::paused, std::to_string(i)));
    }
    std::vector<std::string> all;
    for (;;) {
        const auto page = log.read(all.size(), 7, everything).value();
        CHECK(page.size() <= 7);
        if (page.empty()) {
            break;
        }
        all.insert(all.end(), page.begin(), page.end());
    }
    std::string text;
    for (const std::string& line : all) {
        text += line + "\n";
    }
    CHECK(all.size() == 150);
    CHECK(text == test::bytes_of(device.log));
}

TEST_CASE("a page begins after any entry, also in a log that was opened again") {
    const Device device;
    device.write(130);
    const Log log = device.open();
    for (std::uint64_t after = 0; after < 130; ++after) {
        CHECK(numbers(log.read(after, 1, everything).value()) == std::vector<std::uint64_t>{after + 1});
    }
    for (const std::uint64_t after : {std::uint64_t{130}, std::uint64_t{131}, UINT64_MAX}) {
        CHECK(log.read(after, 1, everything).value().empty());
    }
    CHECK(log.read(0, 0, everything).value().empty());
}

TEST_CASE("a page has as many of the wanted entries as it may, however many are left out between them") {
    const Device device;
    Log log = device.open();
    for (std::uint32_t i = 0; i < 100; ++i) {
        log.append(entry(Act::paused, "", i % 10, i % 10));
    }
    const auto page = log.read(15, 3, [](const Entry& each) { return each.uid == 4; }).value();
    CHECK(numbers(page) == std::vector<std::uint64_t>{25, 35, 45});
}

TEST_CASE("reading refuses a line that was changed meanwhile, naming it") {
    const Device device;
    Log log = device.open();
    for (int i = 0; i < 5; ++i) {
        log.append(entry(Act::paused, "until 0"));
    }
    std::string text = test::bytes_of(device.log);
    const auto lines = test::lines_of(text);
    text[lines[0].size() + lines[1].size() + lines[2].find("until")] = 'X';
    const int fd = ::open(device.log.c_str(), O_WRONLY | O_CLOEXEC);
    REQUIRE(::pwrite(fd, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()));
    ::close(fd);
    CHECK(log.read(0, 2, everything).value().size() == 2);
    const auto read = log.read(0, 100, everything);
    REQUIRE_FALSE(read);
    CHECK(read.error().message.find("audit.log:3: ") != std::string::npos);
}

TEST_CASE("a second process does not open a log in use") {
    const Device device;
    const Log log = device.open();
    CHECK(device.refusal().find("in use by another process") != std::string::npos);
}

TEST_CASE("a folder that is not there is refused, naming it") {
    const Device device;
    const auto opened = Log::open(device.directory / "none", device.identity);
    REQUIRE_FALSE(opened);
    CHECK(opened.error().message.find("none/audit.log") != std::string::npos);
    CHECK_FALSE(audit::verify(device.directory / "none", device.identity.public_key()).intact);
}

TEST_CASE("an entry that the disk does not take is not logged, and the next one is") {
    const Device device;
    Log log = device.open();
    log.append(entry(Act::paused));
    const auto before = device.files();
    {
        const FullDisk full(before.first.size() + 10);
        CHECK_THROWS_AS(log.append(entry(Act::resumed)), std::system_error);
    }
    CHECK(device.files() == before);
    CHECK(log.entries() == 1);
    CHECK(device.verify().intact);
    log.append(entry(Act::resumed));
    CHECK(device.verify().entries == 2);
}

TEST_CASE("an entry whose head the disk does not take is not logged, and the next one is") {
    HeadTooLarge disk;
    {
        const FullDisk full(disk.limit);
        CHECK_THROWS_AS(disk.log.append(HeadTooLarge::small()), std::system_error);
    }
    CHECK(disk.device.files() == disk.before);
    CHECK(disk.log.entries() == 0);
    disk.log.append(HeadTooLarge::small());
    CHECK(disk.device.files() == disk.after);
    CHECK(numbers(test::all_of(disk.log)) == std::vector<std::uint64_t>{1});
}

TEST_CASE("an append that fails with its head in place already is undone") {
    HeadTooLarge disk;
    disk.fail(disk.after.second, disk.limit + 1);
    CHECK(disk.device.files() == disk.before);
    CHECK(disk.device.verify().intact);
}

TEST_CASE("an append that could not even be undone is undone before the next") {
    HeadTooLarge disk;
    // The new head is in place, and the old one cannot be written again.
    disk.fail(disk.after.second, disk.limit);
    CHECK(disk.device.files() == disk.after);
    CHECK(disk.log.entries() == 0);
    CHECK(test::all_of(disk.log).empty());
    disk.log.append(entry(Act::revoked));
    const auto lines = test::all_of(disk.log);
    REQUIRE(lines.size() == 1);
    CHECK(audit::parse_entry(lines[0]).value().entry.act == Act::revoked);
    CHECK(disk.device.verify().intact);
}

TEST_CASE("an append that could not be undone takes no head but its own two for what it left") {
    HeadTooLarge disk;
    disk.fail("somebody else's", disk.limit);
    for (int again = 0; again < 2; ++again) {
        CHECK_THROWS_AS(disk.log.append(entry(Act::revoked)), std::system_error);
        CHECK(test::bytes_of(disk.device.head) == "somebody else's");
    }
    test::put(disk.device.head, disk.before.second);
    disk.log.append(entry(Act::revoked));
    CHECK(disk.device.verify().intact);
}
