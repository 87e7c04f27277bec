// SPDX-License-Identifier: Apache-2.0
#include "view/summary.h"

#include "input/abstract_events.h"
#include "input/names.h"
#include "privacy/key_class.h"

#include <linux/input-event-codes.h>

#include <algorithm>
#include <array>
#include <limits>
#include <span>
#include <string_view>
#include <tuple>
#include <utility>

namespace candor::view {
namespace {

namespace abstract = input::abstract;
using input::Event;
using privacy::KeyClass;

// Sums are kept in the smallest unit that comes, so that they are exact; privacy::Tally has the same ones.
constexpr std::uint64_t way_unit = 256;
constexpr std::uint64_t extent_share = way_unit / (65536 / 2048);
constexpr std::uint64_t notch_unit = std::uint64_t{15} * 256;
constexpr std::uint64_t v120_unit = notch_unit / 120;
constexpr std::int64_t minute_us = 60'000'000;

std::uint64_t magnitude(std::int32_t value) noexcept {
    const auto wide = std::int64_t{value};
    return static_cast<std::uint64_t>(wide < 0 ? -wide : wide);
}

__extension__ using Wide = __int128; // holds any time in nanoseconds that a frame can name

std::int64_t saturated(Wide value) noexcept {
    using Limits = std::numeric_limits<std::int64_t>;
    return static_cast<std::int64_t>(std::clamp<Wide>(value, Limits::min(), Limits::max()));
}

bool has(std::span<const Event> events, std::uint16_t code) noexcept {
    return std::ranges::any_of(events, [&](const Event& event) { return event.type == EV_REL && event.code == code; });
}

constexpr std::pair<std::uint16_t, char> signs[] = {
    {KEY_SPACE, ' '},       {KEY_MINUS, '-'},      {KEY_EQUAL, '='}, {KEY_LEFTBRACE, '['},
    {KEY_RIGHTBRACE, ']'},  {KEY_SEMICOLON, ';'},  {KEY_DOT, '.'},   {KEY_COMMA, ','},
    {KEY_APOSTROPHE, '\''}, {KEY_BACKSLASH, '\\'}, {KEY_GRAVE, '`'}, {KEY_SLASH, '/'},
};

/// None of the characters that a single one can be is one of <>{}*.
std::string key_text(std::uint16_t code) {
    const auto* sign = std::ranges::find(signs, code, &std::pair<std::uint16_t, char>::first);
    if (sign != std::end(signs)) {
        return std::string(1, sign->second);
    }
    std::string name = input::code_name(EV_KEY, code);
    if (name.starts_with("KEY_")) {
        name.erase(0, 4);
    }
    if (name.size() == 1) {
        const char c = name.front();
        return std::string(1, c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c);
    }
    return "<" + name + ">";
}

constexpr std::array<std::string_view, 7> class_words = {"text",     "edit",  "navigation", "modifier",
                                                         "function", "media", "shortcut"};

/// Keys in the order of their presses.
class Keys {
public:
    void press(std::uint16_t code) { tokens_.push_back({code, 1, false}); }
    void repeat(std::uint16_t code) {
        if (!tokens_.empty() && !tokens_.back().by_class && tokens_.back().code == code) {
            ++tokens_.back().count;
        } else {
            press(code);
        }
    }
    void presses(std::uint16_t key_class, std::uint64_t count) {
        if (tokens_.empty() || !tokens_.back().by_class || tokens_.back().code != key_class) {
            tokens_.push_back({key_class, 0, true});
        }
        tokens_.back().count += count;
    }

    [[nodiscard]] std::string text() const {
        std::string text;
        for (const Token& token : tokens_) {
            if (token.by_class) {
                const std::string_view word = token.code < class_words.size() ? class_words[token.code] : "unknown";
                text.append("{").append(std::to_string(token.count)).append(" ").append(word).append("}");
            } else {
                text += key_text(token.code);
                text += token.count > 1 ? "*" + std::to_string(token.count) : std::string();
            }
        }
        return text;
    }

private:
    struct Token {
        std::uint16_t code; ///< of a key, or a KeyClass
        std::uint64_t count;
        bool by_class;
    };
    std::vector<Token> tokens_;
};

/// Totals in the units above.
struct Sums {
    Totals totals;

    void merge(const Totals& other) noexcept {
        totals.presses += other.presses;
        totals.text_keys += other.text_keys;
        totals.clicks += other.clicks;
        totals.scroll += other.scroll;
        totals.distance += other.distance;
        totals.typing_us += other.typing_us;
        totals.pointing_us += other.pointing_us;
        totals.events += other.events;
    }
    [[nodiscard]] Totals whole() const noexcept {
        Totals whole = totals;
        whole.scroll /= notch_unit;
        whole.distance /= way_unit;
        return whole;
    }
};

struct MinuteSums {
    Sums sums;
    Keys keys;
};

} // namespace

void Timeline::see(const wire::Frame& frame) noexcept {
    if (const auto* open = std::get_if<wire::Open>(&frame.body)) {
        anchor_ = open->anchor;
    } else if (const auto* clock = std::get_if<ClockAnchor>(&frame.body)) {
        anchor_ = *clock;
    }
}

std::int64_t Timeline::realtime_us(std::uint64_t monotonic_us) const noexcept {
    const Wide since_ns = static_cast<Wide>(monotonic_us) * 1000 - static_cast<Wide>(anchor_.monotonic_ns);
    const Wide realtime_ns = static_cast<Wide>(anchor_.realtime_ns) + since_ns;
    // Rounded down, before 1970 too.
    const Wide us = realtime_ns / 1000 - (realtime_ns % 1000 < 0 ? 1 : 0);
    return saturated(us);
}

struct Summarizer::State {
    Summary summary;
    Timeline timeline;
    Sums sums;
    std::map<std::int64_t, MinuteSums> minutes;
    std::optional<std::uint64_t> typing_since_us;
    std::optional<std::uint64_t> pointing_since_us;
    std::map<std::tuple<std::uint32_t, std::uint16_t, std::uint16_t>, std::int32_t> positions; ///< device, type, code
    struct Finger {
        std::int32_t slot = 0;
        bool follows = false;
    };
    std::map<std::uint32_t, Finger> fingers; ///< of each device the one that came down last

    void reach(std::int64_t us) { summary.to_us = std::max(summary.to_us, us); }
    void packet(const input::Packet& packet);
    void key(Totals& totals, Keys& keys, const Event& event) const;
    void relative(Totals& totals, std::span<const Event> events) const;
    void abstract_event(Totals& totals, Keys& keys, const input::Packet& packet, const Event& event);
    void touch(Totals& totals, std::uint32_t device, const Event& event);
    void burst(Totals& totals, std::uint64_t time_us, std::uint16_t code);
    /// How far it is from the position before on this axis.
    std::uint64_t way(std::uint32_t device, const Event& event);
    void forget(std::uint32_t device, std::uint16_t type);
};

void Summarizer::State::packet(const input::Packet& packet) {
    const std::int64_t us = timeline.realtime_us(packet.time_us);
    reach(us);
    const std::int64_t minute = us / minute_us - (us % minute_us < 0 ? 1 : 0);
    MinuteSums& into = minutes[minute * 60];
    Sums one;
    for (const Event& event : packet.events) {
        ++one.totals.events;
        if (event.type == EV_KEY) {
            key(one.totals, into.keys, event);
        } else if (event.type == EV_ABS && (event.code == ABS_X || event.code == ABS_Y)) {
            one.totals.distance += way(packet.device, event) * way_unit;
        } else if (event.type >= abstract::first_type) {
            abstract_event(one.totals, into.keys, packet, event);
        }
    }
    relative(one.totals, packet.events);
    into.sums.merge(one.totals);
    sums.merge(one.totals);
}

void Summarizer::State::key(Totals& totals, Keys& keys, const Event& event) const {
    const KeyClass key_class = privacy::key_class(event.code);
    if (key_class == KeyClass::button) {
        totals.clicks += event.value == 1 ? 1 : 0;
    } else if (event.value == 1) {
        ++totals.presses;
        totals.text_keys += key_class == KeyClass::text ? 1 : 0;
        keys.press(event.code);
    } else if (event.value == 2) {
        keys.repeat(event.code);
    }
}

void Summarizer::State::relative(Totals& totals, std::span<const Event> events) const {
    for (const Event& event : events) {
        if (event.type != EV_REL) {
            continue;
        }
        const std::uint64_t size = magnitude(event.value);
        if (event.code == REL_X || event.code == REL_Y) {
            totals.distance += size * way_unit;
        } else if (event.code == REL_WHEEL_HI_RES || event.code == REL_HWHEEL_HI_RES) {
            totals.scroll += size * v120_unit;
        } else if ((event.code == REL_WHEEL && !has(events, REL_WHEEL_HI_RES)) ||
                   (event.code == REL_HWHEEL && !has(events, REL_HWHEEL_HI_RES))) {
            totals.scroll += size * notch_unit;
        }
    }
}

void Summarizer::State::abstract_event(Totals& totals, Keys& keys, const input::Packet& packet, const Event& event) {
    const std::uint64_t size = magnitude(event.value);
    switch (event.type) {
    case abstract::pointer:
        totals.distance += event.code <= abstract::pointer_code::dy ? size : way(packet.device, event) * extent_share;
        break;
    case abstract::scroll:
        totals.scroll += size * (event.code <= abstract::scroll_code::wheel_horizontal ? v120_unit : 1);
        break;
    case abstract::touch:
        touch(totals, packet.device, event);
        break;
    case abstract::tablet:
        if (event.code == abstract::tablet_code::tip) {
            totals.clicks += event.value == 1 ? 1 : 0;
        } else if (event.code == abstract::tablet_code::proximity) {
            forget(packet.device, abstract::tablet);
        } else if (event.code == abstract::tablet_code::x || event.code == abstract::tablet_code::y) {
            totals.distance += way(packet.device, event) * extent_share;
        }
        break;
    case abstract::key_press:
        totals.presses += size;
        totals.text_keys += event.code == static_cast<std::uint16_t>(KeyClass::text) ? size : 0;
        keys.presses(event.code, size);
        break;
    case abstract::burst:
        burst(totals, packet.time_us, event.code);
        break;
    case abstract::count:
        if (event.code == abstract::count_code::keys) {
            totals.presses += size;
        } else if (event.code == abstract::count_code::clicks) {
            totals.clicks += size;
        } else if (event.code == abstract::count_code::scroll) {
            totals.scroll += size * notch_unit;
        } else if (event.code == abstract::count_code::distance) {
            totals.distance += size * way_unit;
        }
        break;
    default:
        break;
    }
}

void Summarizer::State::touch(Totals& totals, std::uint32_t device, const Event& event) {
    Finger& finger = fingers[device];
    if (event.code == abstract::touch_code::down) {
        ++totals.clicks;
        forget(device, abstract::touch);
        finger = {event.value, true};
    } else if (event.code == abstract::touch_code::motion) {
        finger.follows = event.value == finger.slot;
    } else if (finger.follows && (event.code == abstract::touch_code::x || event.code == abstract::touch_code::y)) {
        totals.distance += way(device, event) * extent_share;
    }
}

void Summarizer::State::burst(Totals& totals, std::uint64_t time_us, std::uint16_t code) {
    const auto end = [time_us](std::optional<std::uint64_t>& since, std::uint64_t& sum) {
        sum += since && time_us > *since ? time_us - *since : 0;
        since.reset();
    };
    if (code == abstract::burst_code::typing_begin) {
        typing_since_us = time_us;
    } else if (code == abstract::burst_code::typing_end) {
        end(typing_since_us, totals.typing_us);
    } else if (code == abstract::burst_code::pointing_begin) {
        pointing_since_us = time_us;
    } else if (code == abstract::burst_code::pointing_end) {
        end(pointing_since_us, totals.pointing_us);
    }
}

std::uint64_t Summarizer::State::way(std::uint32_t device, const Event& event) {
    const auto [at, first] = positions.try_emplace({device, event.type, event.code}, event.value);
    const std::int64_t from = std::exchange(at->second, event.value);
    return static_cast<std::uint64_t>(event.value > from ? event.value - from : from - event.value);
}

void Summarizer::State::forget(std::uint32_t device, std::uint16_t type) {
    std::erase_if(positions, [&](const auto& position) {
        return std::get<0>(position.first) == device && std::get<1>(position.first) == type;
    });
}

Summarizer::Summarizer() : state_(std::make_unique<State>()) {}
Summarizer::~Summarizer() = default;

void Summarizer::add(const wire::StreamOpener::Item& item) {
    State& state = *state_;
    state.timeline.see(item.frame);
    if (const auto* open = std::get_if<wire::Open>(&item.frame.body)) {
        state.summary.stream = open->stream;
        state.summary.level = open->level;
        state.summary.from_us = state.timeline.realtime_us(open->anchor.monotonic_ns / 1000);
        state.summary.to_us = state.summary.from_us;
    } else if (const auto* clock = std::get_if<ClockAnchor>(&item.frame.body)) {
        state.reach(state.timeline.realtime_us(clock->monotonic_ns / 1000));
    } else if (const auto* gap = std::get_if<wire::Gap>(&item.frame.body)) {
        GapTotals& totals = state.summary.gaps[gap->reason];
        ++totals.holes;
        totals.events += gap->events.value_or(0);
        totals.uncounted += gap->events ? 0 : 1;
        totals.seconds += (gap->to_us - gap->from_us) / 1'000'000;
        state.reach(state.timeline.realtime_us(gap->to_us));
    } else if (const auto* close = std::get_if<wire::Close>(&item.frame.body)) {
        state.summary.closed = close->reason;
    }
    if (item.batch) {
        state.summary.devices.insert(state.summary.devices.end(), item.batch->devices.begin(),
                                     item.batch->devices.end());
        item.batch->packets.for_each([&](const input::Packet& packet) { state.packet(packet); });
    }
}

Summary Summarizer::summary() const {
    Summary summary = state_->summary;
    summary.totals = state_->sums.whole();
    for (const auto& [begin, minute] : state_->minutes) {
        summary.minutes[begin] = {minute.sums.whole(), minute.keys.text()};
    }
    return summary;
}

} // namespace candor::view
