// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/error.h"
#include "wire/frame.h"

#include <cstdint>
#include <expected>
#include <filesystem>
#include <functional>
#include <span>
#include <vector>

namespace candor::shipper {

/// Where finished segments, grants and what else belongs to them go. A sink over a network answers later, from the loop; one that
/// answers at once is fine.
class Sink {
public:
    Sink() = default;
    Sink(const Sink&) = delete;
    Sink& operator=(const Sink&) = delete;
    virtual ~Sink() = default;

    enum class Stored : std::uint8_t {
        durably, ///< it is there for good; also when it was before
        conflict ///< something else is there under this name, and stays; trying again is of no use
    };
    /// A refusal is worth another try later.
    using Done = std::function<void(std::expected<Stored, Refusal>)>;

    /// Stores `bytes` under a name as proto/segment.md has it (SUBJECT/STREAM.candor …). Storing the same again changes nothing; a
    /// segment that begins with what is there already takes its place. One at a time: not before `done` was called.
    virtual void store(const std::filesystem::path& name, std::span<const std::uint8_t> bytes, Done done) = 0;

    /// Looks for the receipts of these tombstones; `found` is called for each that is there with its message, also later, and perhaps
    /// again.
    virtual void look_for_receipts(const std::vector<wire::Id16>& tombstones,
                                   std::function<void(const wire::Id16&, std::vector<std::uint8_t>)> found) = 0;
};

} // namespace candor::shipper
