// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "support/private_bus.h"
#include "support/program.h"

#include <sys/types.h>

#include <string>

namespace candor::test {

[[nodiscard]] inline bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

/// Where nothing listens.
inline const std::string no_bus = "unix:path=/nonexistent/bus";

/// What every candorctl gets that is started here.
[[nodiscard]] Environment environment_of(const std::string& address);

/// Runs the program that CANDORCTL names against the bus at `address`, without a terminal.
[[nodiscard]] Result run_ctl(const std::string& address, const Arguments& arguments);

/// The same as somebody who is not root, whoever runs the test.
[[nodiscard]] Result run_ctl_as_person(const std::string& address, const Arguments& arguments);

/// On a terminal, where `typed` is typed.
[[nodiscard]] Result run_ctl_on_terminal(const std::string& address, const Arguments& arguments,
                                         const std::string& typed, Environment more = {});

/// The same as somebody who is not root, whoever runs the test.
[[nodiscard]] Result run_ctl_on_terminal_as_person(const std::string& address, const Arguments& arguments);

/// A candorctl that runs until it is told otherwise. What it writes, on both of its outputs, is collected.
class StartedCtl {
public:
    StartedCtl(const std::string& address, const Arguments& arguments, bool on_terminal = false);
    ~StartedCtl();
    StartedCtl(const StartedCtl&) = delete;
    StartedCtl& operator=(const StartedCtl&) = delete;

    /// Reads until this was written, or throws at the end of the output.
    void wait_for(const std::string& text);
    void send(int signal) const;
    void type(const std::string& text) const; ///< on a terminal
    /// Reads to the end of the output, which every process that holds it has to close, and waits.
    [[nodiscard]] Result finish();

private:
    pid_t pid_ = -1;
    UniqueFd output_;
    std::string text_;
};

} // namespace candor::test
