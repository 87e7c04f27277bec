// SPDX-License-Identifier: Apache-2.0
#include "receipt_report.h"

#include "base/printable.h"
#include "consent/utc.h"
#include "text.h"
#include "when.h"

#include <charconv>
#include <string_view>
#include <utility>

namespace candor::ctl {
namespace {

const Json* find(const Json& json, const char* pointer) {
    const auto at = Json::json_pointer(pointer);
    return json.contains(at) ? &json.at(at) : nullptr;
}

/// A string of the receipt; empty when there is none.
std::string raw(const Json& json, const char* pointer) {
    const Json* value = find(json, pointer);
    return value != nullptr && value->is_string() ? value->get<std::string>() : std::string();
}

std::string field(const Json& json, const char* pointer) { return printable(raw(json, pointer)); }

/// The strings of an array, or the member `name` of each of its objects.
std::string list(const Json& json, const char* pointer, const char* name) {
    std::string text;
    const Json* values = find(json, pointer);
    if (values == nullptr || !values->is_array()) {
        return text;
    }
    for (const Json& value : *values) {
        const Json& item = value.is_object() && value.contains(name) ? value.at(name) : value;
        if (item.is_string()) {
            text += (text.empty() ? "" : ", ") + printable(item.get<std::string>());
        }
    }
    return text;
}

std::optional<std::int64_t> end_of(const Json& json) {
    const auto start = consent::parse_utc(raw(json, "/event/event_time"));
    const std::string duration = raw(json, "/event/validity_duration");
    if (!start || !duration.starts_with("PT") || !duration.ends_with("S")) {
        return std::nullopt;
    }
    std::int64_t seconds = 0;
    const char* last = duration.data() + duration.size() - 1;
    const auto [end, error] = std::from_chars(duration.data() + 2, last, seconds);
    constexpr std::int64_t longest = 1'000'000'000'000; // no overflow: beyond the calendar anyway
    return error == std::errc{} && end == last && seconds >= 0 && seconds < longest ? std::optional(*start + seconds)
                                                                                    : std::nullopt;
}

bool is_withdrawal(const Json& json) { return raw(json, "/event/event_state") == "consent_withdrawn"; }

std::string time_field(const Json& json, const char* pointer) {
    const auto time = consent::parse_utc(raw(json, pointer));
    return time ? local_time(*time) : field(json, pointer);
}

} // namespace

std::optional<Terms> terms_of(const std::string& receipt_json) {
    const Json json = Json::parse(receipt_json, nullptr, false);
    if (!json.is_object() || is_withdrawal(json)) {
        return std::nullopt;
    }
    const auto until = end_of(json);
    return until ? std::optional(Terms{raw(json, "/level"), *until}) : std::nullopt;
}

std::string receipt_text(const OwnReceipt& receipt) {
    std::string text = line("Consent", printable(receipt.state));
    const Json json = Json::parse(receipt.json, nullptr, false);
    if (!json.is_object()) {
        return text;
    }
    const auto add = [&text](std::string_view name, const std::string& value) {
        if (!value.empty()) {
            text += line(name, value);
        }
    };
    if (is_withdrawal(json)) {
        const Json* erase = find(json, "/erase");
        add("Withdrawn", time_field(json, "/event/event_time"));
        add("Erasure", erase != nullptr && *erase == true ? "asked for" : "not asked for");
    } else {
        const auto until = end_of(json);
        add("Given", time_field(json, "/event/event_time"));
        add("Until", until ? local_time(*until) : std::string());
    }
    add("Level", field(json, "/level"));
    add("Devices", list(json, "/purposes/0/pii_information", "device_class"));
    add("Controller", field(json, "/party_identification/0/party_name"));
    add("Contact", field(json, "/party_identification/0/party_contact"));
    add("Purpose", field(json, "/purposes/0/purpose"));
    add("Recipients", list(json, "/purposes/0/recipient_third_parties", "name"));
    add("Retention", field(json, "/purposes/0/retention_period"));
    add("Policy", field(json, "/policy_hash"));
    add("Record", field(json, "/record_id"));
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
