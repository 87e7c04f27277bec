// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/bus.h"
#include "daemon/controller.h"
#include "daemon/frame_server.h"
#include "daemon/ring.h"

namespace candor::daemon {

/// /org/candor/Capture1 on the bus, as proto/org.candor.Capture1.xml describes it.
class BusObject {
public:
    static constexpr const char* name = "org.candor.Capture1";
    static constexpr const char* path = "/org/candor/Capture1";

    /// Exports the object, then asks for the name. Throws std::system_error when the bus does not give it.
    BusObject(EventLoop& loop, sd_bus* bus, Controller& controller, const Recorder& recorder, const Ring& ring,
              const FrameServer& server);

    void state_changed();
    void devices_changed();

    EventLoop& loop;
    Controller& controller;
    const Recorder& recorder;
    const Ring& ring;
    const FrameServer& server;

private:
    sd_bus* bus_;
    Slot capture_;
    Slot consent_;
};

} // namespace candor::daemon
