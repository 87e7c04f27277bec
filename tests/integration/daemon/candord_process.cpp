// SPDX-License-Identifier: Apache-2.0
#include "candord_process.h"

#include "base/error.h"
#include "support/program.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <stdexcept>

namespace candor::test {
namespace {

constexpr int patience_ms = 60'000;

UniqueFd bound_socket(const std::filesystem::path& path, int type) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.string().copy(static_cast<char*>(address.sun_path), sizeof address.sun_path - 1);
    std::filesystem::remove(path);
    UniqueFd fd(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
    if (!fd || ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0) {
        throw_errno("bind " + path.string());
    }
    return fd;
}

} // namespace

CandordProcess::CandordProcess(const CandordFolders& folders, const std::string& bus_address)
    : socket_(folders.runtime / "frames.sock") {
    const UniqueFd listener = bound_socket(socket_, SOCK_SEQPACKET);
    // Anybody reaches the socket: who is let in is candord's to say.
    std::filesystem::permissions(socket_, std::filesystem::perms(0666));
    if (::listen(listener.get(), 16) < 0) {
        throw_errno("listen");
    }
    notifications_ = bound_socket(folders.runtime / "notify.sock", SOCK_DGRAM);
    start(folders, bus_address, listener);
}

CandordProcess::~CandordProcess() {
    if (pid_ > 0) {
        ::kill(pid_, SIGKILL);
        static_cast<void>(exit_status(pid_));
    }
}

void CandordProcess::start(const CandordFolders& folders, const std::string& bus_address, const UniqueFd& listener) {
    const std::string program = program_of("CANDORD");
    const std::string notify = folders.runtime / "notify.sock";
    Pipe errors;
    pid_ = ::fork();
    if (pid_ < 0) {
        throw_errno("fork");
    }
    if (pid_ == 0) {
        ::dup2(errors.write_end.get(), STDOUT_FILENO);
        ::dup2(errors.write_end.get(), STDERR_FILENO);
        // The first passed descriptor is 3, and stays open.
        if (listener.get() == 3) {
            ::fcntl(3, F_SETFD, 0);
        } else {
            ::dup2(listener.get(), 3);
        }
        ::unsetenv("JOURNAL_STREAM");
        execute(program,
                {"--config", folders.config, "--state", folders.state, "--leds", folders.leds, "--password-prompts",
                 folders.password_prompts},
                {{"LISTEN_FDS", "1"},
                 {"LISTEN_PID", std::to_string(::getpid())},
                 {"NOTIFY_SOCKET", notify},
                 {"DBUS_SYSTEM_BUS_ADDRESS", bus_address}});
    }
    errors_ = std::move(errors.read_end);
}

bool CandordProcess::read() {
    std::array<pollfd, 2> fds{pollfd{notifications_.get(), POLLIN, 0}, pollfd{errors_.get(), POLLIN, 0}};
    const int n = ::poll(fds.data(), fds.size(), patience_ms);
    if (n == 0) {
        throw std::runtime_error("candord does not do what was waited for; it said: " + messages_);
    }
    if (fds[0].revents != 0) {
        std::array<char, 1024> text{};
        const ssize_t size = ::recv(notifications_.get(), text.data(), text.size(), MSG_DONTWAIT);
        if (size > 0 && std::string_view(text.data(), static_cast<std::size_t>(size)).find("READY=1") == 0) {
            ++ready_;
        }
        return true;
    }
    return read_some(errors_.get(), messages_);
}

void CandordProcess::wait_ready() {
    for (const int before = ready_; ready_ == before;) {
        if (!read()) {
            throw std::runtime_error("candord ended; it said: " + messages_);
        }
    }
}

void CandordProcess::wait_message(const std::string& text) {
    while (messages_.find(text) == std::string::npos) {
        if (!read()) {
            throw std::runtime_error("candord ended; it said: " + messages_);
        }
    }
}

void CandordProcess::kill(int signal) const {
    if (::kill(pid_, signal) < 0) {
        throw_errno("signal candord");
    }
}

int CandordProcess::wait_exit() {
    while (read()) {
    }
    return exit_status(std::exchange(pid_, -1));
}

int CandordProcess::terminate() {
    kill(SIGTERM);
    return wait_exit();
}

} // namespace candor::test
