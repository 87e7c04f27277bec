// SPDX-License-Identifier: Apache-2.0
#include "audit/entry.h"

#include "audit_fixture.h"
#include "base/hex.h"
#include "support/catch.h"

#include <limits>
#include <set>

using namespace candor;
using audit::Act;
using audit::Entry;

namespace {

Entry numbered(std::string detail = "paused until noon") {
    Entry entry = test::entry(Act::paused, std::move(detail));
    entry.number = 7;
    return entry;
}

std::string line_of(const Entry& entry) { return audit::write_entry(audit::chain(entry, wire::Hash32{1, 2, 3})); }

std::string replaced(std::string text, const std::string& what, const std::string& by) {
    const std::size_t place = text.find(what);
    REQUIRE(place != std::string::npos);
    return text.replace(place, what.size(), by);
}

} // namespace

TEST_CASE("an entry's line has its fields in a fixed order and the hashes last") {
    wire::init_crypto();
    Entry entry = numbered("a \"b\"");
    entry.uid.reset();
    const auto chained = audit::chain(entry, {});
    CHECK(
        audit::write_entry(chained) ==
        "{\"number\":7,\"time\":1700000000,\"act\":\"paused\",\"uid\":null,\"subject\":1000,\"detail\":\"a \\\"b\\\"\","
        "\"previous\":\"" +
            std::string(64, '0') + "\",\"hash\":\"" + to_hex(chained.hash) + "\"}");
}

TEST_CASE("an entry's hash is SHA-256 of the context and the line without it") {
    wire::init_crypto();
    Entry entry;
    entry.number = 1;
    // printf '%s' 'candor audit entry 1{"number":1,…,"previous":"00…00"}' | sha256sum
    CHECK(to_hex(audit::chain(entry, {}).hash) == "e1d7a8de614e6e20a4b09d8d2c8679083676b291115611f61823771ec733dff0");
}

TEST_CASE("what is written of an entry can be read") {
    wire::init_crypto();
    Entry entry;
    entry.number = std::numeric_limits<std::uint64_t>::max();
    for (const std::int64_t time : {std::numeric_limits<std::int64_t>::min(), std::int64_t{-1}, std::int64_t{0},
                                    std::numeric_limits<std::int64_t>::max()}) {
        for (const std::optional<std::uint32_t> uid :
             {std::optional<std::uint32_t>(), std::optional<std::uint32_t>(0),
              std::optional<std::uint32_t>(std::numeric_limits<std::uint32_t>::max())}) {
            entry.time = time;
            entry.uid = uid;
            entry.subject = uid;
            entry.detail = "für \"ä\\ö\" / \xF0\x9F\x94\x91";
            const auto read = audit::parse_entry(line_of(entry));
            REQUIRE(read);
            CHECK(read->entry == entry);
            CHECK(read->previous == wire::Hash32{1, 2, 3});
        }
    }
}

TEST_CASE("each act has a name of its own that is read back") {
    wire::init_crypto();
    std::set<std::string_view> names;
    for (int act = 0; act <= static_cast<int>(Act::data_deleted); ++act) {
        Entry entry = numbered();
        entry.act = static_cast<Act>(act);
        names.insert(audit::act_name(entry.act));
        CHECK(audit::parse_entry(line_of(entry)).value().entry == entry);
    }
    CHECK(names.size() == static_cast<std::size_t>(Act::data_deleted) + 1);
    CHECK(audit::act_name(Act::gate_opened) == "gate-opened");
    CHECK(audit::act_name(Act::context_registered) == "context-registered");
    CHECK(audit::act_name(Act::repaired) == "repaired");
}

TEST_CASE("a line with any of its bytes changed is refused") {
    wire::init_crypto();
    const std::string line = line_of(numbered());
    for (std::size_t i = 0; i < line.size(); ++i) {
        for (const int bit : {0, 5, 7}) {
            std::string changed = line;
            changed[i] = static_cast<char>(changed[i] ^ (1 << bit));
            CAPTURE(changed);
            CHECK_FALSE(audit::parse_entry(changed));
        }
    }
}

TEST_CASE("a line that means the same but is written otherwise is refused") {
    wire::init_crypto();
    const std::string line = line_of(numbered());
    const std::string hash = line.substr(line.find("\"hash\""), 73);
    for (const std::string& other :
         {" " + line, line + " ", line + "\n", replaced(line, ",\"time\"", ", \"time\""),
          replaced(line, "\"number\":7", "\"number\":7.0"), replaced(line, "\"number\":7", "\"number\":7e0"),
          replaced(line, "paused until", "paused\\u0020until"), replaced(line, "{", "{\"more\":1,"),
          replaced(line, "{", "{\"number\":7,"), replaced(line, "{", "{" + hash + ","), "[" + line + "]"}) {
        CAPTURE(other);
        CHECK_FALSE(audit::parse_entry(other));
    }
}

TEST_CASE("a line with a good hash that append() would not have written is refused") {
    wire::init_crypto();
    Entry zero = numbered();
    zero.number = 0;
    CHECK_FALSE(audit::parse_entry(line_of(zero)));
    CHECK_FALSE(audit::parse_entry(line_of(numbered(std::string(1025, 'a')))));
    CHECK_FALSE(audit::parse_entry(line_of(numbered("two\nlines"))));
    CHECK(audit::parse_entry(line_of(numbered(std::string(1024, '"')))));
}

TEST_CASE("what is no entry is refused") {
    wire::init_crypto();
    for (const std::string& text :
         {std::string(), std::string("{}"), std::string("null"), std::string("{\"number\":1}"), std::string(4096, '['),
          std::string(5000, ' '), std::string("\0", 1),
          replaced(line_of(numbered()), "\"uid\":1000", "\"uid\":4294968296"),
          replaced(line_of(numbered()), "\"uid\":1000", "\"uid\":-1"),
          replaced(line_of(numbered()), "\"uid\":1000", "\"uid\":\"1000\""),
          replaced(line_of(numbered()), "\"paused\"", "\"slept\"")}) {
        CAPTURE(text);
        const auto parsed = audit::parse_entry(text);
        REQUIRE_FALSE(parsed);
        CHECK_FALSE(parsed.error().message.empty());
    }
}

TEST_CASE("a detail is cut at 1024 bytes, between characters") {
    CHECK(audit::fit_detail(std::string(1024, 'a')) == std::string(1024, 'a'));
    CHECK(audit::fit_detail(std::string(5000, 'a')) == std::string(1024, 'a'));
    std::string umlauts = "a";
    for (int i = 0; i < 600; ++i) {
        umlauts += "ä";
    }
    CHECK(audit::fit_detail(umlauts) == umlauts.substr(0, 1023));
}

TEST_CASE("a detail has neither control characters nor bytes that are no UTF-8") {
    CHECK(audit::fit_detail("a\nb\x1b[31m\x7f") == "a?b?[31m?");
    CHECK(audit::fit_detail("\xff"
                            "a\xc3") == "\xEF\xBF\xBD"
                                        "a\xEF\xBF\xBD");
    CHECK(audit::fit_detail("\xc2\x9b"
                            "2J") == "?2J");
}

TEST_CASE("the longest entry is within the bound of a line") {
    wire::init_crypto();
    Entry entry = numbered(audit::fit_detail(std::string(2000, '\\')));
    entry.number = std::numeric_limits<std::uint64_t>::max();
    entry.time = std::numeric_limits<std::int64_t>::min();
    entry.act = Act::context_registered;
    entry.uid = std::numeric_limits<std::uint32_t>::max();
    entry.subject = entry.uid;
    const std::string line = line_of(entry);
    CHECK(line.size() <= audit::max_entry_bytes);
    CHECK(audit::parse_entry(line));
}

TEST_CASE("a person may see what they did, what is about them and what is about everybody, and nothing else") {
    const auto sees = [](Act act, std::optional<std::uint32_t> uid, std::optional<std::uint32_t> subject) {
        return audit::concerns(test::entry(act, "", uid, subject), 1000);
    };
    CHECK(sees(Act::denied, 1000, std::nullopt));
    CHECK(sees(Act::inhibited, 1001, 1000));
    CHECK_FALSE(sees(Act::denied, 1001, std::nullopt));
    CHECK_FALSE(sees(Act::inhibited, 1001, 1001));
    CHECK_FALSE(sees(Act::inhibited, 1001, std::nullopt));
    CHECK_FALSE(sees(Act::granted, 1001, 1001));
    for (const Act act : {Act::started, Act::stopped, Act::policy_loaded, Act::policy_refused, Act::enabled,
                          Act::disabled, Act::repaired, Act::stream_ended}) {
        CHECK(sees(act, std::nullopt, std::nullopt));
        CHECK(sees(act, 0, std::nullopt));
        CHECK_FALSE(sees(act, 0, 1001));
    }
    for (const Act act :
         {Act::granted, Act::revoked, Act::erasure_asked, Act::gate_opened, Act::gate_closed, Act::inhibited,
          Act::released, Act::paused, Act::resumed, Act::context_registered, Act::context_lost, Act::denied}) {
        CHECK_FALSE(sees(act, std::nullopt, std::nullopt));
    }
}
