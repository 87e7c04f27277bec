// SPDX-License-Identifier: Apache-2.0
// What was recorded of a person and is still on this machine: looking at it, deleting it, erasing it.
#include "daemon/controller.h"

#include "base/hex.h"
#include "base/journal.h"
#include "consent/utc.h"

#include <algorithm>

namespace candor::daemon {
namespace {

/// Descriptors of one answer are two a stream; a bus message carries a few hundred.
constexpr std::size_t most_opened = 64;

std::int64_t now_ns() { return read_clock_anchor().realtime_ns; }
constexpr std::int64_t second_ns = 1'000'000'000;

Denied failed(const Refusal& refusal) { return {Denial::failed, refusal.message}; }

/// For the log: a moment of the calendar, or the number where it is none.
std::string moment(std::int64_t seconds) {
    return seconds < 0 || seconds >= 253'402'300'800 ? std::to_string(seconds) : consent::format_utc(seconds);
}

std::string range(std::int64_t from, std::int64_t to) {
    return "from " + moment(from) + (to == 0 ? " on" : " to " + moment(to));
}

std::expected<void, Denied> check_range(std::int64_t from, std::int64_t to) {
    if (from < 0 || (to != 0 && to < from)) {
        return std::unexpected(
            Denied{Denial::invalid_argument, "from, to: expected a time, and one not before it or 0"});
    }
    return {};
}

} // namespace

std::expected<Controller::Listing, Denied> Controller::list_data(std::uint32_t uid) const {
    auto streams = holdings_.list(uid);
    if (!streams) {
        return std::unexpected(failed(streams.error()));
    }
    return Listing{std::move(*streams), holdings_.frames_waiting(uid)};
}

std::expected<Controller::OpenedData, Denied> Controller::open_data(std::uint32_t uid, std::int64_t from,
                                                                    std::int64_t to) {
    if (auto sound = check_range(from, to); !sound) {
        return std::unexpected(std::move(sound.error()));
    }
    auto streams = holdings_.list(uid);
    if (!streams) {
        return std::unexpected(failed(streams.error()));
    }
    std::erase_if(*streams, [&](const SpoolView::Stream& stream) { return !stream.touches(from, to); });
    OpenedData opened;
    opened.more = streams->size() > most_opened;
    streams->resize(std::min(streams->size(), most_opened));
    // Logged before anything can be read.
    if (!trail_.note(audit::Act::data_read, uid, uid,
                     std::to_string(streams->size()) + " streams " + range(from, to))) {
        return std::unexpected(Denied{Denial::failed, "it could not be entered in the audit log: " + trail_.problem()});
    }
    for (const SpoolView::Stream& stream : *streams) {
        auto one = holdings_.open(uid, stream);
        if (!one) {
            // Shipped a moment ago, or of a key that is gone; the others are there.
            journal::warning("a stream cannot be shown: " + one.error().message);
            continue;
        }
        opened.streams.push_back(std::move(*one));
    }
    return opened;
}

std::expected<std::uint64_t, Denied> Controller::delete_data(std::uint32_t uid, std::int64_t from, std::int64_t to) {
    if (auto sound = check_range(from, to); !sound) {
        return std::unexpected(std::move(sound.error()));
    }
    const std::int64_t now = now_ns();
    const bool recording = recording_for_ && recording_for_->uid == uid;
    if (recording && (to == 0 || to >= now / second_ns)) {
        // Up to the present: what waits goes too. Recording begins again below, if it still may.
        close(wire::CloseReason::gate_closed, wire::GapReason::quarantined, true);
    } else if (recording) {
        recorder_.rotate();
    }
    const auto done = holdings_.remove(uid, from, to, now);
    if (!done) {
        evaluate();
        return std::unexpected(failed(done.error()));
    }
    trail_.note(audit::Act::data_deleted, uid, uid, std::to_string(done->streams) + " streams " + range(from, to));
    if (!done->problem.empty()) {
        journal::error("a deletion is not durable yet: " + done->problem);
    }
    evaluate();
    return done->streams;
}

void Controller::erase(std::uint32_t uid) {
    const Holdings::Destroyed done = holdings_.erase(uid, now_ns());
    if (!done.problem.empty()) {
        journal::error("an erasure is not durable yet: " + done.problem);
    }
    if (done.last_epoch == 0) {
        return;
    }
    trail_.note(audit::Act::keys_destroyed, uid, uid,
                "keys up to epoch " + std::to_string(done.last_epoch) + "; " + std::to_string(done.frames) +
                    " frames removed from the ring; the spool and the lake are told");
    journal::info("what was recorded of a person is erased: keys destroyed, tombstone sent");
}

void Controller::erasure_confirmed(const wire::ErasureMessage& message) {
    const auto confirmed = holdings_.confirm(message, policy_ ? std::span(std::as_const(policy_->recipients))
                                                              : std::span<const consent::Recipient>());
    if (!confirmed) {
        journal::warning(confirmed.error().message);
        return;
    }
    if (!*confirmed) {
        return;
    }
    const Holdings::Receipt& receipt = **confirmed;
    trail_.note(audit::Act::erased, std::nullopt, receipt.uid,
                "in the lake: " + std::to_string(receipt.erasure.segments) + " segments and " +
                    std::to_string(receipt.erasure.grants) + " grants destroyed, " +
                    std::to_string(receipt.erasure.bytes) + " bytes, on " +
                    moment(receipt.erasure.completed_ns / second_ns) + "; signed by " + receipt.signer + " (" +
                    to_hex(receipt.erasure.signer) + ")");
}

} // namespace candor::daemon
