// SPDX-License-Identifier: Apache-2.0
#include "privacy/tally.h"

#include "input/abstract_events.h"
#include "privacy/key_class.h"

#include <linux/input-event-codes.h>

#include <algorithm>
#include <bit>
#include <limits>

namespace candor::privacy {
namespace {

namespace abstract = input::abstract;
namespace count_code = input::abstract::count_code;
using input::Event;

// Sums are kept in the smallest unit that comes, so that they are exact: of the way 1/256, libinput's; of scrolling 1/256 of
// libinput's, 15 of which are a notch, which is also 120 of a wheel's high resolution.
constexpr std::uint64_t way_unit = 256;
constexpr std::uint64_t extent_unit = 65536 / 2048;
constexpr std::uint64_t notch_unit = std::uint64_t{15} * 256;
constexpr std::uint64_t v120_unit = notch_unit / 120;
constexpr std::array<std::uint64_t, 4> units = {1, 1, notch_unit, way_unit};

std::uint64_t magnitude(std::int32_t value) noexcept {
    const auto wide = std::int64_t{value};
    return static_cast<std::uint64_t>(wide < 0 ? -wide : wide);
}

bool has(std::span<const Event> events, std::uint16_t code) noexcept {
    return std::ranges::any_of(events, [&](const Event& event) { return event.type == EV_REL && event.code == code; });
}

} // namespace

void Tally::take(std::uint32_t device, const Redactor::Redacted& redacted, std::uint64_t minute_end_us) {
    for (const Event& press : redacted.presses) {
        add(count_code::keys, device, magnitude(press.value));
    }
    for (const Event& event : redacted.events) {
        take_event(device, event);
    }
    take_relative(device, redacted.events);
    const bool any = std::ranges::any_of(sums_, [](const Sum& sum) { return sum.value > 0; });
    if (any && !end_us_) {
        end_us_ = minute_end_us;
    }
}

void Tally::take_relative(std::uint32_t device, std::span<const Event> events) {
    for (const Event& event : events) {
        if (event.type != EV_REL) {
            continue;
        }
        const std::uint64_t size = magnitude(event.value);
        switch (event.code) {
        case REL_X:
        case REL_Y:
            add(count_code::distance, device, size * way_unit);
            break;
        case REL_WHEEL_HI_RES:
        case REL_HWHEEL_HI_RES:
            add(count_code::scroll, device, size * v120_unit);
            break;
        case REL_WHEEL:
        case REL_HWHEEL:
            if (!has(events, event.code == REL_WHEEL ? REL_WHEEL_HI_RES : REL_HWHEEL_HI_RES)) {
                add(count_code::scroll, device, size * notch_unit);
            }
            break;
        default:
            break;
        }
    }
}

void Tally::take_event(std::uint32_t device, const Event& event) {
    switch (event.type) {
    case EV_KEY: // only buttons are left as such
        if (event.value == 1) {
            add(count_code::clicks, device, 1);
        }
        break;
    case EV_ABS:
        if (event.code == ABS_X || event.code == ABS_Y) {
            add(count_code::distance, device, way(device, event.code - std::size_t{ABS_X}, event.value) * way_unit);
        }
        break;
    case abstract::pointer:
        if (event.code <= abstract::pointer_code::dy) {
            add(count_code::distance, device, magnitude(event.value));
        } else {
            add(count_code::distance, device,
                way(device, event.code - std::size_t{abstract::pointer_code::x}, event.value) * way_unit / extent_unit);
        }
        break;
    case abstract::scroll: {
        const bool wheel = event.code <= abstract::scroll_code::wheel_horizontal;
        add(count_code::scroll, device, magnitude(event.value) * (wheel ? v120_unit : 1));
        break;
    }
    case abstract::touch:
        take_touch(device, event);
        break;
    case abstract::tablet:
        if (event.code == abstract::tablet_code::tip && event.value == 1) {
            add(count_code::clicks, device, 1);
        } else if (event.code == abstract::tablet_code::proximity) {
            position(device).axis = {};
        } else if (event.code == abstract::tablet_code::x || event.code == abstract::tablet_code::y) {
            add(count_code::distance, device,
                way(device, event.code - std::size_t{abstract::tablet_code::x}, event.value) * way_unit / extent_unit);
        }
        break;
    default:
        break;
    }
}

void Tally::take_touch(std::uint32_t device, const Event& event) {
    Position& at = position(device);
    switch (event.code) {
    case abstract::touch_code::down:
        add(count_code::clicks, device, 1);
        at = {device, {}, event.value, true};
        break;
    case abstract::touch_code::motion:
        at.follows = event.value == at.slot;
        break;
    case abstract::touch_code::x:
    case abstract::touch_code::y:
        if (at.follows) {
            add(count_code::distance, device,
                way(device, event.code - std::size_t{abstract::touch_code::x}, event.value) * way_unit / extent_unit);
        }
        break;
    default:
        break;
    }
}

void Tally::add(std::uint16_t code, std::uint32_t device, std::uint64_t amount) noexcept {
    if (amount == 0) {
        return;
    }
    Sum& sum = sums_[code];
    sum.device = sum.value == 0 ? device : std::min(sum.device, device);
    sum.value = amount > std::numeric_limits<std::uint64_t>::max() - sum.value
                    ? std::numeric_limits<std::uint64_t>::max()
                    : sum.value + amount;
}

Tally::Position& Tally::position(std::uint32_t device) {
    const auto found = std::ranges::find(positions_, device, &Position::device);
    return found != positions_.end() ? *found : positions_.emplace_back(Position{device, {}});
}

std::uint64_t Tally::way(std::uint32_t device, std::size_t axis, std::int32_t value) {
    std::optional<std::int32_t>& last = position(device).axis[axis];
    const std::int64_t from = last.value_or(value);
    last = value;
    return static_cast<std::uint64_t>(value > from ? value - from : from - value);
}

bool Tally::has_counts() const noexcept {
    return std::ranges::any_of(
        sums_, [&](const Sum& sum) { return sum.value >= units[static_cast<std::size_t>(&sum - sums_.data())]; });
}

bool Tally::involves(std::uint32_t device) const noexcept {
    return std::ranges::any_of(sums_, [&](const Sum& sum) { return sum.value > 0 && sum.device == device; });
}

void Tally::tell(std::uint64_t time_us, Agenda& agenda) {
    constexpr std::uint64_t most = std::uint64_t{1} << 30;
    for (std::uint16_t code = 0; code < sums_.size(); ++code) {
        const std::uint64_t whole = std::min(sums_[code].value / units[code], most);
        if (whole > 0) {
            agenda.append(time_us, sums_[code].device,
                          {abstract::count, code, static_cast<std::int32_t>(std::bit_floor(whole))});
        }
        sums_[code] = {};
    }
    end_us_.reset();
}

void Tally::forget(std::uint32_t device) {
    std::erase_if(positions_, [&](const Position& position) { return position.device == device; });
}

} // namespace candor::privacy
