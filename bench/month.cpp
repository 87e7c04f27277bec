// SPDX-License-Identifier: Apache-2.0
// month [--events N] SHIPPER: a month of work at a desk, as fast as it goes, from the intake through ring and socket into the real
// candor-shipper and a lake on this disk. Memory of both processes ten times along the way. Fails when it grows, or when an event is
// neither in the lake nor declared. Everything it wrote is deleted.
#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "daemon/frame_server.h"
#include "daemon/intake.h"
#include "daemon/recorder.h"
#include "daemon/succession.h"
#include "support/temporary_directory.h"
#include "wire/segment.h"
#include "wire/stream_opener.h"
#include "wire/subject_store.h"

#include <linux/input.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <random>
#include <sstream>

namespace {

using namespace candor;
namespace fs = std::filesystem;

constexpr int days = 22;
constexpr std::uint64_t second_us = 1'000'000;
constexpr std::uint64_t batch_us = 5 * second_us;
constexpr std::uint32_t keyboard = 0;
constexpr std::uint32_t mouse = 1;

/// Time in the month.
std::uint64_t now_us = 0;
std::uint64_t month_clock() { return now_us; }

UniqueFd listen_at(const fs::path& path) {
    UniqueFd fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string name = path.string();
    if (name.size() >= sizeof address.sun_path) {
        throw std::runtime_error(name + " is too long for a socket");
    }
    std::ranges::copy(name, address.sun_path);
    if (!fd || ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0 ||
        ::listen(fd.get(), 4) < 0) {
        throw_errno("listen at " + name);
    }
    return fd;
}

/// A process that dies with this one.
class Child {
public:
    Child(const std::string& program, const std::string& config) : pid_(::fork()) {
        if (pid_ < 0) {
            throw_errno("fork");
        }
        if (pid_ == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            ::execl(program.c_str(), program.c_str(), "--config", config.c_str(), static_cast<char*>(nullptr));
            std::perror(program.c_str());
            ::_exit(127);
        }
    }
    ~Child() {
        ::kill(pid_, SIGTERM);
        ::waitpid(pid_, nullptr, 0);
    }
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;

    [[nodiscard]] pid_t pid() const noexcept { return pid_; }
    void check_alive() const {
        int status = 0;
        if (::waitpid(pid_, &status, WNOHANG) == pid_) {
            throw std::runtime_error("candor-shipper ended, wait status " + std::to_string(status));
        }
    }

private:
    pid_t pid_;
};

struct Memory {
    long resident = 0; ///< KiB, as is the next one
    long peak = 0;
};

Memory memory_of(pid_t pid) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/status");
    Memory memory;
    for (std::string line; std::getline(file, line);) {
        std::istringstream words(line);
        std::string key;
        words >> key;
        if (key == "VmRSS:") {
            words >> memory.resident;
        } else if (key == "VmHWM:") {
            words >> memory.peak;
        }
    }
    return memory;
}

class Month {
public:
    Month(const std::string& shipper, std::uint64_t events)
        : quota_(events / days), identity_(wire::Identity::generate()), recipient_(wire::RecipientKeyPair::generate()),
          subjects_(folder_ / "subjects"), ledger_(daemon::StreamLedger::load(folder_ / "streams").value()),
          ring_(16 * 1024 * 1024),
          server_(loop_, listen_at(folder_ / "frames.sock"), ::getuid(), ring_, run_,
                  {[](const std::string& message) { std::fprintf(stderr, "%s\n", message.c_str()); },
                   [this] { ledger_.finish(daemon::finished_streams(ring_, ledger_, recorder_.stream())); }, [] {},
                   [](const wire::ErasureMessage&) {}}),
          recorder_(loop_, ring_, ledger_, identity_, run_, [this] { server_.send(); }),
          intake_(loop_, recorder_, {[] {}, [] {}}, &month_clock), shipper_(shipper, configure()) {}

    /// One day, from nine to when the day's events are done.
    void work() {
        const std::uint64_t until = produced_ + quota_;
        begin();
        while (produced_ < until) {
            switch (below(8)) {
            case 0:
            case 1:
            case 2:
                type(5 + below(120));
                break;
            case 3:
            case 4:
            case 5:
                point(50 + below(300));
                break;
            case 6:
                scroll(3 + below(40));
                break;
            default:
                // Reading, the telephone, or coffee.
                pass((below(20) == 0 ? 300 : 4 + below(40)) * second_us);
            }
            pass(below(second_us));
        }
        pass(10 * second_us);
        intake_.end(wire::GapReason::locked);
        recorder_.end(wire::CloseReason::gate_closed);
        drain(0);
        // The lake's disk has a day for this too; what waits in the spool takes memory.
        finish();
        pass(15 * 3600 * second_us);
    }

    [[nodiscard]] const daemon::Counters& counters() const noexcept { return recorder_.counters(); }
    [[nodiscard]] std::uint64_t produced() const noexcept { return produced_; }
    [[nodiscard]] Memory own_memory() const { return memory_of(::getpid()); }
    [[nodiscard]] Memory shipper_memory() const { return memory_of(shipper_.pid()); }

    /// Events in the lake, by the signed ends of its streams.
    [[nodiscard]] std::uint64_t stored_in_lake() const {
        std::uint64_t stored = 0;
        for (const auto& entry : fs::recursive_directory_iterator(folder_ / "lake")) {
            if (entry.path().extension() != wire::segment_suffix) {
                continue;
            }
            const auto bytes = read_file(entry.path(), wire::max_segment_bytes).value();
            wire::SegmentReader reader(bytes);
            wire::StreamOpener opener;
            while (const auto message = reader.next().value()) {
                static_cast<void>(opener.next(*message).value());
            }
            stored += opener.close().value().stored;
        }
        return stored;
    }

private:
    /// Until everything is in the lake.
    void finish() {
        const auto spool = folder_ / "spool";
        const auto waits = [&] {
            for (const auto& entry : fs::directory_iterator(spool)) {
                const auto suffix = entry.path().extension().string();
                if (suffix == wire::segment_suffix || suffix == wire::part_suffix) {
                    return true;
                }
            }
            return false;
        };
        const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(2);
        while (waits()) {
            if (std::chrono::steady_clock::now() > end) {
                throw std::runtime_error("the spool is not empty after two minutes");
            }
            turn(std::chrono::milliseconds(20));
        }
    }

    std::string configure() const {
        fs::create_directory(folder_ / "spool");
        fs::create_directory(folder_ / "lake");
        const auto file = folder_ / "shipper.conf";
        std::ofstream(file) << "[Shipper]\nSource=" << (folder_ / "frames.sock").string()
                            << "\nSpool=" << (folder_ / "spool").string()
                            << "\nSink=dir:" << (folder_ / "lake").string()
                            << "\nMetricsFile=" << (folder_ / "shipper.prom").string() << "\n";
        return file;
    }

    std::uint32_t below(std::uint64_t limit) { return static_cast<std::uint32_t>(random_() % limit); }

    void begin() {
        daemon::Grantee grantee;
        grantee.subject =
            subjects_.current(1000, std::chrono::days(3650), read_clock_anchor().realtime_ns / 1'000'000'000).value();
        grantee.recipients = {recipient_.public_key};
        recorder_.begin(std::move(grantee));
        recorder_.on_device({keyboard, input::DeviceClass::keyboard, BUS_USB, 1, 2, 3, "A keyboard"});
        recorder_.on_device({mouse, input::DeviceClass::mouse, BUS_USB, 1, 2, 4, "A mouse"});
        intake_.begin({.level = privacy::Level::actions, .panic_keys = {KEY_LEFTSHIFT, KEY_RIGHTSHIFT, KEY_ESC}});
        began_us_ = now_us;
    }

    /// Time passes; on the grid batches are sealed, and every ten minutes another stream begins, as the timers would have it.
    void pass(std::uint64_t us) {
        const std::uint64_t until = now_us + us;
        for (std::uint64_t due = (now_us / batch_us + 1) * batch_us; due <= until && recorder_.is_active();
             due += batch_us) {
            now_us = due;
            intake_.hand_on();
            if (now_us - began_us_ >= wire::rotate_us) {
                recorder_.rotate();
                began_us_ = now_us;
            }
            turn(std::chrono::microseconds(0));
            if (ring_.bytes() > ring_.bound() / 4) {
                drain(ring_.bound() / 8);
            }
        }
        now_us = until;
    }

    void turn(std::chrono::microseconds timeout) {
        while (loop_.run_once(timeout)) {
            timeout = std::chrono::microseconds(0);
        }
        shipper_.check_alive();
    }

    void drain(std::size_t bytes) {
        while (ring_.bytes() > bytes) {
            turn(std::chrono::milliseconds(10));
        }
    }

    template <std::size_t N> void packet(std::uint32_t device, const std::array<input::Event, N>& events) {
        produced_ += N;
        intake_.on_packet({device, now_us, events});
    }

    void key(std::uint16_t code, std::int32_t value) {
        packet<3>(keyboard, {{{EV_MSC, MSC_SCAN, 0x70000 + code}, {EV_KEY, code, value}, {EV_SYN, SYN_REPORT, 0}}});
    }

    void type(std::uint32_t keys) {
        for (; keys > 0; --keys) {
            const auto code = static_cast<std::uint16_t>(below(12) == 0 ? KEY_BACKSPACE : KEY_Q + below(30));
            key(code, 1);
            pass(60'000 + below(60'000));
            key(code, 0);
            pass(30'000 + below(150'000));
        }
    }

    void point(std::uint32_t reports) {
        for (; reports > 0; --reports) {
            packet<3>(mouse, {{{EV_REL, REL_X, static_cast<std::int32_t>(below(15)) - 7},
                               {EV_REL, REL_Y, static_cast<std::int32_t>(below(9)) - 4},
                               {EV_SYN, SYN_REPORT, 0}}});
            pass(8000);
        }
        for (const std::int32_t value : {1, 0}) {
            packet<3>(mouse, {{{EV_MSC, MSC_SCAN, 0x90001}, {EV_KEY, BTN_LEFT, value}, {EV_SYN, SYN_REPORT, 0}}});
            pass(90'000);
        }
    }

    void scroll(std::uint32_t notches) {
        for (; notches > 0; --notches) {
            packet<3>(mouse, {{{EV_REL, REL_WHEEL, -1}, {EV_REL, REL_WHEEL_HI_RES, -120}, {EV_SYN, SYN_REPORT, 0}}});
            pass(40'000 + below(100'000));
        }
    }

    test::TemporaryDirectory folder_;
    std::uint64_t quota_;
    std::minstd_rand random_{1};
    std::uint64_t produced_ = 0; ///< before anything was reduced
    std::uint64_t began_us_ = 0;
    EventLoop loop_;
    wire::Identity identity_;
    wire::RecipientKeyPair recipient_;
    wire::Id16 run_ = wire::random_id();
    wire::SubjectStore subjects_;
    daemon::StreamLedger ledger_;
    daemon::Ring ring_;
    daemon::FrameServer server_;
    daemon::Recorder recorder_;
    daemon::Intake intake_;
    Child shipper_;
};

/// 1 when memory grew or events are missing.
int run(const std::string& shipper, std::uint64_t events) {
    wire::init_crypto();
    now_us = monotonic_us();
    Month month(shipper, events);
    std::printf("%8s %12s %8s %10s | %9s %9s | %9s %9s   KiB\n", "day", "events", "streams", "sealed MB", "daemon",
                "peak", "shipper", "peak");
    std::vector<std::array<Memory, 2>> seen;
    for (int day = 1; day <= days; ++day) {
        month.work();
        if (day * 10 / days > (day - 1) * 10 / days) {
            seen.push_back({month.own_memory(), month.shipper_memory()});
            const auto& [own, other] = seen.back();
            std::printf("%8d %12llu %8llu %10.1f | %9ld %9ld | %9ld %9ld\n", day,
                        static_cast<unsigned long long>(month.produced()),
                        static_cast<unsigned long long>(month.counters().streams),
                        static_cast<double>(month.counters().sealed_bytes) / 1e6, own.resident, own.peak,
                        other.resident, other.peak);
            std::fflush(stdout);
        }
    }
    const daemon::Counters& counters = month.counters();
    const std::uint64_t stored = month.stored_in_lake();
    std::printf("kept by the level %llu = stored %llu + declared %llu; in the lake %llu\n",
                static_cast<unsigned long long>(counters.events_produced),
                static_cast<unsigned long long>(counters.events_stored),
                static_cast<unsigned long long>(counters.events_declared), static_cast<unsigned long long>(stored));
    int status = 0;
    if (stored != counters.events_stored ||
        counters.events_produced != counters.events_stored + counters.events_declared) {
        std::printf("events are missing\n");
        status = 1;
    }
    // The first fifth is warm-up. What comes after may round to other pages, no more.
    constexpr long rounding_kib = 512;
    for (std::size_t i = 0; i < 2; ++i) {
        if (seen.back()[i].resident > seen[1][i].resident + rounding_kib) {
            std::printf("memory of %s grew\n", i == 0 ? "the daemon's code" : "candor-shipper");
            status = 1;
        }
    }
    return status;
}

} // namespace

int main(int argc, char** argv) {
    std::uint64_t events = 20'000'000;
    const bool given = argc == 4 && std::string_view(argv[1]) == "--events";
    if (argc != 2 && !given) {
        std::fputs("month [--events N] SHIPPER\n", stderr);
        return 2;
    }
    try {
        if (given) {
            events = std::stoull(argv[2]);
        }
        return run(argv[argc - 1], events);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "month: %s\n", error.what());
        return EXIT_FAILURE;
    }
}
