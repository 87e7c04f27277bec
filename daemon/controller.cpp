// SPDX-License-Identifier: Apache-2.0
#include "daemon/controller.h"

#include "base/hex.h"
#include "base/journal.h"

#include <algorithm>

namespace candor::daemon {
namespace {

std::int64_t now_seconds() { return read_clock_anchor().realtime_ns / 1'000'000'000; }

std::string names_of(const consent::Verdict& verdict) {
    std::string names;
    for (const consent::Reason reason : verdict.reasons) {
        names += (names.empty() ? "" : " ") + std::string(consent::reason_name(reason));
    }
    return names;
}

} // namespace

Controller::Controller(EventLoop& loop, sd_bus* bus, Folders folders, const wire::Identity& identity,
                       Recorder& recorder)
    : loop_(loop), folders_(std::move(folders)), identity_(identity), recorder_(recorder),
      receipts_(folders_.state / "consent", identity_) {
    expiry_timer_ = loop_.add_timer([this] { evaluate(); }, std::chrono::seconds(1));
    clock_steps_ = loop_.add_clock_step([this] {
        recorder_.clock_changed();
        evaluate();
    });
    load();
    sessions_ = std::make_unique<SessionWatcher>(
        loop_, bus, [this] { evaluate(); },
        [this] {
            recorder_.clock_changed();
            evaluate();
        });
    evaluate();
}

Controller::~Controller() = default;

void Controller::load() {
    const auto settings = consent::load_daemon_settings(folders_.config / "candord.conf");
    auto policy = consent::load_policy(folders_.config);
    inputs_.enabled = settings && settings->enabled;
    inputs_.settings_refusal = settings ? "" : settings.error().message;
    inputs_.policy_valid = policy.has_value();
    inputs_.policy_refusal = policy ? "" : policy.error().message;
    inputs_.recipients = policy ? policy->recipients.size() : 0;
    if (!settings) {
        journal::error("configuration refused: " + settings.error().message);
    }
    if (!policy) {
        journal::error("policy refused: " + policy.error().message);
    }
    policy_ = policy ? std::optional(std::move(*policy)) : std::nullopt;
    const auto allowed = policy_ ? policy_->allow_virtual : std::vector<std::string>();
    if (!capture_ || allowed != capture_rules_) {
        close(wire::CloseReason::gate_closed);
        capture_.reset();
        capture_rules_ = allowed;
        capture_ = std::make_unique<input::Capture>(loop_, input::Rules{allowed}, recorder_, [this] {
            if (observer_.devices_changed) {
                observer_.devices_changed();
            }
        });
    }
}

void Controller::reload() {
    load();
    evaluate();
}

void Controller::evaluate() {
    inputs_.logind_reachable = sessions_ && sessions_->is_reachable();
    inputs_.session = sessions_ ? sessions_->session() : std::nullopt;
    inputs_.consent = consent::ConsentState::none;
    consent_until_ = 0;
    receipt_.reset();
    if (policy_ && inputs_.session) {
        const auto stored = receipts_.read(inputs_.session->uid);
        const auto assessed = consent::assess(stored, policy_->hash, now_seconds());
        inputs_.consent = assessed.state;
        if (assessed.state == consent::ConsentState::valid) {
            receipt_ = stored.receipt;
            consent_until_ = assessed.expiry.value_or(0);
        }
    }
    const auto before = verdict_;
    verdict_ = consent::evaluate(inputs_);
    if (is_recording() && (!verdict_.open || !same_grantee())) {
        close(wire::CloseReason::gate_closed);
    }
    if (verdict_.open && !is_recording()) {
        open();
    }
    if (consent_until_ != 0) {
        // CLOCK_MONOTONIC sleeps and the wall clock is set: looked at again at least once an hour while consent lasts,
        // after every resume and every step.
        const auto left = std::max<std::int64_t>(consent_until_ - now_seconds(), 0);
        expiry_timer_.arm(std::chrono::seconds(std::min<std::int64_t>(left, 3600)));
    } else {
        expiry_timer_.disarm();
    }
    if (verdict_ != before) {
        journal::info(verdict_.open ? "the gate is open: recording" : "the gate is closed: nothing is recorded",
                      {{"CANDOR_REASONS", names_of(verdict_)}});
    }
    if (observer_.state_changed) {
        observer_.state_changed();
    }
}

bool Controller::same_grantee() const {
    return recording_for_ == receipt_ && policy_ && recording_under_ == policy_->hash;
}

void Controller::open() {
    auto subject = wire::load_or_create_subject(folders_.state / "subjects", receipt_->uid);
    if (!subject) {
        journal::error("the person's keys are refused, nothing is recorded: " + subject.error().message);
        verdict_ = {false, {consent::Reason::consent_damaged}};
        return;
    }
    Grantee grantee;
    grantee.subject = std::move(*subject);
    for (const consent::Recipient& recipient : policy_->recipients) {
        grantee.recipients.push_back(recipient.key);
    }
    grantee.policy_hash = policy_->hash;
    grantee.consent_version = receipt_->version;
    grantee.batch_interval = policy_->batch_interval;
    recording_for_ = receipt_;
    recording_under_ = policy_->hash;
    recorder_.begin(std::move(grantee));
    capture_->open();
}

void Controller::close(wire::CloseReason reason) {
    // The devices first: nothing is read any more when this returns.
    if (capture_) {
        capture_->close();
    }
    recorder_.end(reason);
    recording_for_.reset();
    recording_under_.reset();
}

void Controller::shut_down() {
    close(wire::CloseReason::stopped);
    capture_.reset();
    sessions_.reset();
}

const std::vector<input::DeviceStatus>& Controller::devices() const { return capture_->devices(); }

std::expected<std::string, Denied> Controller::grant(std::uint32_t uid, const std::string& level,
                                                     const std::string& policy_hash, std::int64_t expiry) {
    if (uid == 0) {
        return std::unexpected(Denied{Denial::not_authorized, "root cannot consent to anything for anybody"});
    }
    const auto& session = inputs_.session;
    if (!session || session->uid != uid || !session->active || session->remote || session->session_class != "user") {
        return std::unexpected(Denied{Denial::not_authorized,
                                      "consent is taken only from the person whose session is active at this machine"});
    }
    if (!policy_) {
        return std::unexpected(
            Denied{Denial::policy_refused, "there is no valid policy to consent to: " + inputs_.policy_refusal});
    }
    if (policy_hash != to_hex(policy_->hash)) {
        return std::unexpected(
            Denied{Denial::policy_changed, "the policy is not the one that was shown: read the notice again"});
    }
    auto subject = wire::load_or_create_subject(folders_.state / "subjects", uid);
    if (!subject) {
        return std::unexpected(Denied{Denial::policy_refused, subject.error().message});
    }
    consent::GrantRequest request;
    request.uid = uid;
    request.subject = subject->subject;
    request.level = level;
    request.now = now_seconds();
    request.expiry = expiry;
    const auto stored = receipts_.grant(*policy_, request);
    if (!stored) {
        return std::unexpected(Denied{Denial::invalid_argument, stored.error().message});
    }
    journal::info("consent was given", {{"CANDOR_LEVEL", level}});
    evaluate();
    return stored->json;
}

std::string Controller::revoke(std::uint32_t uid) {
    if (recording_for_ && recording_for_->uid == uid) {
        close(wire::CloseReason::gate_closed);
    }
    const auto before = receipts_.read(uid);
    if (before.problem.empty() && (!before.receipt || before.receipt->withdrawn)) {
        // Nothing to take back: no file is written for the asking.
        evaluate();
        return before.json;
    }
    const auto stored = receipts_.withdraw(uid, before.receipt ? before.receipt->subject : wire::Id16{}, now_seconds());
    journal::info("consent was withdrawn");
    evaluate();
    return stored.json;
}

Controller::ReceiptState Controller::receipt(std::uint32_t uid) const {
    const auto stored = receipts_.read(uid);
    const auto assessed = consent::assess(stored, policy_ ? policy_->hash : consent::PolicyHash{}, now_seconds());
    return {assessed.state, stored.json};
}

} // namespace candor::daemon
