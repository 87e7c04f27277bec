// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "wire/column_keys.h"
#include "wire/column_shapes.h"
#include "wire/column_times.h"
#include "wire/column_values.h"
#include "wire/wire_limits.h"

#include <vector>

namespace candor::wire {

/// A packet on its way through the model: an encoder fills it in, a decoder finds it filled in.
struct PacketDraft {
    std::uint32_t slot = 0; ///< place of the device in the stream's table
    std::uint64_t time_us = 0;
    std::uint32_t count = 0;          ///< of events; 0 for a decoder
    std::span<input::Event> events{}; ///< room for max_packet_events
};

/// All that a stream has taught both sides: one set of columns, and per device what its next packet depends on.
/// About 540 KiB and 184 bytes a device.
class BatchModel {
public:
    /// Codes the number of packets in a batch.
    template <typename Coder> std::uint32_t code_count(Coder& coder, std::uint32_t count) {
        const auto width = code_tree(coder, count_widths_.data(), 4, static_cast<std::uint32_t>(std::bit_width(count)));
        if (width < 2) {
            return width;
        }
        return static_cast<std::uint32_t>(1u << (width - 1) |
                                          code_raw(coder, width - 1, count & ((1u << (width - 1)) - 1)));
    }

    /// Codes a packet. Returns null, or for a decoder the column that holds what no writer makes, and what was
    /// expected.
    template <typename Coder> const char* code_packet(Coder& coder, PacketDraft& packet);

    /// Makes room for `devices` in all.
    void grow(std::size_t devices) { devices_.resize(devices); }

private:
    struct Motion {
        std::int32_t last = 0;
        std::int32_t before = 0;
    };
    struct Device {
        std::uint64_t time_us = 0;
        std::uint64_t distance = 0;
        std::uint64_t earlier = 0;
        KeyState keys;
        std::array<Motion, 2> motion{};
        std::uint8_t shape = 0;
        std::uint8_t shape_before = 0;
        bool seen = false;
    };
    struct Axis {
        std::int32_t last = 0;
        std::int32_t before = 0;
    };

    template <typename Coder> bool code_scan(Coder& coder, std::uint32_t slot, std::uint16_t key, std::int32_t& value) {
        std::int32_t& expected = scans_[(slot * 0x9e3779b1u + key * 0x85ebca6bu) >> 22];
        if (code(coder, scan_as_expected_, value == expected)) {
            value = expected;
        } else {
            std::int32_t step = wrapping_difference(value, last_scan_);
            if (!values_.code_value(coder, {.axis = 2}, step)) {
                return false;
            }
            value = wrapping_sum(last_scan_, step);
            if (value == expected) {
                return false;
            }
            expected = value;
        }
        last_scan_ = value;
        return true;
    }

    template <typename Coder> bool code_axis(Coder& coder, std::uint32_t slot, input::Event& event) {
        const std::uint32_t hash = (slot * 0x9e3779b1u + (event.type * 1024u + event.code) * 0x85ebca6bu) >> 16;
        Axis& axis = axes_[hash & 255];
        const bool absolute = event.type == type_abs;
        std::int32_t value = absolute ? wrapping_difference(event.value, axis.last) : event.value;
        const ValueColumn::Context context{.axis = 3 + (event.type * 5u + event.code) % 13,
                                           .last = absolute ? axis.before : axis.last,
                                           .before = absolute ? 0 : axis.before};
        if (!values_.code_value(coder, context, value)) {
            return false;
        }
        event.value = absolute ? wrapping_sum(axis.last, value) : value;
        axis = {event.value, absolute ? value : axis.last};
        return true;
    }

    static std::int32_t wrapping_difference(std::int32_t a, std::int32_t b) noexcept {
        return static_cast<std::int32_t>(static_cast<std::uint32_t>(a) - static_cast<std::uint32_t>(b));
    }
    static std::int32_t wrapping_sum(std::int32_t a, std::int32_t b) noexcept {
        return static_cast<std::int32_t>(static_cast<std::uint32_t>(a) + static_cast<std::uint32_t>(b));
    }

    std::vector<Device> devices_;
    std::uint32_t last_slot_ = 0;
    std::uint32_t same_slots_ = 0;
    std::uint64_t last_time_us_ = 0;
    std::int32_t last_scan_ = 0;
    std::array<std::int32_t, 1024> scans_{};
    std::array<Axis, 256> axes_{};
    std::array<Bit, 16> count_widths_;
    std::array<Bit, 16> same_slot_;
    std::array<Bit, max_stream_devices> slots_;
    Bit scan_as_expected_;
    std::array<Bit, 2> wheel_as_expected_;
    ShapeColumn shapes_;
    KeyColumn keys_;
    ValueColumn values_;
    TimeColumn times_;
};

template <typename Coder> const char* BatchModel::code_packet(Coder& coder, PacketDraft& packet) {
    const bool same = code(coder, same_slot_[same_slots_ & 15], packet.slot == last_slot_);
    if (same) {
        packet.slot = last_slot_;
    } else {
        packet.slot = code_tree(coder, slots_.data(), 10, packet.slot);
        if (packet.slot == last_slot_) {
            return "device: expected another than the last packet's";
        }
    }
    if (packet.slot >= devices_.size()) {
        return "device: expected one of the stream's devices";
    }
    same_slots_ = same_slots_ << 1 | static_cast<std::uint32_t>(same);
    last_slot_ = packet.slot;
    Device& device = devices_[packet.slot];

    const std::uint32_t moving =
        std::min(magnitude_step(device.motion[0].last), 3u) * 4 + std::min(magnitude_step(device.motion[1].last), 3u);
    const int shape = shapes_.code_shape(coder, device.shape, device.shape_before, moving, packet.events, packet.count);
    if (shape < 0) {
        return "shape: expected one the stream has shown, or a new one";
    }
    device.shape_before = device.shape;
    device.shape = static_cast<std::uint8_t>(shape);
    const std::span<input::Event> events = packet.events.first(packet.count);

    TimeColumn::Context when{.before = device.distance, .earlier = device.earlier};
    const std::uint64_t last = device.seen ? device.time_us : last_time_us_;
    const input::Event* scan_of = nullptr;
    bool moves = false;
    for (input::Event& event : events) {
        if (event.type == type_key) {
            std::uint8_t number = 0;
            if (!keys_.code_key(coder, device.keys, event.code, event.value, number)) {
                return "keys: expected a key of the dictionary, or a new one";
            }
            KeyState& keys = device.keys;
            when.key = number;
            scan_of = scan_of == nullptr ? &event : scan_of;
            if (event.value == 1) {
                keys.before = keys.last;
                keys.last = number;
                keys.action = 1;
                keys.press(event.code, last);
                when.kind = PacketKind::press;
            } else if (event.value == 0) {
                const std::size_t at = keys.find(event.code);
                when.held = at < keys.count ? last - keys.held[at].since_us : 0;
                keys.release(event.code);
                keys.action = 0;
                when.kind = PacketKind::release;
            } else {
                when.kind = event.value == 2 ? PacketKind::repeat : PacketKind::other_key;
                keys.action = event.value == 2 ? 2 : 3;
            }
        } else if (event.type == type_rel && event.code < 2) {
            moves = true;
        }
    }
    when.keys = std::min<std::uint32_t>(device.keys.count, 3);

    std::array<bool, 2> moved{};
    std::array<std::int32_t, 2> wheels{};
    for (input::Event& event : events) {
        bool fine = true;
        if (event.type == type_rel && event.code < 2) {
            const std::size_t axis = event.code;
            const std::size_t across = 1 - axis;
            Motion& motion = device.motion[axis];
            fine = values_.code_value(coder,
                                      {.axis = static_cast<std::uint32_t>(axis),
                                       .last = motion.last,
                                       .before = motion.before,
                                       .other = device.motion[across].last},
                                      event.value);
            if (fine && !moved[axis]) {
                motion = {event.value, motion.last};
                moved[axis] = true;
            }
        } else if (event.type == type_msc && event.code == 4 && scan_of != nullptr) {
            fine = code_scan(coder, packet.slot, scan_of->code, event.value);
        } else if (event.type == type_rel && (event.code == 11 || event.code == 12)) {
            const auto expected =
                static_cast<std::int32_t>(static_cast<std::uint32_t>(wheels[event.code - 11u]) * 120u);
            if (code(coder, wheel_as_expected_[event.code - 11u], event.value == expected)) {
                event.value = expected;
            } else {
                fine = code_axis(coder, packet.slot, event) && event.value != expected;
            }
        } else if (event.type != type_key && event.type != type_syn) {
            fine = code_axis(coder, packet.slot, event);
            if (event.type == type_rel && (event.code == 8 || event.code == 6)) {
                wheels[event.code == 8 ? 0 : 1] = event.value;
            }
        }
        if (!fine) {
            return "values: expected 32 bits, and a prediction used where it holds";
        }
    }
    if (moves) {
        for (std::size_t axis = 0; axis < 2; ++axis) {
            if (!moved[axis]) {
                device.motion[axis] = {0, device.motion[axis].last};
            }
        }
    }

    if (!times_.code_time(coder, when, last, packet.time_us)) {
        return "times: expected microseconds of 64 bits, in their shortest form";
    }
    if (scan_of != nullptr) { // a press is known before its time is
        for (const input::Event& event : events) {
            if (event.type == type_key && event.value == 1) {
                device.keys.stamp(event.code, packet.time_us);
            }
        }
    }
    device.earlier = device.distance;
    device.distance = packet.time_us >= last ? packet.time_us - last : 0;
    device.time_us = packet.time_us;
    device.seen = true;
    last_time_us_ = packet.time_us;
    return nullptr;
}

} // namespace candor::wire
