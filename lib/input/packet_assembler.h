// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "input/packet.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace candor::input {

/// Groups one device's events into packets that end in SYN_REPORT. Allocates nothing.
class PacketAssembler {
public:
    /// wire::max_packet_events: what a stream can hold.
    static constexpr std::size_t max_events = 1024;

    enum class Result : std::uint8_t {
        incomplete, ///< nothing to do yet
        packet,     ///< packet() is whole
        resync,     ///< the kernel lost events, and the packet it broke is over: ask for the device's state now
        damaged,    ///< a packet of more than max_events ended; lost() events of it were thrown away
        garbage,    ///< a type or code that no kernel knows; what follows cannot be trusted
    };

    Result feed(Event event) noexcept;

    /// Valid after Result::packet until the next feed().
    [[nodiscard]] std::span<const Event> packet() const noexcept { return {events_.data(), count_}; }
    /// After Result::damaged.
    [[nodiscard]] std::uint64_t lost() const noexcept { return lost_; }
    /// Forgets what is half assembled.
    void reset() noexcept;

private:
    enum class State : std::uint8_t { collecting, complete, dropped, overlong };

    std::array<Event, max_events> events_;
    std::size_t count_ = 0;
    std::uint64_t lost_ = 0;
    State state_ = State::collecting;
};

/// Whether the kernel's headers know an event of this type and code.
[[nodiscard]] bool is_kernel_event(std::uint16_t type, std::uint16_t code) noexcept;

} // namespace candor::input
