// SPDX-License-Identifier: Apache-2.0
#include "fuzz/fuzz.h"

#include "consent/policy.h"
#include "consent/settings.h"
#include "wire/wire_limits.h"

#include <algorithm>

// The input is policy.conf, a byte 0, and the notice.
using namespace candor;
using test::require;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    const std::size_t cut = input.find('\0');
    const std::string notice(cut == std::string_view::npos ? "notice" : input.substr(cut + 1));
    const auto entries = parse_ini(input.substr(0, cut), "policy.conf");
    if (!entries) {
        require(entries.error().message.starts_with("policy.conf:"), "a refusal names the file");
        return 0;
    }

    std::string text;
    for (const IniEntry& entry : *entries) {
        text += "[" + entry.section + "]\n" + entry.key + "=" + entry.value + "\n";
    }
    if (text.size() <= max_config_bytes) {
        const auto again = parse_ini(text, "policy.conf");
        require(again.has_value() && std::ranges::equal(*again, *entries,
                                                        [](const IniEntry& a, const IniEntry& b) {
                                                            return a.section == b.section && a.key == b.key &&
                                                                   a.value == b.value;
                                                        }),
                "what was read can be written");
    }

    static_cast<void>(consent::make_daemon_settings(*entries));
    static_cast<void>(consent::make_shipper_settings(*entries));
    const auto policy = consent::make_policy(*entries, notice, "policy.conf");
    if (!policy) {
        require(!policy.error().message.empty(), "a refusal says why");
        return 0;
    }
    require(!policy->controller.empty() && !policy->contact.empty() && !policy->purpose.empty(),
            "a policy says who, where to ask, and what for");
    require(policy->consent_duration >= std::chrono::days(1) && policy->consent_duration <= std::chrono::days(365),
            "a consent ends");
    require(policy->embargo >= std::chrono::minutes(0) && policy->embargo <= std::chrono::days(7), "an embargo ends");
    require(policy->epoch >= std::chrono::days(1) && policy->epoch <= std::chrono::days(365), "an epoch ends");
    require(!policy->devices.empty() && policy->devices.size() <= consent::all_device_classes().size(),
            "a policy is for devices");
    require(policy->level != privacy::Level::full || policy->quarantine >= consent::least_full_quarantine,
            "what is kept in full has waited");
    require(policy->panic_keys.size() >= 2 && policy->panic_keys.size() <= 5, "a chord can be held");
    require(policy->schedule.windows.size() <= consent::max_schedule_windows, "a schedule keeps its limit");
    for (const consent::Schedule::Window& window : policy->schedule.windows) {
        require(consent::parse_window(consent::format_window(window)) == window, "a window is shown as it is");
    }
    require(policy->recipients.size() <= wire::max_recipients, "a policy keeps the limit of recipients");
    require(policy->hash == consent::policy_hash(*entries, notice), "the hash is that of the whole");
    const std::string shown = consent::present(*policy);
    require(shown.starts_with(notice) && shown.find(policy->purpose) != std::string::npos,
            "the person is shown the notice and the purpose");
    return 0;
}
