// SPDX-License-Identifier: Apache-2.0
#include "private_bus.h"

#include "base/error.h"
#include "base/unique_fd.h"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <stdexcept>

namespace candor::test {
namespace {

struct Pipe {
    UniqueFd read_end;
    UniqueFd write_end;
    Pipe() {
        std::array<int, 2> fds{};
        if (::pipe2(fds.data(), O_CLOEXEC) < 0) {
            throw_errno("pipe");
        }
        read_end.reset(fds[0]);
        write_end.reset(fds[1]);
    }
};

[[noreturn]] void exec(const std::string& address, const std::vector<std::string>& arguments) {
    const char* program = std::getenv("CANDORCTL");
    std::vector<char*> argv;
    std::string name = program != nullptr ? program : "candorctl";
    argv.push_back(name.data());
    std::vector<std::string> copies = arguments;
    for (std::string& copy : copies) {
        argv.push_back(copy.data());
    }
    argv.push_back(nullptr);
    ::setenv("DBUS_SYSTEM_BUS_ADDRESS", address.c_str(), 1);
    ::setenv("TZ", "UTC", 1);
    ::execv(name.c_str(), argv.data());
    ::_exit(127);
}

int exit_status(pid_t pid) {
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR) {
            throw_errno("waitpid");
        }
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/// False at the end; a terminal ends with EIO.
bool read_some(int fd, std::string& text) {
    std::array<char, 4096> buffer{};
    const ssize_t n = ::read(fd, buffer.data(), buffer.size());
    if (n > 0) {
        text.append(buffer.data(), static_cast<std::size_t>(n));
    }
    return n > 0;
}

} // namespace

PrivateBus::PrivateBus() {
    Pipe address;
    pid_ = ::fork();
    if (pid_ < 0) {
        throw_errno("fork");
    }
    if (pid_ == 0) {
        ::dup2(address.write_end.get(), 3);
        ::execl(DBUS_DAEMON, DBUS_DAEMON, "--session", "--nofork", "--nopidfile", "--print-address=3", nullptr);
        ::_exit(127);
    }
    address.write_end.reset();
    while (address_.find('\n') == std::string::npos) {
        if (!read_some(address.read_end.get(), address_)) {
            throw std::runtime_error("dbus-daemon does not start");
        }
    }
    address_.resize(address_.find('\n'));
}

PrivateBus::~PrivateBus() {
    ::kill(pid_, SIGTERM);
    exit_status(pid_);
}

Result run_ctl(const std::string& address, const std::vector<std::string>& arguments) {
    Pipe out;
    Pipe err;
    const pid_t pid = ::fork();
    if (pid == 0) {
        const int null = ::open("/dev/null", O_RDONLY);
        ::dup2(null, STDIN_FILENO);
        ::dup2(out.write_end.get(), STDOUT_FILENO);
        ::dup2(err.write_end.get(), STDERR_FILENO);
        exec(address, arguments);
    }
    out.write_end.reset();
    err.write_end.reset();
    Result result;
    std::array<pollfd, 2> fds{pollfd{out.read_end.get(), POLLIN, 0}, pollfd{err.read_end.get(), POLLIN, 0}};
    while (fds[0].fd >= 0 || fds[1].fd >= 0) {
        ::poll(fds.data(), fds.size(), -1);
        for (std::size_t i = 0; i < fds.size(); ++i) {
            if (fds[i].fd >= 0 && fds[i].revents != 0 &&
                !read_some(fds[i].fd, i == 0 ? result.output : result.errors)) {
                fds[i].fd = -1;
            }
        }
    }
    result.status = exit_status(pid);
    return result;
}

Result run_ctl_on_terminal(const std::string& address, const std::vector<std::string>& arguments,
                           const std::string& typed) {
    int master = -1;
    const pid_t pid = ::forkpty(&master, nullptr, nullptr, nullptr);
    if (pid < 0) {
        throw_errno("forkpty");
    }
    if (pid == 0) {
        exec(address, arguments);
    }
    const UniqueFd terminal(master);
    Result result;
    if (::write(terminal.get(), typed.data(), typed.size()) < 0) {
        throw_errno("type");
    }
    while (read_some(terminal.get(), result.output)) {
    }
    result.status = exit_status(pid);
    return result;
}

} // namespace candor::test
