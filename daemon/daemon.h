// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/metrics_file.h"
#include "consent/settings.h"
#include "daemon/bus_object.h"
#include "daemon/controller.h"
#include "daemon/fd_store.h"
#include "daemon/frame_server.h"
#include "daemon/holdings.h"
#include "daemon/recorder.h"
#include "daemon/ring.h"
#include "daemon/stream_ledger.h"

#include <chrono>
#include <functional>

namespace candor::daemon {

/// candord put together: takes over from the process before it, and serves the shipper and the bus. One thread.
class Daemon {
public:
    /// `shipper`: the uid that may have the frames. Throws where it cannot start.
    Daemon(EventLoop& loop, sd_bus* bus, const Folders& folders, const consent::DaemonSettings& settings, Passed passed,
           uid_t shipper);
    Daemon(const Daemon&) = delete;
    Daemon& operator=(const Daemon&) = delete;

    void reload() { controller_.reload(); }
    /// Closes the devices, seals what there is and ends the stream, for good.
    void close();
    /// close(), then calls `done`: at once, or from the loop when the shipper has taken what waits, or after drain_time. What it has not taken
    /// by then stays with the service manager, if that keeps it.
    void shut_down(std::function<void()> done);
    static constexpr std::chrono::seconds drain_time{5};

private:
    void tell_of(const Holdings::Resumed& resumed);
    void acknowledged();
    void drained();

    wire::Identity identity_;
    wire::Id16 run_ = wire::random_id();
    Inheritance left_;
    Ring ring_;
    StreamLedger ledger_;
    Holdings holdings_;
    FrameServer server_;
    Recorder recorder_;
    Holdings::Resumed resumed_;
    Controller controller_;
    BusObject object_;
    MetricsFile metrics_;
    std::function<void()> done_; ///< shutting down
    EventLoop::Source drain_timer_;
};

} // namespace candor::daemon
