// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/bus.h"
#include "daemon/call_limiter.h"
#include "daemon/controller.h"
#include "daemon/frame_server.h"
#include "daemon/polkit.h"
#include "daemon/ring.h"

#include <string>
#include <vector>

namespace candor::daemon {

/// /org/candor/Capture1 on the bus, as proto/org.candor.Capture1.xml describes it; an interface is a file.
class BusObject {
public:
    static constexpr const char* name = "org.candor.Capture1";
    static constexpr const char* path = "/org/candor/Capture1";

    /// Exports the object, then asks for the name. Throws std::system_error when the bus does not give it.
    BusObject(EventLoop& loop, sd_bus* bus, Controller& controller, const Recorder& recorder, const Ring& ring,
              const FrameServer& server, const wire::PublicKey& identity);

    void state_changed();
    void devices_changed();
    void shipping_changed();

    EventLoop& loop;
    Controller& controller;
    const Recorder& recorder;
    const Ring& ring;
    const FrameServer& server;
    const wire::PublicKey identity;
    Polkit polkit;
    CallLimiter strangers;

private:
    sd_bus* bus_;
    std::string shipping_; ///< as it was told last
    std::vector<Slot> interfaces_;
};

/// An interface of the object: its handlers get the BusObject.
struct BusInterface {
    const char* name;
    const sd_bus_vtable* vtable;
};
[[nodiscard]] BusInterface capture_interface() noexcept;
[[nodiscard]] BusInterface consent_interface() noexcept;
[[nodiscard]] BusInterface context_interface() noexcept;
[[nodiscard]] BusInterface audit_interface() noexcept;
[[nodiscard]] BusInterface data_interface() noexcept;

} // namespace candor::daemon
