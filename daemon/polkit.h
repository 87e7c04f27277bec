// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/bus.h"

#include <functional>
#include <list>
#include <memory>
#include <string>

namespace candor::daemon {

/// Asks polkit, asynchronously, whether the sender of a call may do something. Without polkit, or without an answer within two
/// minutes, the answer is no.
class Polkit {
public:
    /// Calls that wait for an answer at once; more are answered no.
    static constexpr std::size_t most_pending = 16;

    Polkit(EventLoop& loop, sd_bus* bus);
    ~Polkit();
    Polkit(const Polkit&) = delete;
    Polkit& operator=(const Polkit&) = delete;

    /// `answer` runs from the loop, once, never from within this call. Whether polkit may ask the person is the caller's message's
    /// to say (ALLOW_INTERACTIVE_AUTHORIZATION).
    void ask(sd_bus_message* call, const std::string& action, std::function<void(bool allowed)> answer);

private:
    struct Pending;

    EventLoop& loop_;
    sd_bus* bus_;
    std::list<std::unique_ptr<Pending>> pending_;
};

} // namespace candor::daemon
