// SPDX-License-Identifier: Apache-2.0
// candord: records input with the consent of the person at the seat.
#include "base/error.h"
#include "base/journal.h"
#include "daemon/daemon.h"

#include <getopt.h>
#include <pwd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

using namespace candor;

constexpr const char* usage =
    "candord [--config DIR] [--state DIR] [--leds DIR] [--password-prompts DIR] [--version] [--help]\n"
    "Started by systemd, with the listening socket of candor.socket. See candor.conf(5).\n"
    "The last two are for tests: other folders than /sys/class/leds and /run/systemd/ask-password.\n";

uid_t uid_of(const std::string& user) {
    const passwd* entry = ::getpwnam(user.c_str());
    if (entry == nullptr) {
        throw std::runtime_error("candord.conf: [Candord] SocketPeer: there is no user " + user);
    }
    return entry->pw_uid;
}

/// What was typed must not reach a core file, the swap, or another process of this user.
void guard_memory() {
    rlimit limit{};
    if (::prctl(PR_SET_DUMPABLE, 0) < 0 || ::getrlimit(RLIMIT_MEMLOCK, &limit) < 0) {
        throw_errno("keep memory from being dumped");
    }
    // Where there is a limit, a later allocation would fail by it; the quarantine locks its own pages anyway.
    if (limit.rlim_cur == RLIM_INFINITY && ::mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) < 0) {
        journal::warning(std::string("memory is not locked: ") + std::strerror(errno));
    }
}

int run(const daemon::Folders& folders) {
    ::umask(0077);
    guard_memory();
    wire::init_crypto();
    const auto settings = consent::load_daemon_settings(folders.config / "candord.conf");
    // A refused file keeps the gate closed and is named in the status; the socket needs some values all the same.
    const consent::DaemonSettings in_use = settings ? *settings : consent::DaemonSettings{};

    EventLoop loop;
    const daemon::Bus bus = daemon::connect_to_system_bus(loop);
    daemon::Daemon candord(loop, bus.get(), folders, in_use, daemon::take_passed(), uid_of(in_use.socket_peer));
    const auto stop = [&] {
        sd_notify(0, "STOPPING=1");
        candord.shut_down([&] { loop.stop(); });
    };
    const auto on_term = loop.add_signal(SIGTERM, stop);
    const auto on_int = loop.add_signal(SIGINT, stop);
    const auto on_hangup = loop.add_signal(SIGHUP, [&] {
        sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu", static_cast<unsigned long long>(monotonic_us()));
        candord.reload();
        sd_notify(0, "READY=1");
    });
    loop.enable_watchdog();
    sd_notify(0, "READY=1");
    loop.run();
    int code = 0;
    check(sd_event_get_exit_code(loop.get(), &code), "ask why the loop ended");
    if (code != 0) {
        // sd-bus's doing (bus.cpp). A failure, so that systemd starts candord again.
        candord.close();
        throw std::runtime_error("the system bus is gone");
    }
    return EXIT_SUCCESS;
}

} // namespace

int main(int argc, char** argv) {
    daemon::Folders folders;
    if (const char* state = std::getenv("STATE_DIRECTORY")) {
        folders.state = state;
    }
    const option options[] = {{"config", required_argument, nullptr, 'c'},
                              {"state", required_argument, nullptr, 's'},
                              {"leds", required_argument, nullptr, 'l'},
                              {"password-prompts", required_argument, nullptr, 'p'},
                              {"version", no_argument, nullptr, 'v'},
                              {"help", no_argument, nullptr, 'h'},
                              {nullptr, 0, nullptr, 0}};
    for (int c = 0; (c = ::getopt_long(argc, argv, "", options, nullptr)) != -1;) {
        if (c == 'c') {
            folders.config = optarg;
        } else if (c == 's') {
            folders.state = optarg;
        } else if (c == 'l') {
            folders.leds = optarg;
        } else if (c == 'p') {
            folders.password_prompts = optarg;
        } else {
            std::fputs(c == 'v' ? "candord " CANDOR_VERSION "\n" : usage, c == '?' ? stderr : stdout);
            return c == '?' ? 2 : EXIT_SUCCESS;
        }
    }
    try {
        return run(folders);
    } catch (const std::exception& error) {
        candor::journal::error(std::string("candord ends: ") + error.what());
        return EXIT_FAILURE;
    }
}
