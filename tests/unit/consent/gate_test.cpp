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
    return {true, "", true, "", 1, true, Session{"2", 1000, "user", true, false, false}, ConsentState::valid};
}

/// One row of the table: bit set, condition holds. The expected reasons are spelt out independently of evaluate().
struct Row {
    GateInputs inputs;
    std::vector<Reason> expected;
};

Row row(unsigned bits, std::size_t consent) {
    const auto bit = [bits](unsigned n) { return (bits >> n & 1u) != 0; };
    Row row;
    GateInputs& in = row.inputs;
    in.enabled = bit(0);
    in.policy_valid = bit(1);
    in.recipients = bit(2) ? 2 : 0;
    in.logind_reachable = bit(3);
    if (bit(4)) {
        in.session = Session{"2", 1000, bit(5) ? "user" : "greeter", bit(6), !bit(8), !bit(7)};
    }
    in.consent = consent == 0 ? ConsentState::valid : closing_states[consent - 1].first;
    const auto expect = [&row](bool closed, Reason reason) {
        if (closed) {
            row.expected.push_back(reason);
        }
    };
    const bool session_known = bit(3) && bit(4);
    expect(!bit(0), Reason::disabled);
    expect(!bit(1), Reason::policy_refused);
    expect(bit(1) && !bit(2), Reason::no_recipients);
    expect(!bit(3), Reason::logind_unreachable);
    expect(bit(3) && !bit(4), Reason::no_session);
    expect(session_known && !bit(5), Reason::session_class);
    expect(session_known && !bit(6), Reason::session_inactive);
    expect(session_known && !bit(7), Reason::session_remote);
    expect(session_known && !bit(8), Reason::session_locked);
    if (consent != 0) {
        expect(session_known && bit(1), closing_states[consent - 1].second);
    }
    return row;
}

} // namespace

TEST_CASE("the gate opens only when every condition holds, and otherwise names each that fails") {
    std::size_t opened = 0;
    for (unsigned bits = 0; bits < 512; ++bits) {
        for (std::size_t consent = 0; consent <= std::size(closing_states); ++consent) {
            const Row expected = row(bits, consent);
            const Verdict verdict = evaluate(expected.inputs);
            INFO("row " << bits << " consent " << consent);
            REQUIRE(verdict.reasons == expected.expected);
            REQUIRE(verdict.open == (bits == 511 && consent == 0));
            opened += verdict.open ? 1 : 0;
        }
    }
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
