// SPDX-License-Identifier: Apache-2.0
#include "report.h"

#include "base/printable.h"
#include "consent/utc.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace candor::ctl {
namespace {

using Json = nlohmann::ordered_json;

std::string dump(const Json& json) {
    // Names from hardware need not be UTF-8.
    return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::size_t captured_count(const Status& status) {
    return static_cast<std::size_t>(std::ranges::count_if(status.devices, &Device::captured));
}

/// An answer may hold any number; only those of the calendar are dates.
std::string date(std::int64_t seconds) {
    return seconds < 0 || seconds >= 253'402'300'800 ? std::to_string(seconds) : consent::format_utc(seconds);
}

constexpr std::pair<std::string_view, std::string_view> advices[] = {
    {"disabled", "see Enabled= in /etc/candor/candord.conf, and journalctl -u candord"},
    {"policy-refused", "the administrator corrects /etc/candor/policy.conf and notice.txt: systemctl restart candord"},
    {"no-recipients", "the administrator names one in [Recipients] of /etc/candor/policy.conf"},
    {"logind-unreachable", "see systemctl status systemd-logind"},
    {"no-session", "log in at the computer itself"},
    {"session-class", "nothing to do: only a person's own session is recorded"},
    {"session-inactive", "nothing to do: it continues when the session is in the foreground"},
    {"session-remote", "nothing to do: remote sessions are never recorded"},
    {"session-locked", "nothing to do: it continues when the session is unlocked"},
    {"consent-none", "if you agree, after reading the notice: candorctl consent grant"},
    {"consent-withdrawn", "nothing to do; if you change your mind: candorctl consent grant"},
    {"consent-expired", "if you still agree: candorctl consent grant"},
    {"consent-not-yet-valid", "set the computer's clock; see timedatectl"},
    {"consent-wrong-policy", "read the new notice; if you agree to it: candorctl consent grant"},
    {"consent-damaged", "if you still agree: candorctl consent grant"},
    {"consent-level-unsupported", "if you agree to a level that is recorded: candorctl consent grant"},
};

std::string field(const Json& json, const char* pointer) {
    const auto at = Json::json_pointer(pointer);
    return json.contains(at) && json.at(at).is_string() ? printable(json.at(at).get<std::string>()) : std::string();
}

} // namespace

std::string_view advice(std::string_view reason_name) {
    for (const auto& [name, text] : advices) {
        if (name == reason_name) {
            return text;
        }
    }
    return {};
}

std::string status_text(const Status& status) {
    std::string text = fmt::format("Recording: {}\n", status.recording() ? "yes" : "no");
    for (const Reason& reason : status.reasons) {
        text += fmt::format("  {} ({})\n", printable(reason.text), printable(reason.name));
        if (const auto what = advice(reason.name); !what.empty()) {
            text += fmt::format("    {}\n", what);
        }
    }
    if (status.recording()) {
        text += fmt::format("Level:     {}\n", printable(status.level));
    }
    text += fmt::format("Consent:   {}\n", status.consent_until == 0 ? "none" : "until " + date(status.consent_until));
    text += fmt::format("Devices:   {} of {} captured\n", captured_count(status), status.devices.size());
    text += fmt::format("Shipper:   {}\n", status.shipper_connected ? "connected" : "not connected");
    text += fmt::format("Policy:    {}\n", status.policy_hash.empty() ? "none" : printable(status.policy_hash));
    if (!status.counters.empty()) {
        text += "Counters:\n";
        std::size_t width = 0;
        for (const auto& [name, value] : status.counters) {
            width = std::max(width, name.size());
        }
        for (const auto& [name, value] : status.counters) {
            text += fmt::format("  {:<{}}  {}\n", printable(name), width, value);
        }
    }
    return text;
}

std::string status_json(const Status& status) {
    Json reasons = Json::array();
    for (const Reason& reason : status.reasons) {
        reasons.push_back({{"name", reason.name}, {"text", reason.text}, {"advice", advice(reason.name)}});
    }
    Json json{{"recording", status.recording()},
              {"state", status.state},
              {"level", status.level},
              {"reasons", std::move(reasons)},
              {"consent_until", nullptr},
              {"devices", {{"captured", captured_count(status)}, {"known", status.devices.size()}}},
              {"shipper_connected", status.shipper_connected},
              {"policy_hash", status.policy_hash},
              {"counters", Json::object()}};
    if (status.consent_until != 0) {
        json["consent_until"] = date(status.consent_until);
    }
    for (const auto& [name, value] : status.counters) {
        json["counters"][name] = value;
    }
    return dump(json);
}

std::string devices_text(const Status& status) {
    std::vector<std::array<std::string, 5>> rows{{"NODE", "NAME", "CLASS", "CAPTURED", "RULE"}};
    for (const Device& device : status.devices) {
        rows.push_back({printable(device.node), printable(device.name), printable(device.device_class),
                        device.captured ? "yes" : "no", printable(device.rule)});
    }
    std::array<std::size_t, 5> widths{};
    for (const auto& row : rows) {
        for (std::size_t i = 0; i < row.size(); ++i) {
            widths[i] = std::max(widths[i], row[i].size());
        }
    }
    std::string text;
    for (const auto& row : rows) {
        std::string line;
        for (std::size_t i = 0; i + 1 < row.size(); ++i) {
            line += fmt::format("{:<{}}  ", row[i], widths[i]);
        }
        text += line + row.back() + "\n";
    }
    return text;
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

std::string receipt_text(const OwnReceipt& receipt) {
    std::string text = fmt::format("Consent:    {}\n", printable(receipt.state));
    const Json json = Json::parse(receipt.json, nullptr, false);
    if (!json.is_object()) {
        return text;
    }
    const auto add = [&](std::string_view name, const std::string& value) {
        if (!value.empty()) {
            text += fmt::format("{:<11} {}\n", name, value);
        }
    };
    const std::string given = field(json, "/event/event_time");
    const std::string duration = field(json, "/event/validity_duration");
    const bool withdrawn = field(json, "/event/event_state") == "consent_withdrawn";
    add(withdrawn ? "Withdrawn:" : "Given:", given);
    const auto start = consent::parse_utc(given);
    if (!withdrawn && start && duration.starts_with("PT") && duration.ends_with("S")) {
        add("Until:", date(*start + std::strtoll(duration.c_str() + 2, nullptr, 10)));
    }
    add("Level:", field(json, "/level"));
    add("Controller:", field(json, "/party_identification/0/party_name"));
    add("Contact:", field(json, "/party_identification/0/party_contact"));
    add("Purpose:", field(json, "/purposes/0/purpose"));
    add("Retention:", field(json, "/purposes/0/retention_period"));
    add("Policy:", field(json, "/policy_hash"));
    add("Record:", field(json, "/record_id"));
    return text;
}

std::string receipt_json(const OwnReceipt& receipt) {
    Json json{{"state", receipt.state}, {"receipt", nullptr}};
    if (Json inner = Json::parse(receipt.json, nullptr, false); inner.is_object()) {
        json["receipt"] = std::move(inner);
    }
    return dump(json);
}

} // namespace candor::ctl
