// SPDX-License-Identifier: Apache-2.0
#include "privacy/chord.h"

#include <linux/input-event-codes.h>

#include <algorithm>
#include <stdexcept>

namespace candor::privacy {

Chord::Chord(std::vector<std::uint16_t> keys, std::uint64_t hold_us) : keys_(std::move(keys)), hold_us_(hold_us) {
    std::sort(keys_.begin(), keys_.end());
    keys_.erase(std::unique(keys_.begin(), keys_.end()), keys_.end());
    if (keys_.size() < 2) {
        throw std::invalid_argument("a chord needs two different keys");
    }
}

void Chord::packet(const input::Packet& packet) {
    for (const input::Event& event : packet.events) {
        if (event.type != EV_KEY || !std::binary_search(keys_.begin(), keys_.end(), event.code)) {
            continue;
        }
        // A key that repeats is held, also where its press was lost.
        if (event.value == 0) {
            held_.erase({packet.device, event.code});
        } else {
            held_.emplace(packet.device, event.code);
        }
        look(packet.time_us);
    }
}

void Chord::forget(std::uint32_t device) {
    std::erase_if(held_, [&](const auto& key) { return key.first == device; });
    look(0);
}

void Chord::reset() {
    held_.clear();
    look(0);
}

void Chord::look(std::uint64_t now_us) {
    const bool complete = std::all_of(keys_.begin(), keys_.end(), [&](std::uint16_t code) {
        return std::any_of(held_.begin(), held_.end(), [&](const auto& key) { return key.second == code; });
    });
    if (!complete) {
        since_us_.reset();
        fired_ = false;
    } else if (!since_us_) {
        since_us_ = now_us;
    }
}

std::optional<std::uint64_t> Chord::due_us() const noexcept {
    return since_us_ && !fired_ ? std::optional(*since_us_ + hold_us_) : std::nullopt;
}

bool Chord::fires(std::uint64_t now_us) {
    const auto due = due_us();
    fired_ = fired_ || (due && now_us >= *due);
    return due && fired_;
}

} // namespace candor::privacy
