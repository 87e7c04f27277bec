// SPDX-License-Identifier: Apache-2.0
#include "wire/range_coder.h"

#include <algorithm>

namespace candor::wire {

namespace {

/// How far above `low` lies the value of [low, low + range) with the most trailing zeros.
std::uint64_t roundest(std::uint64_t low, std::uint64_t range) noexcept {
    for (unsigned zeros = 63; zeros > 0; --zeros) {
        const std::uint64_t distance = -low & ((1ull << zeros) - 1);
        if (distance < range) {
            return distance;
        }
    }
    return 0;
}

} // namespace

void RangeEncoder::carry() noexcept {
    for (std::size_t at = length_; at > 0;) {
        if (++out_[--at] != 0) {
            return;
        }
    }
}

std::size_t RangeEncoder::finish() noexcept {
    add(roundest(low_, range_));
    put(static_cast<std::uint32_t>(low_ >> 32));
    put(static_cast<std::uint32_t>(low_));
    while (length_ > 0 && out_[length_ - 1] == 0) {
        --length_;
    }
    return length_;
}

bool RangeDecoder::ends_as_written() const noexcept {
    return !damaged_ && offset_ == roundest(low_, range_) &&
           std::all_of(in_.begin() + static_cast<std::ptrdiff_t>(position_), in_.end(),
                       [](std::uint8_t byte) { return byte == 0; });
}

} // namespace candor::wire
