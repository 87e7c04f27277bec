// SPDX-License-Identifier: Apache-2.0
#include "daemon/controller.h"

#include "base/hex.h"
#include "base/journal.h"
#include "consent/utc.h"
#include "input/eligibility.h"
#include "privacy/kernel_mask.h"

#include <algorithm>
#include <system_error>

namespace candor::daemon {
namespace {

/// CLOCK_MONOTONIC sleeps and the wall clock is set: looked at again at least this often, after every resume and every step.
constexpr std::int64_t longest_wait_seconds = 3600;
/// What failed may work again.
constexpr std::int64_t retry_seconds = 60;
/// Rounds of one evaluation: opening may change what it depends on, but not for ever.
constexpr int most_rounds = 8;

std::int64_t now_seconds() { return read_clock_anchor().realtime_ns / 1'000'000'000; }

template <typename Range, typename Name> std::string joined(const Range& range, Name&& name_of) {
    std::string names;
    for (const auto& each : range) {
        names += (names.empty() ? "" : " ") + std::string(name_of(each));
    }
    return names;
}

std::string names_of(const consent::Verdict& verdict) { return joined(verdict.reasons, consent::reason_name); }

bool has(const consent::Verdict& verdict, consent::Reason reason) {
    return std::ranges::find(verdict.reasons, reason) != verdict.reasons.end();
}

/// Why what has not waited its time is thrown away.
wire::GapReason gap_reason_of(const consent::Verdict& verdict) {
    if (has(verdict, consent::Reason::consent_withdrawn)) {
        return wire::GapReason::withdrawn;
    }
    if (has(verdict, consent::Reason::paused)) {
        return wire::GapReason::paused;
    }
    if (has(verdict, consent::Reason::inhibited)) {
        return wire::GapReason::inhibited;
    }
    return has(verdict, consent::Reason::session_locked) ? wire::GapReason::locked : wire::GapReason::quarantined;
}

} // namespace

Controller::Controller(EventLoop& loop, sd_bus* bus, Folders folders, const wire::Identity& identity,
                       Recorder& recorder, Holdings& holdings, bool death_told)
    : loop_(loop), folders_(std::move(folders)), recorder_(recorder), holdings_(holdings),
      intake_(loop, recorder, {[this] { panic(); }, [this] { light_changed(); }}), trail_(folders_.state, identity),
      receipts_(folders_.state / "consent", identity), pauses_(folders_.state / "pauses"),
      light_(loop, folders_.leds, [this] { evaluate(); }),
      prompts_(loop, folders_.password_prompts, [this] { evaluate(); }),
      inhibitors_(loop,
                  [this](const Inhibitors::Inhibitor& gone) {
                      trail_.note(audit::Act::released, gone.uid, person(), gone.who + ": " + gone.why);
                      evaluate();
                  }),
      context_(loop, bus, {[this] { context_changed(); }, [this] { follow_trust(); }}) {
    timer_ = loop_.add_timer([this] { evaluate(); }, std::chrono::seconds(1));
    clock_steps_ = loop_.add_clock_step([this] {
        recorder_.clock_changed();
        evaluate();
    });
    if (!death_told) {
        inherit_loss();
    }
    trail_.note(audit::Act::started, std::nullopt, std::nullopt, "candord " CANDOR_VERSION);
    reload();
    sessions_ = std::make_unique<SessionWatcher>(loop_, bus,
                                                 SessionWatcher::Callbacks{[this] { evaluate(); },
                                                                           [this] {
                                                                               recorder_.clock_changed();
                                                                               evaluate();
                                                                           }});
    evaluate();
}

Controller::~Controller() = default;

void Controller::inherit_loss() {
    const auto opened = trail_.died_recording();
    if (!opened || !opened->subject) {
        return;
    }
    const std::uint64_t now_us = monotonic_us();
    const std::int64_t ago_us = std::max<std::int64_t>(now_seconds() - opened->time, 0) * 1'000'000;
    const std::uint64_t from_us = now_us - std::min(now_us, static_cast<std::uint64_t>(ago_us));
    undeclared_ = {*opened->subject, {wire::GapReason::crash, from_us, now_us, std::nullopt, wire::all_devices}};
}

void Controller::reload(std::optional<std::uint32_t> uid) {
    const auto before = policy_ ? std::optional(policy_->hash) : std::nullopt;
    load();
    if (!policy_) {
        trail_.note(audit::Act::policy_refused, uid, std::nullopt, inputs_.policy_refusal);
    } else if (uid || before != policy_->hash) {
        trail_.note(audit::Act::policy_loaded, uid, std::nullopt, to_hex(policy_->hash));
    }
    evaluate();
}

void Controller::load() {
    const auto settings = consent::load_daemon_settings(folders_.config / "candord.conf");
    auto policy = consent::load_policy(folders_.config);
    inputs_.enabled = settings && settings->enabled;
    inputs_.settings_refusal = settings ? "" : settings.error().message;
    std::error_code error;
    inputs_.switched_on = !std::filesystem::exists(switched_off_file(), error) && !error;
    inputs_.policy_valid = policy.has_value();
    inputs_.policy_refusal = policy ? "" : policy.error().message;
    inputs_.recipients = policy ? policy->recipients.size() : 0;
    inputs_.dpia_referenced = policy && !policy->dpia.empty();
    if (!settings) {
        journal::error("configuration refused: " + settings.error().message);
    }
    if (!policy) {
        journal::error("policy refused: " + policy.error().message);
    }
    policy_ = policy ? std::optional(std::move(*policy)) : std::nullopt;
    look_at_devices_of(this->policy());
}

void Controller::look_at_devices_of(const consent::Policy* policy) {
    const auto allowed = policy != nullptr ? policy->allow_virtual : std::vector<std::string>();
    if (capture_ && allowed == capture_rules_) {
        return;
    }
    close(wire::CloseReason::gate_closed, wire::GapReason::quarantined);
    capture_.reset();
    capture_rules_ = allowed;
    capture_ = std::make_unique<input::Capture>(loop_, input::Rules{allowed}, intake_, [this] {
        if (observer_.devices_changed) {
            observer_.devices_changed();
        }
        // A keyboard that came or went took its light with it.
        light_.refresh();
        evaluate();
    });
}

std::optional<std::uint32_t> Controller::person() const {
    const auto& session = inputs_.session;
    if (!inputs_.logind_reachable || !session || !session->active || session->remote ||
        session->session_class != "user" || session->uid == 0) {
        return std::nullopt;
    }
    return session->uid;
}

void Controller::look_at_person(std::int64_t now) {
    inputs_.logind_reachable = sessions_ && sessions_->is_reachable();
    inputs_.session = sessions_ ? sessions_->session() : std::nullopt;
    inputs_.awake = sessions_ && !sessions_->is_asleep();
    inputs_.consent = consent::ConsentState::none;
    inputs_.keys_sound = false;
    inputs_.unpaused = false;
    consent_until_ = 0;
    paused_until_ = 0;
    receipt_.reset();
    if (!inputs_.session) {
        keys_.reset();
        return;
    }
    const std::uint32_t uid = inputs_.session->uid;
    const auto pause = pauses_.read(uid, read_clock_anchor(), read_boot_id());
    inputs_.unpaused = !pause.holds && !unsaved_pauses_.contains(uid);
    if (!inputs_.unpaused) {
        paused_until_ = pause.until;
        inputs_.paused_until = pause.until != 0 ? consent::format_utc(pause.until) : "you resume: " + pause.problem;
    }
    if (!policy_) {
        return;
    }
    const auto stored = receipts_.read(uid);
    const auto assessed = consent::assess(stored, policy_->hash, now);
    inputs_.consent = unsaved_withdrawals_.contains(uid) ? consent::ConsentState::withdrawn : assessed.state;
    if (inputs_.consent != consent::ConsentState::valid) {
        keys_.reset();
        return;
    }
    receipt_ = stored.receipt;
    consent_until_ = assessed.expiry.value_or(0);
    try {
        auto keys = holdings_.subjects().current(uid, policy_->epoch, now);
        inputs_.keys_sound = keys.has_value();
        inputs_.keys_problem = keys ? "" : keys.error().message;
        keys_ = keys ? std::optional(std::move(*keys)) : std::nullopt;
    } catch (const std::system_error& error) {
        inputs_.keys_problem = error.what();
        keys_.reset();
    }
}

void Controller::look_at_indicators() {
    std::string problem;
    for (const Indicator& indicator : indicators()) {
        if (indicator.required && !indicator.works) {
            problem += (problem.empty() ? "" : "; ") + indicator.text;
        }
    }
    inputs_.indicators_work = problem.empty();
    inputs_.indicators_problem = std::move(problem);
}

std::vector<Controller::Indicator> Controller::indicators() const {
    const consent::RequiredIndicators required = policy_ ? policy_->indicators : consent::RequiredIndicators{};
    return {{"light", required.light, light_.works(), light_.text()},
            {"context", required.context, context_.indicator_works(), context_.indicator_text()}};
}

std::vector<Inhibitors::Inhibitor> Controller::inhibitors() const {
    std::vector<Inhibitors::Inhibitor> all;
    if (!prompts_.works()) {
        all.push_back({"candord", "whether systemd asks for a password cannot be seen", 0});
    } else if (prompts_.any()) {
        all.push_back({"systemd", "a password is asked for", 0});
    }
    if (context_.focus() == Context::Focus::secure) {
        all.push_back({"context helper", "a field for a secret is focused", 0});
    }
    const auto asked = inhibitors_.list();
    all.insert(all.end(), asked.begin(), asked.end());
    return all;
}

void Controller::look_at_inhibitors() {
    const auto all = inhibitors();
    inputs_.uninhibited = all.empty();
    inputs_.inhibited_by = all.empty() ? "" : all.front().who + ": " + all.front().why;
}

void Controller::evaluate() {
    if (ends_) {
        return;
    }
    if (evaluating_) {
        again_ = true;
        return;
    }
    evaluating_ = true;
    int round = 0;
    do {
        again_ = false;
        evaluate_once();
    } while (again_ && ++round < most_rounds);
    evaluating_ = false;
    if (observer_.state_changed) {
        observer_.state_changed();
    }
}

void Controller::evaluate_once() {
    const std::int64_t now = now_seconds();
    look_at_person(now);
    context_.set_person(person());
    if (has(verdict_, consent::Reason::indicator_failed)) {
        light_.refresh();
    }
    static_cast<void>(light_.keep()); // what it failed at is told below
    look_at_indicators();
    look_at_inhibitors();
    inputs_.within_schedule = policy_ && consent::within(policy_->schedule, now);
    trail_.retry();
    inputs_.audit_works = trail_.problem().empty();
    inputs_.audit_problem = trail_.problem();
    const auto before = verdict_;
    verdict_ = consent::evaluate(inputs_);
    if (is_recording() && (!verdict_.open || !same_grantee())) {
        close(wire::CloseReason::gate_closed, gap_reason_of(verdict_));
    }
    if (told_open_ && !is_recording()) {
        trail_.note(audit::Act::gate_closed, std::nullopt, told_open_,
                    verdict_.open ? "the consent, the policy or the key was replaced" : names_of(verdict_));
        told_open_.reset();
    }
    if (verdict_.open && !is_recording()) {
        open();
    }
    arm(now);
    if (verdict_ != before) {
        journal::info(verdict_.open ? "the gate is open: recording" : "the gate is closed: nothing is recorded",
                      {{"CANDOR_REASONS", names_of(verdict_)}});
    }
}

void Controller::arm(std::int64_t now) {
    std::int64_t wait = longest_wait_seconds;
    for (const std::int64_t moment : {consent_until_, paused_until_}) {
        if (moment != 0) {
            wait = std::min(wait, std::max<std::int64_t>(moment - now, 0));
        }
    }
    if (policy_) {
        if (const auto change = consent::next_change(policy_->schedule, now)) {
            wait = std::min(wait, std::max<std::int64_t>(*change - now, 0));
        }
    }
    if (has(verdict_, consent::Reason::audit_failed) || has(verdict_, consent::Reason::indicator_failed)) {
        wait = std::min(wait, retry_seconds);
    }
    // An idle machine without consent is not woken: nothing can begin before something else has changed.
    if (verdict_.open || wait < longest_wait_seconds) {
        timer_.arm(std::chrono::seconds(std::max<std::int64_t>(wait, 1)));
    } else {
        timer_.disarm();
    }
}

bool Controller::same_grantee() const {
    return recording_for_ == receipt_ && policy_ && recording_under_ == policy_->hash && keys_ &&
           keys_->epoch == recording_epoch_;
}

privacy::Level Controller::granted_level() const {
    return std::min(policy_->level, privacy::parse_level(receipt_->level).value_or(privacy::Level::counts));
}

std::optional<privacy::Level> Controller::level() const { return is_recording() ? level_to_read() : std::nullopt; }

void Controller::open() {
    if (light_.works() && !light_.on() && policy_->indicators.light) {
        again_ = true; // and closed, for that reason
        return;
    }
    const privacy::Level granted = granted_level();
    const std::string classes = joined(receipt_->devices, input::class_name);
    if (!trail_.note(audit::Act::gate_opened, std::nullopt, receipt_->uid,
                     "level " + std::string(privacy::level_name(granted)) + ", devices " + classes + ", key epoch " +
                         std::to_string(keys_->epoch))) {
        light_.off();
        again_ = true;
        return;
    }
    told_open_ = receipt_->uid;
    Grantee grantee;
    grantee.subject = std::move(*keys_);
    keys_.reset();
    recording_epoch_ = grantee.subject.epoch;
    try {
        holdings_.retire_keys(receipt_->uid);
    } catch (const std::system_error& error) {
        // No reason not to record: they open nothing new, and the next opening tries again.
        journal::warning(std::string("keys that nobody needs any more are still there: ") + error.what());
    }
    for (const consent::Recipient& recipient : policy_->recipients) {
        grantee.recipients.push_back(recipient.key);
    }
    grantee.level = std::min(granted, privacy::Level::actions);
    grantee.policy_hash = policy_->hash;
    grantee.consent_version = receipt_->version;
    grantee.batch_interval = policy_->batch_interval;
    grantee.embargo = policy_->embargo;
    recording_for_ = receipt_;
    recording_under_ = policy_->hash;
    recorder_.begin(std::move(grantee));
    if (undeclared_ && undeclared_->uid == receipt_->uid) {
        recorder_.lose(undeclared_->gap);
        undeclared_.reset();
    }
    intake_.begin({granted, policy_->batch_interval, policy_->quarantine, policy_->panic_keys, policy_->panic_hold});
    context_.set_recording(true);
    trusted_ = false;
    follow_trust();
    const privacy::Level delivered = *level_to_read();
    capture_->open(
        {[classes_wanted = receipt_->devices, granted](input::DeviceClass device_class) {
             return privacy::opens(granted, device_class) &&
                    std::ranges::find(classes_wanted, device_class) != classes_wanted.end();
         },
         [delivered](input::DeviceClass device_class) { return privacy::kernel_mask(delivered, device_class); }});
}

void Controller::close(wire::CloseReason reason, wire::GapReason discarded, bool forget) {
    // Closing tells that the devices have changed, which is no moment to open them again: whoever closes evaluates then.
    const bool within_evaluation = std::exchange(evaluating_, true);
    // The devices first: nothing is read any more when this returns.
    if (capture_) {
        capture_->close();
    }
    if (forget) {
        intake_.end_and_forget(discarded);
    } else {
        intake_.end(discarded);
    }
    recorder_.end(reason);
    light_.off();
    context_.set_recording(false);
    recording_for_.reset();
    recording_under_.reset();
    trusted_ = false;
    evaluating_ = within_evaluation;
}

void Controller::shut_down() {
    if (std::exchange(ends_, true)) {
        return;
    }
    timer_.disarm();
    close(wire::CloseReason::stopped, wire::GapReason::quarantined);
    if (told_open_) {
        trail_.note(audit::Act::gate_closed, std::nullopt, told_open_, "candord ends");
        told_open_.reset();
    }
    trail_.note(audit::Act::stopped, std::nullopt, std::nullopt);
    capture_.reset();
    sessions_.reset();
}

std::optional<privacy::Level> Controller::level_to_read() const {
    if (!recording_for_) {
        return std::nullopt;
    }
    const privacy::Level granted = granted_level();
    return granted == privacy::Level::full && !trusted_ ? privacy::Level::actions : granted;
}

void Controller::follow_trust() {
    if (!recording_for_ || !receipt_ || !policy_ || granted_level() != privacy::Level::full) {
        return;
    }
    const bool trusted = context_.focus() == Context::Focus::plain;
    if (trusted) {
        intake_.vouch();
    } else {
        intake_.doubt();
    }
    if (trusted == std::exchange(trusted_, trusted)) {
        return;
    }
    capture_->set_masks([level = *level_to_read()](input::DeviceClass device_class) {
        return privacy::kernel_mask(level, device_class);
    });
    if (observer_.state_changed && !evaluating_) {
        observer_.state_changed();
    }
}

void Controller::context_changed() {
    const auto now = context_.uid();
    if (now != context_uid_) {
        if (context_uid_) {
            trail_.note(audit::Act::context_lost, context_uid_, context_uid_);
        }
        if (now) {
            trail_.note(audit::Act::context_registered, now, now);
        }
        context_uid_ = now;
    }
    follow_trust();
    evaluate();
}

void Controller::light_changed() {
    // Something else has put it out, or it was candord itself.
    if (is_recording() && light_.is_on() && !light_.keep() && policy_->indicators.light) {
        evaluate();
    }
}

void Controller::panic() {
    const auto uid = recording_for_ ? std::optional(recording_for_->uid) : std::nullopt;
    if (!uid) {
        return;
    }
    // Its failure leaves the person paused for as long as candord lives; there is nobody to tell but the journal.
    const auto paused = pause(*uid, static_cast<std::uint64_t>(std::chrono::seconds(policy_->panic_pause).count()));
    if (!paused) {
        journal::error("the pause is kept in memory only: " + paused.error().message);
    }
    light_.blink();
}

const std::vector<input::DeviceStatus>& Controller::devices() const {
    static const std::vector<input::DeviceStatus> none;
    return capture_ ? capture_->devices() : none;
}

} // namespace candor::daemon
