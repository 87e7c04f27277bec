// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "privacy/agenda.h"
#include "privacy/redactor.h"

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace candor::privacy {

/// What Level::counts keeps of one minute of CLOCK_MONOTONIC, over all devices, until it is over.
///
/// scroll: wheels as they turn, a hi-res event standing for the plain one beside it; other scrolling by libinput's measure, in
/// which a notch is 15. distance: |dx| + |dy|. Of a mouse in its counts, of a touchpad in libinput's unaccelerated units, of what
/// points absolutely the way between two positions: in the device's units, or where libinput tells shares of an extent, in
/// 1/2048 of it. Of several fingers only the way of the one that came down last counts; gestures are no way.
class Tally {
public:
    /// `minute_end_us`: of the minute that it was in. It falls into the minute that has begun, if one has.
    void take(std::uint32_t device, const Redactor::Redacted& redacted, std::uint64_t minute_end_us);

    /// When the minute is over; nothing while it has not begun.
    [[nodiscard]] std::optional<std::uint64_t> end_us() const noexcept { return end_us_; }
    /// Whether there is anything to tell of it: what is less than one of anything is not.
    [[nodiscard]] bool has_counts() const noexcept;
    /// Whether a count may be told of this device.
    [[nodiscard]] bool involves(std::uint32_t device) const noexcept;
    /// Tells what there is, as of this time, and begins anew.
    void tell(std::uint64_t time_us, Agenda& agenda);
    /// Where it points is not known.
    void forget(std::uint32_t device);
    void forget_all() noexcept { positions_.clear(); }

private:
    struct Sum {
        std::uint64_t value = 0;
        std::uint32_t device = 0;
    };
    struct Position {
        std::uint32_t device;
        std::array<std::optional<std::int32_t>, 2> axis;
        std::int32_t slot = 0;
        bool follows = false; ///< the finger whose coordinates come now is the one in `slot`
    };

    void add(std::uint16_t code, std::uint32_t device, std::uint64_t amount) noexcept;
    void take_relative(std::uint32_t device, std::span<const input::Event> events);
    void take_event(std::uint32_t device, const input::Event& event);
    [[nodiscard]] Position& position(std::uint32_t device);
    /// The way on one axis, in its own units.
    [[nodiscard]] std::uint64_t way(std::uint32_t device, std::size_t axis, std::int32_t value);
    void take_touch(std::uint32_t device, const input::Event& event);

    std::optional<std::uint64_t> end_us_;
    std::array<Sum, 4> sums_;
    std::vector<Position> positions_;
};

} // namespace candor::privacy
