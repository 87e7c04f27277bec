// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/error.h"
#include "base/unique_fd.h"

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <expected>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace candor {

/// A file's bytes, `limit` at most. Refusals name the path: missing, unreadable, not a regular file, too large.
[[nodiscard]] std::expected<std::vector<std::uint8_t>, Refusal> read_file(const std::filesystem::path& path,
                                                                          std::size_t limit);

/// read_file as text.
[[nodiscard]] std::expected<std::string, Refusal> read_text(const std::filesystem::path& path, std::size_t limit);

/// Replaces `path` durably: temporary file in the same folder, fsync, rename, fsync of the folder. A crash leaves the old
/// bytes or the new ones. Throws std::system_error; the temporary file is removed then.
void write_file_atomically(const std::filesystem::path& path, std::span<const std::uint8_t> bytes, mode_t mode);

/// Writes all of it, whatever short writes and EINTR say. Throws std::system_error.
void write_fully(int fd, std::span<const std::uint8_t> bytes);

/// fsync of a folder: makes a rename or a new name in it durable. Throws std::system_error.
void sync_directory(const std::filesystem::path& directory);

/// The bytes of a text, for functions that take bytes.
[[nodiscard]] inline std::span<const std::uint8_t> as_bytes(std::string_view text) {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

} // namespace candor
