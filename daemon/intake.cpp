// SPDX-License-Identifier: Apache-2.0
#include "daemon/intake.h"

#include <algorithm>
#include <stdexcept>

namespace candor::daemon {
namespace {

/// So much may wait longer than it must. Above it, what has waited is handed on between two batches.
constexpr std::size_t much_bytes = 256 * 1024;

std::uint64_t us(std::chrono::seconds seconds) {
    return static_cast<std::uint64_t>(std::chrono::microseconds(seconds).count());
}

bool changes_light(const input::Packet& packet) {
    return std::ranges::any_of(
        packet.events, [](const input::Event& event) { return event.type == EV_LED && event.code == LED_SCROLLL; });
}

} // namespace

Intake::Intake(EventLoop& loop, Recorder& recorder, Callbacks callbacks, Clock clock, std::size_t bound)
    : clock_(clock), recorder_(recorder), callbacks_(std::move(callbacks)), quarantine_(bound),
      ladder_(std::in_place, recorder), reducer_(*this), timer_(loop.add_timer([this] { hand_on(); })),
      chord_timer_(loop.add_timer(
          [this] {
              chord_due_.reset();
              if (chord_ && chord_->fires(clock_())) {
                  callbacks_.panic();
              } else if (chord_) {
                  watch_chord();
              }
          },
          std::chrono::milliseconds(10))) {}

void Intake::begin(Rules rules) {
    if (rules_) {
        throw std::logic_error("the intake has begun already");
    }
    chord_.emplace(rules.panic_keys, us(rules.panic_hold));
    rules_ = std::move(rules);
    ladder_->set_level(std::min(rules_->level, privacy::Level::actions));
    recorder_.set_level(ladder_->level());
}

void Intake::end(wire::GapReason reason) {
    if (rules_) {
        const std::uint64_t now = clock_();
        release(waited(now));
        ladder_->finish();
        discard(reason, now, std::nullopt);
    }
}

void Intake::end_and_forget(wire::GapReason reason) {
    if (!rules_) {
        return;
    }
    const std::uint64_t now = clock_();
    // A minute is the longest that a level holds back; what was handed on and is not sealed is no older than that.
    const bool more = ladder_->pending_until().has_value();
    const bool unsealed = recorder_.forget_batch();
    ladder_.emplace(recorder_);
    const std::uint64_t minute_ago = now > privacy::Ladder::minute_us ? now - privacy::Ladder::minute_us : 0;
    discard(reason, now, more || unsealed ? std::optional(minute_ago) : std::nullopt);
}

void Intake::discard(wire::GapReason reason, std::uint64_t now_us, std::optional<std::uint64_t> doubtful_us) {
    const auto gone = quarantine_.discard(recorder_);
    tell_late();
    if (gone || doubtful_us) {
        const std::uint64_t from = std::min(gone ? gone->from_us : now_us, doubtful_us.value_or(now_us));
        // Not how many: the number of keys of a password is part of it.
        recorder_.lose({reason, from, std::max(gone ? gone->to_us : now_us, now_us), std::nullopt, wire::all_devices});
    }
    confirmed_ = {};
    chord_.reset();
    rules_.reset();
    timer_.disarm();
    armed_ = false;
    chord_timer_.disarm();
    chord_due_.reset();
}

void Intake::vouch() { confirmed_.vouch(clock_()); }

void Intake::doubt() {
    const std::uint64_t now = clock_();
    confirmed_.end(rules_ ? waited(now) : 0);
}

void Intake::on_device(const input::DeviceInfo& device) { recorder_.on_device(device); }

void Intake::on_packet(const input::Packet& packet) {
    if (!rules_) {
        throw std::logic_error("a packet while the gate is closed");
    }
    chord_->packet(packet);
    watch_chord();
    if (!quarantine_.push(packet)) {
        recorder_.lose(
            {wire::GapReason::quarantine_full, packet.time_us, packet.time_us, packet.events.size(), packet.device});
    }
    if (quarantine_.bytes() > much_bytes) {
        // A packet's time is that of the kernel: never later than now.
        release(waited(packet.time_us));
    }
    arm();
    // Last: it may light the LED again, and close everything if that fails.
    if (changes_light(packet)) {
        callbacks_.light_changed();
    }
}

void Intake::on_hole(const input::Hole& hole) {
    if (!rules_) {
        throw std::logic_error("a hole while the gate is closed");
    }
    chord_->forget(hole.device);
    watch_chord();
    if (!quarantine_.push(hole)) {
        keep_late(hole);
    }
    arm();
}

void Intake::watch_chord() {
    const auto due = chord_->due_us();
    if (due == chord_due_) {
        return;
    }
    chord_due_ = due;
    if (!due) {
        chord_timer_.disarm();
        return;
    }
    const std::uint64_t now = clock_();
    chord_timer_.arm(std::chrono::microseconds(*due > now ? *due - now : 0));
}

std::uint64_t Intake::waited(std::uint64_t now_us) const {
    const std::uint64_t wait = us(rules_->quarantine);
    return now_us > wait ? now_us - wait : 0;
}

privacy::Level Intake::level_at(std::uint64_t time_us) const {
    return rules_->level == privacy::Level::full && !confirmed_.covers(time_us) ? privacy::Level::actions
                                                                                : rules_->level;
}

void Intake::use(privacy::Level level) {
    if (level != ladder_->level()) {
        ladder_->set_level(level);
        recorder_.set_level(level);
    }
}

void Intake::Reducer::on_packet(const input::Packet& packet) {
    intake_.use(intake_.level_at(packet.time_us));
    intake_.ladder_->packet(packet);
}

void Intake::Reducer::on_hole(const input::Hole& hole) { intake_.ladder_->hole(hole); }

void Intake::keep_late(const input::Hole& hole) {
    const auto same = [&](const input::Hole& other) {
        return other.device == hole.device && other.reason == hole.reason &&
               other.events.has_value() == hole.events.has_value();
    };
    const auto found = std::ranges::find_if(late_holes_, same);
    if (found == late_holes_.end()) {
        late_holes_.push_back(hole);
        return;
    }
    found->to_us = std::max(found->to_us, hole.to_us);
    if (hole.events) {
        *found->events += *hole.events;
    }
}

void Intake::tell_late() {
    // Not before what came before them: behind device_gone the recorder knows the device no more.
    const auto oldest = quarantine_.oldest_us();
    std::erase_if(late_holes_, [&](const input::Hole& hole) {
        const bool due = !oldest || *oldest > hole.to_us;
        if (due) {
            ladder_->hole(hole);
        }
        return due;
    });
}

void Intake::release(std::uint64_t before_us) {
    quarantine_.release(before_us, reducer_);
    tell_late();
    ladder_->advance(before_us);
    confirmed_.forget_before(before_us);
}

void Intake::hand_on() {
    armed_ = false;
    if (!rules_) {
        return;
    }
    const std::uint64_t now = clock_();
    release(waited(now));
    recorder_.flush();
    if (!quarantine_.empty() || ladder_->pending_until()) {
        arm();
    }
}

void Intake::arm() {
    if (armed_) {
        return;
    }
    // The first moment of the grid at which there is something to hand on.
    std::uint64_t due = UINT64_MAX;
    if (const auto oldest = quarantine_.oldest_us()) {
        due = *oldest + us(rules_->quarantine) + 1;
    }
    if (const auto pending = ladder_->pending_until()) {
        due = std::min(due, *pending + us(rules_->quarantine));
    }
    const std::uint64_t interval = us(rules_->batch_interval);
    const std::uint64_t now = clock_();
    due = std::max(due, now + 1);
    const std::uint64_t on_grid = (due + interval - 1) / interval * interval;
    timer_.arm(std::chrono::microseconds(on_grid - now));
    armed_ = true;
}

} // namespace candor::daemon
