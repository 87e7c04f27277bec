// SPDX-License-Identifier: Apache-2.0
#include "consent/schedule.h"

#include "consent/utc.h"
#include "support/catch.h"

#include <array>
#include <cstdlib>
#include <ctime>
#include <limits>
#include <optional>
#include <random>
#include <string>

using namespace candor::consent;

namespace {

constexpr std::int64_t day = 24 * 3600;

/// The C library's time zone while it lives. POSIX rules need no files of the system.
class Zone {
public:
    explicit Zone(const char* rule) {
        if (const char* before = std::getenv("TZ")) {
            before_ = before;
        }
        ::setenv("TZ", rule, 1);
        ::tzset();
    }
    ~Zone() {
        if (before_) {
            ::setenv("TZ", before_->c_str(), 1);
        } else {
            ::unsetenv("TZ");
        }
        ::tzset();
    }
    Zone(const Zone&) = delete;
    Zone& operator=(const Zone&) = delete;

private:
    std::optional<std::string> before_;
};

Schedule schedule_of(std::initializer_list<const char*> windows) {
    Schedule schedule;
    for (const char* window : windows) {
        schedule.windows.push_back(parse_window(window).value());
    }
    return schedule;
}

std::int64_t at(const char* utc) { return parse_utc(utc).value(); }

const char* const berlin = "CET-1CEST,M3.5.0,M10.5.0/3";

} // namespace

TEST_CASE("windows are days of the week and hours of one day") {
    using Window = Schedule::Window;
    CHECK(parse_window("Mon..Fri 08:00-18:00") == Window{0b0011111, 480, 1080});
    CHECK(parse_window("Sat,Sun 10:00-12:00") == Window{0b1100000, 600, 720});
    CHECK(parse_window("daily 00:00-24:00") == Window{0b1111111, 0, 1440});
    CHECK(parse_window("Mon..Sun 00:00-24:00") == Window{0b1111111, 0, 1440});
    CHECK(parse_window("Sun,Mon..Wed,Fri 23:59-24:00") == Window{0b1010111, 1439, 1440});
    CHECK(parse_window("Thu 00:00-00:01") == Window{0b0001000, 0, 1});
}

TEST_CASE("anything else is refused, past midnight too") {
    for (const char* text : {"",
                             "daily",
                             "08:00-18:00",
                             "daily 22:00-06:00",
                             "daily 08:00-08:00",
                             "daily 24:00-24:00",
                             "daily 08:00-24:01",
                             "daily 08:60-09:00",
                             "daily 8:00-18:00",
                             "daily 08:00-18:0",
                             "daily 08:00 - 18:00",
                             "daily  08:00-18:00",
                             "daily 08:00-18:00 ",
                             " daily 08:00-18:00",
                             "daily 08.00-18.00",
                             "daily -8:00-18:00",
                             "daily 08:00-99:99",
                             "Daily 08:00-18:00",
                             "mon 08:00-18:00",
                             "Monday 08:00-18:00",
                             "Mon,Mon 08:00-18:00",
                             "Mon..Wed,Tue 08:00-18:00",
                             "Fri..Mon 08:00-18:00",
                             "Mon..Mon 08:00-18:00",
                             "Mon..Tue..Wed 08:00-18:00",
                             "Mon.. 08:00-18:00",
                             "..Fri 08:00-18:00",
                             "Mon, 08:00-18:00",
                             ",Mon 08:00-18:00",
                             "Mon;Tue 08:00-18:00",
                             "daily,Mon 08:00-18:00"}) {
        INFO(text);
        const auto window = parse_window(text);
        REQUIRE_FALSE(window.has_value());
        CHECK(window.error().starts_with("expected days and hours of one day"));
    }
}

TEST_CASE("a window is shown in words that are read as the same window") {
    CHECK(format_window({0b1111111, 0, 1440}) == "daily 00:00-24:00");
    CHECK(format_window({0b0011111, 480, 1080}) == "Mon..Fri 08:00-18:00");
    CHECK(format_window({0b1100000, 601, 720}) == "Sat,Sun 10:01-12:00");
    CHECK(format_window({0b1010111, 0, 1}) == "Mon..Wed,Fri,Sun 00:00-00:01");
    for (unsigned weekdays = 1; weekdays < 128; ++weekdays) {
        const Schedule::Window window{static_cast<std::uint8_t>(weekdays), static_cast<int>(weekdays) * 11,
                                      static_cast<int>(weekdays) * 11 + 1};
        INFO(format_window(window));
        CHECK(parse_window(format_window(window)) == window);
    }
}

TEST_CASE("no schedule is always, and never changes") {
    for (const std::int64_t now :
         {std::int64_t{0}, at("2026-11-25T12:00:00Z"), std::numeric_limits<std::int64_t>::max()}) {
        CHECK(within({}, now));
        CHECK_FALSE(next_change({}, now).has_value());
    }
}

TEST_CASE("a window begins with its first second and ends before its last minute") {
    const Zone zone("UTC0");
    const Schedule work = schedule_of({"Mon..Fri 08:00-18:00"});
    CHECK_FALSE(within(work, at("2026-11-25T07:59:59Z"))); // a Wednesday
    CHECK(within(work, at("2026-11-25T08:00:00Z")));
    CHECK(within(work, at("2026-11-25T17:59:59Z")));
    CHECK_FALSE(within(work, at("2026-11-25T18:00:00Z")));
    CHECK_FALSE(within(work, at("2026-11-28T12:00:00Z"))); // a Saturday
    const Schedule sunday = schedule_of({"Sun 00:00-24:00"});
    CHECK_FALSE(within(sunday, at("2026-11-28T23:59:59Z")));
    CHECK(within(sunday, at("2026-11-29T00:00:00Z")));
    CHECK(within(sunday, at("2026-11-29T23:59:59Z")));
    CHECK_FALSE(within(sunday, at("2026-11-30T00:00:00Z")));
}

TEST_CASE("the next change is the next beginning or end of a window") {
    const Zone zone("UTC0");
    const Schedule work = schedule_of({"Mon..Fri 08:00-18:00"});
    CHECK(next_change(work, at("2026-11-25T07:59:59Z")) == at("2026-11-25T08:00:00Z"));
    CHECK(next_change(work, at("2026-11-25T08:00:00Z")) == at("2026-11-25T18:00:00Z"));
    CHECK(next_change(work, at("2026-11-27T18:00:00Z")) == at("2026-11-30T08:00:00Z")); // over a weekend
    const Schedule once = schedule_of({"Wed 08:00-18:00"});
    CHECK(next_change(once, at("2026-11-25T18:00:00Z")) == at("2026-12-02T08:00:00Z"));
    CHECK(next_change(once, at("2026-11-25T18:00:01Z")) == at("2026-12-02T08:00:00Z"));
    const Schedule two = schedule_of({"daily 22:00-24:00", "daily 00:00-06:00"});
    CHECK(within(two, at("2026-11-25T23:59:59Z")));
    CHECK(within(two, at("2026-11-26T00:00:00Z")));
    CHECK(next_change(two, at("2026-11-25T06:00:00Z")) == at("2026-11-25T22:00:00Z"));
}

TEST_CASE("hours are local, and a change of the clocks moves them") {
    const Zone zone(berlin);
    const Schedule work = schedule_of({"daily 08:00-18:00"});
    CHECK(within(work, at("2026-01-15T07:00:00Z")));
    CHECK_FALSE(within(work, at("2026-01-15T06:59:59Z")));
    CHECK(within(work, at("2026-07-15T06:00:00Z")));
    CHECK_FALSE(within(work, at("2026-07-15T05:59:59Z")));
    // On 2026-03-29 02:00 is 03:00: a window that lies in the gap does not happen, one that begins there begins late.
    const Schedule gap = schedule_of({"daily 02:10-02:50"});
    const Schedule into_gap = schedule_of({"daily 02:30-04:00"});
    for (std::int64_t now = at("2026-03-29T00:00:00Z"); now < at("2026-03-29T02:00:00Z"); now += 60) {
        REQUIRE_FALSE(within(gap, now));
        REQUIRE(within(into_gap, now) == (now >= at("2026-03-29T01:00:00Z")));
    }
    CHECK(next_change(into_gap, at("2026-03-29T00:10:00Z")) == at("2026-03-29T01:00:00Z"));
    // On 2026-10-25 the hour from 02:00 happens twice.
    CHECK(within(gap, at("2026-10-25T00:20:00Z")));
    CHECK_FALSE(within(gap, at("2026-10-25T00:55:00Z")));
    CHECK(within(gap, at("2026-10-25T01:20:00Z")));
    CHECK(next_change(gap, at("2026-10-25T00:55:00Z")) == at("2026-10-25T01:00:00Z"));
}

TEST_CASE("a time that no calendar has is outside of every window") {
    const Schedule always = schedule_of({"daily 00:00-24:00"});
    const std::int64_t last = std::numeric_limits<std::int64_t>::max();
    CHECK_FALSE(within(always, last));
    CHECK(next_change(always, last) == last);
    CHECK_FALSE(within(always, std::numeric_limits<std::int64_t>::min()));
}

TEST_CASE("over a year in many zones, nothing changes before the next change, which is at most 8 days ahead") {
    struct Rule {
        const char* text;
        bool changes; ///< has summer time: else a rule that is not understood would pass as UTC
    };
    constexpr std::array<Rule, 9> rules = {{
        {"UTC0", false},
        {"<+0545>-5:45", false},                                // Kathmandu
        {"CET-1CEST,M3.5.0,M10.5.0/3", true},                   // Berlin
        {"EST5EDT,M3.2.0,M11.1.0", true},                       // New York
        {"<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", true},         // Lord Howe: by half an hour
        {"NST3:30NDT,M3.2.0/0:01,M11.1.0/0:01", true},          // St. John's, as it was: at a minute past midnight
        {"<-04>4<-03>,M9.1.6/24,M4.1.6/24", true},              // Santiago: midnight itself is left out
        {"<-02>2<-01>,M3.5.0/-1,M10.5.0/0", true},              // Nuuk: the evening before
        {"<+1245>-12:45<+1345>,M9.5.0/2:45,M4.1.0/3:45", true}, // Chatham
    }};
    std::mt19937 random(27560);
    const std::int64_t start = at("2026-01-01T00:00:00Z");
    for (const Rule& rule : rules) {
        const Zone zone(rule.text);
        const auto offset = [](std::int64_t seconds) {
            const std::time_t time = seconds;
            std::tm parts{};
            ::localtime_r(&time, &parts);
            return parts.tm_gmtoff;
        };
        REQUIRE((offset(start) != offset(start + 182 * day)) == rule.changes);
        for (int round = 0; round < 6; ++round) {
            Schedule schedule = schedule_of({"Sun 02:30-02:45", "daily 23:30-24:00"});
            for (std::size_t i = 0; round > 0 && i < 3; ++i) {
                const int from = static_cast<int>(random() % 1440);
                const int to = from + 1 + static_cast<int>(random() % static_cast<unsigned>(1440 - from));
                schedule.windows.push_back({static_cast<std::uint8_t>(1 + random() % 127), from, to});
            }
            if (round % 2 == 1) {
                schedule.windows.erase(schedule.windows.begin(), schedule.windows.begin() + 2);
            }
            bool last = within(schedule, start);
            std::int64_t change = next_change(schedule, start).value();
            for (std::int64_t now = start; now < start + 366 * day; now += 60) {
                const bool open = within(schedule, now);
                if (now >= change) {
                    REQUIRE(change == now); // all of these zones change at whole minutes
                    last = open;
                    change = next_change(schedule, now).value();
                    REQUIRE(change > now);
                    REQUIRE(change <= now + 8 * day);
                } else if (open != last || within(schedule, now + 59) != last) {
                    FAIL(rule.text << ": changed at " << now << ", before " << change);
                }
                // From anywhere in between it is the same: nothing is forgotten by looking later.
                if (now % (7 * 3600) == 0) {
                    REQUIRE(next_change(schedule, now + 17).value() == change);
                }
            }
        }
    }
}
