// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/error.h"
#include "base/ini.h"
#include "wire/keys.h"

#include <chrono>
#include <expected>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

/// What the person is asked to agree to: policy.conf, its drop-ins, and notice.txt.
namespace candor::consent {

using PolicyHash = wire::Hash32;

inline constexpr std::size_t max_policy_text_bytes = 1024; ///< of one value
inline constexpr std::size_t max_notice_bytes = 64 * 1024;
inline constexpr std::size_t max_allow_virtual = 32;

/// Who can open what is recorded.
struct Recipient {
    std::string name;      ///< letters, digits, '-', '_', '.': 1 to 64 of them
    wire::PublicKey key{}; ///< X25519
};

struct Policy {
    std::string controller;                 ///< [Policy] Controller=, required: who is answerable
    std::string contact;                    ///< Contact=, required
    std::string purpose;                    ///< Purpose=, required
    std::string lawful_basis = "consent";   ///< LawfulBasis=
    std::string retention;                  ///< Retention=, how long the data is kept, in words; empty when not said
    std::chrono::seconds batch_interval{5}; ///< BatchSeconds=, 1 to 60
    std::chrono::days consent_duration{90}; ///< ConsentDays=, 1 to 365: the longest a grant may last
    std::vector<std::string> allow_virtual; ///< AllowVirtual=, repeatable: exact names of uinput devices to record
    std::vector<Recipient> recipients;      ///< [Recipients] NAME=64 hex digits, at most wire::max_recipients

    std::string notice; ///< notice.txt as it is shown, UTF-8, not empty
    PolicyHash hash{};  ///< of all of the above
};

/// Reads DIR/policy.conf with DIR/policy.conf.d/*.conf and DIR/notice.txt. A key in a later file replaces the earlier
/// one's; AllowVirtual and recipients add up. Anything unknown, repeated within a file, of a wrong type or out of range
/// refuses the whole: `FILE:LINE: [SECTION] KEY: expected …`. A policy without recipients loads, and the gate says so.
[[nodiscard]] std::expected<Policy, Refusal> load_policy(const std::filesystem::path& directory);

/// load_policy without the files; `file` names policy.conf in refusals that have no line.
[[nodiscard]] std::expected<Policy, Refusal> make_policy(const std::vector<IniEntry>& entries, std::string notice,
                                                         const std::string& file);

/// What the person is shown before they decide: the notice, then the policy's own words line by line, each as
/// "Name: value", then who can open what is recorded.
[[nodiscard]] std::string present(const Policy& policy);

/// SHA-256 over length-prefixed (little-endian 64 bits) fields: "candor policy 1", the number of entries, each entry's
/// section, key and value in their order, the notice. Comments and layout do not count; any other change does.
[[nodiscard]] PolicyHash policy_hash(const std::vector<IniEntry>& entries, std::string_view notice);

} // namespace candor::consent
