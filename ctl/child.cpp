// SPDX-License-Identifier: Apache-2.0
#include "child.h"

#include "base/error.h"

#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <iostream>

namespace candor::ctl {
namespace {

constexpr int passed_on[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2};

[[noreturn]] void become(const std::vector<std::string>& command, const sigset_t& signals, pid_t parent) {
    // Without candorctl nothing holds recording off, and the command must not go on as if.
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (::getppid() != parent) {
        ::_exit(128 + SIGTERM);
    }
    ::sigprocmask(SIG_SETMASK, &signals, nullptr);
    std::vector<char*> arguments;
    for (const std::string& argument : command) {
        arguments.push_back(const_cast<char*>(argument.c_str())); // execvp writes to none
    }
    arguments.push_back(nullptr);
    ::execvp(arguments[0], arguments.data());
    const int error = errno;
    std::cerr << "candorctl: " << command[0] << ": " << std::strerror(error) << std::endl;
    ::_exit(error == ENOENT ? 127 : 126);
}

} // namespace

Child::Child(const std::vector<std::string>& command) {
    sigset_t caught;
    sigset_t before;
    ::sigemptyset(&caught);
    ::sigaddset(&caught, SIGCHLD);
    for (const int signal : passed_on) {
        ::sigaddset(&caught, signal);
    }
    ::sigprocmask(SIG_BLOCK, &caught, &before);
    // Ignored by whoever started candorctl, its end would never be told.
    std::signal(SIGCHLD, SIG_DFL);
    signals_.reset(::signalfd(-1, &caught, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!signals_) {
        throw_errno("signalfd");
    }
    const pid_t parent = ::getpid();
    pid_ = ::fork();
    if (pid_ < 0) {
        throw_errno("fork");
    }
    if (pid_ == 0) {
        become(command, before, parent);
    }
}

std::optional<int> Child::handle() {
    signalfd_siginfo signal{};
    while (::read(signals_.get(), &signal, sizeof signal) == static_cast<ssize_t>(sizeof signal)) {
        // Of the kernel: from the terminal, to every process in the foreground.
        if (signal.ssi_signo != SIGCHLD && signal.ssi_code != SI_KERNEL) {
            ::kill(pid_, static_cast<int>(signal.ssi_signo));
        }
    }
    int status = 0;
    const pid_t ended = ::waitpid(pid_, &status, WNOHANG);
    if (ended < 0 && errno != EINTR) {
        throw_errno("wait for the command");
    }
    if (ended != pid_) {
        return std::nullopt;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

} // namespace candor::ctl
