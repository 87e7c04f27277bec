// SPDX-License-Identifier: Apache-2.0
#include "daemon/ring_file.h"

#include "base/error.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>

namespace candor::daemon {
namespace {

void write_at(int fd, std::uint64_t place, std::span<const std::uint8_t> bytes) {
    while (!bytes.empty()) {
        const ssize_t n = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(place));
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            throw_errno("write to the ring", n == 0 ? ENOSPC : errno);
        }
        bytes = bytes.subspan(static_cast<std::size_t>(n));
        place += static_cast<std::uint64_t>(n);
    }
}

} // namespace

void read_at(int fd, std::uint64_t place, std::span<std::uint8_t> bytes) {
    while (!bytes.empty()) {
        const ssize_t n = ::pread(fd, bytes.data(), bytes.size(), static_cast<off_t>(place));
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            throw_errno("read the ring");
        }
        if (n == 0) {
            std::ranges::fill(bytes, std::uint8_t{0});
            return;
        }
        bytes = bytes.subspan(static_cast<std::size_t>(n));
        place += static_cast<std::uint64_t>(n);
    }
}

RingFile RingFile::make(std::uint64_t data_at, std::uint64_t area) {
    UniqueFd memfd(::memfd_create("candor-ring", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (!memfd) {
        throw_errno("create the ring's memfd");
    }
    if (::ftruncate(memfd.get(), static_cast<off_t>(data_at + area)) < 0) {
        throw_errno("size the ring's memfd");
    }
    if (::fcntl(memfd.get(), F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) < 0) {
        throw_errno("seal the ring's memfd");
    }
    return {std::move(memfd), data_at, area};
}

RingFile::RingFile(UniqueFd memfd, std::uint64_t data_at, std::uint64_t area)
    : memfd_(std::move(memfd)), data_at_(data_at), area_(area) {}

template <typename Run> void RingFile::each_stretch(std::uint64_t from, std::uint64_t size, const Run& run) const {
    const std::uint64_t first = std::min(size, area_ - from % area_);
    if (first > 0) {
        run(place(from), std::uint64_t{0}, first);
    }
    if (size > first) {
        run(data_at_, first, size - first);
    }
}

void RingFile::write(std::uint64_t position, std::span<const std::uint8_t> bytes) {
    each_stretch(position, bytes.size(), [&](std::uint64_t at, std::uint64_t offset, std::uint64_t size) {
        write_at(memfd_.get(), at, bytes.subspan(offset, size));
    });
}

void RingFile::read(std::uint64_t position, std::span<std::uint8_t> bytes) const {
    each_stretch(position, bytes.size(), [&](std::uint64_t at, std::uint64_t offset, std::uint64_t size) {
        read_at(memfd_.get(), at, bytes.subspan(offset, size));
    });
}

void RingFile::clear(std::uint64_t from, std::uint64_t to) {
    each_stretch(from, to - from, [&](std::uint64_t at, std::uint64_t, std::uint64_t size) {
        while (::fallocate(memfd_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(at),
                           static_cast<off_t>(size)) < 0) {
            if (errno != EINTR) {
                throw_errno("give memory of the ring back");
            }
        }
    });
}

void RingFile::wipe(std::uint64_t from, std::uint64_t to) {
    static constexpr std::array<std::uint8_t, 4096> zeros{};
    for (auto at = data_from(from, to); at; at = data_from(*at, to)) {
        const std::uint64_t size = std::min<std::uint64_t>(to - *at, zeros.size());
        write(*at, std::span(zeros).first(size));
        *at += size;
    }
    clear(from, to);
}

std::optional<std::uint64_t> RingFile::data_from(std::uint64_t from, std::uint64_t to) const {
    while (from < to) {
        const std::uint64_t lap_end = from - from % area_ + area_;
        const off_t found = ::lseek(memfd_.get(), static_cast<off_t>(place(from)), SEEK_DATA);
        if (found < 0 && errno != ENXIO) {
            throw_errno("look for data in the ring");
        }
        if (found >= 0 && static_cast<std::uint64_t>(found) < data_at_ + area_) {
            const std::uint64_t position = from + (static_cast<std::uint64_t>(found) - place(from));
            return position < to ? std::optional(position) : std::nullopt;
        }
        from = lap_end;
    }
    return std::nullopt;
}

void RingFile::write_header(std::uint64_t at, std::span<const std::uint8_t> bytes) {
    write_at(memfd_.get(), at, bytes);
}

} // namespace candor::daemon
