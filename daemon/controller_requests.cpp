// SPDX-License-Identifier: Apache-2.0
// What people ask of the controller. Whatever closes does so before anything is written.
#include "daemon/controller.h"

#include "base/file.h"
#include "base/hex.h"
#include "base/journal.h"
#include "consent/utc.h"

#include <system_error>

namespace candor::daemon {
namespace {

constexpr std::uint64_t longest_pause_seconds = 366ull * 24 * 3600;

std::int64_t now_seconds() { return read_clock_anchor().realtime_ns / 1'000'000'000; }

std::unexpected<Denied> failed(const std::system_error& error) {
    return std::unexpected(Denied{Denial::failed, error.what()});
}

} // namespace

std::expected<std::string, Denied> Controller::grant(std::uint32_t uid, const GrantCall& call) {
    if (!policy_) {
        return std::unexpected(
            Denied{Denial::policy_refused, "there is no valid policy to consent to: " + inputs_.policy_refusal});
    }
    if (call.policy_hash != to_hex(policy_->hash)) {
        return std::unexpected(
            Denied{Denial::policy_changed, "the policy is not the one that was shown: read the notice again"});
    }
    consent::GrantRequest request;
    request.uid = uid;
    request.level = call.level;
    request.devices = call.devices;
    request.now = now_seconds();
    request.expiry = call.until;
    try {
        const auto subject = holdings_.subjects().pseudonym(uid);
        if (!subject) {
            return std::unexpected(Denied{Denial::failed, subject.error().message});
        }
        request.subject = *subject;
        const auto stored = receipts_.grant(*policy_, request);
        if (!stored) {
            return std::unexpected(Denied{Denial::invalid_argument, stored.error().message});
        }
        unsaved_withdrawals_.erase(uid);
        trail_.note(audit::Act::granted, uid, uid,
                    "level " + call.level + ", until " + consent::format_utc(stored->receipt->expiry));
        journal::info("consent was given", {{"CANDOR_LEVEL", call.level}});
        evaluate();
        return stored->json;
    } catch (const std::system_error& error) {
        return failed(error);
    }
}

std::string Controller::revoke(std::uint32_t uid, bool erase) {
    if (recording_for_ && recording_for_->uid == uid) {
        close(wire::CloseReason::gate_closed, wire::GapReason::withdrawn, erase);
    }
    const auto before = receipts_.read(uid);
    const bool nothing_given = before.problem.empty() && (!before.receipt || before.receipt->withdrawn);
    const bool asked_already = before.receipt && before.receipt->erase;
    if (nothing_given && (!before.receipt || !erase || asked_already)) {
        // Nothing to take back: no file is written for the asking.
        if (erase) {
            this->erase(uid);
        }
        evaluate();
        return before.json;
    }
    std::string json;
    try {
        json =
            receipts_.withdraw(uid, before.receipt ? before.receipt->subject : wire::Id16{}, now_seconds(), erase).json;
        unsaved_withdrawals_.erase(uid);
    } catch (const std::system_error& error) {
        // The person has said no: the old receipt counts no more, for as long as this process lives. Where the disk takes nothing the audit
        // log fails too, which keeps the gate of the next process closed.
        unsaved_withdrawals_.insert(uid);
        journal::error(std::string("a withdrawal is kept in memory only: ") + error.what());
    }
    trail_.note(audit::Act::revoked, uid, uid);
    if (erase) {
        trail_.note(audit::Act::erasure_asked, uid, uid);
        this->erase(uid);
    }
    journal::info("consent was withdrawn");
    evaluate();
    return json;
}

Controller::ReceiptState Controller::receipt(std::uint32_t uid) const {
    const auto stored = receipts_.read(uid);
    const auto assessed = consent::assess(stored, policy_ ? policy_->hash : consent::PolicyHash{}, now_seconds());
    return {assessed.state, stored.json};
}

std::expected<std::int64_t, Denied> Controller::pause(std::uint32_t uid, std::uint64_t seconds) {
    if (seconds < 1 || seconds > longest_pause_seconds) {
        return std::unexpected(
            Denied{Denial::invalid_argument, "seconds: expected 1 to " + std::to_string(longest_pause_seconds)});
    }
    if (recording_for_ && recording_for_->uid == uid) {
        close(wire::CloseReason::gate_closed, wire::GapReason::paused);
    }
    std::expected<std::int64_t, Denied> result;
    try {
        const auto anchor = read_clock_anchor();
        result = pauses_.begin(uid, std::chrono::seconds(seconds), anchor, read_boot_id()).until;
        unsaved_pauses_.erase(uid);
        trail_.note(audit::Act::paused, uid, uid, "until " + consent::format_utc(*result));
    } catch (const std::system_error& error) {
        unsaved_pauses_.insert(uid);
        result = failed(error);
    }
    evaluate();
    return result;
}

std::expected<void, Denied> Controller::resume(std::uint32_t uid) {
    try {
        pauses_.end(uid);
    } catch (const std::system_error& error) {
        return failed(error);
    }
    unsaved_pauses_.erase(uid);
    trail_.note(audit::Act::resumed, uid, uid);
    evaluate();
    return {};
}

std::expected<UniqueFd, Denied> Controller::inhibit(std::uint32_t uid, const std::string& who, const std::string& why) {
    auto fd = inhibitors_.add(uid, who, why);
    if (!fd) {
        const bool limit = fd.error().failure == Inhibitors::Failure::limit_reached;
        return std::unexpected(Denied{limit ? Denial::limit_reached : Denial::invalid_argument, fd.error().message});
    }
    evaluate();
    trail_.note(audit::Act::inhibited, uid, person(), who + ": " + why);
    return std::move(*fd);
}

std::expected<void, Denied> Controller::set_enabled(std::uint32_t uid, bool enabled) {
    try {
        if (enabled) {
            std::filesystem::remove(switched_off_file());
            sync_directory(folders_.state);
        } else {
            inputs_.switched_on = false;
            evaluate();
            write_file_atomically(switched_off_file(), as_bytes("by uid " + std::to_string(uid) + "\n"), 0600);
        }
    } catch (const std::system_error& error) {
        return failed(error);
    }
    inputs_.switched_on = enabled;
    trail_.note(enabled ? audit::Act::enabled : audit::Act::disabled, uid, std::nullopt);
    evaluate();
    return {};
}

} // namespace candor::daemon
