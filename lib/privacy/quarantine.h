// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "input/reader.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

namespace candor::privacy {

/// Where events wait before they may be committed: locked, undumpable memory (mlock, MADV_DONTDUMP) that is wiped when what it
/// held is released or discarded. Memory grows and shrinks in chunks with what waits. Only times and sizes ever leave it
/// other than by release(). No clock. One thread.
///
/// Bound: `bound_bytes` of packets and holes as they are packed here (bytes()): 16 bytes each and 8 for an event, 40 for a
/// hole. At the bound push() takes nothing more and says so; what is held is not given up early. Packets that a stream can
/// hold (PacketAssembler::max_events) never lie in more than 8/7 of the bound and three chunks of 64 KiB of locked memory.
class Quarantine {
public:
    /// Takes what is released, in the order of arrival. A hole keeps its place among the packets.
    using Sink = input::ReaderSink;

    /// What discard() threw away. Times are of the packets, CLOCK_MONOTONIC in microseconds.
    struct Discarded {
        std::uint64_t from_us = 0;
        std::uint64_t to_us = 0;
        std::uint64_t events = 0;
    };

    /// Throws std::system_error when not even one chunk can be locked: RLIMIT_MEMLOCK is too small.
    explicit Quarantine(std::size_t bound_bytes);
    ~Quarantine();
    Quarantine(const Quarantine&) = delete;
    Quarantine& operator=(const Quarantine&) = delete;

    /// False, and nothing taken, when there is no room or no more memory can be locked.
    [[nodiscard]] bool push(const input::Packet& packet);
    [[nodiscard]] bool push(const input::Hole& hole);

    /// Gives the sink everything, in order, up to the first packet of `before_us` or later; it is wiped once the sink has
    /// returned, or thrown. A hole is as late as its end. The sink must not call back. Of several devices an earlier one may
    /// have arrived behind a later one: it waits until that one goes.
    void release(std::uint64_t before_us, Sink& sink);
    /// Throws away what waits, and wipes it; holes among it are given to `holes`, which must not call back. Nothing when no
    /// packet waited. Should `holes` throw, the rest still waits.
    std::optional<Discarded> discard(Sink& holes);

    [[nodiscard]] bool empty() const noexcept;
    /// Time of what release() would give first, the packet or hole that arrived first; nothing when empty.
    [[nodiscard]] std::optional<std::uint64_t> oldest_us() const noexcept;
    [[nodiscard]] std::size_t bytes() const noexcept;
    [[nodiscard]] std::uint64_t events() const noexcept;

private:
    struct State;
    std::unique_ptr<State> state_;
};

} // namespace candor::privacy
