// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace candor::test {

/// A dbus-daemon of its own, ended with the object.
class PrivateBus {
  public:
    PrivateBus();
    ~PrivateBus();
    PrivateBus(const PrivateBus&) = delete;
    PrivateBus& operator=(const PrivateBus&) = delete;

    [[nodiscard]] const std::string& address() const noexcept { return address_; }

  private:
    pid_t pid_ = -1;
    std::string address_;
};

struct Result {
    int status = -1;    ///< exit status; -1 when a signal ended it
    std::string output; ///< standard output; on a terminal, both
    std::string errors;
};

/// Runs the program that CANDORCTL names against the bus at `address`, without a terminal.
[[nodiscard]] Result run_ctl(const std::string& address, const std::vector<std::string>& arguments);

/// The same on a terminal, where `typed` is typed.
[[nodiscard]] Result run_ctl_on_terminal(const std::string& address, const std::vector<std::string>& arguments,
                                         const std::string& typed);

} // namespace candor::test
