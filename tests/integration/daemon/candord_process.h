// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/unique_fd.h"

#include <sys/types.h>

#include <filesystem>
#include <string>

namespace candor::test {

/// Where one candord lives.
struct CandordFolders {
    std::filesystem::path config;
    std::filesystem::path state;
    std::filesystem::path leds; ///< stands for /sys/class/leds
    std::filesystem::path password_prompts;
    std::filesystem::path runtime; ///< for frames.sock and the socket that stands for systemd's
};

/// The program that CANDORD names, started as systemd starts it: with a listening socket, and told about in notifications.
/// What it says is read while one waits for it; every wait gives up after a minute with an exception that quotes it.
class CandordProcess {
public:
    CandordProcess(const CandordFolders& folders, const std::string& bus_address);
    ~CandordProcess();
    CandordProcess(const CandordProcess&) = delete;
    CandordProcess& operator=(const CandordProcess&) = delete;

    /// Waits until it says READY=1 once more.
    void wait_ready();
    /// Waits until it has written this.
    void wait_message(const std::string& text);
    /// Sends a signal.
    void kill(int signal) const;
    /// Waits for its end: the exit status, or -1 when a signal ended it.
    [[nodiscard]] int wait_exit();
    /// SIGTERM, and the exit status.
    [[nodiscard]] int terminate();

    [[nodiscard]] const std::string& messages() const noexcept { return messages_; }
    [[nodiscard]] pid_t pid() const noexcept { return pid_; }
    [[nodiscard]] const std::filesystem::path& socket() const noexcept { return socket_; }

private:
    void start(const CandordFolders& folders, const std::string& bus_address, const UniqueFd& listener);
    /// Reads what comes; false when the process has ended and all was read.
    bool read();

    std::filesystem::path socket_;
    UniqueFd notifications_;
    UniqueFd errors_;
    std::string messages_;
    int ready_ = 0;
    pid_t pid_ = -1;
};

} // namespace candor::test
