// SPDX-License-Identifier: Apache-2.0
#include "daemon/fd_store.h"

#include "base/error.h"

#include <sys/socket.h>
#include <systemd/sd-daemon.h>

#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string_view>
#include <vector>

namespace candor::daemon {
namespace {

/// Without FileDescriptorName=, a socket's name is its unit's; without names at all it is "unknown".
bool is_listener_name(std::string_view name) { return name == "candor.socket" || name == "unknown"; }

bool is_listener(int fd) { return sd_is_socket_unix(fd, SOCK_SEQPACKET, 1, nullptr, 0) > 0; }

void notify(const std::string& state, const int* fd) {
    check(sd_pid_notify_with_fds(0, 0, state.c_str(), fd, fd != nullptr ? 1 : 0), "reach the descriptor store");
}

} // namespace

Passed take_passed() {
    char** raw = nullptr;
    const int count = check(sd_listen_fds_with_names(1, &raw), "take the descriptors passed at the start");
    const std::unique_ptr<char*, decltype(&std::free)> array(raw, &std::free);
    std::vector<std::unique_ptr<char, decltype(&std::free)>> names;
    std::vector<UniqueFd> fds;
    for (int i = 0; i < count; ++i) {
        names.emplace_back(raw[i], &std::free);
        fds.emplace_back(SD_LISTEN_FDS_START + i);
    }
    Passed passed;
    for (std::size_t i = 0; i < fds.size(); ++i) {
        const std::string_view name = names[i].get();
        if (name == "ring") {
            if (passed.ring) {
                throw std::runtime_error("expected one descriptor \"ring\" in the store, found more");
            }
            passed.ring = std::move(fds[i]);
        } else if (is_listener_name(name)) {
            if (passed.listener || !is_listener(fds[i].get())) {
                throw std::runtime_error("expected one listening SOCK_SEQPACKET socket from candor.socket");
            }
            passed.listener = std::move(fds[i]);
        }
    }
    if (!passed.listener) {
        throw std::runtime_error("expected one listening SOCK_SEQPACKET socket from candor.socket");
    }
    return passed;
}

void keep_descriptor(int fd, const std::string& name) {
    // FDPOLL=0: a memfd has nothing to wait for, and is not to be dropped on a hang-up.
    notify("FDSTORE=1\nFDNAME=" + name + "\nFDPOLL=0", &fd);
}

void forget_descriptor(const std::string& name) { notify("FDSTOREREMOVE=1\nFDNAME=" + name, nullptr); }

} // namespace candor::daemon
