// SPDX-License-Identifier: Apache-2.0
// candord without devices and bus: everything from the recorder to the shipper's socket is candord's own code; packets come from a script
// and carry a running number. Started as systemd would start candord. Prints a line for each report of the shipper.
#include "base/clock.h"
#include "base/file.h"
#include "base/journal.h"
#include "daemon/fd_store.h"
#include "daemon/frame_server.h"
#include "daemon/holdings.h"
#include "daemon/recorder.h"
#include "journal_of_numbers.h"

#include <fcntl.h>
#include <getopt.h>
#include <linux/input.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <random>
#include <utility>

namespace {

using namespace candor;
using campaign::Numbers;

struct Options {
    std::filesystem::path state, spool, key, numbers;
    std::size_t ring_bytes = 4 * 1024 * 1024;
    std::uint64_t rate = 1000; ///< packets a second
    std::uint32_t seed = 1;
    std::chrono::milliseconds flush{150}; ///< a batch at most; 0: the grid of one second alone
    std::chrono::seconds embargo{0};
    bool steady = false; ///< nothing but packets
};

/// As candord finds it. The ring of an earlier process, or a new one.
daemon::Ring take_ring(UniqueFd memfd, std::size_t bound, daemon::Inheritance& left) {
    if (!memfd) {
        daemon::Ring ring(bound);
        daemon::keep_descriptor(ring.fd(), "ring");
        return ring;
    }
    const UniqueFd kept(::fcntl(memfd.get(), F_DUPFD_CLOEXEC, 3));
    auto recovered = daemon::Ring::recover(std::move(memfd), bound);
    if (!recovered) {
        throw std::runtime_error(recovered.error().message);
    }
    for (const std::string& problem : recovered->problems) {
        throw std::runtime_error("a ring that only kills have touched is damaged: " + problem);
    }
    left = {std::move(recovered->unfinished), std::move(recovered->lost)};
    struct stat before {};
    struct stat after {};
    if (::fstat(kept.get(), &before) < 0 || ::fstat(recovered->ring.fd(), &after) < 0) {
        throw_errno("look at the ring");
    }
    if (before.st_ino != after.st_ino) {
        daemon::forget_descriptor("ring");
        daemon::keep_descriptor(recovered->ring.fd(), "ring");
    }
    return std::move(recovered->ring);
}

template <typename T> T must(std::expected<T, Refusal> value) {
    if (!value) {
        throw std::runtime_error(value.error().message);
    }
    return std::move(*value);
}

class Script {
public:
    Script(EventLoop& loop, const Options& options)
        : loop_(loop), options_(options), passed_(daemon::take_passed()),
          identity_(must(wire::Identity::load_or_create(options.state / "identity.key"))),
          recipient_(must(wire::RecipientKeyPair::load(options.key)).public_key),
          ring_(take_ring(std::move(passed_.ring), options.ring_bytes, left_)),
          ledger_(must(daemon::StreamLedger::load(options.state / "streams"))),
          holdings_(options.state, identity_, ring_, ledger_,
                    daemon::SpoolView(options.spool, ::getuid(), identity_.public_key()),
                    [this] { server_.restart("frames were removed"); }),
          numbers_(options.numbers),
          server_(loop, std::move(passed_.listener), ::getuid(), ring_, run_,
                  {[](const std::string& message) { journal::warning(message); }, [this] { acknowledged(); },
                   [this] { report(); }, [](const wire::ErasureMessage&) {}}),
          recorder_(loop, ring_, ledger_, identity_, run_,
                    [this] {
                        settled();
                        server_.send();
                    }),
          random_(options.seed + static_cast<std::uint32_t>(numbers_.count())),
          ticks_(loop.add_timer([this] { tick(); }, std::chrono::milliseconds(1))),
          flushes_(loop.add_timer(
              [this] {
                  recorder_.flush();
                  flushes_.arm(options_.flush);
              },
              std::chrono::milliseconds(1))) {
        const daemon::Holdings::Resumed resumed =
            holdings_.resume(std::move(left_), monotonic_us(), read_clock_anchor().realtime_ns);
        for (const std::string& problem : resumed.problems) {
            throw std::runtime_error(problem);
        }
        waiting_ = ring_.frames();
        frames_ = waiting_;
        numbers_.write(Numbers::Kind::sealed, 0, frames_);
        std::printf("started: ended %zu, noted %zu, %zu frames wait\n", resumed.succession.ended,
                    resumed.succession.noted, ring_.frames());
        const std::uint64_t died = numbers_.died_since_us();
        begin();
        if (died != 0 && resumed.succession.ended + resumed.succession.noted == 0) {
            // It had not opened a stream that could tell of its death.
            recorder_.lose({wire::GapReason::crash, died, monotonic_us(), std::nullopt, wire::all_devices});
        }
        server_.send();
        ticks_.arm(tick_time);
        if (options_.flush.count() > 0) {
            flushes_.arm(options_.flush);
        }
    }

    /// Records no more, and ends the loop once the shipper has everything.
    void stop() {
        ticks_.disarm();
        flushes_.disarm();
        if (recorder_.is_active()) {
            end(wire::CloseReason::stopped);
        }
        stopping_ = true;
        drained();
    }

    void rotate() {
        if (recorder_.is_active()) {
            recorder_.rotate();
        }
    }

private:
    static constexpr std::chrono::milliseconds tick_time{5};

    void begin() {
        const std::int64_t now = read_clock_anchor().realtime_ns / 1'000'000'000;
        daemon::Grantee grantee;
        // A subject store that an unwell disk does not let begin an epoch is candord's closed gate: nothing to test here.
        grantee.subject = must(holdings_.subjects().current(::getuid(), std::chrono::days(3650), now));
        grantee.recipients = {recipient_};
        grantee.batch_interval = std::chrono::seconds(1);
        grantee.embargo = options_.embargo;
        numbers_.write(Numbers::Kind::begun, numbers_.count(), monotonic_us());
        recorder_.begin(std::move(grantee));
        recorder_.on_device({0, input::DeviceClass::mouse, BUS_USB, 1, 2, 3, "Numbers"});
        last_us_ = monotonic_us();
    }

    void end(wire::CloseReason reason) {
        recorder_.end(reason);
        numbers_.write(Numbers::Kind::ended, numbers_.count(), monotonic_us());
    }

    void tick() {
        ticks_.arm(tick_time);
        if (!recorder_.is_active()) {
            begin();
        }
        if (recorder_.ledger_problem() != ledger_problem_) {
            ledger_problem_ = recorder_.ledger_problem();
            std::printf("ledger: %s\n", ledger_problem_.c_str());
        }
        const std::uint64_t now = monotonic_us();
        // After a long stop nobody has typed for all that time.
        const std::uint64_t passed = std::min<std::uint64_t>(now - last_us_, 100'000);
        owed_ += passed * options_.rate;
        for (std::uint64_t i = owed_ / 1'000'000; i > 0; --i) {
            packet(now - i);
        }
        owed_ %= 1'000'000;
        last_us_ = now;
        const auto chance = random_() % 4096;
        if (options_.steady) {
            return;
        }
        if (chance < 4) {
            end(wire::CloseReason::gate_closed);
            return;
        }
        if (chance < 8) {
            recorder_.rotate();
        } else if (chance < 10) {
            // Seals a frame, but no batch.
            const auto unsettled = std::exchange(handed_, settled_);
            recorder_.clock_changed();
            handed_ = unsettled;
        } else if (chance < 20) {
            lose(now);
        }
    }

    void packet(std::uint64_t time_us) {
        const std::uint64_t number = numbers_.take(Numbers::Kind::produced, time_us);
        const std::array<input::Event, 2> events{input::Event{EV_REL, REL_X, static_cast<std::int32_t>(number)},
                                                 input::Event{EV_SYN, SYN_REPORT, 0}};
        recorder_.on_packet({0, time_us, events});
        handed_ = number + 1;
    }

    void lose(std::uint64_t time_us) {
        const std::uint64_t many = 1 + random_() % 5;
        for (std::uint64_t i = 0; i < many; ++i) {
            numbers_.take(Numbers::Kind::lost, time_us);
        }
        recorder_.lose({wire::GapReason::quarantine_full, time_us, time_us, 2 * many, wire::all_devices});
        handed_ = numbers_.count();
    }

    void settled() {
        frames_ += ring_.frames() - waiting_;
        waiting_ = ring_.frames();
        const bool stored = recorder_.counters().batches > std::exchange(batches_, recorder_.counters().batches);
        const bool refused = handed_ > settled_ && !stored;
        settled_ = handed_;
        numbers_.write(refused ? Numbers::Kind::refused : Numbers::Kind::sealed, settled_, frames_);
    }

    void acknowledged() {
        left_the_ring_ += waiting_ - ring_.frames();
        waiting_ = ring_.frames();
        numbers_.write(Numbers::Kind::acked, handed_, left_the_ring_);
        try {
            holdings_.acknowledged(recorder_.stream());
        } catch (const std::system_error& error) {
            journal::warning(error.what());
        }
        drained();
    }

    void report() {
        if (const auto& said = server_.report(); said && said != told_) {
            std::printf("report: %s, %u wait, %llu delivered, spool %llu, %llu sink errors: %s\n",
                        std::string(wire::shipping_state_name(said->state)).c_str(), said->waiting,
                        static_cast<unsigned long long>(said->delivered),
                        static_cast<unsigned long long>(said->spool_bytes),
                        static_cast<unsigned long long>(said->sink_errors), said->problem.c_str());
            told_ = said;
        }
    }

    void drained() {
        if (stopping_ && ring_.frames() == 0) {
            loop_.stop();
        }
    }

    EventLoop& loop_;
    const Options& options_;
    daemon::Passed passed_;
    wire::Identity identity_;
    wire::PublicKey recipient_;
    wire::Id16 run_ = wire::random_id();
    daemon::Inheritance left_;
    daemon::Ring ring_;
    daemon::StreamLedger ledger_;
    daemon::Holdings holdings_;
    Numbers numbers_;
    daemon::FrameServer server_;
    daemon::Recorder recorder_;
    std::minstd_rand random_;
    std::optional<wire::Report> told_;
    std::string ledger_problem_;
    bool stopping_ = false;
    std::uint64_t last_us_ = 0;
    std::uint64_t owed_ = 0;    ///< packets, times a million
    std::uint64_t handed_ = 0;  ///< numbers that the recorder has
    std::uint64_t settled_ = 0; ///< of these, sealed or refused
    std::uint64_t batches_ = 0; ///< sealed
    std::size_t waiting_ = 0;   ///< frames in the ring when it was last looked at
    std::uint64_t frames_ = 0;  ///< that have been in the ring
    std::uint64_t left_the_ring_ = 0;
    EventLoop::Source ticks_;
    EventLoop::Source flushes_;
};

Options parse(int argc, char** argv) {
    Options options;
    const option names[] = {{"state", required_argument, nullptr, 's'},
                            {"spool", required_argument, nullptr, 'p'},
                            {"key", required_argument, nullptr, 'k'},
                            {"numbers", required_argument, nullptr, 'n'},
                            {"ring", required_argument, nullptr, 'r'},
                            {"rate", required_argument, nullptr, 'f'},
                            {"seed", required_argument, nullptr, 'e'},
                            {"flush-ms", required_argument, nullptr, 'm'},
                            {"embargo", required_argument, nullptr, 'b'},
                            {"steady", no_argument, nullptr, 'y'},
                            {nullptr, 0, nullptr, 0}};
    for (int c = 0; (c = ::getopt_long(argc, argv, "", names, nullptr)) != -1;) {
        const auto number = [] { return std::stoull(optarg); };
        switch (c) {
        case 's':
            options.state = optarg;
            break;
        case 'p':
            options.spool = optarg;
            break;
        case 'k':
            options.key = optarg;
            break;
        case 'n':
            options.numbers = optarg;
            break;
        case 'r':
            options.ring_bytes = number();
            break;
        case 'f':
            options.rate = number();
            break;
        case 'e':
            options.seed = static_cast<std::uint32_t>(number());
            break;
        case 'm':
            options.flush = std::chrono::milliseconds(number());
            break;
        case 'b':
            options.embargo = std::chrono::seconds(number());
            break;
        case 'y':
            options.steady = true;
            break;
        default:
            throw std::runtime_error("wrong usage");
        }
    }
    return options;
}

} // namespace

int main(int argc, char** argv) {
    // Lines reach the file whatever kills the process.
    std::setvbuf(stdout, nullptr, _IOLBF, 0);
    try {
        wire::init_crypto();
        const Options options = parse(argc, argv);
        EventLoop loop;
        Script script(loop, options);
        const auto on_term = loop.add_signal(SIGTERM, [&] { script.stop(); });
        const auto on_user = loop.add_signal(SIGUSR1, [&] { script.rotate(); });
        sd_notify(0, "READY=1");
        loop.run();
        return EXIT_SUCCESS;
    } catch (const std::exception& error) {
        journal::error(std::string("campaign_recorder ends: ") + error.what());
        return EXIT_FAILURE;
    }
}
