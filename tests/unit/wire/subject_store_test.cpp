// SPDX-License-Identifier: Apache-2.0
#include "wire/subject_store.h"

#include "base/file.h"
#include "support/catch.h"
#include "support/temporary_directory.h"

#include <sys/stat.h>

#include <algorithm>
#include <set>

using namespace candor;
using namespace candor::wire;

namespace {

constexpr std::uint32_t uid = 1000;
constexpr std::int64_t day = 24 * 3600;
constexpr std::int64_t start = 1'800'000'000;
constexpr std::chrono::days month{30};

bool same(const SymmetricKey& a, const SymmetricKey& b) { return std::ranges::equal(a.bytes(), b.bytes()); }

/// A folder and the store in it.
struct Fixture {
    Fixture() { init_crypto(); }

    [[nodiscard]] SubjectKeys at(std::int64_t now, std::uint32_t who = uid) const {
        auto keys = store.current(who, month, now);
        REQUIRE(keys.has_value());
        return std::move(*keys);
    }
    [[nodiscard]] std::filesystem::path file(const std::string& name) const {
        return directory / ("subjects/" + std::to_string(uid) + "/" + name);
    }

    test::TemporaryDirectory directory;
    SubjectStore store{directory / "subjects"};
};

} // namespace

TEST_CASE("a person's pseudonym lasts, differs between people and devices, and says nothing of the uid") {
    const Fixture fixture;
    const auto first = fixture.store.pseudonym(1000);
    REQUIRE(first.has_value());
    CHECK(SubjectStore(fixture.directory / "subjects").pseudonym(1000) == first.value());
    std::set<Id16> all;
    for (std::uint32_t who = 1000; who < 1100; ++who) {
        all.insert(fixture.store.pseudonym(who).value());
    }
    CHECK(all.size() == 100);
    CHECK(SubjectStore(fixture.directory / "another device").pseudonym(1000) != first.value());
}

TEST_CASE("a person's key stays the same until it is old, and the pseudonym stays after that") {
    const Fixture fixture;
    const auto first = fixture.at(start);
    CHECK(first.epoch == 1);
    CHECK(first.subject == fixture.store.pseudonym(uid).value());
    const auto later = SubjectStore(fixture.directory / "subjects").current(uid, month, start + 30 * day - 1);
    REQUIRE(later.has_value());
    CHECK(later->epoch == 1);
    CHECK(same(later->epoch_key, first.epoch_key));

    const auto second = fixture.at(start + 30 * day);
    CHECK(second.epoch == 2);
    CHECK(second.subject == first.subject);
    CHECK_FALSE(same(second.epoch_key, first.epoch_key));
    CHECK(fixture.store.last_epoch(uid) == 2);
    CHECK(same(fixture.store.epoch_key(uid, 1).value(), first.epoch_key));
    CHECK(same(fixture.store.epoch_key(uid, 2).value(), second.epoch_key));
    CHECK(fixture.store.epoch_key(uid, 3).error().message == "the key of epoch 3 was destroyed");
}

TEST_CASE("two people have keys of their own") {
    const Fixture fixture;
    const auto first = fixture.at(start, 1000);
    const auto other = fixture.at(start, 1001);
    CHECK(other.epoch == 1);
    CHECK(first.subject != other.subject);
    CHECK_FALSE(same(first.epoch_key, other.epoch_key));
    fixture.store.destroy(1000, 1);
    CHECK(same(fixture.store.epoch_key(1001, 1).value(), other.epoch_key));
}

TEST_CASE("a clock that went back by less than a day keeps the key, and by a day or more begins another") {
    const Fixture fixture;
    CHECK(fixture.at(start).epoch == 1);
    CHECK(fixture.at(start - day + 1).epoch == 1);
    CHECK(fixture.at(start - day).epoch == 2);
    // The new key began when the clock says it is, so it does not change with every call.
    CHECK(fixture.at(start - day).epoch == 2);
    CHECK(fixture.at(start).epoch == 2);
}

TEST_CASE("a shorter life of keys holds for the key in use as well") {
    const Fixture fixture;
    CHECK(fixture.at(start).epoch == 1);
    CHECK(fixture.store.current(uid, std::chrono::days(1), start + day)->epoch == 2);
}

TEST_CASE("destroyed keys never come back, and their numbers are not used again") {
    const Fixture fixture;
    const auto first = fixture.at(start);
    const auto second = fixture.at(start + 40 * day);
    REQUIRE(second.epoch == 2);
    fixture.store.destroy(uid, 2);
    CHECK_FALSE(std::filesystem::exists(fixture.file("epoch-1.key")));
    CHECK_FALSE(std::filesystem::exists(fixture.file("epoch-2.key")));
    CHECK(fixture.store.last_epoch(uid) == 2);
    for (const std::uint32_t epoch : {1u, 2u}) {
        CHECK(fixture.store.epoch_key(uid, epoch).error().message ==
              "the key of epoch " + std::to_string(epoch) + " was destroyed");
    }
    const auto third = fixture.at(start + 40 * day);
    CHECK(third.epoch == 3);
    CHECK(third.subject == first.subject);
    CHECK_FALSE(same(third.epoch_key, first.epoch_key));
    CHECK_FALSE(same(third.epoch_key, second.epoch_key));
    // Once more, and again nothing comes back.
    fixture.store.destroy(uid, 3);
    fixture.store.destroy(uid, 3);
    fixture.store.destroy(uid, 1);
    CHECK(fixture.at(start + 40 * day).epoch == 4);
    CHECK(fixture.store.last_epoch(uid) == 4);
}

TEST_CASE("a key file that is put back after everything was destroyed opens nothing and is not used") {
    const Fixture fixture;
    CHECK(fixture.at(start).epoch == 1);
    const auto saved = read_file(fixture.file("epoch-1.key"), 100).value();
    fixture.store.destroy(uid, 1);
    write_file_atomically(fixture.file("epoch-1.key"), saved, 0600);
    CHECK_FALSE(fixture.store.epoch_key(uid, 1).has_value());
    CHECK(fixture.at(start).epoch == 2);
}

TEST_CASE("destroying up to an epoch leaves the later ones") {
    const Fixture fixture;
    static_cast<void>(fixture.at(start));
    static_cast<void>(fixture.at(start + 40 * day));
    const auto third = fixture.at(start + 80 * day);
    fixture.store.destroy(uid, 2);
    CHECK_FALSE(fixture.store.epoch_key(uid, 2).has_value());
    CHECK(same(fixture.store.epoch_key(uid, 3).value(), third.epoch_key));
    CHECK(fixture.at(start + 80 * day).epoch == 3);
}

TEST_CASE("destroying nothing, and the keys of somebody who has none, is fine") {
    const Fixture fixture;
    fixture.store.destroy(uid, 0);
    CHECK(fixture.store.last_epoch(uid) == 0);
    fixture.store.destroy(uid, 7);
    CHECK(fixture.store.last_epoch(uid) == 7);
    CHECK(fixture.at(start).epoch == 8);
}

TEST_CASE("the bytes of a destroyed key are gone from its file before the file is") {
    const Fixture fixture;
    static_cast<void>(fixture.at(start));
    const auto other_name = fixture.directory / "hard link";
    std::filesystem::create_hard_link(fixture.file("epoch-1.key"), other_name);
    fixture.store.destroy(uid, 1);
    const auto left = read_file(other_name, 1000);
    REQUIRE(left.has_value());
    CHECK(left->size() >= 40);
    CHECK(std::ranges::all_of(*left, [](std::uint8_t byte) { return byte == 0; }));
}

TEST_CASE("keys lie in files of mode 0600 in folders of mode 0700") {
    const Fixture fixture;
    static_cast<void>(fixture.at(start));
    const auto mode = [](const std::filesystem::path& path) {
        struct stat status {};
        REQUIRE(::stat(path.c_str(), &status) == 0);
        return status.st_mode & 07777;
    };
    CHECK(mode(fixture.directory / "subjects") == 0700);
    CHECK(mode(fixture.directory / "subjects/pseudonym.key") == 0600);
    CHECK(mode(fixture.file("")) == 0700);
    CHECK(mode(fixture.file("epoch-1.key")) == 0600);
}

TEST_CASE("a damaged or too open file is refused and left as it is") {
    const Fixture fixture;
    static_cast<void>(fixture.at(start));
    const auto path = fixture.file("epoch-1.key");
    const auto good = read_file(path, 100).value();
    const auto refusal = [&] { return fixture.store.current(uid, month, start).error().message; };

    write_file_atomically(path, std::span(good).first(39), 0600);
    CHECK(refusal() == path.string() + ": 39 bytes, expected 40");
    CHECK(fixture.store.epoch_key(uid, 1).error().message == path.string() + ": 39 bytes, expected 40");
    CHECK(read_file(path, 100).value().size() == 39);
    auto longer = good;
    longer.push_back(0);
    write_file_atomically(path, longer, 0600);
    CHECK_FALSE(fixture.store.current(uid, month, start).has_value());
    write_file_atomically(path, {}, 0600);
    CHECK(refusal() == path.string() + ": 0 bytes, expected 40");
    for (const mode_t open : {0640u, 0604u, 0620u, 0602u}) {
        write_file_atomically(path, good, open);
        CHECK(refusal() == path.string() + ": others may read or write it, expected mode 0600");
    }
    CHECK(fixture.store.last_epoch(uid) == 1);
    write_file_atomically(path, good, 0600);
    CHECK(fixture.at(start).epoch == 1);

    const auto pseudonym = fixture.directory / "subjects/pseudonym.key";
    const auto key = read_file(pseudonym, 100).value();
    write_file_atomically(pseudonym, std::span(key).first(31), 0600);
    CHECK(fixture.store.pseudonym(uid).error().message == pseudonym.string() + ": 31 bytes, expected 32");
    CHECK_FALSE(fixture.store.current(uid, month, start).has_value());
    write_file_atomically(pseudonym, key, 0644);
    CHECK(fixture.store.pseudonym(uid).error().message ==
          pseudonym.string() + ": others may read or write it, expected mode 0600");
}

TEST_CASE("names that are not of epochs are neither read nor removed") {
    const Fixture fixture;
    static_cast<void>(fixture.at(start));
    const std::vector<std::string> names = {"epoch-0.key", "epoch-02.key",         "epoch-9.key.tmp", "epoch-x.key",
                                            "epoch-.key",  "epoch-4294967296.key", "epoch--3.key",    "xepoch-9.key"};
    for (const auto& name : names) {
        write_file_atomically(fixture.file(name), as_bytes("x"), 0600);
    }
    CHECK(fixture.store.last_epoch(uid) == 1);
    CHECK(fixture.at(start).epoch == 1);
    fixture.store.destroy(uid, 1);
    for (const auto& name : names) {
        CHECK(std::filesystem::exists(fixture.file(name)));
    }
}

TEST_CASE("keys that nobody needs are retired, but never the one in use") {
    const Fixture fixture;
    for (int i = 0; i < 5; ++i) {
        static_cast<void>(fixture.at(start + i * 40 * day));
    }
    std::vector<std::uint32_t> asked;
    fixture.store.retire(uid, [&](std::uint32_t epoch) {
        asked.push_back(epoch);
        return epoch == 2 || epoch == 4;
    });
    CHECK(asked == std::vector<std::uint32_t>{1, 2, 3, 4});
    for (std::uint32_t epoch = 1; epoch <= 5; ++epoch) {
        CHECK(fixture.store.epoch_key(uid, epoch).has_value() == (epoch == 2 || epoch >= 4));
    }
    fixture.store.retire(uid, [](std::uint32_t) { return false; });
    CHECK(fixture.at(start + 160 * day).epoch == 5);
    CHECK_FALSE(fixture.store.epoch_key(uid, 4).has_value());
    fixture.store.retire(1001, [](std::uint32_t) { return false; });
}

TEST_CASE("new epochs begin for everybody who has one, and for nobody else") {
    const Fixture fixture;
    const auto one = fixture.at(start, 1000);
    static_cast<void>(fixture.at(start, 1001));
    static_cast<void>(fixture.at(start + 40 * day, 1001));
    fixture.store.destroy(1002, 3);
    fixture.store.begin_new_epochs(start + 41 * day);
    CHECK(fixture.store.last_epoch(1000) == 2);
    CHECK(fixture.store.last_epoch(1001) == 3);
    CHECK(fixture.store.last_epoch(1002) == 3);
    CHECK(fixture.at(start + 41 * day, 1000).epoch == 2);
    CHECK(fixture.at(start + 41 * day, 1001).epoch == 3);
    // What is not shipped yet still needs the key before.
    CHECK(same(fixture.store.epoch_key(1000, 1).value(), one.epoch_key));
    CHECK_FALSE(same(fixture.store.epoch_key(1000, 2).value(), one.epoch_key));
    SubjectStore(fixture.directory / "nothing here").begin_new_epochs(start);
}
