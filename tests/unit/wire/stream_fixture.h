// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "wire/batch_codec.h"
#include "wire/stream_opener.h"
#include "wire/stream_sealer.h"

#include <algorithm>
#include <vector>

namespace candor::test {

/// A device, a person and a recipient, and a way to seal short streams.
struct StreamFixture {
    StreamFixture() {
        wire::init_crypto();
        identity = wire::Identity::generate();
        recipient = wire::RecipientKeyPair::generate();
        subject.subject = wire::random_id();
        subject.epoch_key = wire::random_key();
    }

    [[nodiscard]] wire::StreamContext context() const {
        wire::StreamContext context;
        context.subject = subject.subject;
        context.epoch = subject.epoch;
        context.grant = wire::grant_id(subject, std::vector{recipient.public_key});
        context.run = wire::random_id();
        context.anchor = read_clock_anchor();
        return context;
    }

    /// One keyboard; each key pressed and released, 100 ms apart.
    [[nodiscard]] static wire::Batch typed(const std::vector<std::uint16_t>& keys, bool introduce = true,
                                           std::uint64_t start_us = 1'000'000) {
        wire::Batch batch;
        if (introduce) {
            batch.devices.push_back({.index = 1, .name = "Test keyboard"});
        }
        for (const std::uint16_t key : keys) {
            for (const std::int32_t value : {1, 0}) {
                const std::vector<input::Event> events{{4, 4, key}, {1, key, value}, {0, 0, 0}};
                batch.packets.push({1, start_us += 100'000, events});
            }
        }
        return batch;
    }

    /// Open, a batch, a clock, a gap of 7 events, a batch, Close.
    [[nodiscard]] std::vector<wire::FrameBytes> stream() const { return stream(context()); }
    [[nodiscard]] std::vector<wire::FrameBytes> stream(const wire::StreamContext& context) const {
        wire::StreamSealer sealer(identity, subject.epoch_key, context);
        wire::BatchEncoder encoder;
        std::vector<wire::FrameBytes> frames;
        frames.push_back(sealer.open());
        frames.push_back(sealer.batch(encoder.encode(typed({30, 31, 32})), 18));
        frames.push_back(sealer.clock(read_clock_anchor()));
        frames.push_back(sealer.gap({wire::GapReason::ring_full, 1'500'000, 2'500'000, 7, wire::all_devices}));
        frames.push_back(sealer.batch(encoder.encode(typed({33}, false, 3'000'000)), 6));
        frames.push_back(sealer.close(wire::CloseReason::gate_closed, 31));
        return frames;
    }

    [[nodiscard]] wire::SymmetricKey epoch_key() const {
        wire::SymmetricKey copy;
        std::copy(subject.epoch_key.bytes().begin(), subject.epoch_key.bytes().end(), copy.bytes().begin());
        return copy;
    }

    /// The first refusal of reading these frames, or how many events came out.
    [[nodiscard]] static std::string read(wire::StreamOpener opener, const std::vector<wire::FrameBytes>& frames) {
        for (const auto& frame : frames) {
            const auto item = opener.next(frame);
            if (!item) {
                return item.error().message;
            }
        }
        return std::to_string(opener.events()) + " events" + (opener.close() ? ", closed" : "");
    }

    [[nodiscard]] std::string read(const std::vector<wire::FrameBytes>& frames) const {
        return read(wire::StreamOpener(epoch_key()), frames);
    }

    wire::Identity identity;
    wire::RecipientKeyPair recipient;
    wire::SubjectKeys subject;
};

} // namespace candor::test
