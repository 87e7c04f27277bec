// SPDX-License-Identifier: Apache-2.0
#include "audit/head.h"

#include "base/file.h"
#include "base/hex.h"

#include <nlohmann/json.hpp>

// One line of JSON, keys in the order below, "signature" last, a newline. The signature covers the line without
// "signature" and without the newline. Reading writes it again and compares bytes.
namespace candor::audit {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view signature_context = "candor audit head 1";

std::string without_signature(const Head& head) {
    return Json{{"entries", head.entries}, {"bytes", head.bytes}, {"hash", to_hex(head.last)}}.dump();
}

std::string with_signature(std::string text, const wire::Signature& signature) {
    text.pop_back();
    return text + ",\"signature\":\"" + to_hex(signature) + "\"}\n";
}

} // namespace

std::string write_head(const Head& head, const wire::Identity& identity) {
    std::string text = without_signature(head);
    const wire::Signature signature = identity.sign(signature_context, as_bytes(text));
    return with_signature(std::move(text), signature);
}

std::expected<Head, Refusal> parse_head(std::string_view text, const wire::PublicKey& identity) {
    const Refusal unknown{"not as it was written"};
    if (text.size() > max_head_bytes) {
        return std::unexpected(unknown);
    }
    const Json json = Json::parse(text, nullptr, false);
    const auto is = [&json](const char* name, auto kind) { return json.contains(name) && (json.at(name).*kind)(); };
    if (!json.is_object() || !is("entries", &Json::is_number_unsigned) || !is("bytes", &Json::is_number_unsigned) ||
        !is("hash", &Json::is_string) || !is("signature", &Json::is_string)) {
        return std::unexpected(unknown);
    }
    Head head{json.at("entries").get<std::uint64_t>(), json.at("bytes").get<std::uint64_t>(), {}};
    wire::Signature signature{};
    if (!from_hex_exactly(json.at("hash").get<std::string>(), head.last) ||
        !from_hex_exactly(json.at("signature").get<std::string>(), signature) ||
        with_signature(without_signature(head), signature) != text) {
        return std::unexpected(unknown);
    }
    if (!wire::signature_holds(identity, signature_context, as_bytes(without_signature(head)), signature)) {
        return std::unexpected(Refusal{"not signed by this device"});
    }
    return head;
}

} // namespace candor::audit
