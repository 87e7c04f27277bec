// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/error.h"
#include "wire/objects.h"

#include <cstdint>
#include <expected>
#include <filesystem>
#include <string>
#include <vector>

namespace candor::daemon {

/// The tombstones that are not done with, each a file UID-ID.tombstone: one that asks for an erasure until the lake's receipt has
/// come, one that names streams until it is on the shipper's disk. What the disk fails at is thrown as std::system_error. One thread.
class Tombstones {
public:
    struct Pending {
        std::uint32_t uid = 0;
        wire::Tombstone tombstone;
        wire::FrameBytes message;
    };

    /// Reads what is there; what is no tombstone signed by this device is named in problems().
    Tombstones(std::filesystem::path directory, const wire::Identity& identity);

    /// Signs it, keeps it in memory, and on disk when that returns without an exception.
    const Pending& add(std::uint32_t uid, const wire::Tombstone& tombstone);
    /// It is done; an unknown one is passed over.
    void remove(const wire::Id16& id);

    [[nodiscard]] const std::vector<Pending>& pending() const noexcept { return pending_; }
    [[nodiscard]] const std::vector<std::string>& problems() const noexcept { return problems_; }

private:
    [[nodiscard]] std::filesystem::path path_of(const Pending& pending) const;

    std::filesystem::path directory_;
    const wire::Identity& identity_;
    std::vector<Pending> pending_;
    std::vector<std::string> problems_;
};

} // namespace candor::daemon
