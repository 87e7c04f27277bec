// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>
#include <termios.h>

#include <optional>

namespace candor::ctl {

/// While it lives, polkit can ask on this terminal (pkttyagent), where nothing else asks for the caller's session. Not for
/// root, of whom polkit asks nothing, and not without a terminal. Without that program polkit has to find another way.
class Agent {
public:
    Agent() noexcept;
    ~Agent();
    Agent(const Agent&) = delete;
    Agent& operator=(const Agent&) = delete;

private:
    pid_t pid_ = -1;
    std::optional<termios> terminal_; ///< as it was: an agent that is ended while it asks may leave it without echo
};

} // namespace candor::ctl
