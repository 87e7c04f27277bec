// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "wire/keys.h"

#include <chrono>
#include <cstdint>
#include <expected>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>

namespace candor::wire {

/// What candord keeps of the people it records, in a folder of mode 0700:
///   pseudonym.key        32 random bytes; a person's pseudonym is the BLAKE2b-128 of their uid (little-endian 32 bits) keyed by it
///   UID/epoch-N.key      the key of epoch N (32 bytes) and when it began (seconds since 1970 UTC, little-endian 64 bits)
///   UID/destroyed        the last epoch whose keys were destroyed, in decimal: epochs are never used again
/// Files are replaced atomically, mode 0600; a damaged one is refused, never replaced. What the disk fails at is thrown as
/// std::system_error. One thread.
class SubjectStore {
public:
    explicit SubjectStore(std::filesystem::path directory) : directory_(std::move(directory)) {}

    /// Makes the pseudonym key when there is none; refused too where the disk does not take it.
    [[nodiscard]] std::expected<Id16, Refusal> pseudonym(std::uint32_t uid) const;

    /// The keys in use. A new epoch begins when there is none, and when the last one is `most_age` old or began in the future.
    [[nodiscard]] std::expected<SubjectKeys, Refusal> current(std::uint32_t uid, std::chrono::days most_age,
                                                              std::int64_t now) const;
    /// The key of an epoch that may be over; refused when it was destroyed or never was.
    [[nodiscard]] std::expected<SymmetricKey, Refusal> epoch_key(std::uint32_t uid, std::uint32_t epoch) const;
    /// Whether there is any key of this person: without one nothing was sealed that has not been erased.
    [[nodiscard]] bool has_keys(std::uint32_t uid) const { return !epochs_of(uid).empty(); }
    /// The last epoch that there ever was, 0 when none: what an erasure has to name.
    [[nodiscard]] std::uint32_t last_epoch(std::uint32_t uid) const;

    /// Overwrites and removes the keys up to this epoch. Whatever was sealed with them opens no more with anything on this
    /// machine. Where the file system writes elsewhere than before (flash, copy-on-write) the old bytes may survive below it.
    void destroy(std::uint32_t uid, std::uint32_t last_epoch) const;
    /// destroy() for epochs before the last one that nobody needs any more.
    void retire(std::uint32_t uid, const std::function<bool(std::uint32_t epoch)>& needed) const;
    /// Everybody's next current() is of a new epoch.
    void begin_new_epochs(std::int64_t now) const;

private:
    [[nodiscard]] std::filesystem::path folder_of(std::uint32_t uid) const;
    [[nodiscard]] std::map<std::uint32_t, std::filesystem::path> epochs_of(std::uint32_t uid) const;
    [[nodiscard]] std::uint32_t destroyed_of(std::uint32_t uid) const;
    [[nodiscard]] SubjectKeys begin_epoch(std::uint32_t uid, std::uint32_t epoch, std::int64_t now) const;
    void make_folder(const std::filesystem::path& folder) const;

    std::filesystem::path directory_;
};

} // namespace candor::wire
