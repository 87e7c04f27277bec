// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/unique_fd.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace candor::daemon {

/// A memfd with a few bytes of headers and a circular data area, read and written by position: a 64-bit number that only grows, whose
/// remainder by the area's size is the place. Memory is used where something was written and not cleared; it is not mapped,
/// so it is none of the process's own. Every call may throw std::system_error.
class RingFile {
public:
    /// A new one, all zero, of a size that cannot be changed.
    static RingFile make(std::uint64_t data_at, std::uint64_t area);
    /// One that is there. `area` > 0.
    RingFile(UniqueFd memfd, std::uint64_t data_at, std::uint64_t area);

    [[nodiscard]] int fd() const noexcept { return memfd_.get(); }
    [[nodiscard]] std::uint64_t area() const noexcept { return area_; }
    [[nodiscard]] std::uint64_t data_at() const noexcept { return data_at_; }
    /// The byte of the memfd that a position is at.
    [[nodiscard]] std::uint64_t place(std::uint64_t position) const noexcept { return data_at_ + position % area_; }

    /// `bytes` are no more than the area.
    void write(std::uint64_t position, std::span<const std::uint8_t> bytes);
    void read(std::uint64_t position, std::span<std::uint8_t> bytes) const;
    /// Makes [from, to) zero and gives its whole pages back. No further apart than the area.
    void clear(std::uint64_t from, std::uint64_t to);
    /// Overwrites [from, to) before it is cleared: a page that is given back keeps its bytes until somebody else gets it.
    void wipe(std::uint64_t from, std::uint64_t to);
    /// The first position from `from` on, before `to`, that may hold something but zeros; nothing if there is none.
    [[nodiscard]] std::optional<std::uint64_t> data_from(std::uint64_t from, std::uint64_t to) const;

    /// Before the data area.
    void write_header(std::uint64_t at, std::span<const std::uint8_t> bytes);

private:
    /// Calls `run` with the one or two stretches of the memfd that [from, from + size) is in: place, and distance from `from`.
    template <typename Run> void each_stretch(std::uint64_t from, std::uint64_t size, const Run& run) const;

    UniqueFd memfd_;
    std::uint64_t data_at_ = 0;
    std::uint64_t area_ = 1;
};

/// Reads from a place of a file until `bytes` is full or the file ends; what is beyond its end is zero. Throws std::system_error.
void read_at(int fd, std::uint64_t place, std::span<std::uint8_t> bytes);

} // namespace candor::daemon
