// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Whether recording is allowed. The gate is a pure function: no clock, no descriptor, no bus.
namespace candor::consent {

/// The active session of the seat, as logind tells it.
struct Session {
    std::string id;
    std::uint32_t uid = 0;
    std::string session_class; ///< only "user" opens; "greeter", "lock-screen", "background", … do not
    bool active = false;
    bool locked = true; ///< LockedHint
    bool remote = true;

    bool operator==(const Session&) const = default;
};

/// What the receipt of the session's uid is worth, now and for the loaded policy (see receipt.h).
enum class ConsentState : std::uint8_t {
    none, ///< never asked, or no receipt
    valid,
    withdrawn,
    expired,
    not_yet_valid,     ///< the wall clock reads earlier than the grant: it cannot be trusted about the expiry either
    wrong_policy,      ///< given for another policy or notice
    damaged,           ///< unreadable, changed, signed by another device, or of another uid
    level_unsupported, ///< a level this version does not record
};

/// Defaults are closed. The texts say why something does not hold, for people; they decide nothing.
struct GateInputs {
    bool enabled = false; ///< candord.conf is sound and says Enabled=yes
    std::string settings_refusal;
    bool switched_on = false; ///< the administrator has not switched recording off (SetEnabled)
    bool audit_works = false; ///< what happens can be logged
    std::string audit_problem;
    bool policy_valid = false;
    std::string policy_refusal;
    std::size_t recipients = 0;     ///< in the policy, whose keys are sound
    bool dpia_referenced = false;   ///< the policy names an impact assessment
    bool within_schedule = false;   ///< of the policy
    bool indicators_work = false;   ///< those the policy requires
    std::string indicators_problem; ///< which does not, and why
    bool awake = false;             ///< the machine is not about to sleep, and does not
    bool uninhibited = false;
    std::string inhibited_by; ///< who, and why
    bool logind_reachable = false;
    std::optional<Session> session;
    ConsentState consent = ConsentState::none; ///< of the session's uid
    bool keys_sound = false;                   ///< the keys of the session's uid; judged when its consent is valid
    std::string keys_problem;
    bool unpaused = false; ///< the session's uid has not paused
    std::string paused_until;
};

enum class Reason : std::uint8_t {
    disabled,
    switched_off,
    audit_failed,
    policy_refused,
    no_recipients,
    no_dpia,
    outside_schedule,
    indicator_failed,
    asleep,
    inhibited,
    logind_unreachable,
    no_session,
    session_class,
    session_inactive,
    session_remote,
    session_locked,
    consent_none,
    consent_withdrawn,
    consent_expired,
    consent_not_yet_valid,
    consent_wrong_policy,
    consent_damaged,
    consent_level_unsupported,
    keys_damaged,
    paused,
};
inline constexpr std::size_t reason_count = 25;

struct Verdict {
    bool open = false;
    std::vector<Reason> reasons; ///< every condition that fails, in the order of Reason; empty exactly when open

    bool operator==(const Verdict&) const = default;
};

/// Open only if all conditions hold. What cannot be known because something before it failed is not named: what the policy
/// says and consent without a valid policy, the session without logind, consent and pause without a session, the person's
/// keys without their consent.
[[nodiscard]] Verdict evaluate(const GateInputs& inputs);

/// Stable, for machines: "policy-refused".
[[nodiscard]] std::string_view reason_name(Reason reason);

/// One sentence for people, without a full stop; the policy's refusal is part of it.
[[nodiscard]] std::string reason_text(Reason reason, const GateInputs& inputs);

} // namespace candor::consent
