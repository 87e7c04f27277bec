// SPDX-License-Identifier: Apache-2.0
#include "base/hex.h"
#include "consent/policy.h"
#include "consent/words.h"

// What holds by default is told like what was set: the person decides on what happens, not on what a file says.
namespace candor::consent {
namespace {

std::string or_not_stated(const std::string& text) { return text.empty() ? "not stated" : text; }

std::string devices_of(const Policy& policy) {
    std::vector<std::string> words;
    for (const input::DeviceClass device : policy.devices) {
        words.emplace_back(class_words(device));
    }
    return enumerate(words, "and");
}

std::string quarantine_of(const Policy& policy) {
    return counted(policy.quarantine.count(), "second") +
           "; what is still waiting when recording stops or is held off, as by a password prompt, is thrown away";
}

std::string indicators_of(const Policy& policy) {
    if (policy.indicators.light && policy.indicators.context) {
        return "the keyboard's Scroll Lock light and the sign on the screen; without both of them nothing is recorded";
    }
    if (policy.indicators.light) {
        return "the keyboard's Scroll Lock light; without it nothing is recorded";
    }
    if (policy.indicators.context) {
        return "the sign on the screen; without it nothing is recorded. The keyboard's Scroll Lock light is lit where "
               "there is "
               "one";
    }
    return "none is required. Recording goes on where nothing lights up and nothing is shown: \"candorctl status\" is "
           "then the only indication";
}

std::string pause_of(const Policy& policy) {
    return "\"candorctl pause\", or hold " + chord_words(policy.panic_keys) + " for " +
           counted(policy.panic_hold.count(), "second") + ": nothing is recorded for " +
           counted(policy.panic_pause.count(), "minute") + " then";
}

} // namespace

std::string present(const Policy& policy) {
    std::string text = policy.notice;
    text += text.ends_with('\n') ? "\n" : "\n\n";
    const auto add = [&text](std::string_view name, const std::string& value) {
        text += std::string(name) + ": " + value + "\n";
    };
    add("Controller", policy.controller);
    add("Contact", policy.contact);
    add("Purpose", policy.purpose);
    add("Lawful basis", policy.lawful_basis);
    add("Impact assessment (DPIA)",
        policy.dpia.empty() ? "none is named, and nothing is recorded until one is" : policy.dpia);
    add("In use at", or_not_stated(policy.sites));
    add("Retention", or_not_stated(policy.retention));
    add("Highest level that you can choose",
        std::string(privacy::level_name(policy.level)) + " (" + std::string(level_words(policy.level)) + ")");
    add("Devices that you can allow", devices_of(policy));
    if (policy.schedule.windows.empty()) {
        add("Hours", "at any time of any day");
    }
    for (const Schedule::Window& window : policy.schedule.windows) {
        add("Hours", format_window(window) + ", this computer's local time");
    }
    add("Waits before it is kept", quarantine_of(policy));
    add("Encrypted and handed on", "every " + counted(policy.batch_interval.count(), "second"));
    add("Stays on this computer",
        policy.embargo.count() == 0
            ? "until it can be sent on, which may be at once"
            : "for " + counted(policy.embargo.count(), "minute") + " at least, where you can look at it and delete it");
    add("A new key of yours", "every " + counted(std::chrono::days(policy.epoch).count(), "day"));
    add("A consent lasts at most", counted(std::chrono::days(policy.consent_duration).count(), "day"));
    add("Shows that recording is on", indicators_of(policy));
    add("To pause", pause_of(policy));
    for (const std::string& device : policy.allow_virtual) {
        add("Virtual device that is recorded too", device);
    }
    for (const Recipient& recipient : policy.recipients) {
        add("Can open what is recorded", recipient.name + " (" + to_hex(recipient.key) + ")");
    }
    if (policy.recipients.empty()) {
        add("Can open what is recorded", "nobody is named, and nothing is recorded until somebody is");
    }
    return text;
}

} // namespace candor::consent
