// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "wire/batch_codec.h"
#include "wire/wire_limits.h"

#include <algorithm>
#include <random>
#include <string>
#include <tuple>
#include <vector>

namespace candor::test {

using Row = std::tuple<std::uint32_t, std::uint64_t, std::vector<input::Event>>;

inline std::vector<Row> rows(const input::PacketBuffer& packets) {
    std::vector<Row> result;
    packets.for_each([&](const input::Packet& packet) {
        result.emplace_back(packet.device, packet.time_us,
                            std::vector<input::Event>(packet.events.begin(), packet.events.end()));
    });
    return result;
}

inline bool same(const wire::Batch& a, const wire::Batch& b) {
    return a.devices == b.devices && rows(a.packets) == rows(b.packets);
}

/// Makes batches as a desk makes them: a keyboard that is typed on, a mouse that moves, clicks and scrolls.
class Desk {
public:
    explicit Desk(unsigned seed) : random_(seed) {}

    wire::Batch next(std::size_t packets) {
        wire::Batch batch;
        if (now_us_ == start_us) {
            batch.devices = {{7, input::DeviceClass::keyboard, 3, 0x046d, 0xc31c, 0x110, "A keyboard"},
                             {9, input::DeviceClass::mouse, 3, 0x046d, 0xc077, 0x111, "A mouse"}};
        }
        for (std::size_t i = 0; i < packets; ++i) {
            typing_ = below(20) == 0 ? !typing_ : typing_;
            typing_ ? key(batch) : move(batch);
        }
        return batch;
    }

    std::uint32_t below(std::uint32_t limit) { return static_cast<std::uint32_t>(random_() % limit); }
    std::uint32_t word() { return static_cast<std::uint32_t>(random_()); }

private:
    static constexpr std::uint64_t start_us = 86'400'000'000;

    void key(wire::Batch& batch) {
        now_us_ += 20'000 + below(120'000);
        const bool up = !held_.empty() && (held_.size() > 2 || below(2) == 0);
        std::uint16_t code = 0;
        std::int32_t value = 0;
        if (up) {
            const std::size_t at = below(static_cast<std::uint32_t>(held_.size()));
            code = held_[at];
            value = below(8) == 0 ? 2 : 0;
            if (value == 0) {
                held_.erase(held_.begin() + static_cast<std::ptrdiff_t>(at));
            }
        } else {
            code = static_cast<std::uint16_t>(16 + below(6) * below(6));
            value = 1;
            held_.push_back(code);
        }
        const std::vector<input::Event> events = {{4, 4, 0x70000 + code}, {1, code, value}, {0, 0, 0}};
        batch.packets.push({7, now_us_, events});
    }

    void move(wire::Batch& batch) {
        now_us_ += 7'990 + below(20);
        std::vector<input::Event> events;
        switch (below(40)) {
        case 0:
            events = {{4, 4, 0x90001}, {1, 0x110, pressed_ ? 0 : 1}};
            pressed_ = !pressed_;
            break;
        case 1:
            events = {{2, 8, -1}, {2, 11, -120}};
            break;
        default:
            speed_ = std::clamp(speed_ + static_cast<int>(below(5)) - 2, -30, 30);
            events = {{2, 0, speed_ == 0 ? 1 : speed_}};
            if (below(3) != 0) {
                events.push_back({2, 1, static_cast<int>(below(7)) - 3});
            }
        }
        events.push_back({0, 0, 0});
        batch.packets.push({9, now_us_, events});
    }

    std::mt19937_64 random_;
    std::uint64_t now_us_ = start_us;
    std::vector<std::uint16_t> held_;
    bool typing_ = false;
    bool pressed_ = false;
    int speed_ = 0;
};

/// Packets no device would send. `spread`: how many different values a field takes; 0 for all of them.
inline wire::Batch noise(Desk& desk, const std::vector<std::uint32_t>& devices, std::size_t events,
                         std::uint32_t spread) {
    const auto any = [&] { return spread == 0 ? desk.word() : desk.below(spread); };
    wire::Batch batch;
    while (batch.packets.events() < events) {
        const std::size_t room = events - batch.packets.events();
        const std::size_t count =
            std::min<std::size_t>(room, desk.below(30) == 0 ? 1 + desk.below(1024) : 1 + desk.below(4));
        std::vector<input::Event> packet;
        for (std::size_t i = 0; i < count; ++i) {
            packet.push_back({static_cast<std::uint16_t>(any()), static_cast<std::uint16_t>(any()),
                              static_cast<std::int32_t>(any())});
        }
        const std::uint64_t time = spread == 0 ? std::uint64_t{desk.word()} << 32 | desk.word() : desk.below(1000);
        batch.packets.push({devices[desk.below(static_cast<std::uint32_t>(devices.size()))], time, packet});
    }
    return batch;
}

} // namespace candor::test
