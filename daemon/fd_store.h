// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/unique_fd.h"

#include <string>

/// What the service manager keeps for candord while it restarts or has died: sd_listen_fds(3), sd_pid_notify_with_fds(3). All of it
/// does nothing, and says nothing, where there is no service manager.
namespace candor::daemon {

/// What the process was started with.
struct Passed {
    UniqueFd listener; ///< the listening SOCK_SEQPACKET socket of candor.socket
    UniqueFd ring;     ///< kept under the name "ring" by an earlier process, or none
};

/// Takes it, once a process; the variables that told of it are gone then, for child processes. Descriptors of other names are
/// closed here and stay in the store. Throws std::runtime_error when there is not exactly one listening socket, or more than
/// one ring.
[[nodiscard]] Passed take_passed();

/// Puts a copy of the descriptor into the store under a name; candord's next process finds it there. One that the store has already, under
/// whatever name, is not put there again: to rename it, forget the old name first. Throws std::system_error.
void keep_descriptor(int fd, const std::string& name);

/// Takes all descriptors of this name out of the store. Throws std::system_error.
void forget_descriptor(const std::string& name);

} // namespace candor::daemon
