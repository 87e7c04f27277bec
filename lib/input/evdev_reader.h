// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/error.h"
#include "base/handle.h"
#include "base/unique_fd.h"
#include "input/event_mask.h"
#include "input/packet_assembler.h"
#include "input/reader.h"

#include <libevdev/libevdev.h>
#include <linux/input.h>

#include <array>
#include <bitset>
#include <expected>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace candor::input {

/// Whether a mask lets an event through, by the kernel's rule: EV_SYN and types that it has no mask for always come.
[[nodiscard]] bool passes(const EventMask& mask, std::uint16_t type, std::uint16_t code) noexcept;

/// A mask of codes as EVIOCSMASK takes it: a bit a code, in whole longs, which the kernel insists on.
using MaskWords = std::array<unsigned long, KEY_CNT / (8 * sizeof(unsigned long))>;
/// What of `type` comes. Of type EV_SYN: which types come at all.
[[nodiscard]] MaskWords mask_words(const EventMask& mask, std::uint16_t type) noexcept;

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
    /// Throws away what is queued and appends the events that lead from the noted state to the device's state now, also of
    /// what is masked. Negative errno when the device does not answer.
    virtual int resync(std::vector<Event>& changes) = 0;
    /// What is queued from now on. What is queued already still comes. Negative errno when it is refused; part of the
    /// mask may hold then.
    virtual int set_mask(const EventMask& mask) = 0;
    /// Nothing is delivered any more. Returns at once, which to close a descriptor does not: the kernel waits for its readers.
    virtual void revoke() noexcept = 0;
    /// Which keys and buttons are down, as it was opened.
    [[nodiscard]] virtual std::bitset<KEY_CNT> held() const = 0;
};

/// An event device, opened read-only, masked and with its timestamps set to CLOCK_MONOTONIC before anything is read. Events
/// are read in bulk with read(2); libevdev keeps the state and works out what changed behind a SYN_DROPPED.
class EvdevSource final : public EventSource {
public:
    /// Refused too where the kernel does not mask: nothing is opened that would deliver more than it may.
    [[nodiscard]] static std::expected<std::unique_ptr<EvdevSource>, Refusal> open(const std::string& node,
                                                                                   const EventMask& mask);

    [[nodiscard]] int fd() const noexcept { return fd_.get(); }
    long read(std::span<input_event> into) override;
    void note(Event event) override;
    int resync(std::vector<Event>& changes) override;
    int set_mask(const EventMask& mask) override;
    void revoke() noexcept override;
    [[nodiscard]] std::bitset<KEY_CNT> held() const override;

private:
    UniqueFd fd_;
    Handle<libevdev, libevdev_free> evdev_;
};

/// Turns one device's events into packets and holes. A packet's time never goes back. After SYN_DROPPED a hole of unknown
/// size is told first and then one packet that brings every key back to its true state. What the mask does not let through
/// is never told, wherever it comes from: the kernel's queue, which may hold what came before the mask was set, or the state
/// behind a SYN_DROPPED, which knows no mask. Nor is the end of a press that began before the device was opened: it tells
/// what was typed then. Neither counts as lost: it was never delivered. No allocation per packet.
class EvdevReader {
public:
    enum class State : std::uint8_t {
        open,
        gone,   ///< unplugged; a hole has been told
        failed, ///< reason() says how; a hole has been told
        closed, ///< by close()
    };
    using Clock = std::uint64_t (*)();

    /// `clock` is CLOCK_MONOTONIC in microseconds; `mask` is what the source was opened with.
    EvdevReader(std::uint32_t device, std::unique_ptr<EventSource> source, ReaderSink& sink, Clock clock,
                EventMask mask = EventMask::all());

    /// Reads what there is, within a bound that lets other sources have their turn. The sink may close() this reader.
    State drain();
    /// From now on nothing else is told. A source that refuses has failed. May be called from within the sink.
    State set_mask(const EventMask& mask);
    /// Nothing is delivered any more; close() must follow.
    void revoke() noexcept;
    /// Closes the descriptor.
    void close() noexcept;
    /// close() for a device that is gone: tells a hole.
    void lose();

    [[nodiscard]] std::uint32_t device() const noexcept { return device_; }
    [[nodiscard]] const std::string& reason() const noexcept { return reason_; }

private:
    void take(std::span<const input_event> events);
    void tell(std::uint64_t time_us);
    /// Whether an event is told; to be asked once of each.
    [[nodiscard]] bool lets(Event event);
    void resync();
    void end(State state, std::string reason);
    [[nodiscard]] std::uint64_t forward(std::uint64_t time_us) noexcept;

    std::uint32_t device_;
    std::unique_ptr<EventSource> source_;
    ReaderSink& sink_;
    Clock clock_;
    EventMask mask_;
    std::bitset<KEY_CNT> earlier_; ///< keys that were down when it was opened, and still are
    State state_ = State::open;
    std::uint64_t last_us_;
    std::string reason_;
    std::vector<Event> told_; ///< what is told and is no packet as it was read
    PacketAssembler assembler_;
    std::array<input_event, 256> buffer_;
};

} // namespace candor::input
