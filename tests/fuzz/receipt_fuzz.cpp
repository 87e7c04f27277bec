// SPDX-License-Identifier: Apache-2.0
#include "fuzz/fuzz.h"

#include "base/file.h"
#include "base/hex.h"
#include "consent/receipt.h"
#include "support/temporary_directory.h"

#include <nlohmann/json.hpp>

#include <fstream>

// Each input is read as it is, and once more with a good signature: no mutation makes one.
using namespace candor;
using test::require;

namespace {

constexpr std::uint32_t uid = 1000;

struct Device {
    test::TemporaryDirectory directory;
    wire::Identity identity = (wire::init_crypto(), wire::Identity::generate());
    consent::ReceiptStore store{directory / "consent", identity};
    std::filesystem::path file = directory / "consent" / "1000.json";

    void read(const std::string& text) const {
        std::ofstream(file, std::ios::binary | std::ios::trunc) << text;
        const consent::StoredReceipt stored = store.read(uid);
        const consent::PolicyHash hash{};
        if (!stored.receipt) {
            require(!stored.problem.empty() && stored.json.empty(), "a damaged receipt says why and shows nothing");
            require(consent::assess(stored, hash, 0).state == consent::ConsentState::damaged, "damaged is damaged");
            return;
        }
        const consent::Receipt& receipt = *stored.receipt;
        require(stored.json == text && stored.problem.empty(), "a sound receipt is given as it is");
        require(receipt.uid == uid, "a receipt is the person's own");
        require(receipt.expiry >= receipt.event_time, "a consent does not end before it begins");
        for (const std::int64_t now : {std::int64_t{0}, receipt.event_time, receipt.expiry, INT64_MAX}) {
            const auto assessment = consent::assess(stored, receipt.policy_hash, now);
            if (assessment.state == consent::ConsentState::valid) {
                require(!receipt.withdrawn && !receipt.devices.empty() && privacy::parse_level(receipt.level) &&
                            now < receipt.expiry,
                        "valid means given, known and not over");
            }
        }
    }
};

} // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const Device device;
    const std::string text(reinterpret_cast<const char*>(data), size);
    device.read(text);
    // What is nested deeper is left out: indented, it would be far larger than a receipt may be.
    const auto shallow = [](int depth, nlohmann::ordered_json::parse_event_t, nlohmann::ordered_json&) {
        return depth <= 16;
    };
    auto json = nlohmann::ordered_json::parse(text, shallow, false);
    if (json.is_object()) {
        json.erase("signature");
        json["signature"] = to_hex(device.identity.sign("candor consent receipt 1", as_bytes(json.dump())));
        device.read(json.dump(2) + "\n");
    }
    return 0;
}
