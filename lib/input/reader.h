// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "input/packet.h"

#include <cstdint>
#include <optional>

namespace candor::input {

enum class HoleReason : std::uint8_t {
    dropped_by_kernel, ///< the device's queue in the kernel ran over
    device_gone,       ///< the last of this device: unplugged or failed, and what waited in the kernel went with it
    damaged,           ///< a packet longer than a stream can hold
};

/// Events of one device that are not there, between two moments of CLOCK_MONOTONIC in microseconds.
struct Hole {
    std::uint32_t device = 0;
    HoleReason reason = HoleReason::dropped_by_kernel;
    std::uint64_t from_us = 0;
    std::uint64_t to_us = 0;
    std::optional<std::uint64_t> events; ///< how many, where that can be known

    bool operator==(const Hole&) const = default;
};

/// Takes what the readers read, in order of each device's time.
class ReaderSink {
public:
    ReaderSink() = default;
    ReaderSink(const ReaderSink&) = delete;
    ReaderSink& operator=(const ReaderSink&) = delete;
    virtual ~ReaderSink() = default;
    virtual void on_packet(const Packet& packet) = 0;
    virtual void on_hole(const Hole& hole) = 0;
};

} // namespace candor::input
