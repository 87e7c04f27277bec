// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/error.h"
#include "base/ini.h"
#include "consent/schedule.h"
#include "input/packet.h"
#include "privacy/level.h"
#include "wire/keys.h"

#include <chrono>
#include <expected>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// What the person is asked to agree to: policy.conf, its drop-ins, and notice.txt.
namespace candor::consent {

using PolicyHash = wire::Hash32;

inline constexpr std::size_t max_policy_text_bytes = 1024; ///< of one value
inline constexpr std::size_t max_notice_bytes = 64 * 1024;
inline constexpr std::size_t max_allow_virtual = 32;
inline constexpr std::size_t max_schedule_windows = 32;
inline constexpr std::chrono::seconds least_full_quarantine{
    2}; ///< of Level=full: a secret is recognised too late without

/// Who can open what is recorded.
struct Recipient {
    std::string name;      ///< letters, digits, '-', '_', '.': 1 to 64 of them
    wire::PublicKey key{}; ///< X25519
    /// Ed25519, what signs the receipts of erasures; without it nobody's receipt counts as theirs.
    std::optional<wire::PublicKey> signing_key;
};

/// Which indicators must work, or the gate is closed. The others are driven all the same, where they are there.
struct RequiredIndicators {
    bool light = true;    ///< Scroll Lock of the keyboards
    bool context = false; ///< what the helper in the session shows
};

[[nodiscard]] std::vector<input::DeviceClass> all_device_classes();
/// The class that input::class_name calls so.
[[nodiscard]] std::optional<input::DeviceClass> parse_device_class(std::string_view name);
/// Both Shift keys and Escape.
[[nodiscard]] std::vector<std::uint16_t> default_panic_keys();

struct Policy {
    std::string controller;               ///< [Policy] Controller=, required: who is answerable
    std::string contact;                  ///< Contact=, required
    std::string purpose;                  ///< Purpose=, required
    std::string lawful_basis = "consent"; ///< LawfulBasis=
    std::string dpia;                     ///< DPIA=, reference of the impact assessment; without it the gate is closed
    std::string sites;                    ///< Sites=, where this is in use, in words; empty when not said
    std::string retention;                ///< Retention=, how long the data is kept, in words; empty when not said
    privacy::Level level = privacy::Level::actions;                 ///< Level=, the ceiling
    std::vector<input::DeviceClass> devices = all_device_classes(); ///< Devices=, names separated by blanks, each once
    Schedule schedule;                      ///< Schedule=, repeatable: see parse_window; none: always
    std::chrono::seconds batch_interval{5}; ///< BatchSeconds=, 1 to 60
    std::chrono::seconds quarantine{2};     ///< QuarantineSeconds=, 1 to 60; at least 2 where Level=full
    std::chrono::days consent_duration{90}; ///< ConsentDays=, 1 to 365: the longest a grant may last
    std::chrono::minutes embargo{60};       ///< EmbargoMinutes=, 0 to 10080: stays on the machine before it is shipped
    std::chrono::days epoch{30};            ///< EpochDays=, 1 to 365: a key of a person is used no longer
    RequiredIndicators indicators;          ///< RequiredIndicators=light, context, "light context" or none
    std::vector<std::uint16_t> panic_keys =
        default_panic_keys();               ///< PanicChord=, two to five kernel names of keys, by blanks
    std::chrono::seconds panic_hold{1};     ///< PanicSeconds=, 1 to 10
    std::chrono::minutes panic_pause{15};   ///< PanicPauseMinutes=, 1 to 1440
    std::vector<std::string> allow_virtual; ///< AllowVirtual=, repeatable: exact names of uinput devices to record
    std::vector<Recipient>
        recipients; ///< [Recipients] NAME=KEY or NAME=KEY SIGNING_KEY, 64 hex digits each, at most wire::max_recipients

    std::string notice; ///< notice.txt as it is shown, UTF-8, not empty
    PolicyHash hash{};  ///< of all of the above
};

/// Reads DIR/policy.conf with DIR/policy.conf.d/*.conf and DIR/notice.txt. A key in a later file replaces the earlier
/// one's; AllowVirtual, Schedule and recipients add up. Anything unknown, repeated within a file, of a wrong type or out of
/// range refuses the whole: `FILE:LINE: [SECTION] KEY: expected …`. A policy without recipients or without DPIA loads, and
/// the gate says so.
[[nodiscard]] std::expected<Policy, Refusal> load_policy(const std::filesystem::path& directory);

/// load_policy of a policy.conf by any name: with NAME.d/*.conf and notice.txt beside it.
[[nodiscard]] std::expected<Policy, Refusal> load_policy_file(const std::filesystem::path& policy_conf);

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
