// SPDX-License-Identifier: Apache-2.0
#include "base/file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cstring>

namespace candor {
namespace {

Refusal refused(const std::filesystem::path& path, const std::string& why) { return {path.string() + ": " + why}; }

} // namespace

std::expected<std::vector<std::uint8_t>, Refusal> read_file(const std::filesystem::path& path, std::size_t limit) {
    const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
    struct stat status {};
    if (!fd || ::fstat(fd.get(), &status) < 0) {
        return std::unexpected(refused(path, std::strerror(errno)));
    }
    if (!S_ISREG(status.st_mode)) {
        return std::unexpected(refused(path, "not a regular file"));
    }
    std::vector<std::uint8_t> bytes;
    std::size_t used = 0;
    for (;;) {
        if (used > limit) {
            return std::unexpected(refused(path, "larger than the limit of " + std::to_string(limit) + " bytes"));
        }
        // One byte more than the size says, so that a file that grew meanwhile is noticed.
        const std::size_t expected = static_cast<std::size_t>(status.st_size) + 1;
        bytes.resize(std::min(std::max(expected, used + 4096), limit + 1));
        const ssize_t n = ::read(fd.get(), bytes.data() + used, bytes.size() - used);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return std::unexpected(refused(path, std::strerror(errno)));
        }
        if (n == 0) {
            bytes.resize(used);
            return bytes;
        }
        used += static_cast<std::size_t>(n);
    }
}

std::expected<std::string, Refusal> read_text(const std::filesystem::path& path, std::size_t limit) {
    auto bytes = read_file(path, limit);
    if (!bytes) {
        return std::unexpected(std::move(bytes.error()));
    }
    return std::string(bytes->begin(), bytes->end());
}

void write_fully(int fd, std::span<const std::uint8_t> bytes) {
    while (!bytes.empty()) {
        const ssize_t n = ::write(fd, bytes.data(), bytes.size());
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            throw_errno("write");
        }
        bytes = bytes.subspan(static_cast<std::size_t>(n));
    }
}

void sync_directory(const std::filesystem::path& directory) {
    const UniqueFd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd || ::fsync(fd.get()) < 0) {
        throw_errno("sync " + directory.string());
    }
}

void write_file_atomically(const std::filesystem::path& path, std::span<const std::uint8_t> bytes, mode_t mode) {
    std::string temporary = path.string() + ".XXXXXX";
    UniqueFd fd(::mkostemp(temporary.data(), O_CLOEXEC));
    if (!fd) {
        throw_errno("create " + temporary);
    }
    try {
        write_fully(fd.get(), bytes);
        if (::fchmod(fd.get(), mode) < 0 || ::fsync(fd.get()) < 0) {
            throw_errno("sync " + temporary);
        }
        if (::rename(temporary.c_str(), path.c_str()) < 0) {
            throw_errno("rename to " + path.string());
        }
    } catch (...) {
        ::unlink(temporary.c_str());
        throw;
    }
    sync_directory(path.has_parent_path() ? path.parent_path() : std::filesystem::path("."));
}

} // namespace candor
