// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.h"
#include "base/error.h"
#include "privacy/level.h"
#include "wire/keys.h"
#include "wire/wire_limits.h"

#include <chrono>
#include <compare>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
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
    crash,
    state_failed,
};
inline constexpr GapReason last_gap_reason = GapReason::state_failed;
/// As frame.capnp and every output spell it: "ring_full" ….
[[nodiscard]] std::string_view gap_reason_name(GapReason reason) noexcept;
enum class CloseReason : std::uint16_t { rotated, gate_closed, stopped, crashed };
inline constexpr CloseReason last_close_reason = CloseReason::crashed;
[[nodiscard]] std::string_view close_reason_name(CloseReason reason) noexcept;

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
    std::uint64_t number = 1;
    std::chrono::seconds embargo{0};
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

struct StreamRef {
    Id16 stream{};
    std::uint32_t epoch = 1;
    std::uint64_t number = 1;

    auto operator<=>(const StreamRef&) const = default;
};

enum class TombstoneReason : std::uint16_t { erased, deleted };

struct Tombstone {
    Id16 id{};
    Id16 subject{};
    std::uint32_t last_epoch = 0;
    std::vector<StreamRef> streams;
    TombstoneReason reason = TombstoneReason::erased;
    std::int64_t requested_ns = 0;
    PublicKey identity{};
    Signature signature{};
    std::size_t signature_at = 0;

    /// Whether a stream of this device and subject has to go. Whose they are is the caller's to compare.
    [[nodiscard]] bool covers(const Id16& stream, std::uint32_t epoch) const noexcept;
};

struct Note {
    Id16 stream{};
    Id16 subject{};
    std::uint32_t epoch = 1;
    std::uint64_t number = 1;
    std::int64_t noticed_ns = 0;
    PublicKey identity{};
    Signature signature{};
    std::size_t signature_at = 0;
};

struct Frame {
    std::uint32_t sequence = 0;
    std::variant<Open, SealedBatch, ClockAnchor, Gap, Close, Grant, Hello, Tombstone, Note> body;
};

struct Ack {
    Id16 stream{};
    std::uint32_t sequence = 0;
};

enum class ShippingState : std::uint16_t { shipping, stalled, refusing };
[[nodiscard]] std::string_view shipping_state_name(ShippingState state) noexcept;

struct Report {
    ShippingState state = ShippingState::shipping;
    std::string problem;
    std::uint64_t spool_bytes = 0;
    std::uint64_t spool_bound = 0;
    std::uint32_t waiting = 0;
    std::int64_t oldest_ns = 0;
    std::uint64_t delivered = 0;
    std::uint64_t sink_errors = 0;

    bool operator==(const Report&) const = default;
};

/// An Erasure's message, to be parsed by parse_erasure.
struct ErasureMessage {
    std::vector<std::uint8_t> bytes;
};

using Reply = std::variant<Ack, Report, ErasureMessage>;

struct Erasure {
    Id16 tombstone{};
    Id16 subject{};
    PublicKey identity{};
    std::uint32_t segments = 0;
    std::uint32_t grants = 0;
    std::uint64_t bytes = 0;
    std::int64_t completed_ns = 0;
    PublicKey signer{};
    Signature signature{};
    std::size_t signature_at = 0;
};

/// Parses one packet. Refuses what is longer than max_frame_bytes, is not exactly one message, has a field of the wrong
/// length, or a version or member this build does not know; the refusal names the field. Checks no signature.
[[nodiscard]] std::expected<Frame, Refusal> parse_frame(std::span<const std::uint8_t> message);

/// The one way in which a Batch frame is written.
[[nodiscard]] std::vector<std::uint8_t> encode_batch(std::uint32_t sequence, std::span<const std::uint8_t> sealed);

/// A problem longer than max_problem_bytes is cut.
[[nodiscard]] std::vector<std::uint8_t> encode_reply(const Reply& reply);
[[nodiscard]] std::expected<Reply, Refusal> parse_reply(std::span<const std::uint8_t> message);

/// Parses the message of an Erasure. Checks its form, not its signature.
[[nodiscard]] std::expected<Erasure, Refusal> parse_erasure(std::span<const std::uint8_t> message);

} // namespace candor::wire
