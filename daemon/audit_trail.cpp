// SPDX-License-Identifier: Apache-2.0
#include "daemon/audit_trail.h"

#include "base/clock.h"
#include "base/hex.h"
#include "base/journal.h"

#include <limits>
#include <system_error>

namespace candor::daemon {
namespace {

constexpr std::size_t most_denials = 256;
constexpr std::int64_t denial_seconds = 60;
constexpr std::uint64_t verification_us = 10'000'000;
constexpr std::uint32_t any_uid = std::numeric_limits<std::uint32_t>::max();

std::int64_t now_seconds() { return read_clock_anchor().realtime_ns / 1'000'000'000; }

} // namespace

AuditTrail::AuditTrail(std::filesystem::path directory, const wire::Identity& identity)
    : directory_(std::move(directory)), identity_(identity) {
    open();
}

void AuditTrail::open() {
    auto log = audit::Log::open(directory_, identity_);
    if (!log) {
        problem_ = log.error().message;
        journal::error("the audit log is refused, nothing is recorded: " + problem_);
        return;
    }
    log_.emplace(std::move(*log));
    problem_.clear();
}

std::optional<audit::Entry> AuditTrail::died_recording() const {
    const auto last = log_ ? log_->last_gate() : std::nullopt;
    return last && last->act == audit::Act::gate_opened ? last : std::nullopt;
}

bool AuditTrail::note(audit::Act act, std::optional<std::uint32_t> uid, std::optional<std::uint32_t> subject,
                      std::string detail) {
    if (!log_) {
        return false;
    }
    audit::Entry entry;
    entry.time = now_seconds();
    entry.act = act;
    entry.uid = uid;
    entry.subject = subject;
    entry.detail = std::move(detail);
    try {
        log_->append(std::move(entry));
    } catch (const std::system_error& error) {
        if (problem_.empty()) {
            journal::error(std::string("the audit log cannot be written, nothing is recorded: ") + error.what());
        }
        problem_ = error.what();
        return false;
    }
    if (!problem_.empty()) {
        journal::info("the audit log is written again");
        problem_.clear();
    }
    // Noted where another hand would have to change it too: it shows a log and head that were rolled back together.
    journal::info(
        "audit: " + std::string(audit::act_name(act)),
        {{"CANDOR_AUDIT_ENTRIES", std::to_string(log_->entries())}, {"CANDOR_AUDIT_HEAD", to_hex(log_->head())}});
    return true;
}

void AuditTrail::retry() {
    if (log_ && !problem_.empty()) {
        note(audit::Act::repaired, std::nullopt, std::nullopt, "entries were lost: " + std::string(problem_));
    }
}

void AuditTrail::denied(std::uint32_t uid, std::string_view method) {
    const std::int64_t now = now_seconds();
    auto key = std::pair(uid, std::string(method));
    if (denials_.size() >= most_denials && !denials_.contains(key)) {
        std::erase_if(denials_, [&](const auto& each) {
            return each.second.unlogged == 0 && each.second.last + denial_seconds <= now;
        });
        if (denials_.size() >= most_denials) {
            key = {any_uid, "anything"};
        }
    }
    Denials& denials = denials_[key];
    ++denials.unlogged;
    if (denials.last != 0 && now >= denials.last && now < denials.last + denial_seconds) {
        return;
    }
    const std::string times = denials.unlogged == 1 ? "" : ", " + std::to_string(denials.unlogged) + " times";
    if (note(audit::Act::denied, uid, std::nullopt, std::string(method) + times)) {
        denials = {now, 0};
    }
}

std::expected<std::vector<std::string>, Refusal> AuditTrail::read(std::uint64_t after, std::size_t limit,
                                                                  std::optional<std::uint32_t> uid) const {
    if (!log_) {
        return std::unexpected(Refusal{problem_});
    }
    return log_->read(after, limit, [uid](const audit::Entry& entry) { return !uid || audit::concerns(entry, *uid); });
}

audit::Verification AuditTrail::verify() {
    const std::uint64_t now = monotonic_us();
    if (!verified_ || now >= verified_us_ + verification_us || (log_ && verified_->entries != log_->entries())) {
        verified_ = audit::verify(directory_, identity_.public_key());
        verified_us_ = now;
    }
    return *verified_;
}

} // namespace candor::daemon
