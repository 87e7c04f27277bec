// SPDX-License-Identifier: Apache-2.0
#include "daemon/tombstones.h"

#include "base/file.h"
#include "base/hex.h"
#include "support/catch.h"
#include "support/temporary_directory.h"
#include "wire/segment.h"

#include <algorithm>
#include <array>

#include <sys/stat.h>

using namespace candor;
using daemon::Tombstones;

namespace {

struct Fixture {
    Fixture() {
        wire::init_crypto();
        identity = wire::Identity::generate();
    }
    [[nodiscard]] Tombstones load() const { return Tombstones(folder, identity); }
    [[nodiscard]] std::filesystem::path file(std::uint32_t uid, std::uint8_t id) const {
        return folder / (std::to_string(uid) + "-" + to_hex(wire::Id16{id}) + ".tombstone");
    }
    void put(const std::string& name, std::span<const std::uint8_t> bytes) const {
        std::filesystem::create_directories(folder);
        write_file_atomically(folder / name, bytes, 0600);
    }

    test::TemporaryDirectory directory;
    std::filesystem::path folder = directory / "tombstones";
    wire::Identity identity;
};

wire::Tombstone erasing(std::uint8_t id, std::uint32_t last_epoch = 2) {
    wire::Tombstone tombstone;
    tombstone.id = {id};
    tombstone.subject = {9};
    tombstone.last_epoch = last_epoch;
    tombstone.requested_ns = 5;
    return tombstone;
}

wire::Tombstone deleting(std::uint8_t id) {
    wire::Tombstone tombstone = erasing(id, 0);
    tombstone.streams = {{{3}, 1, 1}, {{4}, 2, 7}};
    tombstone.reason = wire::TombstoneReason::deleted;
    return tombstone;
}

std::vector<std::uint8_t> ids(const Tombstones& tombstones) {
    std::vector<std::uint8_t> found;
    for (const Tombstones::Pending& pending : tombstones.pending()) {
        found.push_back(pending.tombstone.id[0]);
    }
    std::ranges::sort(found);
    return found;
}

} // namespace

TEST_CASE("without a folder nothing is pending, and no folder is made") {
    const Fixture fixture;
    const auto tombstones = fixture.load();
    CHECK(tombstones.pending().empty());
    CHECK(tombstones.problems().empty());
    CHECK_FALSE(std::filesystem::exists(fixture.folder));
}

TEST_CASE("a tombstone is signed, durable when add returns, and there in the next process") {
    const Fixture fixture;
    auto tombstones = fixture.load();
    const Tombstones::Pending& added = tombstones.add(1000, erasing(1));
    CHECK(added.tombstone.identity == fixture.identity.public_key());
    CHECK(wire::check_tombstone(added.message).has_value());
    const auto next = fixture.load();
    REQUIRE(next.pending().size() == 1);
    CHECK(next.problems().empty());
    CHECK(next.pending()[0].uid == 1000);
    CHECK(next.pending()[0].message == added.message);
    CHECK(next.pending()[0].tombstone.id == wire::Id16{1});
    CHECK(next.pending()[0].tombstone.last_epoch == 2);
    CHECK(next.pending()[0].tombstone.requested_ns == 5);
}

TEST_CASE("a tombstone's streams and reason are kept") {
    const Fixture fixture;
    static_cast<void>(fixture.load().add(4294967295u, deleting(1)));
    const auto next = fixture.load();
    REQUIRE(next.pending().size() == 1);
    CHECK(next.pending()[0].uid == 4294967295u);
    CHECK(next.pending()[0].tombstone.streams == deleting(1).streams);
    CHECK(next.pending()[0].tombstone.reason == wire::TombstoneReason::deleted);
}

TEST_CASE("tombstones lie in files of their own that nobody else can read") {
    const Fixture fixture;
    auto tombstones = fixture.load();
    static_cast<void>(tombstones.add(1000, erasing(1)));
    static_cast<void>(tombstones.add(1001, erasing(2)));
    struct stat status {};
    REQUIRE(::stat(fixture.folder.c_str(), &status) == 0);
    CHECK((status.st_mode & 07777) == 0700);
    for (const auto& path : {fixture.file(1000, 1), fixture.file(1001, 2)}) {
        REQUIRE(::stat(path.c_str(), &status) == 0);
        CHECK((status.st_mode & 07777) == 0600);
    }
}

TEST_CASE("what is done is gone for good, and nothing else is") {
    const Fixture fixture;
    auto tombstones = fixture.load();
    for (const auto id : std::to_array<std::uint8_t>({1, 2, 3})) {
        static_cast<void>(tombstones.add(1000, erasing(id)));
    }
    tombstones.remove({2});
    CHECK(ids(tombstones) == std::vector<std::uint8_t>{1, 3});
    CHECK(ids(fixture.load()) == std::vector<std::uint8_t>{1, 3});
    tombstones.remove({2});
    tombstones.remove({77});
    CHECK(ids(fixture.load()) == std::vector<std::uint8_t>{1, 3});
    std::filesystem::remove(fixture.file(1000, 3));
    tombstones.remove({3});
    CHECK(ids(tombstones) == std::vector<std::uint8_t>{1});
}

TEST_CASE("a tombstone that the disk does not take is told, and is pending in memory all the same") {
    const Fixture fixture;
    write_file_atomically(fixture.folder, as_bytes("no folder"), 0600);
    auto tombstones = fixture.load();
    CHECK_THROWS_AS(tombstones.add(1000, erasing(1)), std::system_error);
    REQUIRE(tombstones.pending().size() == 1);
    CHECK(wire::check_tombstone(tombstones.pending()[0].message).has_value());
}

TEST_CASE("a tombstone that would be refused is not taken") {
    const Fixture fixture;
    auto tombstones = fixture.load();
    CHECK_THROWS_AS(tombstones.add(1000, erasing(1, 0)), std::invalid_argument);
    CHECK(tombstones.pending().empty());
    CHECK_FALSE(std::filesystem::exists(fixture.folder));
}

TEST_CASE("what is no tombstone of this device is named, left as it is, and hides no other") {
    const Fixture fixture;
    const auto of = [](const wire::Identity& by) {
        return wire::encode_single(wire::tombstone_magic, wire::make_tombstone(by, erasing(8)));
    };
    auto tombstones = fixture.load();
    static_cast<void>(tombstones.add(1000, erasing(1)));
    const auto good = of(fixture.identity);
    auto damaged = good;
    damaged[damaged.size() / 2] ^= 1;
    const std::vector<std::pair<std::string, std::vector<std::uint8_t>>> bad = {
        {"1000-other.tombstone", of(wire::Identity::generate())},
        {"1000-damaged.tombstone", damaged},
        {"1000-cut.tombstone", {good.begin(), good.end() - 1}},
        {"1000-empty.tombstone", {}},
        {"nobody.tombstone", good},
        {"-1.tombstone", good},
        {"4294967296-x.tombstone", good},
        {"1000.tombstone", good},
        {"1000-note.tombstone",
         wire::encode_single(wire::tombstone_magic, wire::make_note(fixture.identity, wire::Note{}))}};
    for (const auto& [name, bytes] : bad) {
        fixture.put(name, bytes);
    }
    fixture.put("1000-x.tombstone.tmp", good);
    const auto next = fixture.load();
    CHECK(ids(next) == std::vector<std::uint8_t>{1});
    CHECK(next.problems().size() == bad.size());
    for (const auto& [name, bytes] : bad) {
        INFO(name);
        const std::string path = (fixture.folder / name).string();
        CHECK(std::ranges::count_if(next.problems(), [&](const auto& text) { return text.starts_with(path + ": "); }) ==
              1);
        CHECK(read_file(path, 100'000).value() == bytes);
    }
    const auto other = fixture.folder / "1000-other.tombstone";
    CHECK(std::ranges::count(next.problems(), other.string() + ": signed by another device") == 1);
}
