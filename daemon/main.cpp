// SPDX-License-Identifier: Apache-2.0
// candord: records input with the consent of the person at the seat.
#include "base/error.h"
#include "base/journal.h"
#include "daemon/bus_object.h"

#include <getopt.h>
#include <pwd.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>

namespace {

using namespace candor;

constexpr const char* usage =
    "candord [--config DIR] [--state DIR] [--leds DIR] [--password-prompts DIR] [--version] [--help]\n"
    "Started by systemd, with the listening socket of candor.socket. See candor.conf(5).\n"
    "The last two are for tests: other folders than /sys/class/leds and /run/systemd/ask-password.\n";

UniqueFd take_listener() {
    if (sd_listen_fds(1) != 1 || sd_is_socket_unix(SD_LISTEN_FDS_START, SOCK_SEQPACKET, 1, nullptr, 0) <= 0) {
        throw std::runtime_error("expected one listening SOCK_SEQPACKET socket from candor.socket");
    }
    return UniqueFd(SD_LISTEN_FDS_START);
}

uid_t uid_of(const std::string& user) {
    const passwd* entry = ::getpwnam(user.c_str());
    if (entry == nullptr) {
        throw std::runtime_error("candord.conf: [Candord] SocketPeer: there is no user " + user);
    }
    return entry->pw_uid;
}

int run(const daemon::Folders& folders) {
    ::umask(0077);
    wire::init_crypto();
    const auto settings = consent::load_daemon_settings(folders.config / "candord.conf");
    // A refused file keeps the gate closed and is named in the status; the socket needs some values all the same.
    const consent::DaemonSettings in_use = settings ? *settings : consent::DaemonSettings{};
    const auto identity = wire::Identity::load_or_create(folders.state / "identity.key");
    if (!identity) {
        throw std::runtime_error(identity.error().message);
    }
    const wire::Id16 run = wire::random_id();

    EventLoop loop;
    const auto stop = [&] { loop.stop(); };
    const auto on_term = loop.add_signal(SIGTERM, stop);
    const auto on_int = loop.add_signal(SIGINT, stop);
    const daemon::Bus bus = daemon::connect_to_system_bus(loop);
    daemon::Ring ring(in_use.ring_bytes);
    daemon::FrameServer server(loop, take_listener(), uid_of(in_use.socket_peer), ring, run,
                               [](const std::string& message) { journal::warning(message); });
    daemon::Recorder recorder(loop, ring, *identity, run, [&] { server.send(); });
    daemon::Controller controller(loop, bus.get(), folders, *identity, recorder);
    daemon::BusObject object(loop, bus.get(), controller, recorder, ring, server);
    controller.observe({[&] { object.state_changed(); }, [&] { object.devices_changed(); }});
    const auto on_hangup = loop.add_signal(SIGHUP, [&] {
        sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu", static_cast<unsigned long long>(monotonic_us()));
        controller.reload();
        sd_notify(0, "READY=1");
    });
    loop.enable_watchdog();
    sd_notify(0, "READY=1");
    loop.run();
    sd_notify(0, "STOPPING=1");
    controller.shut_down();
    int code = 0;
    check(sd_event_get_exit_code(loop.get(), &code), "ask why the loop ended");
    if (code != 0) {
        // sd-bus's doing (bus.cpp). A failure, so that systemd starts candord again.
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
