// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/event_loop.h"
#include "base/handle.h"
#include "input/eligibility.h"

#include <systemd/sd-device.h>

#include <functional>
#include <map>
#include <string>

namespace candor::input {

/// Knows every /dev/input/event* from udev and sysfs alone: no node is opened, no privilege needed. A machine without
/// devices or without udev has none. Hotplug comes over udev's netlink group, which a network namespace of one's own
/// (PrivateNetwork=) cuts off.
class DeviceMonitor {
public:
    struct Callbacks {
        /// New, or changed: the same node may come again with other properties.
        std::function<void(const DeviceDescription&)> seen;
        std::function<void(const std::string& node)> removed;
    };

    /// Throws std::system_error where there is no netlink.
    DeviceMonitor(EventLoop& loop, Callbacks callbacks, std::int64_t priority);
    DeviceMonitor(const DeviceMonitor&) = delete;
    DeviceMonitor& operator=(const DeviceMonitor&) = delete;

    /// Calls back for each device there is, and forgets what went unnoticed.
    void enumerate();

private:
    static int on_device(sd_device_monitor* monitor, sd_device* device, void* data);
    void handle(sd_device* device);
    void see(sd_device* device);
    void forget(const std::string& node);

    EventLoop& loop_;
    Callbacks callbacks_;
    std::map<std::string, std::string> known_; ///< node → syspath
    Handle<sd_device_monitor, sd_device_monitor_unref> monitor_;
};

} // namespace candor::input
