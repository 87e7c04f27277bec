// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.h"
#include "base/event_loop.h"
#include "daemon/recorder.h"
#include "privacy/chord.h"
#include "privacy/confirmed.h"
#include "privacy/ladder.h"
#include "privacy/quarantine.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>

namespace candor::daemon {

/// From the devices to the recorder: every packet waits in quarantine, is then reduced to the level in force when it came, and
/// only then recorded. Watches for the panic chord, and for changes of the light.
///
/// What has waited is handed on when a batch is due, on the grid of batch_interval, so that waiting costs no wake-ups of its
/// own; or before, when much waits. At the quarantine's bound new packets are refused and declared, counted, and holes
/// kept aside.
class Intake final : public input::CaptureSink {
public:
    /// Room for a mouse of 8 kHz to wait a minute.
    static constexpr std::size_t quarantine_bytes = 32 * 1024 * 1024;

    struct Rules {
        privacy::Level level = privacy::Level::counts; ///< the most that is kept
        std::chrono::seconds batch_interval{5};
        std::chrono::seconds quarantine{2};
        std::vector<std::uint16_t> panic_keys;
        std::chrono::seconds panic_hold{1};
    };
    struct Callbacks {
        std::function<void()> panic;         ///< the chord was held; the devices may be closed from here
        std::function<void()> light_changed; ///< a keyboard's Scroll Lock LED is another than before
    };

    using Clock = std::uint64_t (*)();

    /// All references outlive this. `clock` is CLOCK_MONOTONIC in microseconds. Throws std::system_error where no memory can
    /// be locked.
    Intake(EventLoop& loop, Recorder& recorder, Callbacks callbacks, Clock clock = &monotonic_us,
           std::size_t bound = quarantine_bytes);

    /// From now on packets are taken, and the recorder has begun.
    void begin(Rules rules);
    /// Hands on what has waited, throws away what has not, and declares that as lost for this reason. Nothing when it had not
    /// begun. The devices are closed before, the recorder is ended after.
    void end(wire::GapReason reason);
    /// end() that throws away everything the recorder has not sealed yet.
    void end_and_forget(wire::GapReason reason);

    /// The context helper says that no secret is being typed; until then, and after doubt, Level::full is actions.
    void vouch();
    /// It no longer does. What still waits is reduced as if it never had.
    void doubt();

    /// Hands on what has waited, and lets the recorder seal it: what the timer does.
    void hand_on();

    void on_device(const input::DeviceInfo& device) override;
    void on_packet(const input::Packet& packet) override;
    void on_hole(const input::Hole& hole) override;

private:
    /// Takes what leaves the quarantine.
    class Reducer final : public input::ReaderSink {
    public:
        explicit Reducer(Intake& intake) : intake_(intake) {}
        void on_packet(const input::Packet& packet) override;
        void on_hole(const input::Hole& hole) override;

    private:
        Intake& intake_;
    };

    /// Throws away what waits; declares it from `doubtful_us` on where more than that went.
    void discard(wire::GapReason reason, std::uint64_t now_us, std::optional<std::uint64_t> doubtful_us);
    void release(std::uint64_t before_us);
    void keep_late(const input::Hole& hole);
    void tell_late();
    void arm();
    void watch_chord();
    [[nodiscard]] privacy::Level level_at(std::uint64_t time_us) const;
    void use(privacy::Level level);
    [[nodiscard]] std::uint64_t waited(std::uint64_t now_us) const;

    Clock clock_;
    Recorder& recorder_;
    Callbacks callbacks_;
    std::optional<Rules> rules_;
    privacy::Quarantine quarantine_;
    std::optional<privacy::Ladder> ladder_; ///< always there; made anew to forget what it has pending
    privacy::Confirmed confirmed_;
    std::optional<privacy::Chord> chord_;
    std::optional<std::uint64_t> chord_due_;
    Reducer reducer_;
    /// Holes that found the quarantine full, joined by device and reason: they are told once what waited before them has been.
    std::vector<input::Hole> late_holes_;
    bool armed_ = false;
    EventLoop::Source timer_;
    EventLoop::Source chord_timer_;
};

} // namespace candor::daemon
