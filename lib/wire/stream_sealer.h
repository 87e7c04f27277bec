// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.h"
#include "wire/frame.h"
#include "wire/keys.h"

#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace candor::wire {

/// The Cap'n Proto message of one frame, as it goes over the socket; max_frame_bytes at most.
using FrameBytes = std::vector<std::uint8_t>;

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
};

/// The grant frame for one subject-epoch key; throws std::invalid_argument for no recipients or more than max_recipients.
[[nodiscard]] FrameBytes make_grant(const Identity& identity, const SubjectKeys& subject,
                                    std::span<const PublicKey> recipients);
/// Grant.id for these.
[[nodiscard]] Id16 grant_id(const SubjectKeys& subject, std::span<const PublicKey> recipients);
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
