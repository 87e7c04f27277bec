// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/unique_fd.h"

#include <sys/types.h>

#include <csignal>
#include <optional>
#include <string>
#include <vector>

namespace candor::ctl {

/// A command that runs while candorctl waits for it. What would end candorctl is passed on to it; what a terminal sends,
/// it has already got. It is sent SIGTERM when candorctl dies.
class Child {
public:
    /// Starts it, found as a shell does. Throws std::system_error when there can be no process.
    explicit Child(const std::vector<std::string>& command);
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;

    /// Readable when handle() has something to do.
    [[nodiscard]] int fd() const noexcept { return signals_.get(); }
    /// Passes signals on; the exit status once it has ended: its own, 128 + the signal, 127 when it is not found, 126 when
    /// it cannot be run.
    [[nodiscard]] std::optional<int> handle();

private:
    UniqueFd signals_;
    pid_t pid_ = -1;
};

} // namespace candor::ctl
