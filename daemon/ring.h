// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "wire/frame.h"

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

namespace candor::daemon {

/// Sealed frames in the order they must be sent, kept until the shipper says they are on disk. Memory only.
///
/// Bounded by bytes, in three steps, so that what is refused can always be declared:
///   batches      stop control_reserve before the bound: refused before they are sealed, and counted in a Gap;
///   control      frames (Open, Clock, Gap, Grant) stop final_reserve before it;
///   the end      of a stream (its last Gap and its Close) is always taken.
class Ring {
public:
    static constexpr std::size_t control_reserve = 128 * 1024;
    static constexpr std::size_t final_reserve = 64 * 1024;

    enum class Kind : std::uint8_t { grant, frame, close };
    struct Entry {
        wire::Id16 stream{}; ///< or the grant's id
        std::uint32_t sequence = 0;
        Kind kind = Kind::frame; ///< Open, Batch, Clock and Gap are frames alike
        std::vector<std::uint8_t> message;
    };

    /// Which frame of a stream is the next to be sent, grants left out.
    struct Position {
        std::optional<wire::Id16> stream; ///< none: it will be the Open of a stream that does not exist yet
        std::uint32_t sequence = 0;
    };

    /// `bound` in bytes, above control_reserve.
    explicit Ring(std::size_t bound);

    [[nodiscard]] bool takes_batch(std::size_t bytes) const noexcept {
        return used_ + bytes + control_reserve <= bound_;
    }
    [[nodiscard]] bool takes_control(std::size_t bytes) const noexcept {
        return used_ + bytes + final_reserve <= bound_;
    }
    void push(Entry entry);

    /// The next frame to send, or none.
    [[nodiscard]] const Entry* next() const noexcept { return sent_ < entries_.size() ? &entries_[sent_] : nullptr; }
    void sent() noexcept { ++sent_; }
    [[nodiscard]] Position position() const;
    /// A new connection begins with the first frame that was not acknowledged.
    void rewind() noexcept { sent_ = 0; }

    /// Drops the named frame and all before it. False when it is not a frame that was sent and is waiting: the peer errs.
    [[nodiscard]] bool acknowledge(const wire::Ack& ack);

    [[nodiscard]] std::size_t bytes() const noexcept { return used_; }
    [[nodiscard]] std::size_t bound() const noexcept { return bound_; }
    [[nodiscard]] std::size_t frames() const noexcept { return entries_.size(); }

private:
    std::size_t bound_;
    std::size_t used_ = 0;
    std::size_t sent_ = 0;
    std::deque<Entry> entries_;
    Position end_; ///< position() once all is sent
};

} // namespace candor::daemon
