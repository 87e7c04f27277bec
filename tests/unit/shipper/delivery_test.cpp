// SPDX-License-Identifier: Apache-2.0
#include "shipper/delivery.h"
#include "shipper/directory_sink.h"
#include "unit/shipper/spool_fixture.h"

#include <sys/stat.h>

using namespace candor;
using namespace std::chrono_literals;
using candor::test::SpoolFixture;

namespace {

shipper::Waiting::Now now{};

/// A spool with one finished segment and its grant, and a lake.
struct DeliveryFixture : SpoolFixture {
    explicit DeliveryFixture(std::chrono::seconds embargo = 0s, const char* boot = "000102030405060708090a0b0c0d0e0f") {
        REQUIRE(::setenv("CANDOR_BOOT_ID", boot, 1) == 0);
        auto about = context();
        about.embargo = embargo;
        frames = stream(about);
        grant = wire::make_grant(identity, subject, std::vector{recipient.public_key});
        grant_name = to_hex(about.grant) + ".grant";
        now = shipper::Waiting::read_clock();
        fill();
        filling->resume(names(frames), 0);
        REQUIRE(filling->take(grant).has_value());
        static_cast<void>(take(*filling, frames, 0, frames.size()));
    }

    void fill() {
        delivery.reset();
        filling.emplace(
            folder.path(), bound, [this](const std::string& message) { log.push_back(message); }, [] { return now; });
    }
    /// As a new process does.
    void restart() {
        fill();
        start(sink);
    }

    [[nodiscard]] std::filesystem::path person() const { return lake / to_hex(subject.subject); }
    [[nodiscard]] std::filesystem::path in_lake() const { return person() / segment(frames); }
    [[nodiscard]] std::filesystem::path grant_in_lake() const {
        return (lake / "grants") / to_hex(subject.subject) / grant_name;
    }

    void start(shipper::Sink& to, std::chrono::seconds most_age = 30 * 24h) {
        delivery.emplace(loop, *filling, to, shipper::Delivery::Settings{most_age, 10ms, [] { return now; }},
                         shipper::Delivery::Callbacks{[this](const std::string& message) { log.push_back(message); },
                                                      [this] { ++changed; },
                                                      [this](const std::vector<std::uint8_t>& message) {
                                                          receipts.push_back(message);
                                                          return takes_receipts;
                                                      }});
    }
    /// What is in the spool but the memory of what has left it.
    [[nodiscard]] std::set<std::string> waiting() const {
        auto names = files();
        std::erase_if(names, [](const std::string& name) { return name.ends_with(".done"); });
        return names;
    }
    void run() {
        if (!delivery) {
            start(sink);
        }
        delivery->run();
    }

    std::vector<wire::FrameBytes> frames;
    wire::FrameBytes grant;
    std::string grant_name;
    test::TemporaryDirectory lake;
    EventLoop loop;
    std::optional<shipper::Spool> filling;
    shipper::DirectorySink sink{lake.path()};
    int changed = 0;
    bool takes_receipts = true;
    std::vector<std::vector<std::uint8_t>> receipts;
    std::optional<shipper::Delivery> delivery;
};

/// Answers when it is told to.
class SlowSink final : public shipper::Sink {
public:
    void store(const std::filesystem::path& name, std::span<const std::uint8_t>, Done done) override {
        REQUIRE_FALSE(waiting);
        names.push_back(name.string());
        waiting = std::move(done);
    }
    void look_for_receipts(const std::vector<wire::Id16>&,
                           std::function<void(const wire::Id16&, std::vector<std::uint8_t>)>) override {}
    void answer(std::expected<Stored, Refusal> stored) { std::exchange(waiting, nullptr)(std::move(stored)); }

    std::vector<std::string> names;
    Done waiting;
};

} // namespace

TEST_CASE("a finished segment moves into the person's folder of the lake, and its grant apart from it") {
    DeliveryFixture f;
    const auto bytes = SpoolFixture::bytes_of(f.folder / SpoolFixture::segment(f.frames));
    f.run();
    CHECK(SpoolFixture::bytes_of(f.in_lake()) == bytes);
    CHECK(std::filesystem::exists(f.grant_in_lake()));
    CHECK(std::filesystem::exists((f.lake / "grants") / "CACHEDIR.TAG"));
    CHECK(f.waiting().empty());
    struct stat status {};
    REQUIRE(::stat(f.in_lake().c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0640);
    CHECK(f.log.empty());
    CHECK(f.delivery->figures().delivered == 1);
    CHECK(f.delivery->figures().waiting == 0);
}

TEST_CASE("nothing of a stream leaves before its embargo has passed, not even its grant") {
    DeliveryFixture f(1h);
    f.run();
    CHECK_FALSE(std::filesystem::exists(f.lake / "grants"));
    CHECK_FALSE(std::filesystem::exists(f.person()));
    CHECK(f.delivery->figures().waiting == 1);
    CHECK(f.delivery->problem().empty());
    now.boottime += 59min;
    f.run();
    CHECK(f.files().size() == 2);
    now.boottime += 61s;
    f.run();
    CHECK(std::filesystem::exists(f.in_lake()));
    CHECK(std::filesystem::exists(f.grant_in_lake()));
}

TEST_CASE("a wall clock that is set a year on or back neither releases nor holds nor expires anything") {
    for (const std::int64_t years : {1, -1}) {
        DeliveryFixture f(1h);
        f.run();
        now.realtime += std::chrono::hours(years * 365 * 24);
        f.run();
        CHECK(f.files().size() == 2);
        now.boottime += 1h + 1s;
        f.run();
        CHECK(std::filesystem::exists(f.in_lake()));
        CHECK(f.delivery->figures().expired == 0);
    }
}

TEST_CASE("a wall clock that is set neither releases nor holds anything when the shipper starts anew, too") {
    DeliveryFixture f(1h);
    f.run();
    now.realtime += 2h;
    f.restart();
    f.run();
    CHECK(f.files().size() == 2);
    now.realtime -= 365 * 24h;
    now.boottime += 1h + 1s;
    f.restart();
    f.run();
    CHECK(std::filesystem::exists(f.in_lake()));
}

TEST_CASE(
    "what was recorded before the machine was booted, or in who knows which boot, has waited since it was written") {
    for (const char* boot : {"000102030405060708090a0b0c0d0e0f", ""}) {
        DeliveryFixture f(1h, boot);
        now.boot[0] ^= *boot != 0 ? 1 : 0;
        now.boottime = 5s;
        f.restart();
        f.run();
        CHECK(f.files().size() == 2);
        now.realtime += 2h;
        f.restart();
        f.run();
        CHECK(std::filesystem::exists(f.in_lake()));
    }
}

TEST_CASE("what the sink does not take stays in the spool, and is complained about once") {
    DeliveryFixture f;
    SlowSink slow;
    const auto before = f.files();
    f.start(slow);
    f.run();
    for (int i = 0; i < 3; ++i) {
        REQUIRE(slow.waiting);
        slow.answer(std::unexpected(Refusal{"the sink is full"}));
        CHECK(f.delivery->problem() == "the sink is full");
        while (!slow.waiting) {
            f.loop.run_once(1s); // it tries again by itself
        }
    }
    CHECK(f.files() == before);
    REQUIRE(f.log.size() == 1);
    CHECK(f.log[0].find("the sink is full") != std::string::npos);
    CHECK(f.delivery->figures().errors == 3);
    slow.answer(shipper::Sink::Stored::durably);
    CHECK(f.delivery->problem().empty());
}

TEST_CASE("a sink that answers late gets one file at a time, the grant first, and loses none") {
    DeliveryFixture f;
    SlowSink slow;
    f.start(slow);
    f.run();
    f.run(); // it is busy
    REQUIRE(slow.names.size() == 1);
    CHECK(slow.names[0].ends_with(".grant"));
    slow.answer(shipper::Sink::Stored::durably);
    REQUIRE(slow.names.size() == 2);
    CHECK(slow.names[1].ends_with(".candor"));
    CHECK(f.files() == std::set<std::string>{SpoolFixture::segment(f.frames)});
    slow.answer(shipper::Sink::Stored::durably);
    CHECK(f.waiting().empty());
    CHECK_FALSE(slow.waiting);
}

TEST_CASE("a lake that is not there is not made, and what waits goes when it is back") {
    DeliveryFixture f;
    shipper::DirectorySink away(f.lake / "missing");
    f.start(away);
    f.run();
    CHECK_FALSE(std::filesystem::exists(f.lake / "missing"));
    REQUIRE(f.log.size() == 1);
    CHECK(f.log[0].find("missing") != std::string::npos);
    CHECK_FALSE(f.delivery->problem().empty());
    std::filesystem::create_directory(f.lake / "missing");
    f.run();
    CHECK(f.delivery->problem().empty());
    CHECK(f.waiting().empty());
}

TEST_CASE("a file of the spool that is no segment is set aside, and the others are delivered") {
    DeliveryFixture f;
    f.append_bytes("00ff.candor", "CANDORSG nothing of the kind");
    f.run();
    CHECK(std::filesystem::exists(f.in_lake()));
    CHECK(f.files("damaged") == std::set<std::string>{"00ff.candor"});
    REQUIRE(f.log.size() == 1);
    CHECK(f.log[0].find("00ff.candor: byte 8: ") != std::string::npos);
    CHECK(f.delivery->figures().set_aside == 1);
}

TEST_CASE("the same segment twice is one, a longer one takes a shorter one's place, and another one is refused") {
    DeliveryFixture f;
    const auto bytes = SpoolFixture::bytes_of(f.folder / SpoolFixture::segment(f.frames));
    const std::filesystem::path name = to_hex(f.subject.subject) + "/" + SpoolFixture::segment(f.frames);
    const auto store = [&](std::span<const std::uint8_t> what) {
        std::optional<std::expected<shipper::Sink::Stored, Refusal>> answer;
        f.sink.store(name, what, [&](const auto& stored) { answer = stored; });
        REQUIRE(answer.has_value());
        REQUIRE(answer->has_value());
        return answer->value();
    };
    const auto shorter = std::span(bytes).first(bytes.size() - 10);
    CHECK(static_cast<int>(store(shorter)) == static_cast<int>(shipper::Sink::Stored::durably));
    CHECK(static_cast<int>(store(bytes)) == static_cast<int>(shipper::Sink::Stored::durably));
    struct stat first {};
    REQUIRE(::stat(f.in_lake().c_str(), &first) == 0);
    CHECK(static_cast<int>(store(bytes)) == static_cast<int>(shipper::Sink::Stored::durably));
    struct stat second {};
    REQUIRE(::stat(f.in_lake().c_str(), &second) == 0);
    CHECK(first.st_ino == second.st_ino);
    CHECK(static_cast<int>(store(shorter)) == static_cast<int>(shipper::Sink::Stored::conflict));
    auto other = bytes;
    other[40] ^= 1;
    CHECK(static_cast<int>(store(other)) == static_cast<int>(shipper::Sink::Stored::conflict));
    CHECK(SpoolFixture::bytes_of(f.in_lake()) == bytes);
}

TEST_CASE("a segment that is in conflict with the lake is set aside and named, and the lake stays as it is") {
    DeliveryFixture f;
    std::filesystem::create_directories(f.person());
    write_file_atomically(f.in_lake(), as_bytes("CANDORSG something else"), 0640);
    f.run();
    CHECK(SpoolFixture::bytes_of(f.in_lake()).size() == 23);
    CHECK(f.files("damaged").size() == 1);
    REQUIRE(f.log.size() == 1);
    CHECK(f.log[0].find("something else is in the lake") != std::string::npos);
}

TEST_CASE("a segment that has waited too long is given up, and what is left says how much it was") {
    DeliveryFixture f(1h);
    f.start(f.sink, 24h);
    now.boottime += 25h;
    f.run();
    CHECK(f.delivery->figures().expired == 1);
    CHECK_FALSE(std::filesystem::exists(f.in_lake()));
    auto left = f.in_lake();
    const auto bytes = SpoolFixture::bytes_of(left.replace_extension(".expired"));
    wire::SegmentReader reader(bytes);
    const auto open = reader.next(wire::expired_magic);
    REQUIRE((open && *open));
    CHECK(wire::check_open(**open).has_value());
    const auto close = reader.next(wire::expired_magic);
    REQUIRE((close && *close));
    CHECK(std::get<wire::Close>(wire::parse_frame(**close)->body).stored == 24);
    CHECK(f.log.size() == 1);
}

TEST_CASE("a note goes after the segment that it is about") {
    DeliveryFixture f(1h);
    const wire::Note note{.stream = SpoolFixture::id_of(f.frames), .subject = f.subject.subject};
    REQUIRE(f.filling->take(wire::make_note(f.identity, note)).has_value());
    f.run();
    CHECK_FALSE(std::filesystem::exists(f.person()));
    now.boottime += 2h;
    f.run();
    auto in_lake = f.in_lake();
    CHECK(std::filesystem::exists(in_lake));
    CHECK(std::filesystem::exists(in_lake.replace_extension(".note")));
    CHECK(f.waiting().empty());
}

TEST_CASE("a tombstone goes at once, and is kept until its receipt has been handed on") {
    DeliveryFixture f(1h);
    wire::Tombstone tombstone;
    tombstone.id = wire::random_id();
    tombstone.subject = f.subject.subject;
    tombstone.last_epoch = 1;
    REQUIRE(f.filling->take(wire::make_tombstone(f.identity, tombstone)).has_value());
    f.run();
    const std::string id = to_hex(tombstone.id);
    CHECK(std::filesystem::exists(f.person() / (id + ".tombstone")));
    CHECK(f.files() == std::set<std::string>{id + ".sent"});
    std::filesystem::create_directory(f.lake / "receipts");
    write_file_atomically((f.lake / "receipts") / (id + ".receipt"), as_bytes("a receipt"), 0640);
    f.takes_receipts = false;
    now.boottime += 2min;
    f.run();
    CHECK(f.receipts.size() == 1);
    CHECK(f.files().size() == 1);
    f.takes_receipts = true;
    f.run();
    CHECK(f.receipts.size() == 2);
    CHECK(f.waiting().empty());
}
