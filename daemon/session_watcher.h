// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "consent/gate.h"
#include "daemon/bus.h"

#include <functional>
#include <optional>

namespace candor::daemon {

/// Which session is active on seat0, from logind. Asynchronous: a logind that hangs never holds up the reading of devices. What
/// cannot be learnt within 5 s counts as unreachable, which closes the gate.
class SessionWatcher {
public:
    /// `on_change` runs when something below has changed; `on_resume` when the machine has slept.
    SessionWatcher(EventLoop& loop, sd_bus* bus, std::function<void()> on_change, std::function<void()> on_resume);

    [[nodiscard]] bool is_reachable() const noexcept { return reachable_; }
    [[nodiscard]] const std::optional<consent::Session>& session() const noexcept { return session_; }

private:
    void refresh();
    void take_seat(sd_bus_message* reply);
    void take_session(sd_bus_message* reply);
    void set(bool reachable, std::optional<consent::Session> session);

    sd_bus* bus_;
    std::function<void()> on_change_;
    std::function<void()> on_resume_;
    bool reachable_ = false;
    std::optional<consent::Session> session_;
    BusCallback seat_call_;
    BusCallback session_call_;
    BusCallback properties_;
    BusCallback owner_;
    BusCallback sleep_;
};

} // namespace candor::daemon
