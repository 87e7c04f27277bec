// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/error.h"
#include "wire/frame.h"

#include <cstdint>
#include <expected>
#include <filesystem>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace candor::daemon {

/// The streams whose end is not on the shipper's disk yet, and how far each person's streams are numbered: one small file that is
/// replaced, durably, before a stream's Open leaves and after its Close was acknowledged. After the machine died it is what tells which
/// streams have lost their end.
///
/// Text, strict: a first line "candor streams 1", then lines "number SUBJECT EPOCH LAST" and "open STREAM SUBJECT EPOCH NUMBER BEGAN", ids in
/// hexadecimal. Bounded by the ring, which holds at most a few hundred Closes. What the disk fails at is thrown as std::system_error: then nothing has changed.
/// One thread.
class StreamLedger {
public:
    struct Entry {
        wire::Id16 stream{};
        wire::Id16 subject{};
        std::uint32_t epoch = 1;
        std::uint64_t number = 1;
        std::int64_t began = 0; ///< seconds since 1970 UTC

        bool operator==(const Entry&) const = default;
    };

    /// A missing file is an empty ledger. A damaged one is refused, naming FILE:LINE.
    [[nodiscard]] static std::expected<StreamLedger, Refusal> load(std::filesystem::path file);

    /// The number that the next stream of this person and epoch has.
    [[nodiscard]] std::uint64_t next_number(const wire::Id16& subject, std::uint32_t epoch) const;
    /// Before the stream's Open leaves; `entry.number` is next_number().
    void begin(const Entry& entry);
    /// Their end is on the shipper's disk, or they are destroyed. Unknown ones are passed over.
    void finish(std::span<const wire::Id16> streams);
    /// What was erased: the streams and numbers of this person up to this epoch.
    void forget(const wire::Id16& subject, std::uint32_t last_epoch);

    [[nodiscard]] const std::vector<Entry>& unfinished() const noexcept { return unfinished_; }

private:
    using Numbers = std::map<std::pair<wire::Id16, std::uint32_t>, std::uint64_t>;

    explicit StreamLedger(std::filesystem::path file) : file_(std::move(file)) {}
    void replace(Numbers numbers, std::vector<Entry> unfinished);

    std::filesystem::path file_;
    Numbers numbers_; ///< the last one given, by subject and epoch
    std::vector<Entry> unfinished_;
};

} // namespace candor::daemon
