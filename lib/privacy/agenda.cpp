// SPDX-License-Identifier: Apache-2.0
#include "privacy/agenda.h"

#include <algorithm>
#include <limits>
#include <tuple>

namespace candor::privacy {

void Agenda::add(std::uint64_t time_us, std::uint32_t device, const input::Event& event) {
    time_us = std::max(time_us, told_us(device));
    const auto place = [](const Entry& entry) {
        return std::tuple(entry.time_us, entry.device, entry.event.type, entry.event.code);
    };
    const Entry entry{time_us, device, event};
    const auto at = std::ranges::lower_bound(entries_, place(entry), {}, place);
    if (at == entries_.end() || place(*at) != place(entry)) {
        entries_.insert(at, entry);
        return;
    }
    constexpr std::int32_t most = std::numeric_limits<std::int32_t>::max();
    std::int32_t& value = at->event.value;
    value = event.value > most - value ? most : value + event.value;
}

void Agenda::append(std::uint64_t time_us, std::uint32_t device, const input::Event& event) {
    time_us = std::max(time_us, told_us(device));
    const auto place = [](const Entry& entry) { return std::tuple(entry.time_us, entry.device); };
    const Entry entry{time_us, device, event};
    entries_.insert(std::ranges::upper_bound(entries_, place(entry), {}, place), entry);
}

void Agenda::tell(std::uint64_t now_us) {
    while (!entries_.empty() && entries_.front().time_us <= now_us) {
        tell_packet(0);
    }
}

void Agenda::tell_last(std::uint32_t device) {
    for (;;) {
        const auto at = std::ranges::find(entries_, device, &Entry::device);
        if (at == entries_.end()) {
            break;
        }
        tell_packet(static_cast<std::size_t>(at - entries_.begin()));
    }
    std::erase_if(told_, [&](const Told& told) { return told.device == device; });
}

void Agenda::tell_all() {
    while (!entries_.empty()) {
        tell_packet(0);
    }
}

void Agenda::tell_packet(std::size_t first) {
    const auto begin = entries_.begin() + static_cast<std::ptrdiff_t>(first);
    const std::uint64_t time_us = begin->time_us;
    const std::uint32_t device = begin->device;
    packet_.clear();
    auto end = begin;
    for (; end != entries_.end() && end->time_us == time_us && end->device == device; ++end) {
        packet_.push_back(end->event);
    }
    entries_.erase(begin, end);
    const auto told = std::ranges::find(told_, device, &Told::device);
    if (told == told_.end()) {
        told_.push_back({device, time_us});
    } else {
        told->time_us = time_us;
    }
    out_.on_packet({device, time_us, packet_});
}

std::uint64_t Agenda::told_us(std::uint32_t device) const noexcept {
    const auto told = std::ranges::find(told_, device, &Told::device);
    return told == told_.end() ? 0 : told->time_us;
}

std::optional<std::uint64_t> Agenda::next_us() const noexcept {
    return entries_.empty() ? std::nullopt : std::optional(entries_.front().time_us);
}

} // namespace candor::privacy
