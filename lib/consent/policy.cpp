// SPDX-License-Identifier: Apache-2.0
#include "consent/policy.h"

#include "base/file.h"
#include "consent/policy_keys.h"
#include "consent/values.h"
#include "input/eligibility.h"

#include <linux/input-event-codes.h>
#include <sodium.h>

#include <algorithm>

namespace candor::consent {
namespace {

bool is_readable_notice(std::string_view notice) {
    const auto good = [](char c) { return static_cast<unsigned char>(c) >= 0x20 ? c != 0x7f : c == '\n' || c == '\t'; };
    const bool blank = std::ranges::all_of(notice, [](char c) { return c == ' ' || c == '\n' || c == '\t'; });
    return !blank && notice.size() <= max_notice_bytes && is_utf8(notice) && std::ranges::all_of(notice, good);
}

} // namespace

std::vector<input::DeviceClass> all_device_classes() {
    using enum input::DeviceClass;
    return {keyboard, mouse, touchpad, touchscreen, tablet};
}

std::optional<input::DeviceClass> parse_device_class(std::string_view name) {
    for (const input::DeviceClass device : all_device_classes()) {
        if (name == input::class_name(device)) {
            return device;
        }
    }
    return std::nullopt;
}

std::vector<std::uint16_t> default_panic_keys() { return {KEY_LEFTSHIFT, KEY_RIGHTSHIFT, KEY_ESC}; }

PolicyHash policy_hash(const std::vector<IniEntry>& entries, std::string_view notice) {
    crypto_hash_sha256_state state;
    crypto_hash_sha256_init(&state);
    const auto add_number = [&state](std::uint64_t number) {
        std::array<std::uint8_t, 8> bytes{};
        for (std::size_t i = 0; i < bytes.size(); ++i) {
            bytes[i] = static_cast<std::uint8_t>(number >> (8 * i));
        }
        crypto_hash_sha256_update(&state, bytes.data(), bytes.size());
    };
    const auto add = [&](std::string_view text) {
        add_number(text.size());
        const auto bytes = as_bytes(text);
        crypto_hash_sha256_update(&state, bytes.data(), bytes.size());
    };
    add("candor policy 1");
    add_number(entries.size());
    for (const IniEntry& entry : entries) {
        add(entry.section);
        add(entry.key);
        add(entry.value);
    }
    add(notice);
    PolicyHash hash{};
    crypto_hash_sha256_final(&state, hash.data());
    return hash;
}

std::expected<Policy, Refusal> make_policy(const std::vector<IniEntry>& entries, std::string notice,
                                           const std::string& file) {
    wire::init_crypto();
    Policy policy;
    if (auto applied = apply_entries(policy, entries); !applied) {
        return std::unexpected(std::move(applied.error()));
    }
    for (const auto& [key, value] : {std::pair("Controller", &policy.controller), std::pair("Contact", &policy.contact),
                                     std::pair("Purpose", &policy.purpose)}) {
        if (value->empty()) {
            return std::unexpected(Refusal{file + ": [Policy] " + key + ": missing, expected a text"});
        }
    }
    if (!is_readable_notice(notice)) {
        return std::unexpected(
            Refusal{std::filesystem::path(file).replace_filename("notice.txt").string() + ": expected 1 to " +
                    std::to_string(max_notice_bytes) +
                    " bytes of UTF-8 text, not blank, without control characters but newline and tab"});
    }
    policy.hash = policy_hash(entries, notice);
    policy.notice = std::move(notice);
    return policy;
}

std::expected<Policy, Refusal> load_policy(const std::filesystem::path& directory) {
    return load_policy_file(directory / "policy.conf");
}

std::expected<Policy, Refusal> load_policy_file(const std::filesystem::path& policy_conf) {
    std::error_code error;
    if (!std::filesystem::exists(policy_conf, error)) {
        return std::unexpected(Refusal{policy_conf.string() + ": " +
                                       (error ? error.message() : std::string("missing, expected a policy"))});
    }
    const auto entries = read_ini_with_drop_ins(policy_conf);
    if (!entries) {
        return std::unexpected(entries.error());
    }
    auto notice = read_text(policy_conf.parent_path() / "notice.txt", max_notice_bytes);
    if (!notice) {
        return std::unexpected(std::move(notice.error()));
    }
    return make_policy(*entries, std::move(*notice), policy_conf.string());
}

} // namespace candor::consent
