// SPDX-License-Identifier: Apache-2.0
#include "quarantine_fixture.h"

#include "base/unique_fd.h"
#include "support/as_uid.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <limits>
#include <sstream>
#include <stdexcept>
#include <system_error>

using namespace candor;
using namespace candor::test;
using input::HoleReason;
using privacy::Quarantine;

namespace {

constexpr std::uint64_t everything = std::numeric_limits<std::uint64_t>::max();
constexpr std::size_t roomy = 1024 * 1024;

const std::vector<input::Event> press = {{EV_KEY, KEY_A, 1}, {EV_SYN, SYN_REPORT, 0}};
/// Nothing else in the process looks like it.
const std::vector<input::Event> secret(512, {0x5ec7, 0xe75e, 0x5ec7e75e});

/// The longest packet of a stream, and how many of it fill a chunk.
const std::vector<input::Event> longest(1024, {EV_REL, REL_X, 1});
constexpr std::size_t longest_bytes = head_bytes + 1024 * event_bytes;
constexpr std::size_t longest_a_chunk = chunk_bytes / longest_bytes;

struct Range {
    std::uintptr_t from = 0;
    std::uintptr_t to = 0;
    std::string flags; ///< smaps' VmFlags
};

/// The mapping that holds an address, as the kernel sees it.
Range mapping_of(std::uintptr_t address) {
    std::ifstream smaps("/proc/self/smaps");
    Range range;
    for (std::string line; std::getline(smaps, line);) {
        std::istringstream words(line);
        std::uintptr_t from = 0;
        std::uintptr_t to = 0;
        char dash = 0;
        if (words >> std::hex >> from >> dash >> to && dash == '-') {
            range = {from, to, ""};
        } else if (line.starts_with("VmFlags:") && range.from <= address && address < range.to) {
            range.flags = line.substr(8) + " ";
            return range;
        }
    }
    return {};
}

std::uintptr_t address_of(const input::Packet& packet) {
    return reinterpret_cast<std::uintptr_t>(packet.events.data());
}

/// What lies there, read the way a debugger would; nothing where nothing is mapped any more.
std::vector<std::byte> memory(std::uintptr_t from, std::size_t size) {
    const UniqueFd fd(::open("/proc/self/mem", O_RDONLY | O_CLOEXEC));
    REQUIRE(fd);
    std::vector<std::byte> bytes(size);
    const ssize_t got = ::pread(fd.get(), bytes.data(), size, static_cast<off_t>(from));
    bytes.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
    return bytes;
}

bool is_zero(const std::vector<std::byte>& bytes) {
    return std::all_of(bytes.begin(), bytes.end(), [](std::byte byte) { return byte == std::byte{0}; });
}

std::size_t locked_bytes() {
    std::ifstream status("/proc/self/status");
    for (std::string word; status >> word;) {
        if (word == "VmLck:") {
            std::size_t kib = 0;
            status >> kib;
            return kib * 1024;
        }
    }
    FAIL("no VmLck");
    return 0;
}

/// While it lives, this process may lock `bytes` more than it has locked now. Root may lock everything, so this thread is not root.
class LockLimit {
public:
    explicit LockLimit(std::size_t bytes) : nobody_(::geteuid() == 0 ? 65534 : ::geteuid()) {
        REQUIRE(::getrlimit(RLIMIT_MEMLOCK, &before_) == 0);
        const rlimit less{locked_bytes() + bytes, before_.rlim_max};
        REQUIRE(::setrlimit(RLIMIT_MEMLOCK, &less) == 0);
    }
    ~LockLimit() { ::setrlimit(RLIMIT_MEMLOCK, &before_); }
    LockLimit(const LockLimit&) = delete;
    LockLimit& operator=(const LockLimit&) = delete;

private:
    AsUid nobody_;
    rlimit before_{};
};

} // namespace

TEST_CASE("packets and holes come out of quarantine in the order they went in") {
    Quarantine quarantine(roomy);
    REQUIRE(quarantine.push(packet(7, 1000, press)));
    REQUIRE(quarantine.push(input::Hole{8, HoleReason::damaged, 500, 1500, 12}));
    REQUIRE(quarantine.push(input::Hole{9, HoleReason::device_gone, 1500, 1600, std::nullopt}));
    REQUIRE(quarantine.push(packet(8, 2000, {})));
    Given given;
    quarantine.release(everything, given);
    CHECK(given.lines == Lines{"7@1000: 1/30/1 0/0/0", "hole 8@500-1500 2 of 12", "hole 9@1500-1600 1", "8@2000:"});
    CHECK(quarantine.empty());
}

TEST_CASE("what is of the moment or later stays in quarantine") {
    Quarantine quarantine(roomy);
    REQUIRE(quarantine.push(packet(7, 1000, press)));
    REQUIRE(quarantine.push(packet(7, 2000, press)));
    Given given;
    quarantine.release(1000, given);
    CHECK(given.lines.empty());
    quarantine.release(1001, given);
    CHECK(given.lines == Lines{"7@1000: 1/30/1 0/0/0"});
    CHECK(quarantine.oldest_us() == 2000);
}

TEST_CASE("a hole waits until its end is old enough") {
    Quarantine quarantine(roomy);
    REQUIRE(quarantine.push(input::Hole{7, HoleReason::dropped_by_kernel, 1000, 5000, std::nullopt}));
    CHECK(quarantine.oldest_us() == 5000);
    Given given;
    quarantine.release(5000, given);
    CHECK(given.lines.empty());
    quarantine.release(5001, given);
    CHECK(given.lines.size() == 1);
}

TEST_CASE("an earlier packet that arrived behind a later one waits for it, and the quarantine says until when") {
    Quarantine quarantine(roomy);
    REQUIRE(quarantine.push(packet(7, 3000, press)));
    REQUIRE(quarantine.push(packet(8, 1000, press)));
    CHECK(quarantine.oldest_us() == 3000);
    Given given;
    quarantine.release(2000, given);
    CHECK(given.lines.empty());
    quarantine.release(3001, given);
    CHECK(given.lines == Lines{"7@3000: 1/30/1 0/0/0", "8@1000: 1/30/1 0/0/0"});
}

TEST_CASE("an empty quarantine says so and gives nothing") {
    Quarantine quarantine(roomy);
    CHECK(quarantine.empty());
    CHECK(quarantine.bytes() == 0);
    CHECK(quarantine.events() == 0);
    CHECK_FALSE(quarantine.oldest_us());
    Given given;
    quarantine.release(everything, given);
    CHECK_FALSE(quarantine.discard(given));
    CHECK(given.lines.empty());
}

TEST_CASE("what is discarded tells its times and its size, and comes out no more") {
    Quarantine quarantine(roomy);
    REQUIRE(quarantine.push(packet(7, 2000, press)));
    REQUIRE(quarantine.push(packet(8, 1000, {{EV_REL, REL_X, 3}})));
    REQUIRE(quarantine.push(packet(7, 3000, press)));
    Given given;
    const auto discarded = quarantine.discard(given);
    REQUIRE(discarded);
    CHECK(discarded->from_us == 1000);
    CHECK(discarded->to_us == 3000);
    CHECK(discarded->events == 5);
    quarantine.release(everything, given);
    CHECK(given.lines.empty());
    CHECK(quarantine.empty());
    CHECK(quarantine.bytes() == 0);
}

TEST_CASE("a hole is not discarded, and its times are not those of what is") {
    Quarantine quarantine(roomy);
    REQUIRE(quarantine.push(input::Hole{7, HoleReason::dropped_by_kernel, 100, 900, 4}));
    REQUIRE(quarantine.push(packet(7, 1000, press)));
    REQUIRE(quarantine.push(input::Hole{7, HoleReason::device_gone, 1000, 9000, std::nullopt}));
    Given holes;
    const auto discarded = quarantine.discard(holes);
    REQUIRE(discarded);
    CHECK(discarded->from_us == 1000);
    CHECK(discarded->to_us == 1000);
    CHECK(holes.lines == Lines{"hole 7@100-900 0 of 4", "hole 7@1000-9000 1"});
}

TEST_CASE("where only holes wait, nothing is discarded") {
    Quarantine quarantine(roomy);
    REQUIRE(quarantine.push(input::Hole{7, HoleReason::dropped_by_kernel, 100, 900, 4}));
    Given holes;
    CHECK_FALSE(quarantine.discard(holes));
    CHECK(holes.lines.size() == 1);
    CHECK(quarantine.empty());
}

TEST_CASE("what waits is counted as it is packed") {
    Quarantine quarantine(roomy);
    REQUIRE(quarantine.push(packet(7, 1000, press)));
    CHECK(quarantine.bytes() == head_bytes + 2 * event_bytes);
    REQUIRE(quarantine.push(input::Hole{7, HoleReason::damaged, 100, 1100, 99}));
    CHECK(quarantine.bytes() == head_bytes + 2 * event_bytes + hole_bytes);
    CHECK(quarantine.events() == 2);
    Given given;
    quarantine.release(1001, given);
    CHECK(quarantine.bytes() == hole_bytes);
    CHECK(quarantine.events() == 0);
}

TEST_CASE("a quarantine that is full takes nothing more, gives nothing up early, and takes again once there is room") {
    Quarantine quarantine(2 * (head_bytes + 2 * event_bytes));
    REQUIRE(quarantine.push(packet(7, 1000, press)));
    REQUIRE(quarantine.push(packet(7, 2000, press)));
    CHECK_FALSE(quarantine.push(packet(7, 3000, {})));
    CHECK_FALSE(quarantine.push(input::Hole{7, HoleReason::damaged, 2000, 3000, 1}));
    CHECK(quarantine.events() == 4);
    Given given;
    quarantine.release(1001, given);
    REQUIRE(quarantine.push(packet(7, 4000, press)));
    quarantine.release(everything, given);
    CHECK(given.lines == Lines{"7@1000: 1/30/1 0/0/0", "7@2000: 1/30/1 0/0/0", "7@4000: 1/30/1 0/0/0"});
}

TEST_CASE("a packet that is longer than a chunk is quarantined too") {
    Quarantine quarantine(roomy);
    const std::vector<input::Event> events(20'000, {EV_REL, REL_Y, -5});
    REQUIRE(quarantine.push(packet(7, 1000, press)));
    REQUIRE(quarantine.push(packet(7, 2000, events)));
    REQUIRE(quarantine.push(packet(7, 3000, press)));
    Given given;
    quarantine.release(everything, given);
    CHECK(given.lines ==
          Lines{"7@1000: 1/30/1 0/0/0", Given::text_of(packet(7, 2000, events)), "7@3000: 1/30/1 0/0/0"});
    CHECK(locked_bytes() == chunk_bytes);
}

TEST_CASE("the chunk of a packet that was longer than others is given back, not kept as the spare") {
    Quarantine quarantine(roomy);
    const std::vector<input::Event> events(20'000, {EV_REL, REL_Y, -5});
    REQUIRE(quarantine.push(packet(7, 1000, press)));
    REQUIRE(quarantine.push(packet(7, 2000, events)));
    Given given;
    quarantine.release(1001, given);
    // Takes the spare again, so that there is none when the long one goes.
    REQUIRE(quarantine.push(packet(7, 3000, longest)));
    quarantine.release(2001, given);
    CHECK(locked_bytes() == chunk_bytes);
}

TEST_CASE("a sink that throws has had its packet, and the rest still waits") {
    Quarantine quarantine(roomy);
    REQUIRE(quarantine.push(packet(7, 1000, press)));
    REQUIRE(quarantine.push(packet(7, 2000, press)));
    Given given;
    given.then = [](const input::Packet&) { throw std::runtime_error("a fault"); };
    CHECK_THROWS_AS(quarantine.release(everything, given), std::runtime_error);
    CHECK(given.lines == Lines{"7@1000: 1/30/1 0/0/0"});
    CHECK(quarantine.oldest_us() == 2000);
}

TEST_CASE("what waits lies in memory that is locked, in no core dump and in no child") {
    Quarantine quarantine(roomy);
    REQUIRE(quarantine.push(packet(7, 1000, secret)));
    Given given;
    given.then = [](const input::Packet& waiting) {
        const std::string flags = mapping_of(address_of(waiting)).flags;
        CHECK(flags.find(" lo ") != std::string::npos);
        CHECK(flags.find(" dd ") != std::string::npos);
        CHECK(flags.find(" wf ") != std::string::npos);
    };
    quarantine.release(everything, given);
    CHECK(given.lines.size() == 1);
}

TEST_CASE("memory grows with what waits, shrinks with it, and one chunk stays") {
    const std::size_t before = locked_bytes();
    {
        Quarantine quarantine(roomy);
        CHECK(locked_bytes() - before == chunk_bytes);
        for (std::uint64_t i = 0; i < 3 * longest_a_chunk; ++i) {
            REQUIRE(quarantine.push(packet(7, i, longest)));
        }
        CHECK(locked_bytes() - before == 3 * chunk_bytes);
        Given given;
        quarantine.release(longest_a_chunk, given);
        // One chunk is empty and spare now, the next is not.
        CHECK(locked_bytes() - before == 3 * chunk_bytes);
        quarantine.release(everything, given);
        CHECK(locked_bytes() - before == chunk_bytes);
    }
    CHECK(locked_bytes() == before);
}

TEST_CASE("what has been released is wiped, and what waits behind it is not") {
    Quarantine quarantine(roomy);
    REQUIRE(quarantine.push(packet(7, 1000, secret)));
    REQUIRE(quarantine.push(packet(7, 2000, secret)));
    const std::size_t size = secret.size() * event_bytes;
    std::uintptr_t first = 0;
    Given given;
    given.then = [&](const input::Packet& waiting) {
        first = address_of(waiting);
        CHECK_FALSE(is_zero(memory(first, size)));
    };
    quarantine.release(1001, given);
    CHECK(is_zero(memory(first, size)));
    CHECK_FALSE(is_zero(memory(first + size + head_bytes, size)));
}

TEST_CASE("what has been released was not wiped before the sink returned") {
    Quarantine quarantine(roomy);
    REQUIRE(quarantine.push(packet(7, 1000, secret)));
    Given given;
    given.then = [&](const input::Packet& waiting) {
        CHECK(std::equal(waiting.events.begin(), waiting.events.end(), secret.begin(), secret.end()));
    };
    quarantine.release(everything, given);
    CHECK(given.lines.size() == 1);
}

TEST_CASE("a quarantine that was emptied holds nothing but zeros, whichever way it was") {
    const bool discard = GENERATE(false, true);
    Quarantine quarantine(roomy);
    Given given;
    Range range;
    given.then = [&](const input::Packet& waiting) { range = mapping_of(address_of(waiting)); };
    REQUIRE(quarantine.push(packet(7, 1000, press)));
    quarantine.release(everything, given);
    // The same chunk again: it is the spare.
    for (std::uint64_t i = 0; i < 10; ++i) {
        REQUIRE(quarantine.push(packet(7, 2000 + i, secret)));
        REQUIRE(quarantine.push(input::Hole{7, HoleReason::damaged, 0x5ec7e75e, 2000 + i, 0x5ec7e75e}));
    }
    const std::size_t size = range.to - range.from;
    REQUIRE(size >= chunk_bytes);
    REQUIRE_FALSE(is_zero(memory(range.from, size)));
    given.then = nullptr;
    if (discard) {
        CHECK(quarantine.discard(given));
    } else {
        quarantine.release(everything, given);
    }
    const auto left = memory(range.from, size);
    CHECK(left.size() == size);
    CHECK(is_zero(left));
}

TEST_CASE("where no more memory may be locked, the quarantine takes nothing more and keeps what it has") {
    const LockLimit limit(2 * chunk_bytes + chunk_bytes / 2);
    Quarantine quarantine(roomy);
    std::size_t taken = 0;
    while (quarantine.push(packet(7, 1000 + taken, longest))) {
        ++taken;
        REQUIRE(taken < 1000);
    }
    CHECK(taken == 2 * longest_a_chunk);
    CHECK(quarantine.events() == taken * 1024);
    Given given;
    quarantine.release(1001, given);
    CHECK(given.lines == Lines{Given::text_of(packet(7, 1000, longest))});
    quarantine.release(everything, given);
    CHECK(given.lines.size() == taken);
    CHECK(quarantine.push(packet(7, 9000, longest)));
}

TEST_CASE("a quarantine that may not lock a single chunk is not made, and says which limit it is") {
    const LockLimit limit(chunk_bytes / 2);
    try {
        Quarantine quarantine(roomy);
        FAIL("it was made");
    } catch (const std::system_error& error) {
        CHECK((error.code().value() == ENOMEM || error.code().value() == EAGAIN || error.code().value() == EPERM));
        CHECK(std::string(error.what()).find("RLIMIT_MEMLOCK") != std::string::npos);
    }
}
