// SPDX-License-Identifier: Apache-2.0
#include "daemon/call_limiter.h"

#include "support/catch.h"

using candor::daemon::CallLimiter;

namespace {

constexpr std::uint64_t second = 1'000'000;

int taken(CallLimiter& limiter, std::uint32_t uid, std::uint64_t now_us, int calls) {
    int count = 0;
    for (int i = 0; i < calls; ++i) {
        count += limiter.takes(uid, now_us) ? 1 : 0;
    }
    return count;
}

} // namespace

TEST_CASE("a uid has its burst, then four calls a second, and another uid has its own") {
    CallLimiter limiter;
    CHECK(taken(limiter, 1000, 5 * second, 1000) == 256);
    CHECK(taken(limiter, 1001, 5 * second, 1000) == 256);
    CHECK(taken(limiter, 1000, 5 * second + second / 8, 10) == 0);
    CHECK(taken(limiter, 1000, 6 * second, 10) == 4);
    CHECK(taken(limiter, 1000, 8 * second, 10) == 8);
    CHECK(taken(limiter, 1000, 10'000 * second, 1000) == 256);
}

TEST_CASE("of more uids than it tells apart the quietest is forgotten, not the busy one") {
    CallLimiter limiter;
    CHECK(taken(limiter, 7, 1000 * second, 1000) == 256);
    for (std::uint32_t uid = 1000; uid < 1000 + 300; ++uid) {
        CHECK(limiter.takes(uid, 1000 * second + uid));
        CHECK_FALSE(limiter.takes(7, 1000 * second + uid));
    }
}
