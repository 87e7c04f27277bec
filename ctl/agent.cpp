// SPDX-License-Identifier: Apache-2.0
#include "agent.h"

#include "base/unique_fd.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>

namespace candor::ctl {
namespace {

// Never searched for: it reads passwords.
constexpr const char* program = "/usr/bin/pkttyagent";
constexpr int start_timeout_ms = 5000;

[[noreturn]] void become_agent(int ready, pid_t parent) {
    // It asks about its parent, and must not outlive it.
    if (::prctl(PR_SET_PDEATHSIG, SIGTERM) < 0 || ::getppid() != parent || ::fcntl(ready, F_SETFD, 0) < 0) {
        ::_exit(126);
    }
    ::dup2(STDERR_FILENO, STDOUT_FILENO); // what candorctl prints may go to a program
    std::array<char, 16> descriptor{};
    std::snprintf(descriptor.data(), descriptor.size(), "%d", ready);
    // fallback: a desktop's own agent goes first.
    ::execl(program, program, "--notify-fd", descriptor.data(), "--fallback", static_cast<char*>(nullptr));
    ::_exit(127);
}

} // namespace

Agent::Agent() noexcept {
    termios terminal{};
    if (::geteuid() == 0 || ::access(program, X_OK) < 0 || ::tcgetattr(STDIN_FILENO, &terminal) < 0) {
        return;
    }
    std::array<int, 2> pipe{};
    if (::pipe2(pipe.data(), O_CLOEXEC) < 0) {
        return;
    }
    const UniqueFd registered(pipe[0]);
    UniqueFd ready(pipe[1]);
    const pid_t self = ::getpid();
    pid_ = ::fork();
    if (pid_ == 0) {
        become_agent(ready.get(), self);
    }
    ready = UniqueFd();
    if (pid_ > 0) {
        terminal_ = terminal;
        // It closes its end once it is registered, or ends.
        pollfd poll{registered.get(), 0, 0};
        ::poll(&poll, 1, start_timeout_ms);
    }
}

Agent::~Agent() {
    if (pid_ <= 0) {
        return;
    }
    ::kill(pid_, SIGTERM);
    ::kill(pid_, SIGCONT);
    while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
    ::tcsetattr(STDIN_FILENO, TCSANOW, &*terminal_);
}

} // namespace candor::ctl
