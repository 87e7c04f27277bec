// SPDX-License-Identifier: Apache-2.0
#include "wire/secret_file.h"

#include "base/file.h"
#include "base/unique_fd.h"

#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace candor::wire {

template <std::size_t N>
std::expected<std::optional<Secret<N>>, Refusal> load_secret(const std::filesystem::path& path) {
    struct stat status {};
    if (::lstat(path.c_str(), &status) < 0) {
        if (errno == ENOENT) {
            return std::optional<Secret<N>>();
        }
        return std::unexpected(Refusal{path.string() + ": " + std::strerror(errno)});
    }
    if ((status.st_mode & 077) != 0) {
        return std::unexpected(Refusal{path.string() + ": others may read or write it, expected mode 0600"});
    }
    auto bytes = read_file(path, N);
    if (!bytes) {
        return std::unexpected(std::move(bytes.error()));
    }
    if (bytes->size() != N) {
        return std::unexpected(
            Refusal{path.string() + ": " + std::to_string(bytes->size()) + " bytes, expected " + std::to_string(N)});
    }
    Secret<N> secret;
    std::ranges::copy(*bytes, secret.bytes().begin());
    sodium_memzero(bytes->data(), bytes->size());
    return std::optional<Secret<N>>(std::move(secret));
}

template std::expected<std::optional<Secret<32>>, Refusal> load_secret<32>(const std::filesystem::path&);
template std::expected<std::optional<Secret<40>>, Refusal> load_secret<40>(const std::filesystem::path&);
template std::expected<std::optional<Secret<64>>, Refusal> load_secret<64>(const std::filesystem::path&);

void destroy_secret(const std::filesystem::path& path) {
    const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOFOLLOW));
    if (!fd && errno == ENOENT) {
        return;
    }
    if (fd) {
        // Not what the removal waits for: the key must go even from a disk that takes no byte.
        const std::array<std::uint8_t, 128> zeros{};
        const bool wiped = ::write(fd.get(), zeros.data(), zeros.size()) == static_cast<ssize_t>(zeros.size());
        if (wiped) {
            static_cast<void>(::fdatasync(fd.get()));
        }
    }
    if (::unlink(path.c_str()) < 0 && errno != ENOENT) {
        throw_errno("remove " + path.string());
    }
    sync_directory(path.parent_path());
}

} // namespace candor::wire
