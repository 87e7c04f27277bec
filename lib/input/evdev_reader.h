// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/error.h"
#include "base/handle.h"
#include "base/unique_fd.h"
#include "input/packet_assembler.h"
#include "input/reader.h"

#include <libevdev/libevdev.h>
#include <linux/input.h>

#include <array>
#include <expected>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace candor::input {

/// Where an EvdevReader's events come from: an event device, or a test's script.
class EventSource {
public:
    EventSource() = default;
    EventSource(const EventSource&) = delete;
    EventSource& operator=(const EventSource&) = delete;
    virtual ~EventSource() = default;

    /// Fills `into` from its start. How many events there were, or a negative errno; -EAGAIN when there are none now.
    virtual long read(std::span<input_event> into) = 0;
    /// A change of state (key, axis, switch, LED) that was told on, so that resync() knows what the reader's sink knows.
    virtual void note(Event event) = 0;
    /// Throws away what is queued and appends the events that lead from the noted state to the device's state now.
    /// Negative errno when the device does not answer.
    virtual int resync(std::vector<Event>& changes) = 0;
};

/// An event device, opened read-only, with its timestamps set to CLOCK_MONOTONIC before anything is read. Events are read in
/// bulk with read(2); libevdev keeps the state and works out what changed behind a SYN_DROPPED.
class EvdevSource final : public EventSource {
public:
    [[nodiscard]] static std::expected<std::unique_ptr<EvdevSource>, Refusal> open(const std::string& node);

    [[nodiscard]] int fd() const noexcept { return fd_.get(); }
    long read(std::span<input_event> into) override;
    void note(Event event) override;
    int resync(std::vector<Event>& changes) override;

private:
    UniqueFd fd_;
    Handle<libevdev, libevdev_free> evdev_;
};

/// Turns one device's events into packets and holes. A packet's time never goes back. After SYN_DROPPED a hole of unknown
/// size is told first and then one packet that brings every key back to its true state. No allocation per packet.
class EvdevReader {
public:
    enum class State : std::uint8_t {
        open,
        gone,   ///< unplugged; a hole has been told
        failed, ///< reason() says how; a hole has been told
        closed, ///< by close()
    };
    using Clock = std::uint64_t (*)();

    /// `clock` is CLOCK_MONOTONIC in microseconds.
    EvdevReader(std::uint32_t device, std::unique_ptr<EventSource> source, ReaderSink& sink, Clock clock);

    /// Reads what there is, within a bound that lets other sources have their turn. The sink may close() this reader.
    State drain();
    /// Closes the descriptor at once.
    void close() noexcept;
    /// close() for a device that is gone: tells a hole.
    void lose();

    [[nodiscard]] std::uint32_t device() const noexcept { return device_; }
    [[nodiscard]] const std::string& reason() const noexcept { return reason_; }

private:
    void take(std::span<const input_event> events);
    void resync();
    void end(State state, std::string reason);
    [[nodiscard]] std::uint64_t forward(std::uint64_t time_us) noexcept;

    std::uint32_t device_;
    std::unique_ptr<EventSource> source_;
    ReaderSink& sink_;
    Clock clock_;
    State state_ = State::open;
    std::uint64_t last_us_;
    std::string reason_;
    std::vector<Event> changes_;
    PacketAssembler assembler_;
    std::array<input_event, 256> buffer_;
};

} // namespace candor::input
