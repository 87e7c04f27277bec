// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "input/reader.h"
#include "privacy/level.h"

#include <cstdint>
#include <memory>
#include <optional>

namespace candor::privacy {

/// Reduces what the kernel delivered to what a level keeps, before anything is encoded. What leaves it is all that is ever
/// encoded. Times it makes are the ends of cells on CLOCK_MONOTONIC, so never earlier than what they tell of, and ascending.
/// No clock, no I/O. One thread.
///
/// What each level keeps (key presses, bursts and counts: input/abstract_events.h):
///  - full: everything but LED_SCROLLL, which is candord's own light.
///  - actions: pointer, buttons, scrolling, gestures, touches and pens as they are; so every key that is not of text and every
///    shortcut (redactor.h says what one is). Of other text keys how many presses in each cell of grid_us, a packet for each
///    device and cell. Scan codes, LEDs, switches and whatever is not listed as harmless are gone.
///  - rhythm: of every key how many presses of its class in each cell. Buttons are no keys.
///  - activity: when a burst began, and when nothing of its kind had come for burst_idle_us; both to the end of the cell.
///  - counts: for each minute, rounded down to powers of two; tally.h says what is counted. What ends early, with the device
///    that it is told of or by finish(), ends with the cell of grid_us.
/// A packet of which nothing remains but SYN_REPORT is gone. In a cell no order is told.
///
/// Of one device, and from one set_level() or finish() to the next, times never go back as long as those of its packets do not.
/// A packet that comes late, behind one of another device that ended a cell, bears the time of that cell's end if that was told
/// of its device already; of a cell or minute that is over a second packet is told.
///
/// What has been reduced can be reduced again. From a ladder at some level below full another one at that level makes the
/// same; from one at actions, rhythm and counts are made as from the raw packets. That is so where no packet came late and no
/// event was lost.
class Ladder {
public:
    static constexpr std::uint64_t grid_us = 250'000;         ///< cells of key presses: rhythm and actions
    static constexpr std::uint64_t minute_us = 60'000'000;    ///< cells of counts
    static constexpr std::uint64_t burst_idle_us = 2'000'000; ///< a burst ends when nothing came for this long

    /// `out` must outlive it. Starts at Level::counts.
    explicit Ladder(input::ReaderSink& out);
    ~Ladder();
    Ladder(const Ladder&) = delete;
    Ladder& operator=(const Ladder&) = delete;

    /// Tells what is pending at the old level first, forgets which keys are held, and goes on at the new one.
    void set_level(Level level);
    [[nodiscard]] Level level() const noexcept;

    /// In the order of release, which is the order of arrival.
    void packet(const input::Packet& packet);
    /// Passed on as it is; the held keys of its device are forgotten.
    void hole(const input::Hole& hole);
    /// Time has come to `now_us`: tells what can no longer change (cells, bursts, minutes that have ended).
    void advance(std::uint64_t now_us);
    /// When advance() would have more to tell; nothing while nothing is pending.
    [[nodiscard]] std::optional<std::uint64_t> pending_until() const noexcept;
    /// Tells everything pending, as if its cells ended now, and forgets which keys are held.
    void finish();

private:
    struct State;
    std::unique_ptr<State> state_;
};

} // namespace candor::privacy
