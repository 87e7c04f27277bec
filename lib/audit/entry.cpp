// SPDX-License-Identifier: Apache-2.0
#include "audit/entry.h"

#include "base/file.h"
#include "base/hex.h"
#include "base/printable.h"

#include <nlohmann/json.hpp>
#include <sodium.h>

#include <algorithm>
#include <array>
#include <limits>

// A line is this program's own JSON: keys in the order below, no blanks, "hash" last. The hash is SHA-256 of the context
// and the line without `,"hash":"…"`; "previous" is the hash of the entry before, zeros in the first. Reading writes the
// line again and compares bytes, so that no change goes unseen, not even one that means the same.
namespace candor::audit {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view hash_context = "candor audit entry 1";
static_assert(crypto_hash_sha256_BYTES == sizeof(wire::Hash32));

/// In the order of Act.
constexpr auto act_names =
    std::to_array<std::string_view>({"started",        "stopped",     "granted",     "revoked",
                                     "erasure-asked",  "gate-opened", "gate-closed", "policy-loaded",
                                     "policy-refused", "inhibited",   "released",    "paused",
                                     "resumed",        "enabled",     "disabled",    "context-registered",
                                     "context-lost",   "denied",      "repaired",    "stream-ended",
                                     "keys-destroyed", "erased",      "data-read",   "data-deleted"});
static_assert(act_names.size() == static_cast<std::size_t>(Act::data_deleted) + 1);

std::optional<Act> parse_act(std::string_view name) {
    const auto* found = std::ranges::find(act_names, name);
    if (found == act_names.end()) {
        return std::nullopt;
    }
    return static_cast<Act>(found - act_names.begin());
}

Json json_of(const std::optional<std::uint32_t>& uid) { return uid ? Json(*uid) : Json(nullptr); }

std::string without_hash(const Entry& entry, const wire::Hash32& previous) {
    const Json json{{"number", entry.number},
                    {"time", entry.time},
                    {"act", act_name(entry.act)},
                    {"uid", json_of(entry.uid)},
                    {"subject", json_of(entry.subject)},
                    {"detail", entry.detail},
                    {"previous", to_hex(previous)}};
    return json.dump();
}

std::string with_hash(std::string line, const wire::Hash32& hash) {
    line.pop_back();
    return line + ",\"hash\":\"" + to_hex(hash) + "\"}";
}

wire::Hash32 hash_of(std::string_view text) {
    wire::Hash32 hash{};
    crypto_hash_sha256_state state;
    crypto_hash_sha256_init(&state);
    for (const std::string_view part : {hash_context, text}) {
        crypto_hash_sha256_update(&state, as_bytes(part).data(), part.size());
    }
    crypto_hash_sha256_final(&state, hash.data());
    return hash;
}

/// Cuts between characters of sound UTF-8.
void cut(std::string& text, std::size_t bytes) {
    if (text.size() > bytes) {
        while (bytes > 0 && (static_cast<unsigned char>(text[bytes]) & 0xc0u) == 0x80) {
            --bytes;
        }
        text.resize(bytes);
    }
}

// What of a wrong range gets through these is caught by comparing bytes.

const Json* field(const Json& json, const char* name) {
    const auto found = json.find(name);
    return found == json.end() ? nullptr : &*found;
}

bool read(const Json* json, std::uint64_t& number) {
    if (json == nullptr || !json->is_number_unsigned()) {
        return false;
    }
    number = json->get<std::uint64_t>();
    return true;
}

bool read(const Json* json, std::int64_t& number) {
    if (json == nullptr || !json->is_number_integer()) {
        return false;
    }
    number = json->get<std::int64_t>();
    return true;
}

bool read(const Json* json, std::optional<std::uint32_t>& uid) {
    if (json != nullptr && json->is_null()) {
        return true;
    }
    std::uint64_t number = 0;
    if (!read(json, number) || number > std::numeric_limits<std::uint32_t>::max()) {
        return false;
    }
    uid = static_cast<std::uint32_t>(number);
    return true;
}

bool read(const Json* json, std::string& text) {
    if (json == nullptr || !json->is_string()) {
        return false;
    }
    text = json->get<std::string>();
    return true;
}

bool read(const Json* json, wire::Hash32& hash) {
    std::string digits;
    return read(json, digits) && from_hex_exactly(digits, hash);
}

bool read(const Json* json, Act& act) {
    std::string name;
    if (!read(json, name)) {
        return false;
    }
    const auto known = parse_act(name);
    act = known.value_or(act);
    return known.has_value();
}

} // namespace

std::string_view act_name(Act act) noexcept { return act_names[static_cast<std::size_t>(act)]; }

bool concerns(const Entry& entry, std::uint32_t uid) noexcept {
    if (entry.uid == uid || entry.subject == uid) {
        return true;
    }
    if (entry.subject) {
        return false;
    }
    switch (entry.act) {
    case Act::started:
    case Act::stopped:
    case Act::policy_loaded:
    case Act::policy_refused:
    case Act::enabled:
    case Act::disabled:
    case Act::repaired:
    case Act::stream_ended:
        return true;
    default:
        return false;
    }
}

std::string fit_detail(std::string_view detail) {
    // Enough for whatever becomes shorter below, and a bound to what is looked at.
    const Json raw(detail.substr(0, 4 * max_detail_bytes));
    std::string text = Json::parse(raw.dump(-1, ' ', false, Json::error_handler_t::replace)).get<std::string>();
    text = printable(text);
    cut(text, max_detail_bytes);
    return text;
}

ChainedEntry chain(Entry entry, const wire::Hash32& previous) {
    const wire::Hash32 hash = hash_of(without_hash(entry, previous));
    return {std::move(entry), previous, hash};
}

std::string write_entry(const ChainedEntry& chained) {
    return with_hash(without_hash(chained.entry, chained.previous), chained.hash);
}

std::expected<ChainedEntry, Refusal> parse_entry(std::string_view line) {
    const auto refuse = [](const char* what) { return std::unexpected(Refusal{what}); };
    if (line.size() > max_entry_bytes) {
        return refuse("longer than an entry can be, expected 4096 bytes at most");
    }
    const Json json = Json::parse(line, nullptr, false);
    if (!json.is_object()) {
        return refuse("not JSON, expected an entry");
    }
    ChainedEntry chained;
    Entry& entry = chained.entry;
    const bool sound = read(field(json, "number"), entry.number) && read(field(json, "time"), entry.time) &&
                       read(field(json, "act"), entry.act) && read(field(json, "uid"), entry.uid) &&
                       read(field(json, "subject"), entry.subject) && read(field(json, "detail"), entry.detail) &&
                       read(field(json, "previous"), chained.previous) && read(field(json, "hash"), chained.hash);
    if (!sound) {
        return refuse("a field is missing or none of its values, expected an entry");
    }
    // The parser has seen to it that it is sound UTF-8.
    if (entry.number == 0 || entry.detail.size() > max_detail_bytes || entry.detail != printable(entry.detail)) {
        return refuse("a field out of range, expected a number from 1 and 1024 bytes of printable text at most");
    }
    std::string text = without_hash(entry, chained.previous);
    const bool holds = hash_of(text) == chained.hash;
    if (with_hash(std::move(text), chained.hash) != line) {
        return refuse("not as it was written");
    }
    if (!holds) {
        return refuse("changed, expected what its hash says");
    }
    return chained;
}

} // namespace candor::audit
