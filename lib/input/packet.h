// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/wiping_allocator.h"

#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <vector>

namespace candor::input {

/// One input event: the kernel's type, code and value without its time. Types from 0x40 on are not the kernel's: they
/// are what libinput made of a touch device (input/abstract_events.h).
struct Event {
    std::uint16_t type = 0;
    std::uint16_t code = 0;
    std::int32_t value = 0;

    bool operator==(const Event&) const = default;
};

/// What a device reported at one moment, in order. From evdev the last event is the SYN_REPORT, and it counts. Borrowed:
/// valid until the callback that got it returns.
struct Packet {
    std::uint32_t device = 0;  ///< DeviceInfo::index
    std::uint64_t time_us = 0; ///< CLOCK_MONOTONIC, as the kernel stamped it
    std::span<const Event> events;
};

enum class DeviceClass : std::uint8_t { keyboard, mouse, touchpad, touchscreen, tablet };

/// What a stream says about a device, once, inside a sealed batch. Never a serial number, a path or an address.
struct DeviceInfo {
    std::uint32_t index = 0; ///< unique within a run of candord, never used again in it
    DeviceClass device_class = DeviceClass::keyboard;
    std::uint16_t bus = 0;
    std::uint16_t vendor = 0;
    std::uint16_t product = 0;
    std::uint16_t version = 0;
    std::string name; ///< 128 bytes at most

    bool operator==(const DeviceInfo&) const = default;
};

/// Owned packets, in order of arrival, in two flat arrays: no allocation per packet once it has grown. What it held is wiped
/// when it is emptied, grows or dies.
class PacketBuffer {
public:
    void push(const Packet& packet) {
        heads_.push_back({packet.device, static_cast<std::uint32_t>(packet.events.size()), packet.time_us});
        events_.insert(events_.end(), packet.events.begin(), packet.events.end());
    }

    /// Calls `visit(const Packet&)` for each packet in order.
    template <typename Visitor> void for_each(Visitor&& visit) const {
        const Event* next = events_.data();
        for (const Head& head : heads_) {
            visit(Packet{head.device, head.time_us, {next, head.count}});
            next += head.count;
        }
    }

    [[nodiscard]] std::size_t packets() const noexcept { return heads_.size(); }
    [[nodiscard]] std::size_t events() const noexcept { return events_.size(); }
    [[nodiscard]] bool empty() const noexcept { return heads_.empty(); }
    [[nodiscard]] std::uint64_t first_us() const noexcept { return heads_.empty() ? 0 : heads_.front().time_us; }

    /// Empties it and keeps the memory.
    void clear() noexcept {
        if (!heads_.empty()) {
            ::explicit_bzero(heads_.data(), heads_.size() * sizeof(Head));
        }
        if (!events_.empty()) {
            ::explicit_bzero(events_.data(), events_.size() * sizeof(Event));
        }
        heads_.clear();
        events_.clear();
    }

    /// Empties it and gives the memory back.
    void release() noexcept {
        Wiped<Head>().swap(heads_);
        Wiped<Event>().swap(events_);
    }

private:
    struct Head {
        std::uint32_t device;
        std::uint32_t count;
        std::uint64_t time_us;
    };
    template <typename T> using Wiped = std::vector<T, WipingAllocator<T>>;
    Wiped<Head> heads_;
    Wiped<Event> events_;
};

} // namespace candor::input
