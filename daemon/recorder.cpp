// SPDX-License-Identifier: Apache-2.0
#include "daemon/recorder.h"

#include <algorithm>
#include <stdexcept>
#include <system_error>

namespace candor::daemon {
namespace {

constexpr std::size_t max_pending_gaps = 64;

wire::GapReason reason_of(input::HoleReason reason) {
    switch (reason) {
    case input::HoleReason::dropped_by_kernel:
        return wire::GapReason::dropped_by_kernel;
    case input::HoleReason::device_gone:
        return wire::GapReason::device_gone;
    case input::HoleReason::damaged:
        break;
    }
    return wire::GapReason::damaged;
}

/// A batch that was refused before it was sealed: it was produced, and is counted so once.
bool is_refusal(wire::GapReason reason) {
    return reason == wire::GapReason::ring_full || reason == wire::GapReason::state_failed;
}

/// Room a batch may need: the plaintext's bound for so many events (see batch_codec.h), the seal and the message around it.
constexpr std::size_t batch_room = wire::max_plaintext_bytes + 256;
constexpr std::size_t control_room = 4096;

} // namespace

Recorder::Recorder(EventLoop& loop, Ring& ring, StreamLedger& ledger, const wire::Identity& identity,
                   const wire::Id16& run, std::function<void()> on_frames)
    : loop_(loop), ring_(ring), ledger_(ledger), identity_(identity), run_(run), on_frames_(std::move(on_frames)),
      timer_(loop_.add_timer([this] {
          timer_runs_ = false;
          flush();
      })),
      rotation_timer_(loop_.add_timer([this] { rotate(); }, std::chrono::seconds(1))) {}

void Recorder::begin(Grantee grantee) {
    if (grantee_) {
        throw std::logic_error("the recorder has begun already");
    }
    grantee_.emplace(std::move(grantee));
}

void Recorder::end(wire::CloseReason reason) {
    if (!grantee_) {
        return;
    }
    flush();
    if (!gaps_.empty() && !stream_) {
        // Losses that no stream has declared yet: the end of a stream is always taken.
        ensure_stream();
    }
    close_stream(reason);
    devices_.clear();
    gone_.clear();
    batch_.packets.release();
    grantee_.reset();
    on_frames_();
}

void Recorder::on_device(const input::DeviceInfo& device) { devices_.push_back(device); }

void Recorder::on_packet(const input::Packet& packet) {
    if (!grantee_) {
        throw std::logic_error("a packet while the gate is closed");
    }
    const bool joins = packet.device != last_device_ && !batch_devices_.contains(packet.device);
    if (batch_.packets.events() + packet.events.size() > wire::max_batch_events ||
        (joins && batch_devices_.size() == wire::max_batch_devices)) {
        flush();
    }
    if (packet.device != last_device_) {
        last_device_ = packet.device;
        batch_devices_.insert(packet.device);
    }
    ++counters_.packets;
    batch_produced_ += packet.events.size();
    batch_.packets.push(packet);
    start_timer();
}

void Recorder::on_hole(const input::Hole& hole) {
    if (!grantee_) {
        throw std::logic_error("a hole while the gate is closed");
    }
    lose({reason_of(hole.reason), hole.from_us, hole.to_us, hole.events, hole.device});
    if (hole.reason == input::HoleReason::device_gone) {
        gone_.insert(hole.device);
    }
}

void Recorder::lose(const wire::Gap& gap) {
    if (!grantee_) {
        throw std::logic_error("a loss while the gate is closed");
    }
    // What was lost was produced too, as far as it could be counted.
    counters_.events_produced += gap.events.value_or(0);
    declare(gap);
    start_timer();
}

bool Recorder::forget_batch() {
    const bool any = !batch_.packets.empty();
    batch_.packets.clear();
    batch_produced_ = 0;
    batch_devices_.clear();
    last_device_ = wire::all_devices;
    return any;
}

void Recorder::set_level(privacy::Level level) {
    if (!grantee_ || grantee_->level == level) {
        return;
    }
    rotate();
    grantee_->level = level;
}

void Recorder::rotate() {
    flush();
    close_stream(wire::CloseReason::rotated);
    on_frames_();
}

std::optional<wire::Id16> Recorder::stream() const {
    return stream_ ? std::optional(stream_->sealer.stream()) : std::nullopt;
}

void Recorder::start_timer() {
    if (!timer_runs_) {
        const std::chrono::microseconds interval = grantee_->batch_interval;
        timer_.arm(interval - std::chrono::microseconds(monotonic_us()) % interval);
        timer_runs_ = true;
    }
}

void Recorder::declare(const wire::Gap& gap) {
    const auto same = [&](const wire::Gap& other) {
        return other.reason == gap.reason && other.device == gap.device &&
               other.events.has_value() == gap.events.has_value();
    };
    auto found = std::ranges::find_if(gaps_, same);
    if (found == gaps_.end() && gaps_.size() == max_pending_gaps) {
        // More devices than this at once: the rest shares one record.
        found = std::ranges::find_if(gaps_, [&](const wire::Gap& other) {
            return other.reason == gap.reason && other.events.has_value() == gap.events.has_value();
        });
        if (found != gaps_.end()) {
            found->device = wire::all_devices;
        }
    }
    if (found == gaps_.end()) {
        gaps_.push_back(gap);
        return;
    }
    found->from_us = std::min(found->from_us, gap.from_us);
    found->to_us = std::max(found->to_us, gap.to_us);
    if (gap.events) {
        *found->events += *gap.events;
    }
}

void Recorder::flush() {
    if (timer_runs_) {
        timer_.disarm();
        timer_runs_ = false;
    }
    if (!grantee_ || (batch_.packets.empty() && gaps_.empty())) {
        return;
    }
    counters_.events_produced += batch_produced_;
    const bool open = ensure_stream();
    if (open) {
        stream_->produced += batch_produced_;
    }
    if (!batch_.packets.empty()) {
        if (open && ring_.takes_batch(batch_room)) {
            store_batch();
        } else {
            refuse_batch(ledger_problem_.empty() ? wire::GapReason::ring_full : wire::GapReason::state_failed);
        }
    }
    batch_produced_ = 0;
    batch_devices_.clear();
    // Its packets are sealed, and its index never comes again.
    std::erase_if(devices_, [&](const input::DeviceInfo& device) { return gone_.contains(device.index); });
    gone_.clear();
    last_device_ = wire::all_devices;
    if (open) {
        push_gaps(false);
        if (stream_->sealer.bytes() >= wire::rotate_bytes) {
            close_stream(wire::CloseReason::rotated);
        }
    }
    on_frames_();
}

bool Recorder::ensure_stream() {
    if (stream_ && stream_->introduced.size() + wire::max_batch_devices > wire::max_stream_devices) {
        close_stream(wire::CloseReason::rotated);
    }
    if (stream_) {
        return true;
    }
    const bool ending = batch_.packets.empty() && !gaps_.empty();
    if (!ring_.takes_control(ending ? 0 : control_room)) {
        return false;
    }
    if (!begin_stream()) {
        return false;
    }
    // Losses from before it had a stream: they were produced, and are declared here.
    for (const wire::Gap& gap : gaps_) {
        if (is_refusal(gap.reason)) {
            stream_->produced += gap.events.value_or(0);
        }
    }
    return true;
}

bool Recorder::begin_stream() {
    const wire::Id16 grant = wire::grant_id(grantee_->subject, grantee_->recipients);
    wire::StreamContext context;
    context.subject = grantee_->subject.subject;
    context.epoch = grantee_->subject.epoch;
    context.grant = grant;
    context.run = run_;
    context.boot_id = read_boot_id();
    context.anchor = read_clock_anchor();
    context.level = grantee_->level;
    context.policy_hash = grantee_->policy_hash;
    context.consent_version = grantee_->consent_version;
    context.number = ledger_.next_number(context.subject, context.epoch);
    context.embargo = grantee_->embargo;
    wire::StreamSealer sealer(identity_, grantee_->subject.epoch_key, context);
    try {
        ledger_.begin({sealer.stream(), context.subject, context.epoch, context.number,
                       context.anchor.realtime_ns / 1'000'000'000});
        ledger_problem_.clear();
    } catch (const std::system_error& error) {
        // Without it, a machine that dies would leave a stream that nobody can tell from one that was cut on purpose.
        ledger_problem_ = error.what();
        return false;
    }
    if (!grants_sent_.contains(grant)) {
        ring_.push({grant,
                    context.subject,
                    0,
                    Ring::Kind::object,
                    wire::make_grant(identity_, grantee_->subject, grantee_->recipients),
                    {}});
        grants_sent_.insert(grant);
    }
    stream_.emplace(Stream{std::move(sealer), wire::BatchEncoder(), 0, {}});
    ++counters_.streams;
    push(stream_->sealer.open());
    rotation_timer_.arm(std::chrono::microseconds(wire::rotate_us));
    return true;
}

void Recorder::store_batch() {
    batch_.devices.clear();
    for (const input::DeviceInfo& device : devices_) {
        if (batch_devices_.contains(device.index) && stream_->introduced.insert(device.index).second) {
            batch_.devices.push_back(device);
        }
    }
    const std::uint64_t events = batch_.packets.events();
    push(stream_->sealer.batch(stream_->encoder.encode(batch_), events));
    stream_->encoder.wipe();
    counters_.events_stored += events;
    ++counters_.batches;
    batch_.packets.clear();
}

void Recorder::refuse_batch(wire::GapReason reason) {
    std::uint64_t last_us = batch_.packets.first_us();
    batch_.packets.for_each([&](const input::Packet& packet) { last_us = std::max(last_us, packet.time_us); });
    declare({reason, batch_.packets.first_us(), last_us, batch_.packets.events(), wire::all_devices});
    batch_.packets.clear();
}

void Recorder::push_gaps(bool last) {
    std::vector<wire::Gap> kept;
    for (const wire::Gap& gap : gaps_) {
        if (!last && !ring_.takes_control(control_room)) {
            kept.push_back(gap);
            continue;
        }
        if (!is_refusal(gap.reason)) {
            stream_->produced += gap.events.value_or(0);
        }
        push(stream_->sealer.gap(gap));
        counters_.events_declared += gap.events.value_or(0);
        ++counters_.gaps;
        GapCount& count = counters_.by_reason[static_cast<std::size_t>(gap.reason)];
        ++count.gaps;
        count.events += gap.events.value_or(0);
    }
    gaps_ = std::move(kept);
}

void Recorder::close_stream(wire::CloseReason reason) {
    if (!stream_) {
        return;
    }
    push_gaps(true);
    push(stream_->sealer.close(reason, stream_->produced), Ring::Kind::close);
    stream_.reset();
    rotation_timer_.disarm();
}

void Recorder::clock_changed() {
    if (!stream_ || !ring_.takes_control(control_room)) {
        return;
    }
    push(stream_->sealer.clock(read_clock_anchor()));
    on_frames_();
}

void Recorder::push(wire::FrameBytes message, Ring::Kind kind) {
    const wire::StreamProgress& progress = stream_->sealer.progress();
    counters_.sealed_bytes += message.size();
    ring_.push({progress.stream, progress.subject, progress.next_sequence - 1, kind, std::move(message), progress});
}

} // namespace candor::daemon
