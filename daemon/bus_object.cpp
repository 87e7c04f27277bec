// SPDX-License-Identifier: Apache-2.0
#include "daemon/bus_object.h"

#include "base/error.h"
#include "daemon/measure.h"

#include <utility>

namespace candor::daemon {

BusObject::BusObject(EventLoop& event_loop, sd_bus* bus, Controller& the_controller, const Recorder& the_recorder,
                     const Ring& the_ring, const FrameServer& the_server, const wire::PublicKey& the_identity)
    : loop(event_loop), controller(the_controller), recorder(the_recorder), ring(the_ring), server(the_server),
      identity(the_identity), polkit(event_loop, bus), bus_(bus) {
    for (const BusInterface& interface :
         {capture_interface(), consent_interface(), context_interface(), audit_interface(), data_interface()}) {
        sd_bus_slot* slot = nullptr;
        check(sd_bus_add_object_vtable(bus_, &slot, path, interface.name, interface.vtable, this), "export the object");
        interfaces_.emplace_back(slot);
    }
    check(sd_bus_request_name(bus_, name, 0), "take the name org.candor.Capture1");
}

void BusObject::state_changed() {
    // Without a connection there is nobody to tell; the loop ends with the bus.
    (void)sd_bus_emit_properties_changed(bus_, path, capture_interface().name, "State", "Level", "Reasons",
                                         "ConsentUntil", "PausedUntil", "Inhibitors", "Indicators", "Enabled",
                                         "PolicyHash", nullptr);
    (void)sd_bus_emit_properties_changed(bus_, path, consent_interface().name, "LevelCeiling", "DeviceClasses",
                                         "MaxDays", nullptr);
    (void)sd_bus_emit_properties_changed(bus_, path, context_interface().name, "Alive", nullptr);
    (void)sd_bus_emit_properties_changed(bus_, path, data_interface().name, "EmbargoSeconds", nullptr);
    devices_changed();
}

void BusObject::shipping_changed() {
    const Shipping now = shipping_of(server);
    if (std::exchange(shipping_, now.state + now.problem) != shipping_) {
        (void)sd_bus_emit_properties_changed(bus_, path, capture_interface().name, "Shipping", nullptr);
    }
}

void BusObject::devices_changed() {
    (void)sd_bus_emit_properties_changed(bus_, path, capture_interface().name, "Devices", nullptr);
}

} // namespace candor::daemon
