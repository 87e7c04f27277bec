// SPDX-License-Identifier: Apache-2.0
#include "consent/pause_store.h"

#include "support/catch.h"
#include "support/temporary_directory.h"

#include <sys/stat.h>

#include <fstream>
#include <iterator>

using namespace candor;
using namespace candor::consent;

namespace {

constexpr std::uint32_t uid = 1000;
constexpr std::int64_t second_ns = 1'000'000'000;
constexpr std::int64_t now_seconds = 1'790'000'000;
constexpr std::int64_t day = 24 * 3600;
constexpr BootId this_boot = {1, 2, 3};
constexpr BootId next_boot = {4, 5, 6};

/// `uptime` and `wall` in seconds from where the test begins.
ClockAnchor clock_at(std::int64_t uptime, std::int64_t wall) {
    ClockAnchor anchor;
    anchor.boottime_ns = static_cast<std::uint64_t>((5000 + uptime) * second_ns);
    anchor.realtime_ns = (now_seconds + wall) * second_ns;
    return anchor;
}

ClockAnchor after(std::int64_t seconds) { return clock_at(seconds, seconds); }

struct Fixture {
    test::TemporaryDirectory directory;
    PauseStore store{directory / "pauses"};

    [[nodiscard]] std::filesystem::path file() const { return directory / "pauses/1000.json"; }
    [[nodiscard]] std::string text() const {
        std::ifstream in(file(), std::ios::binary);
        return {std::istreambuf_iterator<char>(in), {}};
    }
    void put(const std::string& text) const { std::ofstream(file(), std::ios::binary | std::ios::trunc) << text; }
    void check_damaged() const {
        const Pause pause = store.read(uid, after(0), this_boot);
        CHECK(pause.holds);
        CHECK(pause.until == 0);
        CHECK(pause.problem.find(file().string()) != std::string::npos);
    }
};

} // namespace

TEST_CASE("who has not paused is not paused") {
    Fixture f;
    const Pause pause = f.store.read(uid, after(0), this_boot);
    CHECK_FALSE(pause.holds);
    CHECK(pause.problem.empty());
    CHECK_NOTHROW(f.store.end(uid));
}

TEST_CASE("a pause holds until its time is over, for the one person, in a private file") {
    Fixture f;
    const Pause begun = f.store.begin(uid, std::chrono::minutes(15), after(0), this_boot);
    CHECK(begun.holds);
    CHECK(begun.until == now_seconds + 900);
    CHECK(begun.problem.empty());
    CHECK(f.store.read(uid, after(899), this_boot).holds);
    CHECK(f.store.read(uid, after(899), this_boot).until == now_seconds + 900);
    CHECK_FALSE(f.store.read(uid, after(900), this_boot).holds);
    CHECK(f.store.read(uid, after(900), this_boot).until == 0);
    CHECK_FALSE(f.store.read(1001, after(0), this_boot).holds);
    struct stat status {};
    REQUIRE(::stat(f.file().c_str(), &status) == 0);
    CHECK((status.st_mode & 07777) == 0600);
    REQUIRE(::stat((f.directory / "pauses").c_str(), &status) == 0);
    CHECK((status.st_mode & 07777) == 0700);
}

TEST_CASE("a pause that was ended does not hold, and another one replaces the earlier") {
    Fixture f;
    (void)f.store.begin(uid, std::chrono::hours(5), after(0), this_boot);
    CHECK(f.store.begin(uid, std::chrono::minutes(1), after(10), this_boot).until == now_seconds + 70);
    CHECK_FALSE(f.store.read(uid, after(70), this_boot).holds);
    (void)f.store.begin(uid, std::chrono::hours(5), after(0), this_boot);
    f.store.end(uid);
    CHECK_FALSE(f.store.read(uid, after(0), this_boot).holds);
    CHECK_FALSE(std::filesystem::exists(f.file()));
}

TEST_CASE("setting the wall clock neither shortens nor lengthens a pause of this boot") {
    Fixture f;
    (void)f.store.begin(uid, std::chrono::seconds(900), after(0), this_boot);
    for (const std::int64_t wall : {-1000 * day, -day, std::int64_t{0}, day, 1000 * day}) {
        INFO(wall);
        const Pause pause = f.store.read(uid, clock_at(600, wall), this_boot);
        CHECK(pause.holds);
        CHECK(pause.until == now_seconds + wall + 300);
        CHECK_FALSE(f.store.read(uid, clock_at(900, wall), this_boot).holds);
    }
}

TEST_CASE("a started second counts as a whole one, so that until is never before the end") {
    Fixture f;
    ClockAnchor begin = after(0);
    begin.realtime_ns += 999'999'999;
    CHECK(f.store.begin(uid, std::chrono::seconds(10), begin, this_boot).until == now_seconds + 10);
    ClockAnchor later = after(9);
    later.boottime_ns += 1;
    CHECK(f.store.read(uid, later, this_boot).until == now_seconds + 10);
}

TEST_CASE("after a restart of the machine a pause is measured by the wall clock") {
    Fixture f;
    (void)f.store.begin(uid, std::chrono::seconds(900), after(0), this_boot);
    const Pause pause = f.store.read(uid, clock_at(-4000, 899), next_boot);
    CHECK(pause.holds);
    CHECK(pause.until == now_seconds + 900);
    CHECK_FALSE(f.store.read(uid, clock_at(-4000, 900), next_boot).holds);
    CHECK(f.store.read(uid, clock_at(100 * day, 0), next_boot).holds);
}

TEST_CASE("after a restart with a clock that is far behind, a pause holds until resumed") {
    Fixture f;
    (void)f.store.begin(uid, std::chrono::seconds(900), after(0), this_boot);
    const Pause pause = f.store.read(uid, clock_at(0, -now_seconds), next_boot); // 1970
    CHECK(pause.holds);
    CHECK(pause.problem == f.file().string() + ": ends later than any pause can");
    f.store.end(uid);
    CHECK_FALSE(f.store.read(uid, clock_at(0, -now_seconds), next_boot).holds);
}

TEST_CASE("a pause lasts a second at least and 366 days at most") {
    Fixture f;
    CHECK_THROWS_AS((void)f.store.begin(uid, std::chrono::seconds(0), after(0), this_boot), std::invalid_argument);
    CHECK_THROWS_AS((void)f.store.begin(uid, longest_pause + std::chrono::seconds(1), after(0), this_boot),
                    std::invalid_argument);
    CHECK_FALSE(std::filesystem::exists(f.file()));
    const Pause longest = f.store.begin(uid, longest_pause, after(0), this_boot);
    CHECK(longest.problem.empty());
    CHECK(longest.until == now_seconds + 366 * day);
    CHECK(f.store.begin(uid, std::chrono::seconds(1), after(0), this_boot).holds);
}

TEST_CASE("a file that says more than 366 days is damaged, in this boot and in another") {
    Fixture f;
    (void)f.store.begin(uid, longest_pause, after(0), this_boot);
    for (const BootId& boot : {this_boot, next_boot}) {
        CHECK(f.store.read(uid, after(0), boot).problem.empty());
        CHECK(f.store.read(uid, after(-1), boot).problem == f.file().string() + ": ends later than any pause can");
        CHECK(f.store.read(uid, after(-1), boot).holds);
    }
}

TEST_CASE("whichever byte of a pause is changed, removed or added, it is damaged, unless it is another number") {
    Fixture f;
    (void)f.store.begin(uid, std::chrono::seconds(900), after(0), this_boot);
    const std::string sound = f.text();
    for (std::size_t i = 0; i < sound.size(); ++i) {
        INFO("byte " << i);
        std::string longer = sound;
        f.put(longer.insert(i, 1, ' '));
        f.check_damaged();
        for (const unsigned flip : {0x20u, 0x80u}) {
            std::string changed = sound;
            changed[i] = static_cast<char>(static_cast<unsigned char>(changed[i]) ^ flip);
            f.put(changed);
            f.check_damaged();
        }
        if (sound[i] < '0' || sound[i] > '9') {
            std::string shorter = sound;
            f.put(shorter.erase(i, 1));
            f.check_damaged();
        }
    }
}

TEST_CASE("a pause that is cut short, empty, huge, a folder, a link to nowhere or another's is damaged and holds") {
    Fixture f;
    (void)f.store.begin(uid, std::chrono::seconds(900), after(0), this_boot);
    const std::string sound = f.text();
    for (std::size_t length = 0; length < sound.size(); ++length) {
        f.put(sound.substr(0, length));
        f.check_damaged();
    }
    for (const std::string& other : {std::string("{}\n"), std::string("null"), std::string("[]"),
                                     std::string(2000, ' '), std::string(1000, '['), sound + "\n", "\n" + sound}) {
        f.put(other);
        f.check_damaged();
    }
    std::string negative = sound;
    f.put(negative.replace(negative.find("\"until\": "), 9, "\"until\": -"));
    f.check_damaged();
    f.put(sound);
    std::filesystem::copy_file(f.file(), f.directory / "pauses/1001.json");
    CHECK(f.store.read(1001, after(0), this_boot).problem ==
          (f.directory / "pauses/1001.json").string() + ": of another uid");
    std::filesystem::remove(f.file());
    std::filesystem::create_symlink("nowhere", f.file());
    f.check_damaged();
    std::filesystem::remove(f.file());
    std::filesystem::create_directory(f.file());
    f.check_damaged();
    CHECK_THROWS_AS(f.store.end(uid), std::system_error);
}

TEST_CASE("a damaged pause holds however time goes on, until it is resumed or begun anew") {
    Fixture f;
    f.put("{}");
    CHECK(f.store.read(uid, after(1000 * day), this_boot).holds);
    CHECK(f.store.read(uid, after(1000 * day), next_boot).holds);
    f.store.end(uid);
    CHECK_FALSE(f.store.read(uid, after(0), this_boot).holds);
    f.put("{}");
    CHECK(f.store.begin(uid, std::chrono::seconds(5), after(0), this_boot).problem.empty());
}

TEST_CASE("a pause that cannot be written is a fault, and the earlier one stands") {
    Fixture f;
    std::filesystem::remove_all(f.directory / "pauses");
    CHECK_THROWS_AS((void)f.store.begin(uid, std::chrono::seconds(5), after(0), this_boot), std::system_error);
}
