// SPDX-License-Identifier: Apache-2.0
#include "support/program.h"

#include "base/error.h"

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

Pipe::Pipe() {
    std::array<int, 2> fds{};
    if (::pipe2(fds.data(), O_CLOEXEC) < 0) {
        throw_errno("pipe");
    }
    read_end.reset(fds[0]);
    write_end.reset(fds[1]);
}

void execute(const std::string& program, const Arguments& arguments, const Environment& environment) {
    std::vector<std::string> copies{program};
    copies.insert(copies.end(), arguments.begin(), arguments.end());
    std::vector<char*> argv;
    for (std::string& copy : copies) {
        argv.push_back(copy.data());
    }
    argv.push_back(nullptr);
    for (const auto& [name, value] : environment) {
        ::setenv(name.c_str(), value.c_str(), 1);
    }
    // As a shell on a terminal would start it, whatever the tests were started by: nohup, for one, ignores SIGHUP.
    for (const int signal : {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE, SIGCHLD}) {
        std::signal(signal, SIG_DFL);
    }
    ::execv(program.c_str(), argv.data());
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

bool read_some(int fd, std::string& text) {
    std::array<char, 4096> buffer{};
    const ssize_t n = ::read(fd, buffer.data(), buffer.size());
    if (n > 0) {
        text.append(buffer.data(), static_cast<std::size_t>(n));
    }
    return n > 0;
}

std::string program_of(const char* variable) {
    const char* program = std::getenv(variable);
    if (program == nullptr) {
        throw std::runtime_error(std::string(variable) + " names no program: run the test with meson test");
    }
    return program;
}

Result run_program(const std::string& program, const Arguments& arguments, const Environment& environment) {
    Pipe out;
    Pipe err;
    const pid_t pid = ::fork();
    if (pid < 0) {
        throw_errno("fork");
    }
    if (pid == 0) {
        const int null = ::open("/dev/null", O_RDONLY);
        ::dup2(null, STDIN_FILENO);
        ::dup2(out.write_end.get(), STDOUT_FILENO);
        ::dup2(err.write_end.get(), STDERR_FILENO);
        execute(program, arguments, environment);
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

Result run_program_on_terminal(const std::string& program, const Arguments& arguments, const Environment& environment,
                               const std::string& typed) {
    int master = -1;
    const pid_t pid = ::forkpty(&master, nullptr, nullptr, nullptr);
    if (pid < 0) {
        throw_errno("forkpty");
    }
    if (pid == 0) {
        execute(program, arguments, environment);
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
