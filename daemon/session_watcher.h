// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/unique_fd.h"
#include "consent/gate.h"
#include "daemon/bus.h"

#include <functional>
#include <optional>
#include <string>

namespace candor::daemon {

/// Which session is active on seat0, and whether the machine sleeps, from logind. Asynchronous: a logind that hangs never holds up
/// the reading of devices. From the moment logind says that something has changed until it has said how it is now, and when
/// it does not answer within 5 s, it counts as unreachable, which closes the gate.
class SessionWatcher {
public:
    struct Callbacks {
        std::function<void()> changed; ///< one of the answers below is another now
        std::function<void()> resumed; ///< the machine has slept
    };

    SessionWatcher(EventLoop& loop, sd_bus* bus, Callbacks callbacks);

    [[nodiscard]] bool is_reachable() const noexcept { return reachable_; }
    [[nodiscard]] const std::optional<consent::Session>& session() const noexcept { return session_; }
    /// From logind's announcement of sleep to that of its end. logind waits for `changed` to return (a delay inhibitor), for as long
    /// as its InhibitDelayMaxSec.
    [[nodiscard]] bool is_asleep() const noexcept { return asleep_; }

private:
    void refresh();
    void take_seat(sd_bus_message* reply);
    void take_session(sd_bus_message* reply);
    void on_properties(sd_bus_message* signal);
    void on_sleep(bool begins);
    void hold_sleep();
    void set(bool reachable, std::optional<consent::Session> session);

    sd_bus* bus_;
    Callbacks callbacks_;
    bool reachable_ = false;
    bool asleep_ = false;
    std::optional<consent::Session> session_;
    std::string session_path_;
    UniqueFd sleep_lock_;
    BusCallback seat_call_;
    BusCallback session_call_;
    BusCallback lock_call_;
    BusCallback properties_;
    BusCallback owner_;
    BusCallback sleep_;
};

} // namespace candor::daemon
