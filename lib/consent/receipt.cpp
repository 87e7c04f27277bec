// SPDX-License-Identifier: Apache-2.0
#include "consent/receipt.h"

#include "base/file.h"
#include "base/hex.h"
#include "consent/utc.h"
#include "consent/words.h"
#include "input/eligibility.h"

#include <nlohmann/json.hpp>

#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <stdexcept>

// A receipt is this program's own JSON: two blanks of indentation, keys in the order below, "signature" last, a
// newline. The signature covers the compact form without "signature". Reading writes the whole again and compares
// bytes, so that no change of the file goes unseen, not even one that means the same. What TS 27560 has no field for is
// "uid", "consent_version", "level" and "policy_hash" of every receipt; "device_class", one for each entry of a grant's
// "pii_information"; and "erase" of a withdrawal.
namespace candor::consent {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view schema_version = "ISO/IEC TS 27560:2023";
constexpr int max_depth = 8;
constexpr std::string_view signature_context = "candor consent receipt 1";

std::string serialise(const Json& json) { return json.dump(2) + "\n"; }

std::string sign_and_serialise(Json json, const wire::Identity& identity) {
    json["signature"] = to_hex(identity.sign(signature_context, as_bytes(json.dump())));
    return serialise(json);
}

Json event_of(std::string_view state, std::int64_t time, std::int64_t seconds) {
    return {{"event_time", format_utc(time)},
            {"validity_duration", "PT" + std::to_string(seconds) + "S"},
            {"event_type", "explicit"},
            {"event_state", state}};
}

/// The fields that every receipt has; the purposes and the parties are a grant's own.
Json header_of(const Receipt& receipt) {
    return {{"schema_version", schema_version},
            {"record_id", receipt.record_id},
            {"pii_principal_id", to_hex(receipt.subject)},
            {"consent_version", receipt.version},
            {"uid", receipt.uid},
            {"level", receipt.level},
            {"policy_hash", to_hex(receipt.policy_hash)}};
}

/// What is kept of each class of devices at the level granted.
Json information_of(const Receipt& receipt, privacy::Level level) {
    Json information = Json::array();
    for (const input::DeviceClass device : receipt.devices) {
        information.push_back(
            Json{{"pii_type", kept_words(level, device)}, {"device_class", input::class_name(device)}});
    }
    return information;
}

Json purposes_of(const Policy& policy, Json information) {
    Json recipients = Json::array();
    for (const Recipient& recipient : policy.recipients) {
        recipients.push_back(recipient.name);
    }
    Json purpose{{"purpose", policy.purpose},
                 {"lawful_basis", policy.lawful_basis},
                 {"pii_information", std::move(information)},
                 {"recipient_third_parties", std::move(recipients)},
                 {"withdrawal_method", "candorctl consent revoke"}};
    if (!policy.retention.empty()) {
        purpose["retention_period"] = policy.retention;
    }
    return Json::array({std::move(purpose)});
}

/// Nothing when they are not one or more known classes, each once.
std::optional<std::vector<input::DeviceClass>> devices_of(const Json& purposes) {
    if (purposes.size() != 1) {
        return std::nullopt;
    }
    std::vector<input::DeviceClass> devices;
    for (const Json& information : purposes.at(0).at("pii_information")) {
        const auto device = parse_device_class(information.at("device_class").get<std::string>());
        if (!device || std::ranges::find(devices, *device) != devices.end()) {
            return std::nullopt;
        }
        devices.push_back(*device);
    }
    return devices.empty() ? std::nullopt : std::optional(std::move(devices));
}

/// nlohmann's conversions throw on a wrong type; the caller catches.
Receipt receipt_of(const Json& json) {
    const auto refuse = [](const char* what) -> Receipt { throw std::runtime_error(what); };
    if (json.at("schema_version").get<std::string>() != schema_version) {
        return refuse("another schema version");
    }
    Receipt receipt;
    receipt.record_id = json.at("record_id").get<std::string>();
    receipt.version = json.at("consent_version").get<std::uint32_t>();
    receipt.uid = json.at("uid").get<std::uint32_t>();
    receipt.level = json.at("level").get<std::string>();
    const Json& event = json.at("event");
    const auto state = event.at("event_state").get<std::string>();
    const auto time = parse_utc(event.at("event_time").get<std::string>());
    const auto duration = event.at("validity_duration").get<std::string>();
    std::int64_t seconds = -1;
    if (duration.starts_with("PT") && duration.ends_with("S")) {
        std::from_chars(duration.data() + 2, duration.data() + duration.size() - 1, seconds);
    }
    const bool sound = from_hex_exactly(json.at("pii_principal_id").get<std::string>(), receipt.subject) &&
                       from_hex_exactly(json.at("policy_hash").get<std::string>(), receipt.policy_hash) && time &&
                       seconds >= 0 && seconds <= 400LL * 24 * 3600 &&
                       (state == "consent_given" || state == "consent_withdrawn");
    if (!sound) {
        return refuse("a field out of range");
    }
    receipt.withdrawn = state == "consent_withdrawn";
    if (receipt.withdrawn) {
        receipt.erase = json.at("erase").get<bool>();
    } else if (auto devices = devices_of(json.at("purposes"))) {
        receipt.devices = std::move(*devices);
    } else {
        return refuse("devices that this version does not know");
    }
    receipt.event_time = *time;
    receipt.expiry = *time + seconds;
    return receipt;
}

/// Throws when anything is wrong with it, saying what.
Receipt verified(const std::string& text, const wire::PublicKey& key) {
    // Written again with its indentation, deep nesting would grow from kilobytes to a gigabyte.
    Json json = Json::parse(text, [](int depth, Json::parse_event_t, const Json&) {
        if (depth > max_depth) {
            throw std::runtime_error("not as it was written");
        }
        return true;
    });
    const std::string digits = json.at("signature").get<std::string>();
    wire::Signature signature{};
    if (serialise(json) != text || !from_hex_exactly(digits, signature) || to_hex(signature) != digits) {
        throw std::runtime_error("not as it was written");
    }
    json.erase("signature");
    if (!wire::signature_holds(key, signature_context, as_bytes(json.dump()), signature)) {
        throw std::runtime_error("not signed by this device");
    }
    return receipt_of(json);
}

/// The classes asked for, or a sentence why not.
std::expected<std::vector<input::DeviceClass>, Refusal> allowed_devices(const Policy& policy,
                                                                        const std::vector<std::string>& names) {
    std::vector<input::DeviceClass> devices;
    for (const std::string& name : names) {
        const auto device = parse_device_class(name);
        if (!device || std::ranges::find(policy.devices, *device) == policy.devices.end()) {
            std::vector<std::string> allowed;
            for (const input::DeviceClass known : policy.devices) {
                allowed.emplace_back(input::class_name(known));
            }
            return std::unexpected(Refusal{"device class '" + name + "' is not one that the policy allows, expected " +
                                           enumerate(allowed)});
        }
        if (std::ranges::find(devices, *device) != devices.end()) {
            return std::unexpected(Refusal{"device class '" + name + "' is repeated, expected each class once"});
        }
        devices.push_back(*device);
    }
    return devices.empty() ? policy.devices : devices;
}

StoredReceipt damaged(const std::filesystem::path& path, const std::string& why) {
    return {std::nullopt, {}, path.string() + ": " + why};
}

/// VERSION of "UID.VERSION.json"; 0 for any other name.
std::uint32_t version_of(const std::string& name, std::uint32_t uid) {
    const std::string prefix = std::to_string(uid) + ".";
    constexpr std::string_view suffix = ".json";
    std::uint32_t version = 0;
    if (name.starts_with(prefix) && name.ends_with(suffix) && name.size() > prefix.size() + suffix.size()) {
        const char* end = name.data() + name.size() - suffix.size();
        const auto [stop, error] = std::from_chars(name.data() + prefix.size(), end, version);
        if (error != std::errc() || stop != end) {
            return 0;
        }
    }
    return version;
}

} // namespace

Assessment assess(const StoredReceipt& stored, const PolicyHash& policy_hash, std::int64_t now) {
    if (!stored.receipt) {
        return {stored.problem.empty() ? ConsentState::none : ConsentState::damaged, std::nullopt};
    }
    const Receipt& receipt = *stored.receipt;
    if (receipt.withdrawn) {
        return {ConsentState::withdrawn, std::nullopt};
    }
    if (receipt.policy_hash != policy_hash) {
        return {ConsentState::wrong_policy, std::nullopt};
    }
    if (!privacy::parse_level(receipt.level)) {
        return {ConsentState::level_unsupported, std::nullopt};
    }
    if (now >= receipt.expiry) {
        return {ConsentState::expired, std::nullopt};
    }
    if (now < receipt.event_time - clock_slack_seconds) {
        return {ConsentState::not_yet_valid, std::nullopt};
    }
    return {ConsentState::valid, receipt.expiry};
}

ReceiptStore::ReceiptStore(std::filesystem::path directory, const wire::Identity& identity)
    : directory_(std::move(directory)), identity_(identity) {
    if (::mkdir(directory_.c_str(), 0700) < 0 && errno != EEXIST) {
        throw_errno("create " + directory_.string());
    }
}

std::filesystem::path ReceiptStore::path_of(std::uint32_t uid) const {
    return directory_ / (std::to_string(uid) + ".json");
}

std::filesystem::path ReceiptStore::numbered(std::uint32_t uid, std::uint32_t version) const {
    return directory_ / (std::to_string(uid) + "." + std::to_string(version) + ".json");
}

StoredReceipt ReceiptStore::read(std::uint32_t uid) const {
    const std::filesystem::path path = path_of(uid);
    std::error_code error;
    if (std::filesystem::symlink_status(path, error).type() == std::filesystem::file_type::not_found) {
        return {};
    }
    auto text = read_text(path, max_receipt_bytes);
    if (!text) {
        return {std::nullopt, {}, std::move(text.error().message)};
    }
    try {
        Receipt receipt = verified(*text, identity_.public_key());
        if (receipt.uid != uid) {
            return damaged(path, "of another uid");
        }
        if (std::filesystem::exists(numbered(uid, receipt.version + 1), error)) {
            return damaged(path, "older than another receipt of this person");
        }
        return {std::move(receipt), std::move(*text), {}};
    } catch (const nlohmann::json::exception&) {
        return damaged(path, "not a receipt"); // its text would quote the file
    } catch (const std::runtime_error& what) {
        return damaged(path, what.what());
    }
}

std::expected<StoredReceipt, Refusal> ReceiptStore::grant(const Policy& policy, const GrantRequest& request) {
    const auto level = privacy::parse_level(request.level);
    if (!level || *level > policy.level) {
        return std::unexpected(Refusal{"level '" + request.level + "' is not one that the policy allows, expected " +
                                       enumerate(levels_up_to(policy.level))});
    }
    auto devices = allowed_devices(policy, request.devices);
    if (!devices) {
        return std::unexpected(std::move(devices.error()));
    }
    const std::int64_t latest = request.now + std::chrono::seconds(policy.consent_duration).count();
    const std::int64_t expiry = request.expiry == 0 ? latest : request.expiry;
    if (expiry <= request.now) {
        return std::unexpected(Refusal{"the end of the consent lies in the past"});
    }
    if (expiry > latest) {
        return std::unexpected(Refusal{"the policy allows consent for " +
                                       std::to_string(policy.consent_duration.count()) + " days at most, until " +
                                       format_utc(latest)});
    }
    Receipt receipt;
    receipt.record_id = to_hex(wire::random_id());
    receipt.version = next_version(request.uid);
    receipt.uid = request.uid;
    receipt.subject = request.subject;
    receipt.level = request.level;
    receipt.devices = std::move(*devices);
    receipt.policy_hash = policy.hash;
    Json json = header_of(receipt);
    json["privacy_notice"] = "policy_hash names its exact text";
    json["purposes"] = purposes_of(policy, information_of(receipt, *level));
    json["party_identification"] = Json::array(
        {Json{{"party_role", "pii_controller"}, {"party_name", policy.controller}, {"party_contact", policy.contact}}});
    json["event"] = event_of("consent_given", request.now, expiry - request.now);
    return write(receipt.uid, receipt.version, sign_and_serialise(std::move(json), identity_));
}

StoredReceipt ReceiptStore::withdraw(std::uint32_t uid, const wire::Id16& subject, std::int64_t now, bool erase) {
    const StoredReceipt before = read(uid);
    Receipt receipt;
    receipt.record_id = to_hex(wire::random_id());
    receipt.version = next_version(uid);
    receipt.uid = uid;
    receipt.subject = subject;
    if (before.receipt) {
        receipt.level = before.receipt->level;
        receipt.policy_hash = before.receipt->policy_hash;
    }
    Json json = header_of(receipt);
    json["erase"] = erase;
    json["event"] = event_of("consent_withdrawn", now, 0);
    return write(uid, receipt.version, sign_and_serialise(std::move(json), identity_));
}

std::uint32_t ReceiptStore::next_version(std::uint32_t uid) const {
    std::uint32_t latest = 0;
    if (const auto current = read(uid); current.receipt) {
        latest = current.receipt->version;
    }
    // A damaged receipt says nothing; the numbered copies do.
    for (const auto& entry : std::filesystem::directory_iterator(directory_)) {
        latest = std::max(latest, version_of(entry.path().filename().string(), uid));
    }
    return latest + 1;
}

StoredReceipt ReceiptStore::write(std::uint32_t uid, std::uint32_t version, const std::string& json) {
    // The copy first: a crash between the two leaves a receipt that is older than a copy, which closes.
    write_file_atomically(numbered(uid, version), as_bytes(json), 0600);
    write_file_atomically(path_of(uid), as_bytes(json), 0600);
    std::vector<std::filesystem::path> outdated;
    for (const auto& entry : std::filesystem::directory_iterator(directory_)) {
        const std::uint32_t old = version_of(entry.path().filename().string(), uid);
        if (old != 0 && old + max_receipt_history <= version) {
            outdated.push_back(entry.path());
        }
    }
    for (const auto& path : outdated) {
        std::error_code ignored; // one copy too many does no harm
        std::filesystem::remove(path, ignored);
    }
    return read(uid);
}

} // namespace candor::consent
