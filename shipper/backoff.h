// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <random>

namespace candor::shipper {

/// Half of `pause` and a random part of the other half, so that a fleet does not come back all at once.
[[nodiscard]] inline std::chrono::microseconds with_jitter(std::chrono::microseconds pause) {
    static std::minstd_rand random{std::random_device{}()};
    return pause / 2 + pause / 2 * (random() % 1024) / 1024;
}

} // namespace candor::shipper
