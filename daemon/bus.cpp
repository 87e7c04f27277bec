// SPDX-License-Identifier: Apache-2.0
#include "daemon/bus.h"

#include "base/error.h"

namespace candor::daemon {

Bus connect_to_system_bus(EventLoop& loop) {
    sd_bus* raw = nullptr;
    check(sd_bus_open_system_with_description(&raw, "candord"), "connect to the system bus");
    Bus bus(raw);
    // A bus that goes away takes the session's state with it: candord ends, and with it every open device.
    check(sd_bus_set_exit_on_disconnect(raw, 1), "watch the bus");
    check(sd_bus_attach_event(raw, loop.get(), SD_EVENT_PRIORITY_NORMAL), "attach the bus to the loop");
    return bus;
}

void BusCallback::match(sd_bus* bus, const std::string& match) {
    sd_bus_slot* slot = nullptr;
    check(sd_bus_add_match(bus, &slot, match.c_str(), dispatch, this), "subscribe to a signal");
    slot_.reset(slot);
}

void BusCallback::call(sd_bus* bus, sd_bus_message* call, std::chrono::microseconds patience) {
    sd_bus_slot* slot = nullptr;
    check(sd_bus_call_async(bus, &slot, call, dispatch, this, static_cast<std::uint64_t>(patience.count())),
          "call over the bus");
    slot_.reset(slot);
}

int BusCallback::dispatch(sd_bus_message* message, void* userdata, sd_bus_error*) noexcept {
    auto& self = *static_cast<BusCallback*>(userdata);
    return self.loop_.guard([&] { self.callback_(message); });
}

} // namespace candor::daemon
