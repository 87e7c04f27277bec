// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/error.h"
#include "daemon/ring.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>

/// The ring's headers as bytes: proto/ring.md. No number is taken from them before its checksum and its range are checked.
namespace candor::daemon::ring_layout {

inline constexpr std::uint16_t version = 1;

/// Records begin at multiples of this; a reader that lost its way finds the next one there.
inline constexpr std::size_t alignment = 64;

inline constexpr std::size_t header_bytes = 256;       ///< as this build writes it; later ones may be longer
inline constexpr std::size_t header_slot_bytes = 2048; ///< its place: the most that later ones may have
inline constexpr std::uint32_t data_at = 4096;         ///< two header slots, then data

inline constexpr std::size_t record_head_bytes = 256;
inline constexpr std::size_t max_record_head_bytes = 1024;

/// What a reader allocates at most for one message; no packet is longer than wire::max_frame_bytes.
inline constexpr std::size_t max_message_bytes = 1024 * 1024;

/// Positions beyond this are refused: no sum of one and a size overflows.
inline constexpr std::uint64_t max_position = std::uint64_t{1} << 62;

/// Where a record's life byte lies in it. It is outside the checksum, so that one byte written changes what the record is.
inline constexpr std::size_t life_at = 19;
/// Four bits apart at least: one that flips changes nothing.
enum class Life : std::uint8_t {
    none = 0x00,   ///< as free memory is: not written to its end, or nothing
    alive = 0x0f,  ///< message and head are whole
    purged = 0xf0, ///< the message is gone for good
};
/// The nearest; of two, alive.
[[nodiscard]] Life life_of(std::uint8_t byte) noexcept;

struct Header {
    std::uint32_t data_at = ring_layout::data_at;
    std::uint64_t area = 0;       ///< bytes of the data area
    std::uint64_t generation = 0; ///< the newer one of two slots counts
    std::uint64_t tail = 0;       ///< position of the first record that is not acknowledged, or of the end
    /// Of the stream that was open just before the tail.
    std::optional<wire::StreamProgress> progress;
};
struct HeaderFault {
    std::string problem;
    bool newer = false; ///< whole, but of a layout this build does not read
};
[[nodiscard]] std::array<std::uint8_t, header_bytes> encode(const Header& header);
/// `slot`: header_slot_bytes.
[[nodiscard]] std::expected<Header, HeaderFault> decode_header(std::span<const std::uint8_t> slot);

using Sum = std::array<std::uint8_t, 32>;
/// BLAKE2b-256.
[[nodiscard]] Sum sum_of(std::span<const std::uint8_t> bytes);

struct RecordHead {
    std::uint64_t position = 0;
    std::uint16_t bytes = record_head_bytes; ///< of the head
    std::uint32_t message_bytes = 0;
    Ring::Kind kind = Ring::Kind::frame;
    std::uint32_t sequence = 0;
    wire::Id16 stream{};
    wire::Id16 subject{};
    std::optional<wire::StreamProgress> progress; ///< of a frame or close, never of an object
    Sum message_sum{};
    Life life = Life::none;

    /// Head, message and what fills up to the next record.
    [[nodiscard]] std::uint64_t size() const noexcept {
        return (std::uint64_t{bytes} + message_bytes + alignment - 1) / alignment * alignment;
    }
};
/// With Life::none, whatever `head` says.
[[nodiscard]] std::array<std::uint8_t, record_head_bytes> encode(const RecordHead& head);
/// `bytes`: max_record_head_bytes from where the record begins. The message is not looked at.
[[nodiscard]] std::expected<RecordHead, Refusal> decode_record_head(std::span<const std::uint8_t> bytes,
                                                                    std::uint64_t position);
/// Cheap: whether it is worth decoding.
[[nodiscard]] bool looks_like_record(std::span<const std::uint8_t> bytes) noexcept;

/// Whether `progress` is what a stream's progress is after this frame.
[[nodiscard]] bool fits(const wire::StreamProgress& progress, Ring::Kind kind, const wire::Id16& stream,
                        const wire::Id16& subject, std::uint32_t sequence) noexcept;

} // namespace candor::daemon::ring_layout
