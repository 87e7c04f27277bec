// SPDX-License-Identifier: Apache-2.0
#include "consent/receipt.h"

#include "base/file.h"
#include "base/hex.h"
#include "consent/utc.h"
#include "support/catch.h"
#include "support/temporary_directory.h"

#include <nlohmann/json.hpp>

#include <sys/stat.h>

#include <fstream>
#include <functional>

using namespace candor;
using namespace candor::consent;

namespace {

constexpr std::int64_t now = 1'790'000'000; // 2026-09-21
constexpr std::int64_t day = 24 * 3600;
constexpr std::uint32_t uid = 1000;

struct Fixture {
    test::TemporaryDirectory directory;
    wire::Identity identity = (wire::init_crypto(), wire::Identity::generate());
    ReceiptStore store{directory / "consent", identity};
    wire::Id16 subject{1, 2, 3};
    Policy policy = make_policy(parse_ini("[Policy]\nController=Example \"AG\"\nContact=a@example.org\nPurpose=Übung\n"
                                          "Retention=two years\nConsentDays=30\nLevel=full\n",
                                          "policy.conf")
                                    .value(),
                                "notice", "policy.conf")
                        .value();

    [[nodiscard]] GrantRequest request() const { return {uid, subject, "full", {}, now, 0}; }
    [[nodiscard]] std::filesystem::path file() const { return directory / "consent/1000.json"; }
    [[nodiscard]] ConsentState state(std::int64_t at = now + day) const {
        return assess(store.read(uid), policy.hash, at).state;
    }
    void put(const std::string& text) const { std::ofstream(file(), std::ios::binary | std::ios::trunc) << text; }
};

} // namespace

TEST_CASE("a grant is stored, signed, private and valid until it expires") {
    Fixture f;
    const auto granted = f.store.grant(f.policy, f.request());
    REQUIRE(granted.has_value());
    REQUIRE(granted->receipt.has_value());
    const Receipt& receipt = *granted->receipt;
    CHECK(receipt.version == 1);
    CHECK(receipt.uid == uid);
    CHECK(receipt.subject == f.subject);
    CHECK(receipt.level == "full");
    CHECK(receipt.devices == all_device_classes());
    CHECK_FALSE(receipt.withdrawn);
    CHECK_FALSE(receipt.erase);
    CHECK(receipt.policy_hash == f.policy.hash);
    CHECK(receipt.event_time == now);
    CHECK(receipt.expiry == now + 30 * day);
    CHECK(f.store.read(uid).receipt == receipt);
    struct stat status {};
    REQUIRE(::stat(f.file().c_str(), &status) == 0);
    CHECK((status.st_mode & 07777) == 0600);
    REQUIRE(::stat((f.directory / "consent").c_str(), &status) == 0);
    CHECK((status.st_mode & 07777) == 0700);

    const auto assessment = assess(*granted, f.policy.hash, now);
    CHECK(assessment.state == ConsentState::valid);
    CHECK(assessment.expiry == now + 30 * day);
    CHECK(f.state(now + 30 * day - 1) == ConsentState::valid);
    CHECK(f.state(now + 30 * day) == ConsentState::expired);
    CHECK(f.state(INT64_MAX) == ConsentState::expired);
}

TEST_CASE("a receipt has the field names of ISO/IEC TS 27560 and the policy's words") {
    Fixture f;
    const std::string json = f.store.grant(f.policy, f.request())->json;
    for (const char* part : {"\"schema_version\"",
                             "\"record_id\"",
                             "\"pii_principal_id\": \"01020300",
                             "\"privacy_notice\"",
                             "\"purposes\"",
                             "\"purpose\": \"Übung\"",
                             "\"lawful_basis\": \"consent\"",
                             "\"pii_information\"",
                             "\"pii_type\"",
                             "\"device_class\": \"keyboard\"",
                             "\"retention_period\": \"two years\"",
                             "\"withdrawal_method\"",
                             "\"party_identification\"",
                             "\"party_role\": \"pii_controller\"",
                             "\"party_name\": \"Example \\\"AG\\\"\"",
                             "\"party_contact\"",
                             "\"event_time\": \"2026-09-21T",
                             "\"validity_duration\": \"PT2592000S\"",
                             "\"event_type\": \"explicit\"",
                             "\"event_state\": \"consent_given\"",
                             "\"consent_version\": 1",
                             "\"policy_hash\"",
                             "\"level\": \"full\""}) {
        INFO(part);
        CHECK(json.find(part) != std::string::npos);
    }
}

TEST_CASE("the person may choose an earlier end and never a later one") {
    Fixture f;
    auto request = f.request();
    request.expiry = now + 60;
    REQUIRE(f.store.grant(f.policy, request).has_value());
    CHECK(f.state(now + 59) == ConsentState::valid);
    CHECK(f.state(now + 60) == ConsentState::expired);
    request.expiry = now + 30 * day;
    CHECK(f.store.grant(f.policy, request).has_value());
    request.expiry = now + 30 * day + 1;
    CHECK(f.store.grant(f.policy, request).error().message ==
          "the policy allows consent for 30 days at most, until " + format_utc(now + 30 * day));
    request.expiry = now;
    CHECK(f.store.grant(f.policy, request).error().message == "the end of the consent lies in the past");
    request.expiry = -1;
    CHECK_FALSE(f.store.grant(f.policy, request).has_value());
}

TEST_CASE("every level up to the policy's is granted, and none above it") {
    Fixture f;
    for (std::size_t ceiling = 0; ceiling < privacy::level_names.size(); ++ceiling) {
        f.policy.level = static_cast<privacy::Level>(ceiling);
        for (std::size_t level = 0; level < privacy::level_names.size(); ++level) {
            auto request = f.request();
            request.level = privacy::level_names[level];
            INFO(request.level << " of " << privacy::level_names[ceiling]);
            const auto granted = f.store.grant(f.policy, request);
            REQUIRE(granted.has_value() == (level <= ceiling));
            if (granted) {
                CHECK(granted->receipt->level == request.level);
                CHECK(f.state() == ConsentState::valid);
            }
        }
    }
}

TEST_CASE("a level that is not one is not granted, and the person is told which are") {
    Fixture f;
    f.policy.level = privacy::Level::rhythm;
    for (const std::string level : {"", "actions", "Counts", "counts ", "everything"}) {
        auto request = f.request();
        request.level = level;
        CHECK(f.store.grant(f.policy, request).error().message ==
              "level '" + level + "' is not one that the policy allows, expected counts, activity or rhythm");
    }
    CHECK(f.state() == ConsentState::none);
}

TEST_CASE("the person chooses among the device classes of the policy, and all of them by choosing none") {
    using enum input::DeviceClass;
    Fixture f;
    f.policy.devices = {mouse, keyboard, tablet};
    const auto devices = [&f](std::vector<std::string> names) {
        auto request = f.request();
        request.devices = std::move(names);
        return f.store.grant(f.policy, request).value().receipt.value().devices;
    };
    CHECK(devices({}) == std::vector{mouse, keyboard, tablet});
    CHECK(devices({"tablet"}) == std::vector{tablet});
    CHECK(devices({"keyboard", "mouse"}) == std::vector{keyboard, mouse});
    const auto refusal = [&f](std::vector<std::string> names) {
        auto request = f.request();
        request.devices = std::move(names);
        return f.store.grant(f.policy, request).error().message;
    };
    const std::string expected = " is not one that the policy allows, expected mouse, keyboard or tablet";
    CHECK(refusal({"touchpad"}) == "device class 'touchpad'" + expected);
    CHECK(refusal({"mouse", ""}) == "device class ''" + expected);
    CHECK(refusal({"Mouse"}) == "device class 'Mouse'" + expected);
    CHECK(refusal({"mouse", "mouse"}) == "device class 'mouse' is repeated, expected each class once");
    CHECK(f.store.read(uid).receipt->version == 3);
}

TEST_CASE("a receipt says for each class of devices what is kept at its level") {
    Fixture f;
    const auto types = [&f](const char* level) {
        auto request = f.request();
        request.level = level;
        request.devices = {"keyboard", "mouse"};
        const auto json = nlohmann::json::parse(f.store.grant(f.policy, request).value().json);
        std::vector<std::string> all;
        for (const auto& information : json.at("purposes").at(0).at("pii_information")) {
            all.push_back(information.at("pii_type"));
        }
        return all;
    };
    CHECK(types("counts") ==
          std::vector<std::string>{
              "how many keys are pressed in each minute, in powers of two",
              "how many clicks, how much scrolling and how much motion in each minute, in powers of two"});
    CHECK(types("activity") ==
          std::vector<std::string>{"when bursts of typing begin and end", "when bursts of pointing begin and end"});
    CHECK(types("rhythm") ==
          std::vector<std::string>{"how many keys of each kind are pressed, on a grid of 250 milliseconds", "nothing"});
    CHECK(types("actions") ==
          std::vector<std::string>{"keys that are not of text, and key combinations, exactly; of text how "
                                   "many keys are pressed, on a grid of 250 milliseconds",
                                   "motion, clicks and scrolling, exactly"});
    CHECK(types("full") == std::vector<std::string>{"every key, exactly: all text that is typed, passwords among it",
                                                    "motion, clicks and scrolling, exactly"});
}

TEST_CASE("a withdrawal keeps whether erasure was asked for") {
    Fixture f;
    CHECK_FALSE(f.store.withdraw(uid, f.subject, now, false).receipt->erase);
    const auto asked = f.store.withdraw(uid, f.subject, now, true);
    CHECK(asked.receipt->erase);
    CHECK(asked.receipt->withdrawn);
    CHECK(asked.receipt->devices.empty());
    CHECK(asked.json.find("\"erase\": true") != std::string::npos);
    CHECK(f.state() == ConsentState::withdrawn);
}

TEST_CASE("a withdrawal names the level that was withdrawn, and none where there was none") {
    Fixture f;
    CHECK(f.store.withdraw(uid, f.subject, now, false).receipt->level.empty());
    auto request = f.request();
    request.level = "activity";
    REQUIRE(f.store.grant(f.policy, request).has_value());
    CHECK(f.store.withdraw(uid, f.subject, now, false).receipt->level == "activity");
}

TEST_CASE(
    "a signed receipt without the devices, with devices that are not known, or a withdrawal without erase is damaged") {
    Fixture f;
    const std::string granted = f.store.grant(f.policy, f.request())->json;
    const auto with = [&f](const std::string& text, const std::function<void(nlohmann::ordered_json&)>& change) {
        std::filesystem::remove_all(f.directory / "consent");
        std::filesystem::create_directory(f.directory / "consent");
        auto json = nlohmann::ordered_json::parse(text);
        json.erase("signature");
        change(json);
        json["signature"] = to_hex(f.identity.sign("candor consent receipt 1", as_bytes(json.dump())));
        f.put(json.dump(2) + "\n");
        return f.state();
    };
    const auto information = [](nlohmann::ordered_json& json) -> nlohmann::ordered_json& {
        return json["purposes"][0]["pii_information"];
    };
    CHECK(with(granted, [](auto&) {}) == ConsentState::valid);
    CHECK(with(granted, [](auto& json) { json["level"] = "everything"; }) == ConsentState::level_unsupported);
    CHECK(with(granted, [&](auto& json) { information(json)[0].erase("device_class"); }) == ConsentState::damaged);
    CHECK(with(granted, [&](auto& json) { information(json)[0]["device_class"] = "eye"; }) == ConsentState::damaged);
    CHECK(with(granted, [&](auto& json) { information(json)[0]["device_class"] = 1; }) == ConsentState::damaged);
    CHECK(with(granted, [&](auto& json) { information(json)[0] = information(json)[1]; }) == ConsentState::damaged);
    CHECK(with(granted, [&](auto& json) { information(json) = nlohmann::ordered_json::array(); }) ==
          ConsentState::damaged);
    CHECK(with(granted, [](auto& json) { json.erase("purposes"); }) == ConsentState::damaged);
    CHECK(with(granted, [](auto& json) { json["purposes"].push_back(json["purposes"][0]); }) == ConsentState::damaged);
    const std::string withdrawn = f.store.withdraw(uid, f.subject, now, false).json;
    CHECK(with(withdrawn, [](auto&) {}) == ConsentState::withdrawn);
    CHECK(with(withdrawn, [](auto& json) { json.erase("erase"); }) == ConsentState::damaged);
    CHECK(with(withdrawn, [](auto& json) { json["erase"] = "yes"; }) == ConsentState::damaged);
}

TEST_CASE("a withdrawal closes, stays, and keeps count") {
    Fixture f;
    REQUIRE(f.store.grant(f.policy, f.request()).has_value());
    const auto withdrawn = f.store.withdraw(uid, f.subject, now + day, false);
    REQUIRE(withdrawn.receipt.has_value());
    CHECK(withdrawn.receipt->version == 2);
    CHECK(withdrawn.receipt->withdrawn);
    CHECK(withdrawn.receipt->policy_hash == f.policy.hash);
    CHECK(withdrawn.json.find("\"event_state\": \"consent_withdrawn\"") != std::string::npos);
    CHECK(f.state() == ConsentState::withdrawn);
    REQUIRE(f.store.grant(f.policy, f.request()).has_value());
    CHECK(f.store.read(uid).receipt->version == 3);
    CHECK(f.state() == ConsentState::valid);
}

TEST_CASE("a withdrawal works without a receipt and with a damaged one") {
    Fixture f;
    CHECK(f.store.withdraw(uid, f.subject, now, false).receipt->version == 1);
    CHECK(f.state() == ConsentState::withdrawn);
    f.put("{}");
    CHECK(f.state() == ConsentState::damaged);
    CHECK(f.store.withdraw(uid, f.subject, now, false).receipt->version == 2);
    CHECK(f.state() == ConsentState::withdrawn);
}

TEST_CASE("no receipt is no consent, and one person's is not another's") {
    Fixture f;
    CHECK(f.state() == ConsentState::none);
    REQUIRE(f.store.grant(f.policy, f.request()).has_value());
    CHECK(assess(f.store.read(1001), f.policy.hash, now).state == ConsentState::none);
    std::filesystem::copy_file(f.file(), f.directory / "consent/1001.json");
    const auto stolen = f.store.read(1001);
    CHECK(stolen.problem == (f.directory / "consent/1001.json").string() + ": of another uid");
    CHECK(assess(stolen, f.policy.hash, now).state == ConsentState::damaged);
}

TEST_CASE("another policy, another notice and another device are not what was agreed to") {
    Fixture f;
    REQUIRE(f.store.grant(f.policy, f.request()).has_value());
    PolicyHash other = f.policy.hash;
    other[31] = static_cast<std::uint8_t>(other[31] ^ 1u);
    CHECK(assess(f.store.read(uid), other, now).state == ConsentState::wrong_policy);
    const wire::Identity other_device = wire::Identity::generate();
    const ReceiptStore elsewhere(f.directory / "consent", other_device);
    const auto foreign = elsewhere.read(uid);
    CHECK(foreign.problem == f.file().string() + ": not signed by this device");
    CHECK(assess(foreign, f.policy.hash, now).state == ConsentState::damaged);
}

TEST_CASE("a clock that reads earlier than the grant closes") {
    Fixture f;
    REQUIRE(f.store.grant(f.policy, f.request()).has_value());
    CHECK(f.state(now - clock_slack_seconds) == ConsentState::valid);
    CHECK(f.state(now - clock_slack_seconds - 1) == ConsentState::not_yet_valid);
    CHECK(f.state(0) == ConsentState::not_yet_valid);
    CHECK(f.state(INT64_MIN) == ConsentState::not_yet_valid);
}

TEST_CASE("whichever byte of a receipt is changed, removed or added, it is not valid") {
    Fixture f;
    const std::string sound = f.store.grant(f.policy, f.request())->json;
    for (std::size_t i = 0; i < sound.size(); ++i) {
        INFO("byte " << i);
        for (const unsigned flip : {0x01u, 0x20u, 0x80u}) {
            std::string changed = sound;
            changed[i] = static_cast<char>(static_cast<unsigned char>(changed[i]) ^ flip);
            f.put(changed);
            REQUIRE(f.state() == ConsentState::damaged);
        }
        std::string shorter = sound;
        f.put(shorter.erase(i, 1));
        REQUIRE(f.state() == ConsentState::damaged);
        std::string longer = sound;
        f.put(longer.insert(i, 1, ' '));
        REQUIRE(f.state() == ConsentState::damaged);
    }
    f.put(sound);
    CHECK(f.state() == ConsentState::valid);
}

TEST_CASE("a receipt that is cut short, empty, huge, a folder or a link to nowhere is damaged") {
    Fixture f;
    const std::string sound = f.store.grant(f.policy, f.request())->json;
    for (std::size_t length = 0; length < sound.size(); length += 7) {
        f.put(sound.substr(0, length));
        REQUIRE(f.state() == ConsentState::damaged);
    }
    f.put(std::string(max_receipt_bytes + 1, ' '));
    CHECK(f.state() == ConsentState::damaged);
    f.put(std::string(max_receipt_bytes / 2, '['));
    CHECK(f.state() == ConsentState::damaged);
    std::filesystem::remove(f.file());
    std::filesystem::create_directory(f.file());
    CHECK(f.state() == ConsentState::damaged);
    std::filesystem::remove(f.file());
    std::filesystem::create_symlink("nowhere", f.file());
    CHECK(f.state() == ConsentState::damaged);
}

TEST_CASE("an old receipt put back over a withdrawal is not valid") {
    Fixture f;
    const std::string granted = f.store.grant(f.policy, f.request())->json;
    (void)f.store.withdraw(uid, f.subject, now + 1, false);
    f.put(granted);
    CHECK(f.state() == ConsentState::damaged);
    CHECK(f.store.read(uid).problem == f.file().string() + ": older than another receipt of this person");
}

TEST_CASE("the history is bounded and its count goes on") {
    Fixture f;
    for (std::size_t i = 0; i < max_receipt_history + 3; ++i) {
        (void)f.store.withdraw(uid, f.subject, now, false);
    }
    CHECK(f.store.read(uid).receipt->version == max_receipt_history + 3);
    std::size_t files = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(f.directory / "consent")) {
        ++files;
    }
    CHECK(files == max_receipt_history + 1);
}

TEST_CASE("a receipt that cannot be written grants nothing and is a fault") {
    Fixture f;
    std::filesystem::remove_all(f.directory / "consent");
    CHECK_THROWS_AS((void)f.store.grant(f.policy, f.request()), std::system_error);
    CHECK(f.state() == ConsentState::none);
}

TEST_CASE("times are written and read in one form of UTC") {
    CHECK(format_utc(0) == "1970-01-01T00:00:00Z");
    CHECK(format_utc(now) == "2026-09-21T14:13:20Z");
    CHECK(parse_utc("2026-09-21T14:13:20Z") == now);
    CHECK(parse_utc("2024-02-29T23:59:59Z").has_value());
    for (const char* other :
         {"", "2026-09-21", "2026-09-21T14:13:20", "2026-09-21T14:13:20+00:00", "2026-9-21T14:13:20Z",
          "2026-02-30T00:00:00Z", "2026-09-21T14:13:20Z ", " 2026-09-21T14:13:20Z", "1969-12-31T23:59:59Z",
          "2026-09-21T24:00:00Z", "2026-09-21T14:13:60Z"}) {
        INFO(other);
        CHECK_FALSE(parse_utc(other).has_value());
    }
}
