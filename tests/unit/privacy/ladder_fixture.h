// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "input/abstract_events.h"
#include "input/names.h"
#include "privacy/key_class.h"
#include "privacy/ladder.h"
#include "support/catch.h"

#include <linux/input-event-codes.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace candor::test {

namespace abstract = input::abstract;
using input::Event;
using input::HoleReason;
using privacy::KeyClass;
using privacy::Ladder;
using privacy::Level;

inline constexpr Level reduced_levels[] = {Level::counts, Level::activity, Level::rhythm, Level::actions};

inline constexpr std::uint64_t ms = 1000;
inline constexpr std::uint64_t second = 1000 * ms;

inline constexpr Event report{EV_SYN, SYN_REPORT, 0};

/// A packet or a hole, owned.
struct Item {
    std::uint32_t device = 0;
    std::uint64_t time_us = 0;
    std::vector<Event> events;
    bool is_hole = false;
    HoleReason reason = HoleReason::dropped_by_kernel;

    bool operator==(const Item&) const = default;

    /// "7@1000 REL_X 3 REL_Y -1 .": the dot is the SYN_REPORT. "7@1000 hole".
    [[nodiscard]] std::string text() const {
        std::string line = std::to_string(device) + "@" + std::to_string(time_us);
        for (const Event& event : events) {
            line += event == report
                        ? std::string(" .")
                        : " " + input::code_name(event.type, event.code) + " " + std::to_string(event.value);
        }
        return line + (is_hole ? " hole" : "");
    }
};

using Items = std::vector<Item>;
using Lines = std::vector<std::string>;

inline Lines lines(const Items& items) {
    Lines result;
    for (const Item& item : items) {
        result.push_back(item.text());
    }
    return result;
}

/// Keeps what a ladder tells.
class Told final : public input::ReaderSink {
public:
    void on_packet(const input::Packet& packet) override {
        items.push_back({packet.device, packet.time_us, {packet.events.begin(), packet.events.end()}});
    }
    void on_hole(const input::Hole& hole) override {
        items.push_back({hole.device, hole.to_us, {}, true, hole.reason});
    }

    Items items;
};

/// A ladder, and what it has told since it was last asked.
class Rig {
public:
    explicit Rig(Level level) : ladder(told_) { ladder.set_level(level); }

    void packet(std::uint32_t device, std::uint64_t time_us, const std::vector<Event>& events) {
        ladder.packet({device, time_us, events});
    }
    void give(const Item& item) {
        if (item.is_hole) {
            ladder.hole({item.device, item.reason, item.time_us, item.time_us, std::nullopt});
        } else {
            packet(item.device, item.time_us, item.events);
        }
    }
    void give(const Items& items) {
        for (const Item& item : items) {
            give(item);
        }
    }
    void hole(std::uint32_t device, std::uint64_t time_us, HoleReason reason = HoleReason::dropped_by_kernel) {
        give(Item{device, time_us, {}, true, reason});
    }
    /// As a keyboard sends it: the scan code goes with it.
    void key(std::uint32_t device, std::uint64_t time_us, std::uint16_t code, std::int32_t value) {
        packet(device, time_us, {{EV_MSC, MSC_SCAN, 0x70000 + code}, {EV_KEY, code, value}, report});
    }
    void press(std::uint64_t time_us, std::uint16_t code) { key(keyboard, time_us, code, 1); }
    void release(std::uint64_t time_us, std::uint16_t code) { key(keyboard, time_us, code, 0); }
    void repeat(std::uint64_t time_us, std::uint16_t code) {
        packet(keyboard, time_us, {{EV_KEY, code, 2}, {EV_SYN, SYN_REPORT, 1}});
    }
    void move(std::uint64_t time_us, std::int32_t dx = 1) { packet(mouse, time_us, {{EV_REL, REL_X, dx}, report}); }

    [[nodiscard]] Items take() { return std::exchange(told_.items, {}); }
    [[nodiscard]] Lines told() { return lines(take()); }
    /// With what is pending.
    [[nodiscard]] Lines all_told() {
        ladder.finish();
        return told();
    }

    static constexpr std::uint32_t keyboard = 1;
    static constexpr std::uint32_t mouse = 2;

private:
    Told told_;

public:
    Ladder ladder;
};

/// What a ladder tells of all this, to its end.
inline Items reduced(Level level, const Items& items) {
    Rig rig(level);
    rig.give(items);
    rig.ladder.finish();
    return rig.take();
}

} // namespace candor::test
