// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "answers.h"
#include "wire/stream_opener.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace candor::ctl {

/// How the reading of one stream went.
struct StreamResult {
    bool opened = false; ///< its Open was accepted
    bool closed = false;
    std::uint64_t bytes = 0;
    std::size_t offset = 0;             ///< of the record that was refused
    std::optional<std::string> problem; ///< names the place
};

/// Opens a stream with its own key, and calls `handle` for each frame that was accepted, to the end or to the first refusal. The
/// file is the shipper's, and as hostile as that can be: what `identity` has not signed under this stream's id is refused. The
/// key is read once and wiped. wire::init_crypto() has been called.
[[nodiscard]] StreamResult read_own_stream(const OpenedStream& stream, const wire::PublicKey& identity,
                                           const std::function<void(const wire::StreamOpener::Item&)>& handle);

} // namespace candor::ctl
