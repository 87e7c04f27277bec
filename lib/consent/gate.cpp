// SPDX-License-Identifier: Apache-2.0
#include "consent/gate.h"

namespace candor::consent {
namespace {

std::optional<Reason> consent_reason(ConsentState state) {
    switch (state) {
    case ConsentState::valid:
        return std::nullopt;
    case ConsentState::none:
        return Reason::consent_none;
    case ConsentState::withdrawn:
        return Reason::consent_withdrawn;
    case ConsentState::expired:
        return Reason::consent_expired;
    case ConsentState::not_yet_valid:
        return Reason::consent_not_yet_valid;
    case ConsentState::wrong_policy:
        return Reason::consent_wrong_policy;
    case ConsentState::damaged:
        return Reason::consent_damaged;
    case ConsentState::level_unsupported:
        return Reason::consent_level_unsupported;
    }
    return Reason::consent_damaged; // a value that is none of these: closed
}

std::string told(const std::string& text) { return text.empty() ? "not known" : text; }

} // namespace

Verdict evaluate(const GateInputs& inputs) {
    Verdict verdict;
    const auto require = [&verdict](bool holds, Reason reason) {
        if (!holds) {
            verdict.reasons.push_back(reason);
        }
    };
    require(inputs.enabled, Reason::disabled);
    require(inputs.switched_on, Reason::switched_off);
    require(inputs.audit_works, Reason::audit_failed);
    require(inputs.policy_valid, Reason::policy_refused);
    if (inputs.policy_valid) {
        require(inputs.recipients > 0, Reason::no_recipients);
        require(inputs.dpia_referenced, Reason::no_dpia);
        require(inputs.within_schedule, Reason::outside_schedule);
        require(inputs.indicators_work, Reason::indicator_failed);
    }
    require(inputs.awake, Reason::asleep);
    require(inputs.uninhibited, Reason::inhibited);
    require(inputs.logind_reachable, Reason::logind_unreachable);
    if (inputs.logind_reachable) {
        require(inputs.session.has_value(), Reason::no_session);
    }
    if (inputs.logind_reachable && inputs.session) {
        require(inputs.session->session_class == "user", Reason::session_class);
        require(inputs.session->active, Reason::session_inactive);
        require(!inputs.session->remote, Reason::session_remote);
        require(!inputs.session->locked, Reason::session_locked);
        if (inputs.policy_valid) {
            if (const auto reason = consent_reason(inputs.consent)) {
                verdict.reasons.push_back(*reason);
            } else {
                require(inputs.keys_sound, Reason::keys_damaged);
            }
        }
        require(inputs.unpaused, Reason::paused);
    }
    verdict.open = verdict.reasons.empty();
    return verdict;
}

std::string_view reason_name(Reason reason) {
    switch (reason) {
    case Reason::disabled:
        return "disabled";
    case Reason::policy_refused:
        return "policy-refused";
    case Reason::no_recipients:
        return "no-recipients";
    case Reason::logind_unreachable:
        return "logind-unreachable";
    case Reason::no_session:
        return "no-session";
    case Reason::session_class:
        return "session-class";
    case Reason::session_inactive:
        return "session-inactive";
    case Reason::session_remote:
        return "session-remote";
    case Reason::session_locked:
        return "session-locked";
    case Reason::consent_none:
        return "consent-none";
    case Reason::consent_withdrawn:
        return "consent-withdrawn";
    case Reason::consent_expired:
        return "consent-expired";
    case Reason::consent_not_yet_valid:
        return "consent-not-yet-valid";
    case Reason::consent_wrong_policy:
        return "consent-wrong-policy";
    case Reason::consent_damaged:
        return "consent-damaged";
    case Reason::consent_level_unsupported:
        return "consent-level-unsupported";
    case Reason::switched_off:
        return "switched-off";
    case Reason::audit_failed:
        return "audit-failed";
    case Reason::no_dpia:
        return "no-dpia";
    case Reason::outside_schedule:
        return "outside-schedule";
    case Reason::indicator_failed:
        return "indicator-failed";
    case Reason::asleep:
        return "asleep";
    case Reason::inhibited:
        return "inhibited";
    case Reason::keys_damaged:
        return "keys-damaged";
    case Reason::paused:
        return "paused";
    }
    return "unknown";
}

std::string reason_text(Reason reason, const GateInputs& inputs) {
    const std::string session_class = inputs.session ? inputs.session->session_class : std::string();
    switch (reason) {
    case Reason::disabled:
        return inputs.settings_refusal.empty() ? "recording is switched off in candord.conf"
                                               : "the configuration is refused: " + inputs.settings_refusal;
    case Reason::policy_refused:
        return "the policy is refused: " + (inputs.policy_refusal.empty() ? "not loaded" : inputs.policy_refusal);
    case Reason::no_recipients:
        return "the policy names no recipient: nobody could open what is recorded";
    case Reason::logind_unreachable:
        return "systemd-logind does not answer: who sits at the seat is not known";
    case Reason::no_session:
        return "nobody is logged in at the seat";
    case Reason::session_class:
        return "the session at the seat is of class '" + session_class + "', only 'user' is recorded";
    case Reason::session_inactive:
        return "the session is not in the foreground";
    case Reason::session_remote:
        return "the session is remote";
    case Reason::session_locked:
        return "the session is locked";
    case Reason::consent_none:
        return "the person at the seat has not consented";
    case Reason::consent_withdrawn:
        return "the person at the seat has withdrawn consent";
    case Reason::consent_expired:
        return "the consent has expired";
    case Reason::consent_not_yet_valid:
        return "the clock reads earlier than the consent was given";
    case Reason::consent_wrong_policy:
        return "the policy or the notice has changed since consent was given";
    case Reason::consent_damaged:
        return "the consent receipt is damaged or not this device's";
    case Reason::consent_level_unsupported:
        return "the consent is for a level that this version does not record";
    case Reason::switched_off:
        return "the administrator has switched recording off";
    case Reason::audit_failed:
        return "the audit log cannot be written: " + told(inputs.audit_problem);
    case Reason::no_dpia:
        return "the policy names no impact assessment (DPIA=)";
    case Reason::outside_schedule:
        return "it is outside of the hours in which the policy allows recording";
    case Reason::indicator_failed:
        return "a required indicator does not work: " + told(inputs.indicators_problem);
    case Reason::asleep:
        return "the machine is going to sleep, or sleeps";
    case Reason::inhibited:
        return "held off by " + told(inputs.inhibited_by);
    case Reason::keys_damaged:
        return "the person's keys are refused: " + told(inputs.keys_problem);
    case Reason::paused:
        return "paused until " + told(inputs.paused_until);
    }
    return "unknown reason";
}

} // namespace candor::consent
