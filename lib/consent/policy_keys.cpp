// SPDX-License-Identifier: Apache-2.0
#include "consent/policy_keys.h"

#include "base/hex.h"
#include "consent/values.h"
#include "consent/words.h"
#include "input/eligibility.h"
#include "wire/wire_limits.h"

#include <libevdev/libevdev.h>
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

/// Words separated by blanks, none of them empty.
std::vector<std::string_view> words_of(std::string_view text) {
    std::vector<std::string_view> words;
    while (true) {
        text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
        if (text.empty()) {
            return words;
        }
        const std::size_t end = std::min(text.find_first_of(" \t"), text.size());
        words.push_back(text.substr(0, end));
        text.remove_prefix(end);
    }
}

Applied add_recipient(Policy& policy, const IniEntry& entry) {
    if (entry.key.size() > 64) {
        return std::unexpected(entry.refuse("expected a name of at most 64 characters"));
    }
    Recipient recipient{entry.key, {}, std::nullopt};
    const auto words = words_of(entry.value);
    if (words.empty() || words.size() > 2 || !from_hex_exactly(words[0], recipient.key) ||
        (words.size() == 2 && !from_hex_exactly(words[1], recipient.signing_key.emplace()))) {
        return std::unexpected(entry.refuse("expected an X25519 public key as 64 hexadecimal digits, and perhaps the "
                                            "Ed25519 public key that signs receipts of erasure"));
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

Applied store_level(Policy& policy, const IniEntry& entry) {
    const auto level = privacy::parse_level(entry.value);
    if (!level) {
        return std::unexpected(entry.refuse("expected " + enumerate(levels_up_to(privacy::Level::full))));
    }
    policy.level = *level;
    return {};
}

Applied store_devices(Policy& policy, const IniEntry& entry) {
    std::vector<input::DeviceClass> devices;
    for (const std::string_view word : words_of(entry.value)) {
        const auto device = parse_device_class(word);
        if (!device || std::ranges::find(devices, *device) != devices.end()) {
            devices.clear();
            break;
        }
        devices.push_back(*device);
    }
    if (devices.empty()) {
        std::vector<std::string> names;
        for (const input::DeviceClass device : all_device_classes()) {
            names.emplace_back(input::class_name(device));
        }
        return std::unexpected(
            entry.refuse("expected one or more of " + enumerate(names, "and") + ", separated by blanks, each once"));
    }
    policy.devices = std::move(devices);
    return {};
}

Applied add_window(Policy& policy, const IniEntry& entry) {
    auto window = parse_window(entry.value);
    if (!window) {
        return std::unexpected(entry.refuse(window.error()));
    }
    auto& windows = policy.schedule.windows;
    if (std::ranges::find(windows, *window) != windows.end()) {
        return std::unexpected(entry.refuse("repeated, expected each window once"));
    }
    if (windows.size() == max_schedule_windows) {
        return std::unexpected(entry.refuse("expected at most " + std::to_string(max_schedule_windows) + " windows"));
    }
    windows.push_back(*window);
    return {};
}

Applied store_indicators(Policy& policy, const IniEntry& entry) {
    const auto words = words_of(entry.value);
    RequiredIndicators required{false, false};
    bool sound = !words.empty();
    for (const std::string_view word : words) {
        bool& flag = word == "light" ? required.light : required.context;
        sound = sound && (word == "light" || word == "context") && !flag;
        flag = true;
    }
    if (words.size() == 1 && words.front() == "none") {
        sound = true;
        required = {false, false};
    }
    if (!sound) {
        return std::unexpected(entry.refuse("expected light, context, both separated by a blank, or none"));
    }
    policy.indicators = required;
    return {};
}

Applied store_chord(Policy& policy, const IniEntry& entry) {
    std::vector<std::uint16_t> keys;
    for (const std::string_view word : words_of(entry.value)) {
        const std::string name(word);
        const int code = name.starts_with("KEY_") ? ::libevdev_event_code_from_name(EV_KEY, name.c_str()) : -1;
        const auto key = static_cast<std::uint16_t>(code);
        // Names for what no key sends: the first and the last number.
        if (code <= KEY_RESERVED || code >= KEY_MAX) {
            return std::unexpected(
                entry.refuse("expected kernel names of keys, such as KEY_LEFTSHIFT, not '" + name + "'"));
        }
        if (std::ranges::find(keys, key) != keys.end()) {
            return std::unexpected(entry.refuse("expected each key once, this is " + name + " again"));
        }
        keys.push_back(key);
    }
    if (keys.size() < 2 || keys.size() > 5) {
        return std::unexpected(entry.refuse("expected two to five keys, separated by blanks"));
    }
    policy.panic_keys = std::move(keys);
    return {};
}

struct Key {
    std::string_view name;
    bool adds_up; ///< may be repeated, and a later file adds to it
    Applied (*apply)(Policy&, const IniEntry&);
};

constexpr Key keys[] = {
    {"Controller", false, [](Policy& p, const IniEntry& e) { return store_text(p.controller, e); }},
    {"Contact", false, [](Policy& p, const IniEntry& e) { return store_text(p.contact, e); }},
    {"Purpose", false, [](Policy& p, const IniEntry& e) { return store_text(p.purpose, e); }},
    {"LawfulBasis", false, [](Policy& p, const IniEntry& e) { return store_text(p.lawful_basis, e); }},
    {"DPIA", false, [](Policy& p, const IniEntry& e) { return store_text(p.dpia, e); }},
    {"Sites", false, [](Policy& p, const IniEntry& e) { return store_text(p.sites, e); }},
    {"Retention", false, [](Policy& p, const IniEntry& e) { return store_text(p.retention, e); }},
    {"Level", false, store_level},
    {"Devices", false, store_devices},
    {"Schedule", true, add_window},
    {"BatchSeconds", false, [](Policy& p, const IniEntry& e) { return store_duration(p.batch_interval, e, 1, 60); }},
    {"QuarantineSeconds", false, [](Policy& p, const IniEntry& e) { return store_duration(p.quarantine, e, 1, 60); }},
    {"EmbargoMinutes", false, [](Policy& p, const IniEntry& e) { return store_duration(p.embargo, e, 0, 10080); }},
    {"EpochDays", false, [](Policy& p, const IniEntry& e) { return store_duration(p.epoch, e, 1, 365); }},
    {"ConsentDays", false, [](Policy& p, const IniEntry& e) { return store_duration(p.consent_duration, e, 1, 365); }},
    {"RequiredIndicators", false, store_indicators},
    {"PanicChord", false, store_chord},
    {"PanicSeconds", false, [](Policy& p, const IniEntry& e) { return store_duration(p.panic_hold, e, 1, 10); }},
    {"PanicPauseMinutes", false,
     [](Policy& p, const IniEntry& e) { return store_duration(p.panic_pause, e, 1, 1440); }},
    {"AllowVirtual", true, add_virtual_device},
};

Applied apply_key(Policy& policy, OncePerFile& once, const IniEntry& entry) {
    const auto* const key = std::ranges::find(keys, entry.key, &Key::name);
    if (key == std::end(keys)) {
        std::vector<std::string> names;
        for (const Key& known : keys) {
            names.emplace_back(known.name);
        }
        return std::unexpected(entry.refuse("unknown key, expected " + enumerate(names)));
    }
    if (!key->adds_up) {
        if (auto seen = once.see(entry); !seen) {
            return seen;
        }
    }
    return key->apply(policy, entry);
}

} // namespace

std::expected<void, Refusal> apply_entries(Policy& policy, const std::vector<IniEntry>& entries) {
    OncePerFile once;
    const IniEntry* waiting = nullptr; ///< what had the last word on level and quarantine
    for (const IniEntry& entry : entries) {
        Applied applied;
        if (entry.section == "Recipients") {
            applied = add_recipient(policy, entry);
        } else if (entry.section == "Policy") {
            applied = apply_key(policy, once, entry);
            waiting = entry.key == "Level" || entry.key == "QuarantineSeconds" ? &entry : waiting;
        } else {
            applied = std::unexpected(entry.refuse("unknown section, expected [Policy] or [Recipients]"));
        }
        if (!applied) {
            return applied;
        }
    }
    if (policy.level == privacy::Level::full && policy.quarantine < least_full_quarantine) {
        return std::unexpected(
            waiting->refuse("expected QuarantineSeconds of " + std::to_string(least_full_quarantine.count()) +
                            " or more with Level=full: what is typed is recognised as a secret only afterwards"));
    }
    return {};
}

} // namespace candor::consent
