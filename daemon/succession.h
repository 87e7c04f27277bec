// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/ring.h"
#include "daemon/stream_ledger.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace candor::daemon {

/// What an earlier process left undone.
struct Inheritance {
    std::optional<wire::StreamProgress> unfinished; ///< its open stream, with all its frames
    std::vector<wire::StreamProgress> lost;         ///< streams of which frames were damaged
};

struct Succession {
    std::size_t ended = 0; ///< streams that were given their end
    std::size_t noted = 0; ///< streams whose end was lost with the memory of the machine, and have a Note now
};

/// Ends what the ring still knows how to end, and writes a Note for each stream in the ledger that nothing in the ring will end. `now_us`:
/// CLOCK_MONOTONIC; `now_ns`: CLOCK_REALTIME. Doing it twice does no harm.
Succession succeed(Ring& ring, const StreamLedger& ledger, const wire::Identity& identity, const Inheritance& left,
                   std::uint64_t now_us, std::int64_t now_ns);

/// The streams in the ledger that are done: not `current`, and nothing of them waits in the ring any more.
[[nodiscard]] std::vector<wire::Id16> finished_streams(const Ring& ring, const StreamLedger& ledger,
                                                       const std::optional<wire::Id16>& current);

} // namespace candor::daemon
