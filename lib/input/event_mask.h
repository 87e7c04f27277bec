// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <linux/input.h>

#include <bitset>
#include <cstdint>
#include <map>

namespace candor::input {

/// Which events the kernel delivers to one descriptor (EVIOCSMASK). EV_SYN always comes; packets left empty do not.
struct EventMask {
    std::bitset<EV_CNT> types; ///< types that come at all
    std::map<std::uint16_t, std::bitset<KEY_CNT>>
        codes; ///< of a type: only these codes; a type not listed has them all

    bool operator==(const EventMask&) const = default;

    /// Everything the kernel has.
    [[nodiscard]] static EventMask all() {
        EventMask mask;
        mask.types.set();
        return mask;
    }
};

} // namespace candor::input
