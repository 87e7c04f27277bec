// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "wire/stream_opener.h"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

/// What a person wants to see of a stream. No clock, no I/O.
namespace candor::view {

/// When something was, by the wall clock: through the stream's latest anchor. Saturates, whatever the numbers.
class Timeline {
public:
    /// Of an Open or a Clock frame; others change nothing.
    void see(const wire::Frame& frame) noexcept;
    /// Microseconds since 1970 UTC of a moment of CLOCK_MONOTONIC.
    [[nodiscard]] std::int64_t realtime_us(std::uint64_t monotonic_us) const noexcept;

private:
    ClockAnchor anchor_;
};

/// What is in the batches, of a minute or of a whole stream. At level counts it is a sum of powers of two, each rounded down.
struct Totals {
    std::uint64_t presses = 0;   ///< of keys that are not buttons, without autorepeat
    std::uint64_t text_keys = 0; ///< those among them that are of class text
    std::uint64_t clicks = 0;    ///< presses of buttons; fingers and pens that went down
    std::uint64_t scroll = 0;    ///< notches; 15 of libinput's units otherwise
    std::uint64_t distance = 0;  ///< |dx| + |dy| in the device's units, or in 1/2048 of an extent
    std::uint64_t typing_us = 0; ///< of bursts that have ended; at level activity only
    std::uint64_t pointing_us = 0;
    std::uint64_t events = 0; ///< in all

    bool operator==(const Totals&) const = default;
};

/// A minute of the wall clock in which something was recorded.
struct Minute {
    Totals totals;
    /// What was pressed, in its order. Where the stream has the keys themselves: "a" is the key that is A on a US keyboard,
    /// whatever it wrote, "<ENTER>" one that writes nothing, "*3" behind it says that it was held and repeated. Where the
    /// stream has only their kind, how many: "{12 text}".
    std::string keys;
};

struct GapTotals {
    std::uint64_t holes = 0;
    std::uint64_t events = 0;    ///< as far as they were counted
    std::uint64_t uncounted = 0; ///< holes of which it is not known how many events were lost
    std::uint64_t seconds = 0;

    bool operator==(const GapTotals&) const = default;
};

struct Summary {
    wire::Id16 stream{};
    privacy::Level level = privacy::Level::counts;
    std::int64_t from_us = 0; ///< since 1970 UTC
    std::int64_t to_us = 0;   ///< of the last thing in it
    std::vector<input::DeviceInfo> devices;
    Totals totals;
    std::map<std::int64_t, Minute> minutes; ///< by the second since 1970 UTC when it begins
    std::map<wire::GapReason, GapTotals> gaps;
    std::optional<wire::CloseReason> closed; ///< none: it goes on, or its end is missing
};

/// Sums up one stream, frame by frame as StreamOpener gives it.
class Summarizer {
public:
    Summarizer();
    ~Summarizer();
    Summarizer(const Summarizer&) = delete;
    Summarizer& operator=(const Summarizer&) = delete;

    void add(const wire::StreamOpener::Item& item);
    /// Of what was added so far.
    [[nodiscard]] Summary summary() const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

} // namespace candor::view
