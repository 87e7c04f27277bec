// SPDX-License-Identifier: Apache-2.0
#include "privacy/ladder.h"

#include "input/abstract_events.h"
#include "privacy/agenda.h"
#include "privacy/redactor.h"
#include "privacy/tally.h"

#include <linux/input-event-codes.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <vector>

// Below Level::full there are two steps. The Redactor erases which text keys there were; what is said and promised about that
// is in its header. Everything here works on what it leaves, so no mistake here can tell a text key from another.
//
// An event that some ladder made before (a key press by class) tells of the cell that ends with its time, not of the one
// that begins there: it is taken as if it had come just before.

namespace candor::privacy {
namespace {

namespace abstract = input::abstract;
namespace burst_code = input::abstract::burst_code;
using input::Event;

bool is_made(const Event& event) noexcept { return event.type >= abstract::key_press && event.type <= abstract::count; }

bool is_own_light(const Event& event) noexcept { return event.type == EV_LED && event.code == LED_SCROLLL; }

bool is_report(const Event& event) noexcept { return event.type == EV_SYN && event.code == SYN_REPORT; }

Redactor::Keys keys_at(Level level) noexcept {
    return level == Level::actions ? Redactor::Keys::exact : Redactor::Keys::classes;
}

/// Typing or pointing, while it goes on.
struct Burst {
    std::uint16_t begin_code;
    std::uint16_t end_code;
    bool active = false;
    std::uint32_t device = 0;
    std::uint64_t last_us = 0;

    /// The first moment at which it is over if nothing more comes.
    [[nodiscard]] std::uint64_t over_us() const noexcept {
        return last_us > UINT64_MAX - Ladder::burst_idle_us ? UINT64_MAX : last_us + Ladder::burst_idle_us;
    }
    [[nodiscard]] std::uint64_t end_us() const noexcept { return cell_end(over_us(), Ladder::grid_us); }

    void take(std::uint32_t from, std::uint64_t time_us, Agenda& agenda) {
        if (active) {
            last_us = std::max(last_us, time_us);
            return;
        }
        active = true;
        device = from;
        last_us = time_us;
        agenda.append(cell_end(time_us, Ladder::grid_us), device, {abstract::burst, begin_code, 1});
    }
    void end(std::uint64_t time_us, Agenda& agenda) {
        active = false;
        agenda.append(time_us, device, {abstract::burst, end_code, 1});
    }
};

} // namespace

struct Ladder::State {
    explicit State(input::ReaderSink& sink) : out(sink), agenda(sink) {}

    void pass_full(const input::Packet& packet);
    void pass_redacted(const input::Packet& packet);
    void take(const input::Packet& packet, std::uint64_t time_us, const Redactor::Redacted& redacted);
    void take_for_activity(std::uint32_t device, std::uint64_t time_us, const Redactor::Redacted& redacted);
    void take_for_counts(const input::Packet& packet, std::uint64_t time_us, const Redactor::Redacted& redacted);
    void come_to(std::uint64_t time_us);
    void remove(std::uint32_t device);
    void finish();

    input::ReaderSink& out;
    Level level = Level::counts;
    std::uint64_t now_us = 0; ///< never goes back
    Redactor redactor;
    Agenda agenda;
    std::array<Burst, 2> bursts = {Burst{burst_code::typing_begin, burst_code::typing_end},
                                   Burst{burst_code::pointing_begin, burst_code::pointing_end}};
    Tally tally;
    std::vector<Event> rest; ///< of a packet with candord's own light in it
};

void Ladder::State::pass_full(const input::Packet& packet) {
    if (packet.events.empty()) {
        return;
    }
    if (std::ranges::none_of(packet.events, is_own_light)) {
        out.on_packet(packet);
        return;
    }
    rest.clear();
    std::ranges::remove_copy_if(packet.events, std::back_inserter(rest), is_own_light);
    if (!std::ranges::all_of(rest, is_report)) {
        out.on_packet({packet.device, packet.time_us, rest});
    }
}

void Ladder::State::pass_redacted(const input::Packet& packet) {
    const bool made = std::ranges::any_of(packet.events, is_made);
    const std::uint64_t time_us = made && packet.time_us > 0 ? packet.time_us - 1 : packet.time_us;
    come_to(time_us);
    take(packet, time_us, redactor.redact(packet));
    // What comes late tells of a cell that is over.
    agenda.tell(now_us);
}

void Ladder::State::take(const input::Packet& packet, std::uint64_t time_us, const Redactor::Redacted& redacted) {
    switch (level) {
    case Level::counts:
        take_for_counts(packet, time_us, redacted);
        break;
    case Level::activity:
        take_for_activity(packet.device, time_us, redacted);
        break;
    case Level::rhythm:
    case Level::actions:
        for (const Event& press : redacted.presses) {
            agenda.add(cell_end(time_us, grid_us), packet.device, press);
        }
        if (level == Level::actions && !redacted.events.empty()) {
            out.on_packet({packet.device, std::max(packet.time_us, agenda.told_us(packet.device)), redacted.events});
        }
        break;
    case Level::full:
        break;
    }
}

void Ladder::State::take_for_activity(std::uint32_t device, std::uint64_t time_us, const Redactor::Redacted& redacted) {
    if (!redacted.presses.empty()) {
        bursts[0].take(device, time_us, agenda);
    }
    bool points = false;
    for (const Event& event : redacted.events) {
        if (event.type == abstract::burst) {
            agenda.append(cell_end(time_us, grid_us), device, event);
        }
        points = points || (event.type != EV_SYN && !is_made(event));
    }
    if (points) {
        bursts[1].take(device, time_us, agenda);
    }
}

void Ladder::State::take_for_counts(const input::Packet& packet, std::uint64_t time_us,
                                    const Redactor::Redacted& redacted) {
    tally.take(packet.device, redacted, cell_end(time_us, minute_us));
    for (const Event& event : redacted.events) {
        if (event.type == abstract::count) {
            agenda.append(cell_end(time_us, grid_us), packet.device, event);
        }
    }
}

void Ladder::State::come_to(std::uint64_t time_us) {
    now_us = std::max(now_us, time_us);
    for (Burst& burst : bursts) {
        if (burst.active && now_us >= burst.over_us()) {
            burst.end(burst.end_us(), agenda);
        }
    }
    if (tally.end_us() && now_us >= *tally.end_us()) {
        tally.tell(*tally.end_us(), agenda);
    }
    agenda.tell(now_us);
}

void Ladder::State::remove(std::uint32_t device) {
    redactor.remove(device);
    for (Burst& burst : bursts) {
        if (burst.active && burst.device == device) {
            burst.end(std::min(burst.end_us(), cell_end(now_us, grid_us)), agenda);
        }
    }
    if (tally.involves(device)) {
        tally.tell(std::min(*tally.end_us(), cell_end(now_us, grid_us)), agenda);
    }
    tally.forget(device);
    agenda.tell_last(device);
}

void Ladder::State::finish() {
    for (Burst& burst : bursts) {
        if (burst.active) {
            burst.end(std::min(burst.end_us(), cell_end(now_us, grid_us)), agenda);
        }
    }
    if (tally.end_us()) {
        tally.tell(std::min(*tally.end_us(), cell_end(now_us, grid_us)), agenda);
    }
    agenda.tell_all();
    agenda.forget();
    tally.forget_all();
    redactor.reset(keys_at(level));
}

Ladder::Ladder(input::ReaderSink& out) : state_(std::make_unique<State>(out)) {}

Ladder::~Ladder() = default;

void Ladder::set_level(Level level) {
    state_->finish();
    state_->level = level;
    state_->redactor.reset(keys_at(level));
}

Level Ladder::level() const noexcept { return state_->level; }

void Ladder::packet(const input::Packet& packet) {
    if (state_->level == Level::full) {
        state_->pass_full(packet);
    } else {
        state_->pass_redacted(packet);
    }
}

void Ladder::hole(const input::Hole& hole) {
    if (state_->level != Level::full) {
        state_->come_to(hole.to_us);
        if (hole.reason == input::HoleReason::device_gone) {
            // Before its end: whoever takes this may forget the device then.
            state_->remove(hole.device);
        } else {
            state_->redactor.forget(hole.device);
        }
    }
    state_->out.on_hole(hole);
}

void Ladder::advance(std::uint64_t now_us) { state_->come_to(now_us); }

std::optional<std::uint64_t> Ladder::pending_until() const noexcept {
    std::optional<std::uint64_t> first = state_->agenda.next_us();
    const auto earlier = [&](std::uint64_t time_us) { first = std::min(first.value_or(time_us), time_us); };
    for (const Burst& burst : state_->bursts) {
        if (burst.active) {
            earlier(burst.end_us());
        }
    }
    if (state_->tally.has_counts()) {
        earlier(*state_->tally.end_us());
    }
    return first;
}

void Ladder::finish() { state_->finish(); }

} // namespace candor::privacy
