// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "input/reader.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace candor::privacy {

/// The end of the cell of `cell_us` that holds a moment: the first multiple behind it.
[[nodiscard]] constexpr std::uint64_t cell_end(std::uint64_t time_us, std::uint64_t cell_us) noexcept {
    const std::uint64_t begin = time_us - time_us % cell_us;
    return begin > UINT64_MAX - cell_us ? UINT64_MAX : begin + cell_us;
}

/// Events that the ladder has made, until the cell that they tell of is over: then they leave, a packet for each time and
/// device. The times of a device's packets never go back: what would be too early is told with the last time.
class Agenda {
public:
    /// `out` must outlive it and must not call back.
    explicit Agenda(input::ReaderSink& out) : out_(out) {}

    /// Alike of one time and device are one, with the sum of their values, and in the order of their codes.
    void add(std::uint64_t time_us, std::uint32_t device, const input::Event& event);
    /// Behind whatever is there of this time and device. Not beside add().
    void append(std::uint64_t time_us, std::uint32_t device, const input::Event& event);

    /// Everything of `now_us` or before.
    void tell(std::uint64_t now_us);
    /// Everything of a device, which is forgotten: it never comes again.
    void tell_last(std::uint32_t device);
    void tell_all();
    /// Of the last made packet that this device was told with; 0 for none.
    [[nodiscard]] std::uint64_t told_us(std::uint32_t device) const noexcept;
    [[nodiscard]] std::optional<std::uint64_t> next_us() const noexcept;
    /// Which times were told. Nothing must be pending.
    void forget() noexcept { told_.clear(); }

private:
    struct Entry {
        std::uint64_t time_us;
        std::uint32_t device;
        input::Event event;
    };
    struct Told {
        std::uint32_t device;
        std::uint64_t time_us;
    };

    /// Tells the entry at `first` and those that go with it.
    void tell_packet(std::size_t first);

    input::ReaderSink& out_;
    std::vector<Entry> entries_; ///< by time, device
    std::vector<Told> told_;
    std::vector<input::Event> packet_;
};

} // namespace candor::privacy
