// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "input/packet.h"

#include <cstdint>
#include <optional>
#include <set>
#include <utility>
#include <vector>

namespace candor::privacy {

/// Watches for a chord: all of some keys held at once, on whichever keyboards, for `hold_us`. No clock, no I/O.
class Chord {
public:
    /// `keys`: kernel codes, at least two different ones.
    Chord(std::vector<std::uint16_t> keys, std::uint64_t hold_us);

    /// Sees every packet as it is read, before anything else is done with it.
    void packet(const input::Packet& packet);
    /// A device is gone or has lost events: its keys are not held.
    void forget(std::uint32_t device);
    void reset();

    /// When the chord will have been held long enough if nothing changes; nothing while it is not complete.
    [[nodiscard]] std::optional<std::uint64_t> due_us() const noexcept;
    /// Whether it has been held long enough at `now_us`. True once for each time it is held.
    [[nodiscard]] bool fires(std::uint64_t now_us);

private:
    void look(std::uint64_t now_us);

    std::vector<std::uint16_t> keys_; ///< sorted
    std::uint64_t hold_us_;
    std::set<std::pair<std::uint32_t, std::uint16_t>> held_; ///< device, code; only of keys_
    std::optional<std::uint64_t> since_us_;
    bool fired_ = false;
};

} // namespace candor::privacy
