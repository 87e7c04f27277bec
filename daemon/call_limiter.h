// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>

namespace candor::daemon {

/// Keeps strangers from holding up the loop: each uid has `burst` calls, and `a_second` more. No clock. At most 256 uids are
/// told apart; of more, those that have been quiet longest are forgotten, and they begin anew.
class CallLimiter {
public:
    static constexpr double burst = 256;
    static constexpr double a_second = 4;
    static constexpr std::size_t most_uids = 256;

    /// Whether a call of this uid at this time (CLOCK_MONOTONIC, microseconds) is taken.
    [[nodiscard]] bool takes(std::uint32_t uid, std::uint64_t now_us);

private:
    struct Bucket {
        double calls = burst;
        std::uint64_t last_us = 0;
    };
    std::map<std::uint32_t, Bucket> buckets_;
};

} // namespace candor::daemon
