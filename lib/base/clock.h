// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>

namespace candor {

/// The three clocks read together, in nanoseconds. Capture time is always CLOCK_MONOTONIC; the others only tie it to
/// suspends (boottime) and to the calendar (realtime, since 1970 UTC).
struct ClockAnchor {
    std::uint64_t monotonic_ns = 0;
    std::uint64_t boottime_ns = 0;
    std::int64_t realtime_ns = 0;

    bool operator==(const ClockAnchor&) const = default;
};

using BootId = std::array<std::uint8_t, 16>;

/// Reads the monotonic clock before and after the others and takes the middle, so that the three belong together within
/// the time of four clock reads.
[[nodiscard]] ClockAnchor read_clock_anchor();

/// CLOCK_MONOTONIC now, in microseconds: the unit of evdev's timestamps.
[[nodiscard]] std::uint64_t monotonic_us();

/// This boot's random identity. Throws std::runtime_error where the kernel does not tell it.
[[nodiscard]] BootId read_boot_id();

} // namespace candor
