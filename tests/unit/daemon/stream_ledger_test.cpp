// SPDX-License-Identifier: Apache-2.0
#include "daemon/stream_ledger.h"

#include "base/file.h"
#include "base/hex.h"
#include "support/catch.h"
#include "support/temporary_directory.h"

#include <random>

#include <sys/stat.h>

using namespace candor;
using daemon::StreamLedger;

namespace {

struct Fixture {
    [[nodiscard]] StreamLedger load() const { return StreamLedger::load(file).value(); }
    [[nodiscard]] std::string text() const { return read_text(file, 1024 * 1024).value(); }
    /// What loading says of a file with this in it.
    [[nodiscard]] std::string refusal_of(std::string_view content) const {
        write_file_atomically(file, as_bytes(content), 0600);
        const auto ledger = StreamLedger::load(file);
        return ledger ? "accepted" : ledger.error().message;
    }

    test::TemporaryDirectory directory;
    std::filesystem::path file = directory / "streams";
};

const wire::Id16 anna{1};
const wire::Id16 bert{2};

StreamLedger::Entry entry(std::uint8_t stream, const wire::Id16& subject, std::uint64_t number,
                          std::uint32_t epoch = 1) {
    return {{stream}, subject, epoch, number, 1'700'000'000 + stream};
}

std::vector<std::uint8_t> streams_of(const StreamLedger& ledger) {
    std::vector<std::uint8_t> streams;
    for (const StreamLedger::Entry& each : ledger.unfinished()) {
        streams.push_back(each.stream[0]);
    }
    return streams;
}

void finish(StreamLedger& ledger, std::initializer_list<std::uint8_t> streams) {
    std::vector<wire::Id16> ids;
    for (const std::uint8_t stream : streams) {
        ids.push_back({stream});
    }
    ledger.finish(ids);
}

} // namespace

TEST_CASE("a missing ledger is an empty one, and nothing is written for it") {
    const Fixture fixture;
    const auto ledger = fixture.load();
    CHECK(ledger.unfinished().empty());
    CHECK(ledger.next_number(anna, 1) == 1);
    CHECK_FALSE(std::filesystem::exists(fixture.file));
}

TEST_CASE("what was begun is on the disk, as it is documented, before begin returns") {
    const Fixture fixture;
    auto ledger = fixture.load();
    ledger.begin(entry(7, anna, 1, 3));
    CHECK(fixture.text() == "candor streams 1\nnumber " + to_hex(anna) + " 3 1\nopen " + to_hex(wire::Id16{7}) + " " +
                                to_hex(anna) + " 3 1 1700000007\n");
    struct stat status {};
    REQUIRE(::stat(fixture.file.c_str(), &status) == 0);
    CHECK((status.st_mode & 07777) == 0600);
    const auto next = fixture.load();
    CHECK(next.unfinished() == std::vector{entry(7, anna, 1, 3)});
    CHECK(next.next_number(anna, 3) == 2);
}

TEST_CASE("streams are numbered from 1 by person and epoch, without holes, over restarts") {
    const Fixture fixture;
    for (std::uint8_t i = 1; i < 6; ++i) {
        auto ledger = fixture.load();
        CHECK(ledger.next_number(anna, 1) == i);
        ledger.begin(entry(i, anna, i));
        CHECK(ledger.next_number(bert, 1) == i);
        ledger.begin(entry(static_cast<std::uint8_t>(100 + i), bert, i));
    }
    CHECK(fixture.load().next_number(anna, 2) == 1);
}

TEST_CASE("a finished stream is gone, and its number is not given again") {
    const Fixture fixture;
    auto ledger = fixture.load();
    ledger.begin(entry(1, anna, 1));
    ledger.begin(entry(2, anna, 2));
    ledger.begin(entry(3, anna, 3));
    finish(ledger, {1, 3, 77});
    CHECK(streams_of(fixture.load()) == std::vector<std::uint8_t>{2});
    finish(ledger, {2});
    CHECK(streams_of(fixture.load()).empty());
    CHECK(fixture.load().next_number(anna, 1) == 4);
}

TEST_CASE("finishing what is not there writes nothing") {
    const Fixture fixture;
    auto ledger = fixture.load();
    finish(ledger, {1});
    ledger.forget(anna, 9);
    CHECK_FALSE(std::filesystem::exists(fixture.file));
}

TEST_CASE("a new epoch ends the numbers of those before it, for that person alone") {
    const Fixture fixture;
    auto ledger = fixture.load();
    ledger.begin(entry(1, anna, 1));
    ledger.begin(entry(2, bert, 1));
    ledger.begin(entry(3, anna, 1, 2));
    CHECK(fixture.load().next_number(anna, 2) == 2);
    CHECK(fixture.load().next_number(bert, 1) == 2);
    CHECK(fixture.text().find("number " + to_hex(anna) + " 1 ") == std::string::npos);
    CHECK(streams_of(ledger) == std::vector<std::uint8_t>{1, 2, 3});
}

TEST_CASE("what was erased is forgotten: a person's streams and numbers up to an epoch") {
    const Fixture fixture;
    auto ledger = fixture.load();
    ledger.begin(entry(1, anna, 1));
    ledger.begin(entry(2, anna, 1, 2));
    ledger.begin(entry(3, bert, 1));
    ledger.begin(entry(4, anna, 1, 3));
    ledger.forget(anna, 2);
    CHECK(streams_of(fixture.load()) == std::vector<std::uint8_t>{3, 4});
    CHECK(fixture.load().next_number(anna, 3) == 2);
    ledger.forget(anna, 3);
    CHECK(fixture.text().find(to_hex(anna)) == std::string::npos);
    CHECK(fixture.load().next_number(bert, 1) == 2);
}

TEST_CASE("where the disk takes nothing, nothing has changed") {
    const Fixture fixture;
    const auto folder = fixture.directory / "state";
    std::filesystem::create_directory(folder);
    auto ledger = StreamLedger::load(folder / "streams").value();
    ledger.begin(entry(1, anna, 1));
    std::filesystem::rename(folder, fixture.directory / "away");
    CHECK_THROWS_AS(ledger.begin(entry(2, anna, 2)), std::system_error);
    CHECK_THROWS_AS(finish(ledger, {1}), std::system_error);
    CHECK_THROWS_AS(ledger.forget(anna, 1), std::system_error);
    CHECK(streams_of(ledger) == std::vector<std::uint8_t>{1});
    CHECK(ledger.next_number(anna, 1) == 2);
    std::filesystem::rename(fixture.directory / "away", folder);
    ledger.begin(entry(2, anna, 2));
    CHECK(streams_of(StreamLedger::load(folder / "streams").value()) == std::vector<std::uint8_t>{1, 2});
}

TEST_CASE("a damaged ledger is refused with file and line, and left as it is") {
    const Fixture fixture;
    const std::string first = "candor streams 1\n";
    const std::string id = to_hex(anna);
    const std::string place = fixture.file.string() + ":";
    const std::string expected = ": expected a line number or open, with its ids and numbers";
    CHECK(fixture.refusal_of(first) == "accepted");
    CHECK(fixture.refusal_of(first + "number " + id + " 1 1\n") == "accepted");
    CHECK(fixture.refusal_of("") == fixture.file.string() + ": ends within a line");
    CHECK(fixture.refusal_of("candor streams 2\n") == place + "1: expected \"candor streams 1\"");
    CHECK(fixture.refusal_of(" " + first) == place + "1: expected \"candor streams 1\"");
    CHECK(fixture.refusal_of(first + "number " + id + " 1 1") == fixture.file.string() + ": ends within a line");
    for (const std::string& bad :
         {std::string(), std::string("numbers " + id + " 1 1"), "number " + id + " 1", "number " + id + " 1 1 1",
          "number " + id.substr(1) + " 1 1", "number " + id + "0 1 1", "number " + id + " -1 1",
          "number " + id + " 1 0", "number " + id + " 4294967296 1", "number " + id + " 1 18446744073709551616",
          "number " + id + " 1 18446744073709551615", "number " + id + " 1 0x1", "number " + id + " one 1",
          "open " + id + " " + id + " 1 1", "open " + id + " " + id + " 1 1 1 1", "open " + id + " 1 1 1",
          "open " + id + " " + id + " 1 1 now"}) {
        INFO(bad);
        CHECK(fixture.refusal_of(first + bad + "\n") == place + "2" + expected);
        CHECK(fixture.text() == first + bad + "\n");
    }
    CHECK(fixture.refusal_of(first + "number " + id + " 1 1\nnumber " + id + " 1 2\n") == place + "3" + expected);
}

TEST_CASE("a ledger that others made too large, or no file, is refused") {
    const Fixture fixture;
    CHECK(fixture.refusal_of(std::string(1024 * 1024 + 1, 'x')).starts_with(fixture.file.string()));
    std::filesystem::remove(fixture.file);
    std::filesystem::create_directory(fixture.file);
    CHECK_FALSE(StreamLedger::load(fixture.file).has_value());
}

TEST_CASE("whatever is begun, finished and forgotten, the file says what the process knows") {
    std::mt19937 random(20261125);
    for (int round = 0; round < 15; ++round) {
        const Fixture fixture;
        auto ledger = fixture.load();
        std::uint8_t stream = 0;
        std::array<std::uint32_t, 2> epochs{1, 1};
        for (int step = 0; step < 40; ++step) {
            const std::size_t who = random() % 2;
            const wire::Id16& subject = who == 0 ? anna : bert;
            switch (random() % 5) {
            case 0:
                finish(ledger, {static_cast<std::uint8_t>(random() % 40), static_cast<std::uint8_t>(random() % 40)});
                break;
            case 1:
                ledger.forget(subject, epochs[who]++);
                break;
            default:
                ledger.begin(entry(stream++, subject, ledger.next_number(subject, epochs[who]), epochs[who]));
            }
            const auto again = fixture.load();
            REQUIRE(again.unfinished() == ledger.unfinished());
            for (const wire::Id16& each : {anna, bert}) {
                for (std::uint32_t epoch = 1; epoch <= std::max(epochs[0], epochs[1]); ++epoch) {
                    REQUIRE(again.next_number(each, epoch) == ledger.next_number(each, epoch));
                }
            }
            if (random() % 3 == 0) {
                ledger = fixture.load();
            }
        }
    }
}
