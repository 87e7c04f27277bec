// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/error.h"
#include "wire/wire_limits.h"

#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <vector>

/// Files that hold frames: segments (one stream), grants, tombstones and notes (one frame), and what is left of a segment that
/// had to go (Open and Close). Their format is proto/segment.md.
namespace candor::wire {

inline constexpr std::string_view segment_magic = "CANDORSG";
inline constexpr std::string_view grant_magic = "CANDORGR";
inline constexpr std::string_view tombstone_magic = "CANDORTS";
inline constexpr std::string_view note_magic = "CANDORNT";
inline constexpr std::string_view expired_magic = "CANDOREX";
inline constexpr std::string_view segment_suffix = ".candor";
inline constexpr std::string_view part_suffix = ".part"; ///< of a segment in the spool that is still written
inline constexpr std::string_view grant_suffix = ".grant";
inline constexpr std::string_view tombstone_suffix = ".tombstone";
inline constexpr std::string_view note_suffix = ".note";
inline constexpr std::string_view expired_suffix = ".expired";
inline constexpr std::string_view receipt_suffix = ".receipt"; ///< of an erasure: its bare message

/// One record for a frame's message. `place` is where in the file it will stand; without one a Batch is written as any
/// other frame.
[[nodiscard]] std::vector<std::uint8_t> encode_record(std::span<const std::uint8_t> message,
                                                      std::optional<std::uint32_t> place = std::nullopt);

/// Reads a file's bytes, which must outlive it. One thread.
class SegmentReader {
public:
    explicit SegmentReader(std::span<const std::uint8_t> file) : file_(file) {}

    /// The next frame's message; nothing at the end of the file. A refusal names the offset of the record; the reader
    /// stays there.
    [[nodiscard]] std::expected<std::optional<std::vector<std::uint8_t>>, Refusal>
    next(std::string_view magic = segment_magic);

    /// Where the next record begins: after a refusal, the length of the part that is whole.
    [[nodiscard]] std::size_t offset() const noexcept { return offset_; }

private:
    std::span<const std::uint8_t> file_;
    std::size_t offset_ = 0;
    std::uint32_t place_ = 0; ///< records read so far
};

/// A file of one frame: a grant, a tombstone or a note.
[[nodiscard]] std::vector<std::uint8_t> encode_single(std::string_view magic, std::span<const std::uint8_t> message);
/// Its one message.
[[nodiscard]] std::expected<std::vector<std::uint8_t>, Refusal> read_single(std::span<const std::uint8_t> file,
                                                                            std::string_view magic);

} // namespace candor::wire
