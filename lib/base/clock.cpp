// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"

#include "base/error.h"

#include <systemd/sd-id128.h>
#include <time.h>

#include <algorithm>

namespace candor {
namespace {

std::int64_t read_ns(clockid_t clock) {
    timespec now{};
    if (::clock_gettime(clock, &now) < 0) {
        throw_errno("clock_gettime");
    }
    return static_cast<std::int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
}

} // namespace

ClockAnchor read_clock_anchor() {
    const auto before = read_ns(CLOCK_MONOTONIC);
    const auto boottime = read_ns(CLOCK_BOOTTIME);
    const auto realtime = read_ns(CLOCK_REALTIME);
    const auto after = read_ns(CLOCK_MONOTONIC);
    return {.monotonic_ns = static_cast<std::uint64_t>(before + (after - before) / 2),
            .boottime_ns = static_cast<std::uint64_t>(boottime),
            .realtime_ns = realtime};
}

std::uint64_t monotonic_us() { return static_cast<std::uint64_t>(read_ns(CLOCK_MONOTONIC)) / 1000; }

BootId read_boot_id() {
    sd_id128_t id{};
    check(sd_id128_get_boot(&id), "read the boot id");
    BootId out{};
    std::ranges::copy(id.bytes, out.begin());
    return out;
}

} // namespace candor
