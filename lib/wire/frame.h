// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.h"
#include "base/error.h"
#include "privacy/level.h"
#include "wire/keys.h"
#include "wire/wire_limits.h"

#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

/// The frames of proto/frame.capnp as plain structs; what each field means is written there.
namespace candor::wire {

inline constexpr std::uint32_t all_devices = 0xffffffff;

enum class GapReason : std::uint16_t {
    dropped_by_kernel,
    ring_full,
    device_gone,
    damaged,
    quarantined,
    inhibited,
    locked,
    paused,
    withdrawn,
    quarantine_full,
};
inline constexpr GapReason last_gap_reason = GapReason::quarantine_full;
enum class CloseReason : std::uint16_t { rotated, gate_closed, stopped };

struct Hello {
    std::uint16_t version = format_version;
    Id16 run{};
    std::optional<Id16> stream;
};

struct Open {
    std::uint16_t version = format_version;
    Id16 stream{};
    Id16 subject{};
    std::uint32_t epoch = 1;
    Id16 grant{};
    Id16 run{};
    BootId boot_id{};
    ClockAnchor anchor;
    privacy::Level level = privacy::Level::full;
    Hash32 policy_hash{};
    std::uint32_t consent_version = 1;
    std::array<std::uint8_t, 72> wrapped_key{};
    std::array<std::uint8_t, 24> seal_header{};
    PublicKey identity{};
    Signature signature{};
    std::size_t signature_at = 0; ///< where the signature lies in the message: it is signed with these bytes zero
};

/// The sealed bytes; borrowed from the message they were parsed from.
struct SealedBatch {
    std::span<const std::uint8_t> sealed;
};

struct Gap {
    GapReason reason = GapReason::dropped_by_kernel;
    std::uint64_t from_us = 0;
    std::uint64_t to_us = 0;
    std::optional<std::uint64_t> events;
    std::uint32_t device = all_devices;
};

struct Close {
    CloseReason reason = CloseReason::rotated;
    std::uint64_t produced = 0;
    std::uint64_t stored = 0;
    std::uint64_t declared = 0;
    std::uint32_t batches = 0;
    std::uint32_t gaps = 0;
    Hash32 transcript{};
    Signature signature{};
    std::size_t signature_at = 0; ///< where the signature lies in the message: it is signed with these bytes zero
};

struct Recipient {
    PublicKey public_key{};
    std::array<std::uint8_t, 80> wrapped_key{};
};

struct Grant {
    Id16 id{};
    Id16 subject{};
    std::uint32_t epoch = 1;
    std::vector<Recipient> recipients;
    PublicKey identity{};
    Signature signature{};
    std::size_t signature_at = 0; ///< where the signature lies in the message: it is signed with these bytes zero
};

struct Frame {
    std::uint32_t sequence = 0;
    std::variant<Open, SealedBatch, ClockAnchor, Gap, Close, Grant, Hello> body;
};

struct Ack {
    Id16 stream{};
    std::uint32_t sequence = 0;
};

/// Parses one packet. Refuses what is longer than max_frame_bytes, is not exactly one message, has a field of the wrong
/// length, or a version or member this build does not know; the refusal names the field. Checks no signature.
[[nodiscard]] std::expected<Frame, Refusal> parse_frame(std::span<const std::uint8_t> message);

/// The one way in which a Batch frame is written.
[[nodiscard]] std::vector<std::uint8_t> encode_batch(std::uint32_t sequence, std::span<const std::uint8_t> sealed);

[[nodiscard]] std::vector<std::uint8_t> encode_ack(const Ack& ack);
[[nodiscard]] std::expected<Ack, Refusal> parse_ack(std::span<const std::uint8_t> message);

} // namespace candor::wire
