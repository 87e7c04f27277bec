// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "support/temporary_directory.h"

#include <sys/types.h>

#include <string>

namespace candor::test {

/// A dbus-daemon of its own, ended with the object. Everybody may connect, own any name and call anything: it tells who
/// calls, as the system bus does, and decides nothing.
class PrivateBus {
public:
    PrivateBus();
    ~PrivateBus();
    PrivateBus(const PrivateBus&) = delete;
    PrivateBus& operator=(const PrivateBus&) = delete;

    [[nodiscard]] const std::string& address() const noexcept { return address_; }
    /// Ends it now.
    void stop();

private:
    TemporaryDirectory folder_;
    pid_t pid_ = -1;
    std::string address_;
};

} // namespace candor::test
