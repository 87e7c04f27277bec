// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/error.h"
#include "input/packet.h"

#include <cstdint>
#include <expected>
#include <memory>
#include <span>
#include <vector>

namespace candor::wire {

/// What one sealed frame holds: devices seen for the first time in the stream, then packets in order of arrival.
struct Batch {
    std::vector<input::DeviceInfo> devices;
    input::PacketBuffer packets;
};

/// Turns batches into plaintext (proto/batch.capnp says how). Its model learns over one stream, so the batches must be
/// decoded in order by one BatchDecoder. One thread at a time.
class BatchEncoder {
public:
    BatchEncoder();
    ~BatchEncoder();
    BatchEncoder(BatchEncoder&&) noexcept;
    BatchEncoder& operator=(BatchEncoder&&) noexcept;

    /// The plaintext, padded to padding_bytes; valid until the next call. Limits (std::invalid_argument beyond them):
    /// max_batch_events, max_packet_events, max_batch_devices; every packet's device was introduced before or in this
    /// batch. Never longer than max_plaintext_bytes.
    [[nodiscard]] std::span<const std::uint8_t> encode(const Batch& batch);
    /// Wipes the plaintext that encode() returned. What the model has learnt stays until the stream is over, and is wiped then.
    void wipe() noexcept;

private:
    struct State;
    std::unique_ptr<State> state_;
};

/// The inverse. After a refusal the decoder is spent: the stream's remaining batches cannot be read.
class BatchDecoder {
public:
    BatchDecoder();
    ~BatchDecoder();
    BatchDecoder(BatchDecoder&&) noexcept;
    BatchDecoder& operator=(BatchDecoder&&) noexcept;

    /// Refuses anything an encoder would not have written, naming the column and what was expected.
    [[nodiscard]] std::expected<Batch, Refusal> decode(std::span<const std::uint8_t> plaintext);

private:
    struct State;
    std::unique_ptr<State> state_;
};

} // namespace candor::wire
