// SPDX-License-Identifier: Apache-2.0
#include "daemon/call_limiter.h"

#include <algorithm>

namespace candor::daemon {

bool CallLimiter::takes(std::uint32_t uid, std::uint64_t now_us) {
    if (buckets_.size() >= most_uids && !buckets_.contains(uid)) {
        buckets_.erase(std::ranges::min_element(buckets_, {}, [](const auto& entry) { return entry.second.last_us; }));
    }
    Bucket& bucket = buckets_[uid];
    const double seconds = bucket.last_us == 0 ? 0 : static_cast<double>(now_us - bucket.last_us) / 1e6;
    bucket.calls = std::min(burst, bucket.calls + a_second * seconds);
    bucket.last_us = now_us;
    if (bucket.calls < 1) {
        return false;
    }
    bucket.calls -= 1;
    return true;
}

} // namespace candor::daemon
