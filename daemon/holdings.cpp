// SPDX-License-Identifier: Apache-2.0
#include "daemon/holdings.h"

#include "base/error.h"
#include "base/file.h"
#include "base/hex.h"

#include <sys/mman.h>

#include <fcntl.h>

#include <algorithm>
#include <set>
#include <system_error>

namespace candor::daemon {
namespace {

/// Runs what the disk may fail at, and keeps what it said.
template <typename Body> void attempt(std::string& problem, Body&& body) {
    try {
        body();
    } catch (const std::system_error& error) {
        problem += (problem.empty() ? "" : "; ") + std::string(error.what());
    }
}

/// What a descriptor that only its holder can read gives: not on the bus, in no file.
UniqueFd in_memory(const wire::SymmetricKey& key) {
    UniqueFd fd(::memfd_create("candor-stream-key", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (!fd) {
        throw_errno("make memory for a key");
    }
    write_fully(fd.get(), key.bytes());
    if (::lseek(fd.get(), 0, SEEK_SET) < 0 ||
        ::fcntl(fd.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0) {
        throw_errno("seal memory with a key");
    }
    return fd;
}

} // namespace

Holdings::Holdings(std::filesystem::path state, const wire::Identity& identity, Ring& ring, StreamLedger& ledger,
                   SpoolView spool, std::function<void()> frames_removed)
    : identity_(identity), ring_(ring), ledger_(ledger), spool_(std::move(spool)),
      frames_removed_(std::move(frames_removed)), subjects_(state / "subjects"),
      tombstones_(state / "tombstones", identity) {}

Holdings::Resumed Holdings::resume(Inheritance left, std::uint64_t now_us, std::int64_t now_ns) {
    Resumed resumed;
    resumed.problems = tombstones_.problems();
    for (const Tombstones::Pending& pending : tombstones_.pending()) {
        const wire::Tombstone& tombstone = pending.tombstone;
        purge(tombstone);
        std::string problem;
        attempt(problem, [&] { subjects_.destroy(pending.uid, tombstone.last_epoch); });
        attempt(problem, [&] { ledger_.forget(tombstone.subject, tombstone.last_epoch); });
        if (!problem.empty()) {
            resumed.problems.push_back(std::move(problem));
        }
        const auto gone = [&](const wire::StreamProgress& progress) {
            return progress.subject == tombstone.subject && tombstone.covers(progress.stream, progress.epoch);
        };
        if (left.unfinished && gone(*left.unfinished)) {
            left.unfinished.reset();
        }
        std::erase_if(left.lost, gone);
        if (!ring_.holds(tombstone.id)) {
            push(pending);
        }
    }
    resumed.succession = succeed(ring_, ledger_, identity_, left, now_us, now_ns);
    return resumed;
}

void Holdings::push(const Tombstones::Pending& pending) {
    ring_.push({pending.tombstone.id, pending.tombstone.subject, 0, Ring::Kind::object, pending.message, {}});
}

std::size_t Holdings::purge(const wire::Tombstone& tombstone) {
    return ring_.purge([&](const wire::Id16& subject, const wire::Id16& stream) {
        // What is in the ring of this person is of no later epoch than the last one destroyed.
        return subject == tombstone.subject && (tombstone.last_epoch != 0 || tombstone.covers(stream, UINT32_MAX));
    });
}

void Holdings::retire_keys(std::uint32_t uid) {
    const auto streams = list(uid);
    if (!streams || frames_waiting(uid) > 0) {
        return;
    }
    std::set<std::uint32_t> waiting;
    for (const SpoolView::Stream& stream : *streams) {
        waiting.insert(stream.open.epoch);
    }
    subjects_.retire(uid, [&](std::uint32_t epoch) { return waiting.contains(epoch); });
}

void Holdings::acknowledged(const std::optional<wire::Id16>& current) {
    if (ledger_.unfinished().size() > (current ? 1U : 0U)) {
        ledger_.finish(finished_streams(ring_, ledger_, current));
    }
    std::vector<wire::Id16> done;
    for (const Tombstones::Pending& pending : tombstones_.pending()) {
        if (pending.tombstone.last_epoch == 0 && !ring_.holds(pending.tombstone.id)) {
            done.push_back(pending.tombstone.id);
        }
    }
    for (const wire::Id16& id : done) {
        tombstones_.remove(id);
    }
}

Holdings::Destroyed Holdings::erase(std::uint32_t uid, std::int64_t now_ns) {
    Destroyed done;
    // Asking again, with nothing recorded since, adds nothing: the tombstone of the first time is on its way, or has arrived.
    done.last_epoch = subjects_.has_keys(uid) ? subjects_.last_epoch(uid) : 0;
    const auto subject = subjects_.pseudonym(uid);
    if (done.last_epoch == 0 || !subject) {
        done.problem = subject ? "" : subject.error().message;
        return done;
    }
    wire::Tombstone tombstone;
    tombstone.id = wire::random_id();
    tombstone.subject = *subject;
    tombstone.last_epoch = done.last_epoch;
    tombstone.requested_ns = now_ns;
    attempt(done.problem, [&] { tombstones_.add(uid, tombstone); });
    done.frames = purge(tombstone);
    attempt(done.problem, [&] { subjects_.destroy(uid, done.last_epoch); });
    attempt(done.problem, [&] { ledger_.forget(*subject, done.last_epoch); });
    push(tombstones_.pending().back());
    frames_removed_();
    return done;
}

std::expected<Holdings::Destroyed, Refusal> Holdings::remove(std::uint32_t uid, std::int64_t first, std::int64_t last,
                                                             std::int64_t now_ns) {
    const auto subject = subjects_.pseudonym(uid);
    if (!subject) {
        return std::unexpected(subject.error());
    }
    const auto stored = list(uid);
    if (!stored) {
        return std::unexpected(stored.error());
    }
    std::set<wire::StreamRef> streams;
    for (const SpoolView::Stream& stream : *stored) {
        if (stream.touches(first, last)) {
            streams.insert({stream.open.stream, stream.open.epoch, stream.open.number});
        }
    }
    // What has not come to the spool yet, or not whole. Streams follow each other: one is over when the next begins.
    const auto& unfinished = ledger_.unfinished();
    for (std::size_t i = 0; i < unfinished.size(); ++i) {
        const StreamLedger::Entry& entry = unfinished[i];
        const bool over = i + 1 < unfinished.size() && unfinished[i + 1].began < first;
        if (entry.subject == *subject && !over && (last == 0 || entry.began <= last)) {
            streams.insert({entry.stream, entry.epoch, entry.number});
        }
    }
    Destroyed done;
    std::vector<wire::Id16> ids;
    for (auto at = streams.begin(); at != streams.end();) {
        wire::Tombstone tombstone;
        tombstone.id = wire::random_id();
        tombstone.subject = *subject;
        tombstone.reason = wire::TombstoneReason::deleted;
        tombstone.requested_ns = now_ns;
        for (; at != streams.end() && tombstone.streams.size() < wire::max_tombstone_streams; ++at) {
            tombstone.streams.push_back(*at);
            ids.push_back(at->stream);
        }
        attempt(done.problem, [&] { tombstones_.add(uid, tombstone); });
        done.frames += purge(tombstone);
        push(tombstones_.pending().back());
    }
    done.streams = ids.size();
    attempt(done.problem, [&] { ledger_.finish(ids); });
    if (!ids.empty()) {
        frames_removed_();
    }
    return done;
}

std::expected<std::optional<Holdings::Receipt>, Refusal>
Holdings::confirm(const wire::ErasureMessage& message, std::span<const consent::Recipient> recipients) {
    auto erasure = wire::check_erasure(message.bytes);
    if (!erasure) {
        return std::unexpected(std::move(erasure.error()));
    }
    const auto& pending = tombstones_.pending();
    const auto asked = std::ranges::find_if(pending, [&](const Tombstones::Pending& each) {
        return each.tombstone.id == erasure->tombstone && each.tombstone.subject == erasure->subject &&
               erasure->identity == identity_.public_key();
    });
    if (asked == pending.end()) {
        return std::optional<Receipt>();
    }
    const auto signer = std::ranges::find_if(
        recipients, [&](const consent::Recipient& each) { return each.signing_key == erasure->signer; });
    if (signer == recipients.end()) {
        return std::unexpected(Refusal{"the receipt of an erasure is signed by " + to_hex(erasure->signer) +
                                       ", expected the signing key of a recipient in the policy"});
    }
    Receipt receipt{asked->uid, *erasure, signer->name};
    try {
        tombstones_.remove(erasure->tombstone);
    } catch (const std::system_error&) {
        // Its file stays: the next process asks again, and is answered again.
    }
    return std::optional(std::move(receipt));
}

std::expected<std::vector<SpoolView::Stream>, Refusal> Holdings::list(std::uint32_t uid) const {
    const auto subject = subjects_.pseudonym(uid);
    if (!subject) {
        return std::unexpected(subject.error());
    }
    auto streams = spool_.list();
    if (streams) {
        std::erase_if(*streams, [&](const SpoolView::Stream& stream) { return stream.open.subject != *subject; });
    }
    return streams;
}

std::size_t Holdings::frames_waiting(std::uint32_t uid) const {
    const auto subject = subjects_.pseudonym(uid);
    return subject ? ring_.frames_of(*subject) : 0;
}

std::expected<Holdings::Opened, Refusal> Holdings::open(std::uint32_t uid, const SpoolView::Stream& stream) const {
    const auto epoch_key = subjects_.epoch_key(uid, stream.open.epoch);
    if (!epoch_key) {
        return std::unexpected(epoch_key.error());
    }
    const auto key = wire::stream_key(stream.open, *epoch_key);
    if (!key) {
        return std::unexpected(Refusal{stream.file.string() + ": " + key.error().message});
    }
    auto segment = spool_.open(stream);
    if (!segment) {
        return std::unexpected(std::move(segment.error()));
    }
    try {
        return Opened{stream.open.stream, std::move(*segment), in_memory(*key)};
    } catch (const std::system_error& error) {
        return std::unexpected(Refusal{error.what()});
    }
}

} // namespace candor::daemon
