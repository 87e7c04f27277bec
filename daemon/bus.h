// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/event_loop.h"
#include "base/handle.h"

#include <systemd/sd-bus.h>

#include <chrono>
#include <functional>
#include <string>

namespace candor::daemon {

using Bus = Handle<sd_bus, sd_bus_flush_close_unref>;
using Message = Handle<sd_bus_message, sd_bus_message_unref>;
using Slot = Handle<sd_bus_slot, sd_bus_slot_unref>;

/// The system bus, attached to the loop (DBUS_SYSTEM_BUS_ADDRESS names another one, for tests). Throws std::system_error.
[[nodiscard]] Bus connect_to_system_bus(EventLoop& loop);

/// A reply or a signal. Must not throw for what a peer sent; what it throws ends the loop.
using MessageCallback = std::function<void(sd_bus_message*)>;

/// A pending call or a subscription: the callback lives as long as this. Not movable: the bus knows its address.
class BusCallback {
public:
    BusCallback(EventLoop& loop, MessageCallback callback) : loop_(loop), callback_(std::move(callback)) {}
    BusCallback(const BusCallback&) = delete;
    BusCallback& operator=(const BusCallback&) = delete;

    /// Subscribes; `match` as in sd_bus_add_match.
    void match(sd_bus* bus, const std::string& match);
    /// Sends `call`; an earlier one that is still pending is forgotten. Answers within `patience` or with an error.
    void call(sd_bus* bus, sd_bus_message* call, std::chrono::microseconds patience = std::chrono::seconds(5));

private:
    static int dispatch(sd_bus_message* message, void* userdata, sd_bus_error* error) noexcept;

    EventLoop& loop_;
    MessageCallback callback_;
    Slot slot_;
};

} // namespace candor::daemon
