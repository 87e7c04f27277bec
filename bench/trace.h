// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "input/packet.h"
#include "wire/batch_codec.h"
#include "wire/wire_limits.h"

#include <linux/input.h>

#include <cstdint>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

/// Recorded input as candord would have batched it.
namespace candor::bench {

struct Trace {
    input::DeviceInfo device;
    input::PacketBuffer packets;
};

/// A raw stream of struct input_event (64-bit: 24 bytes each), of one device, ascending. Throws for anything else.
inline Trace read_trace(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) {
        throw std::runtime_error("cannot read " + path);
    }
    Trace trace;
    trace.device = {1, input::DeviceClass::mouse, BUS_USB, 0x046d, 0xc077, 0x111, "A mouse with a usual name"};
    std::vector<input::Event> packet;
    input_event event{};
    static_assert(sizeof event == 24);
    while (file.read(reinterpret_cast<char*>(&event), sizeof event)) {
        packet.push_back({event.type, event.code, event.value});
        if (event.type == EV_KEY && event.code < BTN_MISC) {
            trace.device.device_class = input::DeviceClass::keyboard;
            trace.device.name = "A keyboard with a usual name";
        }
        if (event.type == EV_SYN && event.code == SYN_REPORT) {
            const auto time_us = static_cast<std::uint64_t>(event.input_event_sec) * 1'000'000 +
                                 static_cast<std::uint64_t>(event.input_event_usec);
            trace.packets.push({trace.device.index, time_us, packet});
            packet.clear();
        }
    }
    if (file.gcount() != 0 || !packet.empty() || trace.packets.empty()) {
        throw std::runtime_error(path + ": expected whole packets of 24-byte events, at least one");
    }
    return trace;
}

/// When a batch is sealed that began then: daemon/recorder.cpp seals on a grid of time.
inline constexpr std::uint64_t interval_us = 5'000'000;
inline std::uint64_t batch_end(std::uint64_t first_us) { return first_us - first_us % interval_us + interval_us; }

/// Batches as daemon/recorder.cpp cuts them, but for the ends of streams; without device tables.
inline std::vector<wire::Batch> cut_batches(const Trace& trace) {
    std::vector<wire::Batch> batches(1);
    trace.packets.for_each([&](const input::Packet& packet) {
        const input::PacketBuffer& current = batches.back().packets;
        if (!current.empty() && (packet.time_us >= batch_end(current.first_us()) ||
                                 current.events() + packet.events.size() > wire::max_batch_events)) {
            batches.emplace_back();
        }
        batches.back().packets.push(packet);
    });
    return batches;
}

} // namespace candor::bench
