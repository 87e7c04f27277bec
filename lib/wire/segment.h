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

/// Files that hold frames: segments (one stream) and grants (one frame).
///
/// Format. 8 bytes of magic ("CANDORSG" for a segment, "CANDORGR" for a grant), then records to the end of the file. A record
/// is the length of what follows (unsigned LEB128, 1 to 3 bytes, shortest form), a byte that says how, and one frame, which
/// reads back as exactly the message that went over the socket:
///   0   in Cap'n Proto's packed encoding
///   1   a Batch: its sealed bytes alone. Its sequence is the record's place in the file, from 0
/// A batch of few keys is most of what is written, and 14 bytes around it would be a tenth of the file. Integrity is the
/// stream's (transcript, seal, signatures), not the file's. The format's version is that of the Open frame; a new container
/// would have a new magic.
///
/// Lake: LAKE/SUBJECT/STREAM.candor and LAKE/SUBJECT/GRANT.grant, names in lower-case hexadecimal.
namespace candor::wire {

inline constexpr std::string_view segment_magic = "CANDORSG";
inline constexpr std::string_view grant_magic = "CANDORGR";
inline constexpr std::string_view segment_suffix = ".candor";
inline constexpr std::string_view grant_suffix = ".grant";

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

/// The one message of a grant file.
[[nodiscard]] std::expected<std::vector<std::uint8_t>, Refusal> read_grant_file(std::span<const std::uint8_t> file);

} // namespace candor::wire
