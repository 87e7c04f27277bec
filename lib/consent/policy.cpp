// SPDX-License-Identifier: Apache-2.0
#include "consent/policy.h"

#include "base/file.h"
#include "base/hex.h"
#include "consent/values.h"
#include "wire/wire_limits.h"

#include <sodium.h>

#include <algorithm>

namespace candor::consent {
namespace {

using Applied = std::expected<void, Refusal>;

Applied store_text(std::string& target, const IniEntry& entry) {
    auto text = parse_line(entry, max_policy_text_bytes);
    if (!text) {
        return std::unexpected(std::move(text.error()));
    }
    target = std::move(*text);
    return {};
}

template <typename Duration>
Applied store_duration(Duration& target, const IniEntry& entry, std::uint64_t least, std::uint64_t most) {
    const auto number = parse_number(entry, least, most);
    if (!number) {
        return std::unexpected(number.error());
    }
    target = Duration(static_cast<typename Duration::rep>(*number));
    return {};
}

Applied add_virtual_device(Policy& policy, const IniEntry& entry) {
    auto name = parse_line(entry, wire::max_device_name_bytes);
    if (!name) {
        return std::unexpected(std::move(name.error()));
    }
    if (policy.allow_virtual.size() == max_allow_virtual) {
        return std::unexpected(entry.refuse("expected at most " + std::to_string(max_allow_virtual) + " devices"));
    }
    if (std::ranges::find(policy.allow_virtual, *name) != policy.allow_virtual.end()) {
        return std::unexpected(entry.refuse("repeated, expected each device once"));
    }
    policy.allow_virtual.push_back(std::move(*name));
    return {};
}

/// libsodium refuses to compute with keys of small order: whatever was sealed to one could be opened by anybody.
bool is_usable_recipient(const wire::PublicKey& key) {
    const wire::SymmetricKey probe = wire::random_key();
    wire::SymmetricKey shared;
    return crypto_scalarmult(shared.data(), probe.data(), key.data()) == 0;
}

Applied add_recipient(Policy& policy, const IniEntry& entry) {
    if (entry.key.size() > 64) {
        return std::unexpected(entry.refuse("expected a name of at most 64 characters"));
    }
    Recipient recipient{entry.key, {}};
    if (!from_hex_exactly(entry.value, recipient.key)) {
        return std::unexpected(entry.refuse("expected an X25519 public key as 64 hexadecimal digits"));
    }
    if (!is_usable_recipient(recipient.key)) {
        return std::unexpected(entry.refuse("expected an X25519 public key that is not of low order"));
    }
    for (const Recipient& other : policy.recipients) {
        if (other.name == recipient.name) {
            return std::unexpected(entry.refuse("repeated, expected each recipient once"));
        }
        if (other.key == recipient.key) {
            return std::unexpected(entry.refuse("expected a key of its own, this is that of " + other.name));
        }
    }
    if (policy.recipients.size() == wire::max_recipients) {
        return std::unexpected(
            entry.refuse("expected at most " + std::to_string(wire::max_recipients) + " recipients"));
    }
    policy.recipients.push_back(std::move(recipient));
    return {};
}

Applied apply(Policy& policy, const IniEntry& entry) {
    if (entry.key == "Controller") {
        return store_text(policy.controller, entry);
    }
    if (entry.key == "Contact") {
        return store_text(policy.contact, entry);
    }
    if (entry.key == "Purpose") {
        return store_text(policy.purpose, entry);
    }
    if (entry.key == "LawfulBasis") {
        return store_text(policy.lawful_basis, entry);
    }
    if (entry.key == "Retention") {
        return store_text(policy.retention, entry);
    }
    if (entry.key == "BatchSeconds") {
        return store_duration(policy.batch_interval, entry, 1, 60);
    }
    if (entry.key == "ConsentDays") {
        return store_duration(policy.consent_duration, entry, 1, 365);
    }
    if (entry.key == "AllowVirtual") {
        return add_virtual_device(policy, entry);
    }
    return std::unexpected(entry.refuse("unknown key, expected Controller, Contact, Purpose, LawfulBasis, Retention, "
                                        "BatchSeconds, ConsentDays or AllowVirtual"));
}

Applied apply_all(Policy& policy, const std::vector<IniEntry>& entries) {
    OncePerFile once;
    for (const IniEntry& entry : entries) {
        Applied applied;
        if (entry.section == "Recipients") {
            applied = add_recipient(policy, entry);
        } else if (entry.section != "Policy") {
            applied = std::unexpected(entry.refuse("unknown section, expected [Policy] or [Recipients]"));
        } else {
            if (entry.key != "AllowVirtual") {
                applied = once.see(entry);
            }
            if (applied) {
                applied = apply(policy, entry);
            }
        }
        if (!applied) {
            return applied;
        }
    }
    return {};
}

bool is_readable_notice(std::string_view notice) {
    const auto good = [](char c) { return static_cast<unsigned char>(c) >= 0x20 ? c != 0x7f : c == '\n' || c == '\t'; };
    const bool blank = std::ranges::all_of(notice, [](char c) { return c == ' ' || c == '\n' || c == '\t'; });
    return !blank && notice.size() <= max_notice_bytes && is_utf8(notice) && std::ranges::all_of(notice, good);
}

} // namespace

std::string present(const Policy& policy) {
    std::string text = policy.notice;
    text += text.ends_with('\n') ? "\n" : "\n\n";
    const auto add = [&text](std::string_view name, const std::string& value) {
        if (!value.empty()) {
            text += std::string(name) + ": " + value + "\n";
        }
    };
    add("Controller", policy.controller);
    add("Contact", policy.contact);
    add("Purpose", policy.purpose);
    add("Lawful basis", policy.lawful_basis);
    add("Retention", policy.retention.empty() ? std::string("not stated") : policy.retention);
    add("A consent lasts at most", std::to_string(policy.consent_duration.count()) + " days");
    for (const std::string& device : policy.allow_virtual) {
        add("Virtual device that is recorded too", device);
    }
    for (const Recipient& recipient : policy.recipients) {
        add("Can open what is recorded", recipient.name + " (" + to_hex(recipient.key) + ")");
    }
    return text;
}

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
    if (auto applied = apply_all(policy, entries); !applied) {
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
    const std::filesystem::path path = directory / "policy.conf";
    std::error_code error;
    if (!std::filesystem::exists(path, error)) {
        return std::unexpected(
            Refusal{path.string() + ": " + (error ? error.message() : std::string("missing, expected a policy"))});
    }
    const auto entries = read_ini_with_drop_ins(path);
    if (!entries) {
        return std::unexpected(entries.error());
    }
    auto notice = read_text(directory / "notice.txt", max_notice_bytes);
    if (!notice) {
        return std::unexpected(std::move(notice.error()));
    }
    return make_policy(*entries, std::move(*notice), path.string());
}

} // namespace candor::consent
