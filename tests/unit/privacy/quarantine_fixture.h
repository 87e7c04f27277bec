// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "privacy/quarantine.h"
#include "support/catch.h"

#include <linux/input-event-codes.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace candor::test {

/// Writes down what it is given: "7@1000: 1/30/1 0/0/0", "hole 7@500-1000 of 12".
class Given final : public input::ReaderSink {
public:
    void on_packet(const input::Packet& packet) override {
        lines.push_back(text_of(packet));
        if (then) {
            then(packet);
        }
    }
    void on_hole(const input::Hole& hole) override { lines.push_back(text_of(hole)); }

    static std::string text_of(const input::Packet& packet) {
        std::string line = std::to_string(packet.device) + "@" + std::to_string(packet.time_us) + ":";
        for (const input::Event& event : packet.events) {
            line +=
                " " + std::to_string(event.type) + "/" + std::to_string(event.code) + "/" + std::to_string(event.value);
        }
        return line;
    }
    static std::string text_of(const input::Hole& hole) {
        return "hole " + std::to_string(hole.device) + "@" + std::to_string(hole.from_us) + "-" +
               std::to_string(hole.to_us) + " " + std::to_string(static_cast<int>(hole.reason)) +
               (hole.events ? " of " + std::to_string(*hole.events) : "");
    }

    std::vector<std::string> lines;
    std::function<void(const input::Packet&)> then;
};

using Lines = std::vector<std::string>;

inline input::Packet packet(std::uint32_t device, std::uint64_t time_us, const std::vector<input::Event>& events) {
    return {device, time_us, events};
}

inline constexpr std::size_t head_bytes = 16;
inline constexpr std::size_t event_bytes = 8;
inline constexpr std::size_t hole_bytes = 40;
inline constexpr std::size_t chunk_bytes = 64 * 1024;

} // namespace candor::test
