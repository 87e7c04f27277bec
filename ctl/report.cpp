// SPDX-License-Identifier: Apache-2.0
#include "report.h"

#include "base/printable.h"
#include "consent/words.h"
#include "text.h"
#include "when.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace candor::ctl {
namespace {

struct Advice {
    std::string_view reason;
    std::string_view text;
    bool broken = false; ///< somebody has to repair something; the others are as somebody wants it
};

constexpr Advice advices[] = {
    {"disabled", "see Enabled= in /etc/candor/candord.conf, and journalctl -u candord"},
    {"switched-off", "the administrator allows it again with: candorctl enable"},
    {"audit-failed", "the administrator makes room on the disk, or looks into it: candorctl audit verify", true},
    {"policy-refused",
     "the administrator corrects it (candorctl policy check /etc/candor/policy.conf), then: candorctl policy reload",
     true},
    {"no-recipients",
     "the administrator names one in [Recipients] of /etc/candor/policy.conf, then: candorctl policy reload", true},
    {"no-dpia", "the administrator names it with DPIA= in /etc/candor/policy.conf, then: candorctl policy reload",
     true},
    {"outside-schedule", "nothing to do: it continues within the hours that candorctl notice names"},
    {"indicator-failed",
     "connect a keyboard with a Scroll Lock light, or start the context helper in the session: see Indicators below",
     true},
    {"asleep", "nothing to do: it continues when the computer is awake"},
    {"inhibited", "nothing to do: it continues when who holds it off lets go"},
    {"logind-unreachable", "see systemctl status systemd-logind", true},
    {"no-session", "log in at the computer itself"},
    {"session-class", "nothing to do: only a person's own session is recorded"},
    {"session-inactive", "nothing to do: it continues when the session is in the foreground"},
    {"session-remote", "nothing to do: remote sessions are never recorded"},
    {"session-locked", "nothing to do: it continues when the session is unlocked"},
    {"consent-none", "if you agree, after reading the notice: candorctl consent grant"},
    {"consent-withdrawn", "nothing to do; if you change your mind: candorctl consent grant"},
    {"consent-expired", "if you still agree: candorctl consent grant"},
    {"consent-not-yet-valid", "set the computer's clock; see timedatectl", true},
    {"consent-wrong-policy", "read the new notice; if you agree to it: candorctl consent grant"},
    {"consent-damaged", "if you still agree: candorctl consent grant", true},
    {"consent-level-unsupported", "if you agree to a level that is recorded: candorctl consent grant"},
    {"keys-damaged", "the administrator finds which, and why: journalctl -u candord", true},
    {"paused", "to go on before that: candorctl resume"},
};

const Advice* find_advice(std::string_view reason) {
    const auto* found = std::ranges::find(advices, reason, &Advice::reason);
    return found == std::end(advices) ? nullptr : found;
}

std::size_t captured_count(const Status& status) {
    return static_cast<std::size_t>(std::ranges::count_if(status.devices, &Device::captured));
}

/// Green while recording, red when something is broken, else yellow: somebody wants it so.
Tone tone_of(const Status& status) {
    if (status.recording()) {
        return Tone::good;
    }
    const bool broken = std::ranges::any_of(status.reasons, [](const Reason& reason) {
        const Advice* known = find_advice(reason.name);
        return known == nullptr || known->broken;
    });
    return broken ? Tone::bad : Tone::caution;
}

std::string level_in_force(const Status& status, const std::optional<OwnConsent>& own) {
    std::string text = printable(status.level);
    if (own && own->level != status.level) {
        text += fmt::format(" (you consented to {}: {})", printable(own->level),
                            own->context_alive ? "the context helper does not know that no secret is typed"
                                               : "that needs the context helper, which is not running");
    }
    return text;
}

std::string devices_line(const Status& status) {
    std::string text = fmt::format("{} of {} captured", captured_count(status), status.devices.size());
    std::string_view before = ": ";
    for (const Device& device : status.devices) {
        if (device.captured) {
            text += fmt::format("{}{} ({})", before, printable(device.name), printable(device.device_class));
            before = ", ";
        }
    }
    return text;
}

std::uint64_t spool_figure(const Status& status, const char* name) {
    const auto found = status.spool.find(name);
    return found != status.spool.end() ? found->second : 0;
}

std::string spool_text(const Status& status, std::int64_t now) {
    if (status.spool.empty()) {
        return {};
    }
    const std::uint64_t waiting = spool_figure(status, "SegmentsWaiting");
    const auto oldest = static_cast<std::int64_t>(spool_figure(status, "OldestWaiting"));
    std::string text = waiting == 0 ? std::string("nothing waits")
                                    : consent::counted(static_cast<std::int64_t>(waiting), "segment") +
                                          (waiting == 1 ? " waits" : " wait");
    if (waiting != 0 && oldest != 0) {
        text += fmt::format(" ({}from {})", waiting == 1 ? "" : "oldest ", local_minute(oldest, now));
    }
    return text + fmt::format(", spool {} of {}", size_text(spool_figure(status, "SpoolBytes")),
                              size_text(spool_figure(status, "SpoolBound")));
}

std::string shipping_line(const Status& status, std::int64_t now, const Style& style) {
    struct State {
        std::string_view name;
        std::string_view words;
        Tone tone;
    };
    constexpr State states[] = {
        {"stalled", "alive but not shipping", Tone::caution},
        {"refusing", "refusing what is recorded", Tone::bad},
        {"disconnected", "no shipper: what is recorded waits in memory", Tone::bad},
    };
    const std::string spool = spool_text(status, now);
    if (status.shipping.state == "shipping") {
        return line("Shipping", spool.empty() ? "ok" : "ok, " + spool);
    }
    const auto* known = std::ranges::find(states, status.shipping.state, &State::name);
    std::string text = known != std::end(states) ? std::string(known->words) : printable(status.shipping.state);
    if (!status.shipping.problem.empty()) {
        text += (known != std::end(states) && known->words.find(':') != std::string_view::npos ? ", " : ": ") +
                printable(status.shipping.problem);
    }
    std::string all = line("Shipping", spool.empty() ? text : text + "; " + spool);
    all.pop_back();
    return style(known != std::end(states) ? known->tone : Tone::bad, all) + "\n";
}

std::string counters_text(const Status& status, const Style& style) {
    std::size_t width = 0;
    for (const auto& [name, value] : status.counters) {
        width = std::max(width, printable(name).size());
    }
    std::string text = style(Tone::heading, "Counters:") + "\n";
    for (const auto& [name, value] : status.counters) {
        text += fmt::format("  {:<{}}  {}\n", printable(name), width, value);
    }
    return text;
}

/// What to run where the keys are kept. A name that a shell would take apart is left to the administrator.
std::string enroll_command(const std::string& identity, const std::string& host) {
    const bool plain = !host.empty() && host.front() != '-' && std::ranges::all_of(host, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
               c == '_';
    });
    return fmt::format("candor-refine enroll --name {} {}", plain ? host : "NAME", identity);
}

Json time_or_null(std::int64_t seconds) { return seconds == 0 ? Json(nullptr) : Json(utc_time(seconds)); }

} // namespace

std::string_view advice(std::string_view reason_name) {
    const Advice* known = find_advice(reason_name);
    return known != nullptr ? known->text : std::string_view();
}

std::string status_text(const Status& status, const std::optional<OwnConsent>& own, std::int64_t now,
                        const Style& style) {
    std::string first = line("Recording", status.recording() ? "yes" : "no");
    first.pop_back();
    std::string text = style(tone_of(status), first) + "\n";
    for (const Reason& reason : status.reasons) {
        text += fmt::format("  {} ({})\n", printable(reason.text), printable(reason.name));
        if (const auto what = advice(reason.name); !what.empty()) {
            text += fmt::format("    {}\n", what);
        }
    }
    if (status.recording()) {
        text += line("Level", level_in_force(status, own));
    }
    text += line("Consent", status.consent_until == 0 ? "none" : "until " + local_time(status.consent_until));
    if (status.paused_until != 0) {
        text += line("Paused", "until " + local_time(status.paused_until));
    }
    for (const Inhibitor& inhibitor : status.inhibitors) {
        text += line("Held off", fmt::format("by {}: {} ({})", printable(inhibitor.who), printable(inhibitor.why),
                                             user_name(inhibitor.uid)));
    }
    for (const Indicator& indicator : status.indicators) {
        text += line("Indicator", fmt::format("{}, {}, {}: {}", printable(indicator.name),
                                              indicator.required ? "required" : "not required",
                                              indicator.works ? "works" : "does not work", printable(indicator.text)));
    }
    text += line("Allowed", status.enabled ? "yes" : "no, the administrator has switched recording off");
    text += line("Devices", devices_line(status));
    text += shipping_line(status, now, style);
    text += line("Policy", status.policy_hash.empty() ? "refused" : printable(status.policy_hash));
    return status.counters.empty() ? text : text + counters_text(status, style);
}

std::string status_json(const Status& status, const std::optional<OwnConsent>& own) {
    Json reasons = Json::array();
    for (const Reason& reason : status.reasons) {
        reasons.push_back({{"name", reason.name}, {"text", reason.text}, {"advice", advice(reason.name)}});
    }
    Json inhibitors = Json::array();
    for (const Inhibitor& inhibitor : status.inhibitors) {
        inhibitors.push_back({{"who", inhibitor.who}, {"why", inhibitor.why}, {"uid", inhibitor.uid}});
    }
    Json indicators = Json::array();
    for (const Indicator& indicator : status.indicators) {
        indicators.push_back({{"name", indicator.name},
                              {"required", indicator.required},
                              {"works", indicator.works},
                              {"text", indicator.text}});
    }
    Json counters = Json::object();
    for (const auto& [name, value] : status.counters) {
        counters[name] = value;
    }
    Json spool = Json::object();
    for (const auto& [name, value] : status.spool) {
        spool[name] = value;
    }
    Json gaps = Json::object();
    for (const auto& [reason, lost] : status.gaps) {
        gaps[reason] = {{"events", lost.events}, {"holes", lost.holes}};
    }
    return dump({{"recording", status.recording()},
                 {"state", status.state},
                 {"level", status.level},
                 {"consented_level", own ? Json(own->level) : Json(nullptr)},
                 {"reasons", std::move(reasons)},
                 {"consent_until", time_or_null(status.consent_until)},
                 {"paused_until", time_or_null(status.paused_until)},
                 {"inhibitors", std::move(inhibitors)},
                 {"indicators", std::move(indicators)},
                 {"enabled", status.enabled},
                 {"devices", {{"captured", captured_count(status)}, {"known", status.devices.size()}}},
                 {"shipper_connected", status.shipper_connected},
                 {"shipping", {{"state", status.shipping.state}, {"problem", status.shipping.problem}}},
                 {"spool", std::move(spool)},
                 {"gaps", std::move(gaps)},
                 {"identity", status.identity},
                 {"policy_hash", status.policy_hash},
                 {"counters", std::move(counters)}});
}

std::string devices_text(const Status& status, const Style& style) {
    std::vector<std::vector<std::string>> rows{{"NODE", "NAME", "CLASS", "CAPTURED", "RULE"}};
    for (const Device& device : status.devices) {
        rows.push_back({printable(device.node), printable(device.name), printable(device.device_class),
                        device.captured ? "yes" : "no", printable(device.rule)});
    }
    return table(rows, style);
}

std::string identity_text(const std::string& identity, const std::string& host) {
    const std::string key = printable(identity);
    return line("Identity", key) + "To accept what this computer records, where the keys are kept:\n  " +
           enroll_command(key, host) + "\n";
}

std::string identity_json(const std::string& identity, const std::string& host) {
    return dump({{"identity", identity}, {"host", host}, {"enroll", enroll_command(identity, host)}});
}

std::string devices_json(const Status& status) {
    Json json = Json::array();
    for (const Device& device : status.devices) {
        json.push_back({{"node", device.node},
                        {"name", device.name},
                        {"class", device.device_class},
                        {"captured", device.captured},
                        {"rule", device.rule}});
    }
    return dump(json);
}

} // namespace candor::ctl
