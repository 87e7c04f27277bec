// SPDX-License-Identifier: Apache-2.0
#include "consent/gate.h"

#include "support/catch.h"

#include <set>
#include <utility>

using namespace candor::consent;

namespace {

constexpr std::pair<ConsentState, Reason> closing_states[] = {
    {ConsentState::none, Reason::consent_none},
    {ConsentState::withdrawn, Reason::consent_withdrawn},
    {ConsentState::expired, Reason::consent_expired},
    {ConsentState::not_yet_valid, Reason::consent_not_yet_valid},
    {ConsentState::wrong_policy, Reason::consent_wrong_policy},
    {ConsentState::damaged, Reason::consent_damaged},
    {ConsentState::level_unsupported, Reason::consent_level_unsupported},
};

GateInputs all_good() {
    GateInputs inputs;
    inputs.enabled = inputs.switched_on = inputs.audit_works = inputs.policy_valid = true;
    inputs.recipients = 1;
    inputs.dpia_referenced = inputs.within_schedule = inputs.indicators_work = true;
    inputs.awake = inputs.uninhibited = inputs.logind_reachable = true;
    inputs.session = Session{"2", 1000, "user", true, false, false};
    inputs.consent = ConsentState::valid;
    inputs.keys_sound = inputs.unpaused = true;
    return inputs;
}

constexpr unsigned bit_count = 18;

/// One row of the table: bit set, condition holds.
GateInputs inputs_of(unsigned bits, std::size_t consent) {
    const auto bit = [bits](unsigned n) { return (bits >> n & 1u) != 0; };
    GateInputs in;
    in.enabled = bit(0);
    in.switched_on = bit(1);
    in.audit_works = bit(2);
    in.policy_valid = bit(3);
    in.recipients = bit(4) ? 2 : 0;
    in.dpia_referenced = bit(5);
    in.within_schedule = bit(6);
    in.indicators_work = bit(7);
    in.awake = bit(8);
    in.uninhibited = bit(9);
    in.logind_reachable = bit(10);
    if (bit(11)) {
        in.session = Session{"2", 1000, bit(12) ? "user" : "greeter", bit(13), !bit(15), !bit(14)};
    }
    in.consent = consent == 0 ? ConsentState::valid : closing_states[consent - 1].first;
    in.keys_sound = bit(16);
    in.unpaused = bit(17);
    return in;
}

/// The reasons of that row, spelt out independently of evaluate().
std::vector<Reason> expected_of(unsigned bits, std::size_t consent) {
    const auto bit = [bits](unsigned n) { return (bits >> n & 1u) != 0; };
    std::vector<Reason> expected;
    const auto expect = [&expected](bool closed, Reason reason) {
        if (closed) {
            expected.push_back(reason);
        }
    };
    const bool policy_known = bit(3);
    const bool session_known = bit(10) && bit(11);
    expect(!bit(0), Reason::disabled);
    expect(!bit(1), Reason::switched_off);
    expect(!bit(2), Reason::audit_failed);
    expect(!bit(3), Reason::policy_refused);
    expect(policy_known && !bit(4), Reason::no_recipients);
    expect(policy_known && !bit(5), Reason::no_dpia);
    expect(policy_known && !bit(6), Reason::outside_schedule);
    expect(policy_known && !bit(7), Reason::indicator_failed);
    expect(!bit(8), Reason::asleep);
    expect(!bit(9), Reason::inhibited);
    expect(!bit(10), Reason::logind_unreachable);
    expect(bit(10) && !bit(11), Reason::no_session);
    expect(session_known && !bit(12), Reason::session_class);
    expect(session_known && !bit(13), Reason::session_inactive);
    expect(session_known && !bit(14), Reason::session_remote);
    expect(session_known && !bit(15), Reason::session_locked);
    if (consent != 0) {
        expect(session_known && policy_known, closing_states[consent - 1].second);
    }
    expect(session_known && policy_known && consent == 0 && !bit(16), Reason::keys_damaged);
    expect(session_known && !bit(17), Reason::paused);
    return expected;
}

} // namespace

TEST_CASE("the gate opens only when every condition holds, and otherwise names each that fails") {
    constexpr unsigned all = (1u << bit_count) - 1;
    std::size_t opened = 0;
    std::size_t wrong = 0;
    for (unsigned bits = 0; bits <= all; ++bits) {
        for (std::size_t consent = 0; consent <= std::size(closing_states); ++consent) {
            const Verdict verdict = evaluate(inputs_of(bits, consent));
            const bool good =
                verdict.reasons == expected_of(bits, consent) && verdict.open == (bits == all && consent == 0);
            if (!good && ++wrong == 1) {
                UNSCOPED_INFO("first wrong row: bits " << bits << ", consent " << consent);
            }
            opened += verdict.open ? 1 : 0;
        }
    }
    CHECK(wrong == 0);
    CHECK(opened == 1);
}

TEST_CASE("inputs that nobody filled in are closed") {
    CHECK_FALSE(evaluate({}).open);
    GateInputs unset_session = all_good();
    unset_session.session = Session{};
    CHECK_FALSE(evaluate(unset_session).open);
}

TEST_CASE("no session class but 'user' opens") {
    for (const char* other : {"", "User", "user ", "greeter", "lock-screen", "background", "background-light",
                              "user-early", "user-incomplete", "manager", "none"}) {
        GateInputs inputs = all_good();
        inputs.session->session_class = other;
        INFO(other);
        CHECK(evaluate(inputs).reasons == std::vector{Reason::session_class});
    }
    CHECK(evaluate(all_good()).open);
}

TEST_CASE("a consent state that does not exist closes") {
    GateInputs inputs = all_good();
    inputs.consent = static_cast<ConsentState>(200);
    CHECK_FALSE(evaluate(inputs).open);
}

TEST_CASE("every reason has its own name and text") {
    std::set<std::string> names;
    std::set<std::string> texts;
    for (std::size_t i = 0; i < reason_count; ++i) {
        const auto reason = static_cast<Reason>(i);
        names.insert(std::string(reason_name(reason)));
        texts.insert(reason_text(reason, all_good()));
    }
    CHECK(names.size() == reason_count);
    CHECK(texts.size() == reason_count);
    CHECK(names.count("unknown") == 0);
    CHECK(texts.count("unknown reason") == 0);
}

TEST_CASE("the text of a refused policy says what was refused") {
    GateInputs inputs = all_good();
    inputs.policy_valid = false;
    inputs.policy_refusal = "policy.conf:3: [Policy] X: unknown key";
    CHECK(reason_text(Reason::policy_refused, inputs) ==
          "the policy is refused: policy.conf:3: [Policy] X: unknown key");
}

TEST_CASE("a refused configuration is named in the reason, and being switched off is told apart from it") {
    GateInputs inputs;
    CHECK(reason_text(Reason::disabled, inputs) == "recording is switched off in candord.conf");
    inputs.settings_refusal = "candord.conf:3: [Candord] Colour: unknown key";
    CHECK(reason_text(Reason::disabled, inputs) ==
          "the configuration is refused: candord.conf:3: [Candord] Colour: unknown key");
}

TEST_CASE("what fails for a cause of its own says the cause") {
    GateInputs inputs;
    inputs.audit_problem = "audit.log:7: expected …";
    inputs.indicators_problem = "no keyboard has a Scroll Lock light";
    inputs.inhibited_by = "safe (unlocking)";
    inputs.keys_problem = "subjects/1000: damaged";
    inputs.paused_until = "2026-11-25T10:00:00Z";
    CHECK(reason_text(Reason::audit_failed, inputs) == "the audit log cannot be written: audit.log:7: expected …");
    CHECK(reason_text(Reason::indicator_failed, inputs) ==
          "a required indicator does not work: no keyboard has a Scroll Lock light");
    CHECK(reason_text(Reason::inhibited, inputs) == "held off by safe (unlocking)");
    CHECK(reason_text(Reason::keys_damaged, inputs) == "the person's keys are refused: subjects/1000: damaged");
    CHECK(reason_text(Reason::paused, inputs) == "paused until 2026-11-25T10:00:00Z");
}
