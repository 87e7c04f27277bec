// SPDX-License-Identifier: Apache-2.0
#include "base/event_loop.h"

#include "base/clock.h"
#include "base/handle.h"
#include "base/unique_fd.h"
#include "support/catch.h"

#include <fcntl.h>
#include <sys/epoll.h>

#include <array>
#include <stdexcept>

using namespace candor;
using namespace std::chrono_literals;

TEST_CASE("what a callback throws ends the loop and is thrown by run") {
    EventLoop loop;
    const auto source = loop.add_defer([] { throw std::runtime_error("broken"); });
    CHECK_THROWS_WITH(loop.run(), "broken");
}

TEST_CASE("a descriptor's callback runs while its source lives and not after") {
    std::array<int, 2> ends{};
    REQUIRE(::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) == 0);
    const UniqueFd reader(ends[0]);
    const UniqueFd writer(ends[1]);
    EventLoop loop;
    int calls = 0;
    auto source = loop.add_io(reader.get(), EPOLLIN, [&](std::uint32_t) {
        char byte = 0;
        CHECK(::read(reader.get(), &byte, 1) == 1);
        ++calls;
    });
    REQUIRE(::write(writer.get(), "a", 1) == 1);
    CHECK(loop.run_once(60s));
    CHECK(calls == 1);
    source.reset();
    REQUIRE(::write(writer.get(), "b", 1) == 1);
    CHECK_FALSE(loop.run_once(0s));
    CHECK(calls == 1);
}

TEST_CASE("a timer fires once for each time it is armed") {
    EventLoop loop;
    int calls = 0;
    auto timer = loop.add_timer([&] { ++calls; }, 1us);
    CHECK_FALSE(loop.run_once(0s));
    timer.arm(0us);
    CHECK(loop.run_once(60s));
    CHECK_FALSE(loop.run_once(0s));
    timer.arm(0us);
    timer.disarm();
    CHECK_FALSE(loop.run_once(0s));
    CHECK(calls == 1);
}

TEST_CASE("a source may remove itself in its own callback") {
    EventLoop loop;
    EventLoop::Source source;
    int calls = 0;
    source = loop.add_timer([&, kept = std::string(100, 'x')] {
        source.reset();
        calls += static_cast<int>(kept.size());
    });
    source.arm(0us);
    CHECK(loop.run_once(60s));
    CHECK_FALSE(static_cast<bool>(source));
    CHECK_FALSE(loop.run_once(0s));
    CHECK(calls == 100);
}

TEST_CASE("a descriptor has one owner and is closed by it") {
    int number = -1;
    {
        UniqueFd first(::open("/dev/null", O_RDONLY | O_CLOEXEC));
        number = first.get();
        UniqueFd second(std::move(first));
        CHECK(second.get() == number);
        CHECK_FALSE(static_cast<bool>(first));
        second = UniqueFd(second.release());
        CHECK(::fcntl(number, F_GETFD) >= 0);
    }
    CHECK(::fcntl(number, F_GETFD) == -1);
}

TEST_CASE("the clocks of an anchor belong together") {
    const auto before = monotonic_us();
    const ClockAnchor anchor = read_clock_anchor();
    const auto after = monotonic_us();
    CHECK(anchor.monotonic_ns / 1000 >= before);
    CHECK(anchor.monotonic_ns / 1000 <= after);
    CHECK(anchor.boottime_ns >= before * 1000);
    CHECK(anchor.realtime_ns > 0);
    CHECK(read_boot_id() == read_boot_id());
}
