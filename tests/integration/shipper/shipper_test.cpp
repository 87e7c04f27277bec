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

#include <sys/socket.h>
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
    Shipper() {
        std::filesystem::create_directory(folder_ / "spool");
        std::filesystem::create_directory(folder_ / "lake");
        const std::string config = "[Shipper]\nSource=" + source().string() +
                                   "\nSpool=" + (folder_ / "spool").string() + "\nSink=dir:" + lake().string() + "\n";
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
        : server(loop, listen_at(shipper.source()), ::geteuid(), ring, run, [](const std::string&) {}) {}

    std::string push(const test::StreamFixture& fixture) {
        const auto frames = fixture.stream();
        const auto stream = std::get<wire::Open>(wire::parse_frame(frames.front())->body).stream;
        for (std::uint32_t i = 0; i < frames.size(); ++i) {
            ring.push(
                {stream, i, i + 1 == frames.size() ? daemon::Ring::Kind::close : daemon::Ring::Kind::frame, frames[i]});
        }
        server.send();
        return to_hex(stream);
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
    daemon::FrameServer server;
};

} // namespace

TEST_CASE("streams go from the ring into the lake and leave nothing behind") {
    const test::StreamFixture fixture;
    Shipper shipper;
    Candord candord(shipper);
    const auto grant = wire::make_grant(fixture.identity, fixture.subject, std::vector{fixture.recipient.public_key});
    candord.ring.push({fixture.context().grant, 0, daemon::Ring::Kind::grant, grant});
    std::map<std::string, std::string> expected;
    for (int i = 0; i < 20; ++i) {
        expected[candord.push(fixture)] = "24 events, closed";
    }
    shipper.start();
    CHECK(candord.turn_until([&] { return candord.ring.frames() == 0 && shipper.segments(fixture) == expected; }));
    CHECK(std::filesystem::exists(shipper.lake() / to_hex(fixture.subject.subject) /
                                  (to_hex(fixture.context().grant) + ".grant")));
    CHECK(shipper.end(SIGTERM) == 0);
    CHECK(std::filesystem::is_empty(shipper.spool() / "damaged"));
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
    CHECK(std::filesystem::is_empty(shipper.spool() / "damaged"));
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

TEST_CASE("a configuration that is not understood ends it with the place") {
    const test::TemporaryDirectory folder;
    write_file_atomically(folder / "shipper.conf", as_bytes("[Shipper]\nSpool=/tmp\nColour=blue\n"), 0600);
    const auto result = test::run_program(test::program_of("CANDOR_SHIPPER"), {"--config", folder / "shipper.conf"});
    CHECK(result.status == 1);
    CHECK(result.errors.find("shipper.conf:3: [Shipper] Colour: unknown key") != std::string::npos);
}
