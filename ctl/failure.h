// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <expected>
#include <string>

namespace candor::ctl {

/// What candorctl ends with; part of its interface.
enum class Exit : int {
    done = 0,
    refused = 1, ///< or not possible
    usage = 2,
    absent = 3,         ///< candord is not on the bus: nothing is recorded
    not_authorised = 4, ///< by candord, polkit or the bus
};

/// Why something was not done: a sentence for the person at the terminal, already printable.
struct Failure {
    std::string message;
    Exit exit = Exit::refused;
    std::string error; ///< the D-Bus error's name; empty for candorctl's own
};

template <typename T> using Answer = std::expected<T, Failure>;

/// The exit status of what was done; `inhibit` passes its command's on.
using Outcome = Answer<int>;

} // namespace candor::ctl
