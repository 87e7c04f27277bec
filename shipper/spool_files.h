// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/error.h"
#include "wire/frame.h"

#include <cstdint>
#include <expected>
#include <filesystem>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// The names of the spool's files and what the first frame of each says.
namespace candor::shipper {

/// A tombstone that is in the sink: kept until the receipt of its erasure has come, and honoured meanwhile.
inline constexpr std::string_view sent_suffix = ".sent";

/// An empty file: that stream's segment is in the sink. The newest of these are kept.
inline constexpr std::string_view done_suffix = ".done";

/// Regular files of a folder with one of these suffixes; nothing where the folder cannot be read.
[[nodiscard]] std::vector<std::filesystem::path> files_with(const std::filesystem::path& directory,
                                                            std::initializer_list<std::string_view> suffixes);

/// A name that is not taken: an earlier find may have had the same.
[[nodiscard]] std::filesystem::path free_name(const std::filesystem::path& wanted);

/// What a file is about.
struct FileHead {
    wire::Id16 id{}; ///< stream, grant or tombstone
    wire::Id16 subject{};
    wire::PublicKey identity{};
    std::uint32_t epoch = 0; ///< 0 for a tombstone
    wire::Id16 grant{};      ///< of a segment
    std::chrono::seconds embargo{0};
    std::optional<wire::Tombstone> tombstone;

    /// SUBJECT/STREAM.candor …, in the lake.
    [[nodiscard]] std::filesystem::path name_in_lake(std::string_view suffix) const;
};

/// The magic that files of this suffix begin with; that of a segment for a part.
[[nodiscard]] std::string_view magic_of(std::string_view suffix) noexcept;

/// Reads the first frame. Refuses, naming the place, what does not begin as its suffix says.
[[nodiscard]] std::expected<FileHead, Refusal> read_head(std::span<const std::uint8_t> bytes, std::string_view suffix);
[[nodiscard]] std::expected<FileHead, Refusal> read_head(const std::filesystem::path& file);

/// Open and Close of a segment alone, as an expired file: what is left when a segment was kept too long. Refuses what has no Open.
[[nodiscard]] std::expected<std::vector<std::uint8_t>, Refusal> expire(std::span<const std::uint8_t> segment);

} // namespace candor::shipper
