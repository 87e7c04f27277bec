// SPDX-License-Identifier: Apache-2.0
// The real candor-shipper against candord's ring and frame server.
#include "base/file.h"
#include "base/hex.h"
#include "daemon/frame_server.h"
#include "support/catch.h"
#include "support/program.h"
#include "support/temporary_directory.h"
#include "unit/wire/stream_fixture.h"
#include "wire/segment.h"

#include <fstream>
#include <iterator>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <poll.h>

#include <csignal>
#include <map>
#include <random>

using namespace candor;
using namespace std::chrono_literals;

namespace {

UniqueFd listen_at(const std::filesystem::path& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::ranges::copy(path.string(), address.sun_path);
    UniqueFd listener(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    REQUIRE(::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::listen(listener.get(), 8) == 0);
    return listener;
}

/// candor-shipper with a spool and a lake of its own.
class Shipper {
public:
    explicit Shipper(const std::string& more = "") {
        std::filesystem::create_directory(folder_ / "spool");
        std::filesystem::create_directory(folder_ / "lake");
        const std::string config = "[Shipper]\nSource=" + source().string() +
                                   "\nSpool=" + (folder_ / "spool").string() + "\nSink=dir:" + lake().string() +
                                   "\nMetricsFile=" + metrics().string() + "\n" + more;
        write_file_atomically(folder_ / "shipper.conf", as_bytes(config), 0600);
    }
    ~Shipper() { end(SIGKILL); }

    void start() {
        pid_ = ::fork();
        REQUIRE(pid_ >= 0);
        if (pid_ == 0) {
            test::execute(test::program_of("CANDOR_SHIPPER"), {"--config", folder_ / "shipper.conf"}, {});
        }
    }
    int end(int signal) {
        if (pid_ <= 0) {
            return 0;
        }
        ::kill(pid_, signal);
        return test::exit_status(std::exchange(pid_, 0));
    }

    [[nodiscard]] std::filesystem::path source() const { return folder_ / "frames.sock"; }
    [[nodiscard]] std::filesystem::path lake() const { return folder_ / "lake"; }
    [[nodiscard]] std::filesystem::path spool() const { return folder_ / "spool"; }
    [[nodiscard]] std::filesystem::path config() const { return folder_ / "shipper.conf"; }
    [[nodiscard]] std::filesystem::path metrics() const { return folder_ / "shipper.prom"; }

    /// Each segment of the lake by its name, and what came of reading it.
    [[nodiscard]] std::map<std::string, std::string> segments(const test::StreamFixture& fixture) const {
        std::map<std::string, std::string> result;
        for (const auto& entry : std::filesystem::recursive_directory_iterator(lake())) {
            if (entry.path().extension() != ".candor") {
                continue;
            }
            const auto bytes = read_file(entry.path(), wire::max_segment_bytes);
            wire::SegmentReader reader(bytes.value());
            std::vector<wire::FrameBytes> frames;
            while (auto message = reader.next().value()) {
                frames.push_back(std::move(*message));
            }
            result[entry.path().stem().string()] = fixture.read(frames);
        }
        return result;
    }

    /// Segments that are missing, too many, or read otherwise.
    [[nodiscard]] std::string differences(const test::StreamFixture& fixture,
                                          const std::map<std::string, std::string>& expected) const {
        const auto there = segments(fixture);
        std::string text;
        for (const auto& [name, state] : expected) {
            const auto found = there.find(name);
            if (found == there.end() || found->second != state) {
                text += name + ": " + (found == there.end() ? "missing" : found->second) + "\n";
            }
        }
        return there.size() > expected.size() ? text + std::to_string(there.size()) + " segments" : text;
    }

private:
    test::TemporaryDirectory folder_;
    pid_t pid_ = 0;
};

/// candord's side: a ring, and the server that hands it out.
struct Candord {
    explicit Candord(const Shipper& shipper)
        : server(loop, listen_at(shipper.source()), ::geteuid(), ring, run,
                 {[](const std::string&) {}, [] {}, [] {},
                  [this](const wire::ErasureMessage& message) { receipts.push_back(message.bytes); }}) {}

    std::string push(const test::StreamFixture& fixture, std::chrono::seconds embargo = 0s) {
        auto context = fixture.context();
        context.embargo = embargo;
        const auto frames = fixture.stream(context);
        const auto open = std::get<wire::Open>(wire::parse_frame(frames.front())->body);
        wire::StreamProgress progress;
        progress.stream = open.stream;
        progress.subject = open.subject;
        for (std::uint32_t i = 0; i < frames.size(); ++i) {
            progress.closed = i + 1 == frames.size();
            progress.next_sequence = i + 1;
            ring.push({open.stream, open.subject, i,
                       progress.closed ? daemon::Ring::Kind::close : daemon::Ring::Kind::frame, frames[i], progress});
        }
        server.send();
        return to_hex(open.stream);
    }
    void push_object(const wire::Id16& id, const wire::Id16& subject, const wire::FrameBytes& message) {
        ring.push({id, subject, 0, daemon::Ring::Kind::object, message, {}});
        server.send();
    }
    /// False when it did not come about within half a minute.
    template <typename Condition> bool turn_until(Condition&& condition) {
        for (const auto end = std::chrono::steady_clock::now() + 30s; !condition();) {
            loop.run_once(10ms);
            if (std::chrono::steady_clock::now() > end) {
                return false;
            }
        }
        return true;
    }

    wire::Id16 run = wire::random_id();
    EventLoop loop;
    daemon::Ring ring{1024 * 1024};
    std::vector<std::vector<std::uint8_t>> receipts;
    daemon::FrameServer server;
};

} // namespace

TEST_CASE("streams go from the ring into the lake and leave nothing behind") {
    const test::StreamFixture fixture;
    Shipper shipper;
    Candord candord(shipper);
    const auto grant = wire::make_grant(fixture.identity, fixture.subject, std::vector{fixture.recipient.public_key});
    candord.push_object(fixture.context().grant, fixture.subject.subject, grant);
    std::map<std::string, std::string> expected;
    for (int i = 0; i < 20; ++i) {
        expected[candord.push(fixture)] = "24 events, closed";
    }
    shipper.start();
    CHECK(candord.turn_until([&] { return candord.ring.frames() == 0 && shipper.segments(fixture) == expected; }));
    CHECK(std::filesystem::exists(shipper.lake() / "grants" / to_hex(fixture.subject.subject) /
                                  (to_hex(fixture.context().grant) + ".grant")));
    CHECK(std::filesystem::exists(shipper.lake() / "grants" / "CACHEDIR.TAG"));
    CHECK(shipper.end(SIGTERM) == 0);
    CHECK_FALSE(std::filesystem::exists(shipper.spool() / "damaged"));
}

TEST_CASE("a shipper that is killed again and again loses and doubles nothing") {
    const test::StreamFixture fixture;
    Shipper shipper;
    Candord candord(shipper);
    std::map<std::string, std::string> expected;
    std::mt19937 random(5);
    for (int life = 0; life < 25; ++life) {
        shipper.start();
        for (int i = 0; i < 8; ++i) {
            expected[candord.push(fixture)] = "24 events, closed";
        }
        const auto frames_left = random() % 48;
        REQUIRE(candord.turn_until([&] { return candord.ring.frames() <= frames_left; }));
        shipper.end(SIGKILL);
    }
    shipper.start();
    CHECK(candord.turn_until(
        [&] { return candord.ring.frames() == 0 && shipper.segments(fixture).size() >= expected.size(); }));
    CHECK(shipper.differences(fixture, expected) == "");
    CHECK_FALSE(std::filesystem::exists(shipper.spool() / "damaged"));
}

TEST_CASE("a shipper that starts before candord waits for it") {
    const test::StreamFixture fixture;
    Shipper shipper;
    shipper.start();
    Candord candord(shipper);
    const auto stream = candord.push(fixture);
    CHECK(candord.turn_until([&] { return shipper.segments(fixture).contains(stream); }));
}

TEST_CASE("a peer that sends no frames is hung up on, and the next one is served") {
    const test::StreamFixture fixture;
    Shipper shipper;
    {
        const UniqueFd listener = listen_at(shipper.source());
        shipper.start();
        const std::vector<std::uint8_t> garbage(
            GENERATE(std::size_t{0}, std::size_t{5}, std::size_t{64}, wire::max_frame_bytes + 8), 7);
        pollfd waiting{listener.get(), POLLIN, 0};
        REQUIRE(::poll(&waiting, 1, 30'000) == 1);
        const UniqueFd connection(::accept(listener.get(), nullptr, nullptr));
        REQUIRE(connection);
        if (!garbage.empty()) {
            REQUIRE(::send(connection.get(), garbage.data(), garbage.size(), MSG_NOSIGNAL) >= 0);
            char end = 0;
            // It hangs up by itself; an empty packet is the end of a connection already.
            CHECK(::recv(connection.get(), &end, 1, 0) <= 0);
        }
    }
    std::filesystem::remove(shipper.source());
    Candord candord(shipper);
    const auto stream = candord.push(fixture);
    CHECK(candord.turn_until([&] { return shipper.segments(fixture).contains(stream); }));
}

TEST_CASE("what is under embargo stays in the spool, and leaves by itself when its time has come") {
    const test::StreamFixture fixture;
    Shipper shipper;
    Candord candord(shipper);
    const auto stream = candord.push(fixture, 4s);
    shipper.start();
    REQUIRE(candord.turn_until([&] { return std::filesystem::exists(shipper.spool() / (stream + ".candor")); }));
    CHECK(shipper.segments(fixture).empty());
    CHECK(candord.turn_until([&] { return shipper.segments(fixture).contains(stream); }));
}

TEST_CASE("an erasure reaches the spool and the lake, and its receipt comes back") {
    const test::StreamFixture fixture;
    Shipper shipper;
    Candord candord(shipper);
    const auto stream = candord.push(fixture, 1h);
    shipper.start();
    REQUIRE(candord.turn_until([&] { return std::filesystem::exists(shipper.spool() / (stream + ".candor")); }));
    wire::Tombstone tombstone;
    tombstone.id = wire::random_id();
    tombstone.subject = fixture.subject.subject;
    tombstone.last_epoch = 1;
    candord.push_object(tombstone.id, tombstone.subject, wire::make_tombstone(fixture.identity, tombstone));
    const auto in_lake = shipper.lake() / to_hex(tombstone.subject) / (to_hex(tombstone.id) + ".tombstone");
    REQUIRE(candord.turn_until([&] { return std::filesystem::exists(in_lake); }));
    CHECK_FALSE(std::filesystem::exists(shipper.spool() / (stream + ".candor")));
    std::filesystem::create_directory(shipper.lake() / "receipts");
    write_file_atomically(shipper.lake() / "receipts" / (to_hex(tombstone.id) + ".receipt"), as_bytes("12345678"),
                          0640);
    // It looks once a minute, and at its start.
    CHECK(shipper.end(SIGTERM) == 0);
    shipper.start();
    CHECK(candord.turn_until([&] { return !candord.receipts.empty(); }));
    CHECK(candord.turn_until(
        [&] { return !std::filesystem::exists(shipper.spool() / (to_hex(tombstone.id) + ".sent")); }));
}

TEST_CASE("a lake that is gone stalls shipping, which candord and the metrics are told, and nothing ends") {
    const test::StreamFixture fixture;
    Shipper shipper;
    Candord candord(shipper);
    std::filesystem::rename(shipper.lake(), shipper.lake().string() + ".away");
    shipper.start();
    const auto stream = candord.push(fixture);
    const auto state = [&] {
        return candord.server.report() ? candord.server.report()->state : wire::ShippingState::shipping;
    };
    REQUIRE(candord.turn_until([&] { return state() == wire::ShippingState::stalled; }));
    CHECK(candord.server.report()->problem.find("lake") != std::string::npos);
    CHECK(candord.turn_until([&] { return candord.ring.frames() == 0; })); // the spool takes it all the same
    CHECK(candord.turn_until([&] {
        const auto text = read_text(shipper.metrics(), 64 * 1024);
        return text && text->find("candor_shipper_state{state=\"stalled\"} 1") != std::string::npos;
    }));
    std::filesystem::rename(shipper.lake().string() + ".away", shipper.lake());
    CHECK(candord.turn_until([&] { return shipper.segments(fixture).contains(stream); }));
    CHECK(candord.turn_until([&] { return state() == wire::ShippingState::shipping; }));
    CHECK(shipper.end(SIGTERM) == 0);
}

TEST_CASE("a spool whose disk fails takes nothing and says so, and goes on when the disk is well") {
    const test::StreamFixture fixture;
    Shipper shipper;
    Candord candord(shipper);
    // A file in the place of the folder: every write fails.
    std::filesystem::rename(shipper.spool(), shipper.spool().string() + ".away");
    write_file_atomically(shipper.spool(), as_bytes("in the way"), 0600);
    shipper.start();
    const auto stream = candord.push(fixture);
    REQUIRE(candord.turn_until(
        [&] { return candord.server.report() && candord.server.report()->state == wire::ShippingState::refusing; }));
    CHECK(candord.ring.frames() > 0);
    std::filesystem::remove(shipper.spool());
    std::filesystem::rename(shipper.spool().string() + ".away", shipper.spool());
    CHECK(candord.turn_until([&] { return shipper.segments(fixture).contains(stream); }));
    CHECK(candord.turn_until([&] { return candord.ring.frames() == 0; }));
    CHECK(shipper.end(SIGTERM) == 0);
}

TEST_CASE("a spool in use is not checked by another process, and an idle one is") {
    Shipper shipper;
    const auto fsck = [&] {
        return test::run_program(test::program_of("CANDOR_SHIPPER"), {"fsck", "--config", shipper.config()});
    };
    CHECK(fsck().status == 0);
    write_file_atomically(shipper.spool() / "00112233445566778899aabbccddeeff.candor", as_bytes("CANDORSGx"), 0640);
    const auto found = fsck();
    CHECK(found.status == 1);
    CHECK(found.output.find("00112233445566778899aabbccddeeff.candor: byte 8: ") == 0);
    CHECK(fsck().status == 0);
    shipper.start();
    // Looked for without taking it: the shipper would find it in use.
    struct stat lock {};
    REQUIRE(::stat((shipper.spool() / "lock").c_str(), &lock) == 0);
    const std::string inode = ":" + std::to_string(lock.st_ino) + " ";
    std::string locks;
    for (int i = 0; i < 1000 && locks.find(inode) == std::string::npos; ++i) {
        ::poll(nullptr, 0, 10);
        std::ifstream file("/proc/locks");
        locks.assign(std::istreambuf_iterator<char>(file), {});
    }
    const std::string errors = fsck().errors;
    CHECK(errors.find("in use by another process") != std::string::npos);
}

TEST_CASE("a configuration that is not understood ends it with the place") {
    const test::TemporaryDirectory folder;
    write_file_atomically(folder / "shipper.conf", as_bytes("[Shipper]\nSpool=/tmp\nColour=blue\n"), 0600);
    const auto result = test::run_program(test::program_of("CANDOR_SHIPPER"), {"--config", folder / "shipper.conf"});
    CHECK(result.status == 1);
    CHECK(result.errors.find("shipper.conf:3: [Shipper] Colour: unknown key") != std::string::npos);
}
