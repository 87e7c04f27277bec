// SPDX-License-Identifier: Apache-2.0
#include "shipper/fsck.h"
#include "unit/shipper/spool_fixture.h"

#include <random>

using namespace candor;
using candor::test::SpoolFixture;

namespace {

/// A spool with a finished stream, one that was begun, and one of everything else.
struct FsckFixture : SpoolFixture {
    FsckFixture() {
        auto filling = spool();
        filling.resume(names(finished), 0);
        static_cast<void>(take(filling, finished, 0, finished.size()));
        REQUIRE(filling.take(wire::make_grant(identity, subject, std::vector{recipient.public_key})).has_value());
        REQUIRE(filling.take(wire::make_note(identity, {.stream = wire::random_id(), .subject = subject.subject}))
                    .has_value());
        wire::Tombstone tombstone;
        tombstone.id = wire::random_id();
        tombstone.subject = wire::random_id();
        tombstone.last_epoch = 1;
        REQUIRE(filling.take(wire::make_tombstone(identity, tombstone)).has_value());
        static_cast<void>(take(filling, begun, 0, 3));
    }
    [[nodiscard]] shipper::Findings check(bool repair = true) const {
        return shipper::check_spool(folder.path(), repair);
    }

    Frames finished = stream();
    Frames begun = stream();
};

} // namespace

TEST_CASE("a sound spool is looked at whole, and left as it is") {
    const FsckFixture f;
    const auto before = f.files();
    const auto found = f.check();
    CHECK(found.findings.empty());
    CHECK(found.files == 5);
    CHECK(f.files() == before);
}

TEST_CASE("a part is cut behind its last whole frame, and the tail is kept under the person's name") {
    const FsckFixture f;
    f.append_bytes(SpoolFixture::part(f.begun), "half a rec");
    CHECK(f.check(false).findings.size() == 1);
    CHECK(f.files("damaged").empty());
    const auto found = f.check();
    REQUIRE(found.findings.size() == 1);
    CHECK(found.findings[0].done == "cut");
    CHECK(found.findings[0].problem.find("byte ") == 0);
    CHECK(f.files("damaged") ==
          std::set<std::string>{to_hex(f.subject.subject) + "." + to_hex(SpoolFixture::id_of(f.begun)) + ".tail"});
    CHECK(f.check().findings.empty());
    CHECK(f.read(SpoolFixture::part(f.begun)) == "18 events");
}

TEST_CASE("what a write left that was interrupted is removed") {
    const FsckFixture f;
    f.append_bytes("0123.grant.a1B2c3", "CANDOR");
    f.append_bytes("probe", "");
    CHECK(f.check().findings.size() == 2);
    CHECK_FALSE(f.files().contains("0123.grant.a1B2c3"));
}

TEST_CASE("a file that is none of the spool's is named and kept") {
    const FsckFixture f;
    f.append_bytes("notes.txt", "mine");
    const auto found = f.check();
    REQUIRE(found.findings.size() == 1);
    CHECK(found.findings[0].done == "kept");
    CHECK(f.files().contains("notes.txt"));
}

TEST_CASE("every bit that flips in a finished segment, a grant, a note or a tombstone is found, named and set aside") {
    std::mt19937 random(11);
    const FsckFixture f;
    const auto all = f.files();
    for (const std::string& name : all) {
        if (name.ends_with(".part")) {
            continue;
        }
        const auto sound = SpoolFixture::bytes_of(f.folder / name);
        for (int i = 0; i < 200; ++i) {
            auto damaged = sound;
            const bool cut = i % 10 == 9;
            if (cut) {
                damaged.resize(random() % sound.size());
            } else {
                damaged[random() % damaged.size()] ^= static_cast<std::uint8_t>(1u << random() % 8);
            }
            std::filesystem::remove(f.folder / name);
            write_file_atomically(f.folder / name, damaged, 0640);
            const auto found = f.check(false);
            // A segment that is cut between two records is an unclosed one: as sound as ever.
            if (!(cut && name.ends_with(".candor") && found.findings.empty())) {
                INFO(name << " " << i);
                REQUIRE(found.findings.size() == 1);
                CHECK(found.findings[0].file == name);
                CHECK(found.findings[0].done == "set aside");
            }
        }
        const auto moved = f.check(true).findings.size();
        CHECK(moved <= 1);
        write_file_atomically(f.folder / name, sound, 0640);
    }
}
