// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "support/private_bus.h"
#include "support/program.h"

namespace candor::test {

/// Runs the program that CANDORCTL names against the bus at `address`, without a terminal.
[[nodiscard]] inline Result run_ctl(const std::string& address, const Arguments& arguments) {
    return run_program(program_of("CANDORCTL"), arguments, {{"DBUS_SYSTEM_BUS_ADDRESS", address}, {"TZ", "UTC"}});
}

/// The same on a terminal, where `typed` is typed.
[[nodiscard]] inline Result run_ctl_on_terminal(const std::string& address, const Arguments& arguments,
                                                const std::string& typed) {
    return run_program_on_terminal(program_of("CANDORCTL"), arguments,
                                   {{"DBUS_SYSTEM_BUS_ADDRESS", address}, {"TZ", "UTC"}}, typed);
}

} // namespace candor::test
