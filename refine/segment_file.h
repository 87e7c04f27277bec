// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "wire/stream_opener.h"

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace candor::refine {

/// By what streams are opened and accepted.
struct Access {
    std::optional<wire::RecipientKeyPair> key; ///< none: batches stay sealed
    std::filesystem::path grants;              ///< folder of grants; empty: the lake's
    std::vector<wire::PublicKey> identities;   ///< enrolled devices
    bool any_device = false;                   ///< whatever is enrolled

    [[nodiscard]] bool accepts(const wire::PublicKey& identity) const noexcept {
        return any_device || std::ranges::find(identities, identity) != identities.end();
    }
};

/// How the reading of one segment went.
struct StreamReport {
    std::filesystem::path file;
    std::size_t bytes = 0;
    std::optional<wire::Open> open; ///< once its signature held
    std::optional<wire::Close> close;
    std::uint32_t frames = 0;
    std::uint32_t batches = 0;
    std::uint32_t gaps = 0;
    std::uint64_t declared = 0;         ///< events in counted gaps
    std::uint64_t uncounted = 0;        ///< gaps that are not counted
    std::uint64_t events = 0;           ///< in the batches opened; 0 without a key
    std::size_t offset = 0;             ///< of the record that was refused, or the end
    std::optional<std::string> problem; ///< with the place in the file, without the file's name

    /// "ok", "unclosed" (all is well but there is no Close) or "damaged".
    [[nodiscard]] const char* status() const noexcept { return problem ? "damaged" : close ? "ok" : "unclosed"; }
};

/// Reads a segment to its end or to the first refusal, and calls `handle` for every frame that was accepted. A sealed
/// stream whose grant is not there, or of a device that is not enrolled, is refused at its first frame.
[[nodiscard]] StreamReport read_segment(const std::filesystem::path& file, const Access& access,
                                        const std::function<void(const wire::StreamOpener::Item&)>& handle);

} // namespace candor::refine
