// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.h"
#include "wire/frame.h"
#include "wire/keys.h"
#include "wire/objects.h"

#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace candor::wire {

/// What Open says besides the keys.
struct StreamContext {
    Id16 subject{};
    std::uint32_t epoch = 1;
    Id16 grant{};
    Id16 run{};
    BootId boot_id{};
    ClockAnchor anchor;
    privacy::Level level = privacy::Level::full;
    Hash32 policy_hash{};
    std::uint32_t consent_version = 1;
    std::uint64_t number = 1;
    std::chrono::seconds embargo{0};
};

/// How far a stream has come: all that a successor needs to end it. Says nothing of what was recorded.
struct StreamProgress {
    Id16 stream{};
    Id16 subject{};
    std::uint32_t epoch = 1;
    std::uint64_t number = 1;
    std::uint32_t next_sequence = 0;
    std::uint32_t batches = 0;
    std::uint32_t gaps = 0;
    std::uint64_t stored = 0;    ///< events in the batches
    std::uint64_t declared = 0;  ///< events in counted gaps
    std::uint64_t sealed_us = 0; ///< CLOCK_MONOTONIC of the last frame, rounded down to whole seconds
    bool closed = false;
    Hash32 transcript{};

    bool operator==(const StreamProgress&) const = default;
};

/// The end of a stream whose key died with its process: the Gap `crash` from the last frame to `now_us` (CLOCK_MONOTONIC of the same boot), then
/// the Close. `progress` is not closed; it is moved on to the end.
struct CrashedEnd {
    FrameBytes gap;
    StreamProgress after_gap;
    FrameBytes close;
    StreamProgress after_close;
};
[[nodiscard]] CrashedEnd end_crashed_stream(const Identity& identity, const StreamProgress& progress,
                                            std::uint64_t now_us);

/// The first frame of a connection; no `stream` when the next one has not begun yet.
[[nodiscard]] FrameBytes make_hello(const Id16& run, const std::optional<Id16>& stream, std::uint32_t next_sequence);

/// Writes one stream: open() first, then any of batch, clock, gap, then close(), each once called in the order of sending.
/// Counts frames and keeps the transcript. One thread.
class StreamSealer {
public:
    StreamSealer(const Identity& identity, const SymmetricKey& epoch_key, const StreamContext& context);
    ~StreamSealer();
    StreamSealer(StreamSealer&&) noexcept;
    StreamSealer& operator=(StreamSealer&&) noexcept;

    [[nodiscard]] const Id16& stream() const noexcept;
    [[nodiscard]] std::uint32_t next_sequence() const noexcept;
    [[nodiscard]] const StreamProgress& progress() const noexcept;
    /// Bytes of all frames so far: what the rotation at rotate_bytes goes by.
    [[nodiscard]] std::size_t bytes() const noexcept;

    [[nodiscard]] FrameBytes open();
    /// `events`: how many kernel events the plaintext holds, for Close.
    [[nodiscard]] FrameBytes batch(std::span<const std::uint8_t> plaintext, std::uint64_t events);
    [[nodiscard]] FrameBytes clock(const ClockAnchor& anchor);
    /// Times are rounded outwards to whole seconds here.
    [[nodiscard]] FrameBytes gap(const Gap& gap);
    /// `produced`: as in frame.capnp. The keys are wiped.
    [[nodiscard]] FrameBytes close(CloseReason reason, std::uint64_t produced);

private:
    struct State;
    std::unique_ptr<State> state_;
};

} // namespace candor::wire
