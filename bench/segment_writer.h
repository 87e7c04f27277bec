// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "trace.h"
#include "wire/segment.h"
#include "wire/stream_sealer.h"

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace candor::bench {

/// One stream's batches into plaintexts; the span is valid until the next call.
using Encoding = std::function<std::span<const std::uint8_t>(const wire::Batch&)>;

/// The segments that candord and candor-shipper would leave on disk: batches and streams begin and end as in
/// daemon/recorder.cpp, at the times of the packets, and every frame is a record. `make_encoding` is called once a stream,
/// so that a comparison can bring its own codec and share the rest.
class SegmentWriter {
public:
    SegmentWriter(const wire::Identity& identity, const wire::SubjectKeys& subject,
                  std::function<Encoding()> make_encoding)
        : identity_(identity), subject_(subject), make_encoding_(std::move(make_encoding)) {}

    void write(const Trace& trace) {
        trace.packets.for_each([&](const input::Packet& packet) {
            const auto due = [&](std::uint64_t time_us) { return packet.time_us >= time_us; };
            if (!batch_.packets.empty() && due(batch_end(batch_.packets.first_us())) &&
                (!stream_ || batch_end(batch_.packets.first_us()) <= stream_->end_us)) {
                flush(batch_end(batch_.packets.first_us()), trace.device);
            }
            if (stream_ && due(stream_->end_us)) {
                flush(stream_->end_us, trace.device);
                close();
            }
            if (batch_.packets.events() + packet.events.size() > wire::max_batch_events) {
                flush(packet.time_us, trace.device);
            }
            batch_.packets.push(packet);
        });
        flush(0, trace.device);
        close();
    }

    [[nodiscard]] const std::vector<std::vector<std::uint8_t>>& segments() const noexcept { return segments_; }
    [[nodiscard]] std::size_t bytes() const {
        std::size_t all = 0;
        for (const auto& segment : segments_) {
            all += segment.size();
        }
        return all;
    }

    [[nodiscard]] std::size_t batches() const noexcept { return batches_; }

private:
    struct Stream {
        wire::StreamSealer sealer;
        Encoding encode;
        std::uint64_t end_us;
        std::uint64_t events = 0;
    };

    void flush(std::uint64_t now_us, const input::DeviceInfo& device) {
        if (batch_.packets.empty()) {
            return;
        }
        batch_.devices.clear();
        if (!stream_) {
            open(now_us);
            batch_.devices = {device};
        }
        const std::uint64_t events = batch_.packets.events();
        append(stream_->sealer.batch(stream_->encode(batch_), events));
        stream_->events += events;
        ++batches_;
        batch_.packets.clear();
        if (stream_->sealer.bytes() >= wire::rotate_bytes) {
            close();
        }
    }
    void close() {
        if (stream_) {
            append(stream_->sealer.close(wire::CloseReason::rotated, stream_->events));
            stream_.reset();
        }
    }
    void open(std::uint64_t now_us) {
        wire::StreamContext context;
        context.subject = subject_.subject;
        context.epoch = subject_.epoch;
        context.grant = wire::random_id(); // ids and hashes only need their size here
        context.run = wire::random_id();
        context.boot_id = read_boot_id();
        context.anchor = read_clock_anchor();
        context.policy_hash = identity_.public_key();
        stream_.emplace(Stream{wire::StreamSealer(identity_, subject_.epoch_key, context), make_encoding_(),
                               now_us + wire::rotate_us});
        segments_.emplace_back(wire::segment_magic.begin(), wire::segment_magic.end());
        place_ = 0;
        append(stream_->sealer.open());
    }
    void append(const wire::FrameBytes& frame) {
        const auto record = wire::encode_record(frame, place_++);
        segments_.back().insert(segments_.back().end(), record.begin(), record.end());
    }

    const wire::Identity& identity_;
    const wire::SubjectKeys& subject_;
    std::function<Encoding()> make_encoding_;
    std::optional<Stream> stream_;
    std::uint32_t place_ = 0; ///< of the next record in its segment
    wire::Batch batch_;
    std::size_t batches_ = 0;
    std::vector<std::vector<std::uint8_t>> segments_;
};

inline wire::SubjectKeys any_subject() {
    wire::SubjectKeys subject;
    subject.subject = wire::random_id();
    subject.epoch_key = wire::random_key();
    return subject;
}

/// What a comparison of what was written and what was read needs: fails at the first event that differs.
class Comparison {
public:
    explicit Comparison(const Trace& trace) {
        trace.packets.for_each([this](const input::Packet& packet) { expected_.push_back(packet); });
    }
    void read(const input::PacketBuffer& packets) {
        packets.for_each([this](const input::Packet& packet) {
            if (at_ == expected_.size()) {
                throw std::runtime_error("read back: more packets than were written");
            }
            const input::Packet& wanted = expected_[at_];
            if (packet.device != wanted.device || packet.time_us != wanted.time_us ||
                !std::equal(packet.events.begin(), packet.events.end(), wanted.events.begin(), wanted.events.end())) {
                throw std::runtime_error("read back: packet " + std::to_string(at_) + " differs from what was written");
            }
            ++at_;
        });
    }
    void end() const {
        if (at_ != expected_.size()) {
            throw std::runtime_error("read back: " + std::to_string(at_) + " packets of " +
                                     std::to_string(expected_.size()));
        }
    }

private:
    std::vector<input::Packet> expected_; ///< borrowed from the trace
    std::size_t at_ = 0;
};

} // namespace candor::bench
