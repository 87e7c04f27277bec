// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/error.h"
#include "base/unique_fd.h"
#include "wire/stream_opener.h"

#include <cstdint>
#include <expected>
#include <filesystem>
#include <optional>
#include <span>
#include <vector>

namespace candor::shipper {

/// A segment that is being written, SPOOL/STREAM.part: whole, checked frames from the first on. Without a key nothing in
/// them is opened; their order, signatures and transcript are checked.
///
/// Every function throws std::system_error when the disk fails. The object is spent then: what is on disk tells how to go on.
class PartialSegment {
public:
    /// A new file; nothing is in it yet.
    [[nodiscard]] static PartialSegment create(const std::filesystem::path& path);

    struct Recovered;
    /// Reads what an earlier process has written, up to the first record that is not whole and sound.
    [[nodiscard]] static Recovered recover(const std::filesystem::path& path);

    /// Appends a frame. Refuses one that does not follow on the frames before it.
    [[nodiscard]] std::expected<void, Refusal> append(std::span<const std::uint8_t> message);
    /// fdatasync of what was appended.
    void sync();
    /// Throws away what lies behind the whole records. Durable when it returns.
    void cut_tail();

    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
    [[nodiscard]] std::uint32_t next_sequence() const noexcept { return next_sequence_; }
    /// Nothing before the Open frame was appended.
    [[nodiscard]] const std::optional<wire::Open>& open() const noexcept { return opener_.open(); }
    [[nodiscard]] bool is_closed() const noexcept { return opener_.close().has_value(); }

private:
    PartialSegment(std::filesystem::path path, UniqueFd fd) : path_(std::move(path)), fd_(std::move(fd)) {}
    [[nodiscard]] std::expected<void, Refusal> check(std::span<const std::uint8_t> message);

    std::filesystem::path path_;
    UniqueFd fd_;
    wire::StreamOpener opener_;
    std::uint32_t next_sequence_ = 0;
    std::uint64_t bytes_ = 0; ///< of the whole records, the magic included
    bool dirty_ = false;
};

struct PartialSegment::Recovered {
    PartialSegment segment;
    std::vector<std::uint8_t> tail;     ///< behind the whole records
    std::optional<std::string> problem; ///< why the tail is no record; with a place
};

} // namespace candor::shipper
