// SPDX-License-Identifier: Apache-2.0
#include "daemon/succession.h"

#include <algorithm>

namespace candor::daemon {
namespace {

void push_note(Ring& ring, const wire::Identity& identity, const wire::Note& note) {
    ring.push({note.stream, note.subject, 0, Ring::Kind::object, wire::make_note(identity, note), {}});
}

} // namespace

Succession succeed(Ring& ring, const StreamLedger& ledger, const wire::Identity& identity, const Inheritance& left,
                   std::uint64_t now_us, std::int64_t now_ns) {
    Succession done;
    if (left.unfinished) {
        wire::CrashedEnd end = wire::end_crashed_stream(identity, *left.unfinished, now_us);
        const wire::StreamProgress& at = *left.unfinished;
        ring.push({at.stream, at.subject, at.next_sequence, Ring::Kind::frame, std::move(end.gap), end.after_gap});
        ring.push(
            {at.stream, at.subject, at.next_sequence + 1, Ring::Kind::close, std::move(end.close), end.after_close});
        ++done.ended;
    }
    for (const wire::StreamProgress& lost : left.lost) {
        push_note(ring, identity,
                  {.stream = lost.stream,
                   .subject = lost.subject,
                   .epoch = lost.epoch,
                   .number = lost.number,
                   .noticed_ns = now_ns});
        ++done.noted;
    }
    for (const StreamLedger::Entry& entry : ledger.unfinished()) {
        if (ring.holds(entry.stream)) {
            continue; // its Close, or a Note
        }
        push_note(ring, identity,
                  {.stream = entry.stream,
                   .subject = entry.subject,
                   .epoch = entry.epoch,
                   .number = entry.number,
                   .noticed_ns = now_ns});
        ++done.noted;
    }
    return done;
}

std::vector<wire::Id16> finished_streams(const Ring& ring, const StreamLedger& ledger,
                                         const std::optional<wire::Id16>& current) {
    std::vector<wire::Id16> finished;
    for (const StreamLedger::Entry& entry : ledger.unfinished()) {
        if (entry.stream != current && !ring.holds(entry.stream)) {
            finished.push_back(entry.stream);
        }
    }
    return finished;
}

} // namespace candor::daemon
