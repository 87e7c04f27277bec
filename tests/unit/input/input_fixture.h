// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "input/evdev_reader.h"
#include "input/names.h"

#include <linux/input.h>

#include <algorithm>
#include <cerrno>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace candor::test {

inline constexpr input::Event syn{EV_SYN, SYN_REPORT, 0};
inline constexpr input::Event dropped{EV_SYN, SYN_DROPPED, 0};

inline constexpr input::Event key(std::uint16_t code, std::int32_t value) { return {EV_KEY, code, value}; }
inline constexpr input::Event rel(std::uint16_t code, std::int32_t value) { return {EV_REL, code, value}; }

/// What the kernel would queue: these events, all stamped `us`.
inline std::vector<input_event> at(std::uint64_t us, const std::vector<input::Event>& events) {
    std::vector<input_event> result;
    for (const input::Event& event : events) {
        input_event raw{};
        raw.input_event_sec = static_cast<decltype(raw.input_event_sec)>(us / 1'000'000);
        raw.input_event_usec = static_cast<decltype(raw.input_event_usec)>(us % 1'000'000);
        raw.type = event.type;
        raw.code = event.code;
        raw.value = event.value;
        result.push_back(raw);
    }
    return result;
}

inline std::vector<input_event> operator+(std::vector<input_event> a, const std::vector<input_event>& b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
}

/// CLOCK_MONOTONIC, as these tests set it.
inline std::uint64_t now_us = 0;

/// What a device does, and what was asked of it. Outlives the reader that owns its ScriptedSource.
struct Script {
    struct Read {
        std::vector<input_event> events;
        int error = 0;
    };
    std::deque<Read> reads; ///< one for each read(); EAGAIN when there is none left
    std::vector<input::Event> state_changes;
    int resync_error = 0;
    std::bitset<KEY_CNT> held; ///< when it is opened
    int mask_error = 0;

    bool open = false;
    bool revoked = false;
    int reads_made = 0;
    int resyncs = 0;
    std::vector<input::Event> noted;
    std::vector<input::EventMask> masks; ///< that were set
};

class ScriptedSource final : public input::EventSource {
public:
    explicit ScriptedSource(Script& script) : script_(script) { script_.open = true; }
    ~ScriptedSource() override { script_.open = false; }

    long read(std::span<input_event> into) override {
        ++script_.reads_made;
        if (script_.reads.empty()) {
            return -EAGAIN;
        }
        Script::Read& next = script_.reads.front();
        if (next.error != 0) {
            const int error = next.error;
            script_.reads.pop_front();
            return -error;
        }
        const std::size_t count = std::min(into.size(), next.events.size());
        const auto end = next.events.begin() + static_cast<std::ptrdiff_t>(count);
        std::copy(next.events.begin(), end, into.begin());
        next.events.erase(next.events.begin(), end);
        if (next.events.empty()) {
            script_.reads.pop_front();
        }
        return static_cast<long>(count);
    }
    void note(input::Event event) override { script_.noted.push_back(event); }
    int resync(std::vector<input::Event>& changes) override {
        ++script_.resyncs;
        script_.reads.clear();
        changes.insert(changes.end(), script_.state_changes.begin(), script_.state_changes.end());
        return -script_.resync_error;
    }
    void revoke() noexcept override { script_.revoked = true; }
    [[nodiscard]] std::bitset<KEY_CNT> held() const override { return script_.held; }
    int set_mask(const input::EventMask& mask) override {
        script_.masks.push_back(mask);
        return -script_.mask_error;
    }

private:
    Script& script_;
};

/// Writes down what it is told: "1000 KEY_A=1 SYN_REPORT=0", "hole dropped_by_kernel 1000-2000", with " 7 events" where
/// that is known.
class RecordingSink final : public input::ReaderSink {
public:
    void on_packet(const input::Packet& packet) override {
        std::string line = std::to_string(packet.time_us);
        for (const input::Event& event : packet.events) {
            line += " " + input::code_name(event.type, event.code) + "=" + std::to_string(event.value);
        }
        tell(std::move(line));
    }
    void on_hole(const input::Hole& hole) override {
        static constexpr const char* reasons[] = {"dropped_by_kernel", "device_gone", "damaged"};
        std::string line = "hole " + std::string(reasons[static_cast<std::size_t>(hole.reason)]) + " " +
                           std::to_string(hole.from_us) + "-" + std::to_string(hole.to_us);
        if (hole.events) {
            line += " " + std::to_string(*hole.events) + " events";
        }
        tell(std::move(line));
    }

    std::vector<std::string> told;
    std::function<void()> then; ///< called after each

private:
    void tell(std::string line) {
        told.push_back(std::move(line));
        if (then) {
            then();
        }
    }
};

using Told = std::vector<std::string>;

/// A reader of a scripted device that was opened at 1000 µs; it is 9000 µs now.
struct ReaderFixture {
    input::EvdevReader::State drain(std::vector<input_event> events) {
        script.reads.push_back({std::move(events), 0});
        return reader->drain();
    }
    input::EvdevReader::State fail(int error) {
        script.reads.push_back({{}, error});
        return reader->drain();
    }

    Script script;
    RecordingSink sink;
    std::unique_ptr<input::EvdevReader> reader = [this] {
        now_us = 1000;
        auto made = std::make_unique<input::EvdevReader>(7, std::make_unique<ScriptedSource>(script), sink,
                                                         [] { return now_us; });
        now_us = 9000;
        return made;
    }();
};

} // namespace candor::test
