// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/unique_fd.h"
#include "consent/policy.h"
#include "daemon/ring.h"
#include "daemon/spool_view.h"
#include "daemon/stream_ledger.h"
#include "daemon/succession.h"
#include "daemon/tombstones.h"
#include "wire/stream_opener.h"
#include "wire/subject_store.h"

#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace candor::daemon {

/// What this machine holds of the people it recorded (keys, sealed frames in the ring, sealed files in the spool), how they look
/// at it, and how it is destroyed.
///
/// Destroying goes in this order, so that a process that dies in between leaves the rest to the next one, which begins with it
/// (resume()): the signed tombstone is durable; the ring is purged; the keys are overwritten and removed; the ledger forgets; the
/// tombstone goes into the ring. A disk that takes no tombstone does not keep the keys alive: what it fails at is told, the rest is done. One thread.
class Holdings {
public:
    /// `frames_removed` is called after frames were taken out of the ring and when there is something new in it. All references
    /// outlive this.
    Holdings(std::filesystem::path state, const wire::Identity& identity, Ring& ring, StreamLedger& ledger,
             SpoolView spool, std::function<void()> frames_removed);

    struct Resumed {
        Succession succession;
        std::vector<std::string> problems;
    };
    /// Once, before anything is recorded: finishes what was begun to be destroyed, then ends the streams of a process that died.
    Resumed resume(Inheritance left, std::uint64_t now_us, std::int64_t now_ns);

    [[nodiscard]] wire::SubjectStore& subjects() noexcept { return subjects_; }
    /// Destroys keys of epochs that are over and of which nothing waits in ring or spool. Throws std::system_error when the disk fails.
    void retire_keys(std::uint32_t uid);

    /// Frames have left the ring. `current`: the stream that is being written.
    void acknowledged(const std::optional<wire::Id16>& current);

    struct Destroyed {
        std::uint64_t streams = 0;    ///< that the tombstone names; of an erasure 0: it names epochs
        std::uint32_t last_epoch = 0; ///< of an erasure; 0 when there was nothing to erase
        std::size_t frames = 0;       ///< taken out of the ring
        std::string problem;          ///< what the disk did not take; empty when all is durable
    };
    /// All of a person. Nothing of them is being recorded.
    Destroyed erase(std::uint32_t uid, std::int64_t now_ns);
    /// Those of a person's streams that touch the time (both ends counted, `last` 0: no end), none of which is being written. Refused when the spool cannot be
    /// read.
    [[nodiscard]] std::expected<Destroyed, Refusal> remove(std::uint32_t uid, std::int64_t first, std::int64_t last,
                                                           std::int64_t now_ns);

    struct Receipt {
        std::uint32_t uid = 0;
        wire::Erasure erasure;
        std::string signer; ///< name of the recipient whose key it is
    };
    /// The lake's answer to a tombstone: nothing when it was here before, or is of no tombstone of this machine. Refused when it is damaged, or not signed by one of
    /// the recipients.
    [[nodiscard]] std::expected<std::optional<Receipt>, Refusal>
    confirm(const wire::ErasureMessage& message, std::span<const consent::Recipient> recipients);

    /// Of this person, by time.
    [[nodiscard]] std::expected<std::vector<SpoolView::Stream>, Refusal> list(std::uint32_t uid) const;
    /// Sealed frames of this person in the ring.
    [[nodiscard]] std::size_t frames_waiting(std::uint32_t uid) const;
    struct Opened {
        wire::Id16 stream{};
        UniqueFd segment;
        UniqueFd key; ///< a sealed memfd of 32 bytes
    };
    [[nodiscard]] std::expected<Opened, Refusal> open(std::uint32_t uid, const SpoolView::Stream& stream) const;

private:
    void push(const Tombstones::Pending& pending);
    std::size_t purge(const wire::Tombstone& tombstone);

    const wire::Identity& identity_;
    Ring& ring_;
    StreamLedger& ledger_;
    SpoolView spool_;
    std::function<void()> frames_removed_;
    wire::SubjectStore subjects_;
    Tombstones tombstones_;
};

} // namespace candor::daemon
