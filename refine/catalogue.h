// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "segment_file.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

/// What is in a lake, and what of it may be read: decided before anything is opened.
namespace candor::refine {

/// Of one device, person and epoch, streams are numbered from 1 without holes.
struct Series {
    wire::PublicKey identity{};
    wire::Id16 subject{};
    std::uint32_t epoch = 0;

    auto operator<=>(const Series&) const = default;
};

/// A file about one stream, or a grant.
struct Item {
    std::filesystem::path file;
    wire::Id16 id{}; ///< stream or grant
    Series series;
    std::uint64_t number = 0; ///< of a stream
    std::uintmax_t bytes = 0;
};
struct Expired : Item {
    std::optional<wire::Close> close;
};
struct Tomb {
    std::filesystem::path file;
    wire::Tombstone tombstone;
};

struct Catalogue {
    std::vector<std::filesystem::path>
        segments; ///< to be read, in the order found; also those that do not begin with an Open
    std::map<std::filesystem::path, Item> heads; ///< of those that do
    std::vector<Item> notes;
    std::vector<Expired> expired;
    std::vector<Tomb> tombstones; ///< of enrolled devices, their signatures checked
    std::vector<Item> erased;     ///< segments, notes, expired and grants that a tombstone covers: never to be opened
    std::vector<Item> refused;    ///< of devices that are not enrolled
    std::vector<std::string> problems; ///< FILE: what could not be looked at, or does not hold
    bool whole = true;                 ///< only folders were asked for: a stream that is not here is missing
};

/// Looks at the first frame of every file of the lake below these paths; LAKE/refused is passed over. Signatures of tombstones, notes
/// and of what is left of expired segments are checked here, those of segments when they are read.
[[nodiscard]] Catalogue survey(const std::vector<std::string>& paths, const Access& access);

/// Destroys, in the lakes among `paths`, what tombstones cover, and writes a receipt for each erasure with the key's signature, or none
/// without a key; moves what is refused to LAKE/refused. Durable when it returns. True when all of that worked; what did not is told.
bool honour(const std::vector<std::string>& paths, const Access& access, const Catalogue& catalogue);

} // namespace candor::refine
