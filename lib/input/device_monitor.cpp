// SPDX-License-Identifier: Apache-2.0
#include "input/device_monitor.h"

#include "base/error.h"

#include <cstdlib>
#include <cstring>
#include <set>
#include <string_view>
#include <vector>

namespace candor::input {
namespace {

using Enumerator = Handle<sd_device_enumerator, sd_device_enumerator_unref>;

std::string property(sd_device* device, const char* name) {
    const char* value = nullptr;
    return sd_device_get_property_value(device, name, &value) >= 0 && value != nullptr ? value : "";
}

bool flag(sd_device* device, const char* name) { return property(device, name) == "1"; }

std::string attribute(sd_device* device, const char* name) {
    const char* value = nullptr;
    return sd_device_get_sysattr_value(device, name, &value) >= 0 && value != nullptr ? value : "";
}

std::uint16_t hex_attribute(sd_device* device, const char* name) {
    return static_cast<std::uint16_t>(std::strtoul(attribute(device, name).c_str(), nullptr, 16));
}

std::string syspath(sd_device* device) {
    const char* path = nullptr;
    return sd_device_get_syspath(device, &path) >= 0 ? path : "";
}

/// "/dev/input/event3", or nothing for mice's and joysticks' other nodes and for devices without one.
std::string event_node(sd_device* device) {
    const char* name = nullptr;
    const char* node = nullptr;
    if (sd_device_get_sysname(device, &name) < 0 || std::strncmp(name, "event", 5) != 0 ||
        sd_device_get_devname(device, &node) < 0) {
        return "";
    }
    return node;
}

sd_device* usb_parent(sd_device* device) {
    sd_device* parent = nullptr;
    return sd_device_get_parent_with_subsystem_devtype(device, "usb", "usb_device", &parent) >= 0 ? parent : nullptr;
}

bool is_token(sd_device* device) {
    return flag(device, "ID_SECURITY_TOKEN") || flag(device, "ID_FIDO_TOKEN") || flag(device, "ID_SMARTCARD_READER");
}

Enumerator enumerator(const char* subsystem) {
    sd_device_enumerator* raw = nullptr;
    check(sd_device_enumerator_new(&raw), "list devices");
    Enumerator result(raw);
    check(sd_device_enumerator_add_match_subsystem(raw, subsystem, 1), "list devices");
    return result;
}

/// A key that types one-time passwords shows it on a sibling: the hidraw node of its FIDO interface.
bool has_token_sibling(const std::string& usb_path) {
    if (usb_path.empty()) {
        return false;
    }
    const Enumerator list = enumerator("hidraw");
    for (sd_device* each = sd_device_enumerator_get_device_first(list.get()); each != nullptr;
         each = sd_device_enumerator_get_device_next(list.get())) {
        sd_device* parent = is_token(each) ? usb_parent(each) : nullptr;
        if (parent != nullptr && syspath(parent) == usb_path) {
            return true;
        }
    }
    return false;
}

std::string printable(std::string name) {
    for (char& c : name) {
        c = static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
    }
    return name;
}

DeviceDescription describe(sd_device* device) {
    DeviceDescription result;
    result.node = event_node(device);
    result.syspath = syspath(device);
    result.is_virtual = result.syspath.starts_with("/sys/devices/virtual/");
    result.tagged = sd_device_has_current_tag(device, "candor") > 0;
    result.seat = property(device, "ID_SEAT");
    result.keyboard = flag(device, "ID_INPUT_KEYBOARD");
    result.mouse = flag(device, "ID_INPUT_MOUSE");
    result.pointing_stick = flag(device, "ID_INPUT_POINTINGSTICK");
    result.touchpad = flag(device, "ID_INPUT_TOUCHPAD");
    result.touchscreen = flag(device, "ID_INPUT_TOUCHSCREEN");
    result.tablet = flag(device, "ID_INPUT_TABLET");
    result.tablet_pad = flag(device, "ID_INPUT_TABLET_PAD");
    result.joystick = flag(device, "ID_INPUT_JOYSTICK");
    result.security_token = is_token(device);
    sd_device* parent = nullptr;
    if (sd_device_get_parent(device, &parent) >= 0) {
        result.name = printable(attribute(parent, "name"));
        result.bus = hex_attribute(parent, "id/bustype");
        result.vendor = hex_attribute(parent, "id/vendor");
        result.product = hex_attribute(parent, "id/product");
        result.version = hex_attribute(parent, "id/version");
        result.seat = result.seat.empty() ? property(parent, "ID_SEAT") : result.seat;
    }
    if (sd_device* usb = usb_parent(device); usb != nullptr) {
        result.usb_vendor = hex_attribute(usb, "idVendor");
        result.usb_product = hex_attribute(usb, "idProduct");
        result.security_token = result.security_token || is_token(usb) || has_token_sibling(syspath(usb));
    }
    return result;
}

// A burst of a hundred devices fits; more than the kernel's limit is cut to it.
constexpr std::size_t receive_buffer_bytes = 8 * 1024 * 1024;

} // namespace

DeviceMonitor::DeviceMonitor(EventLoop& loop, Callbacks callbacks, std::int64_t priority)
    : loop_(loop), callbacks_(std::move(callbacks)) {
    sd_device_monitor* raw = nullptr;
    check(sd_device_monitor_new(&raw), "listen to udev");
    monitor_.reset(raw);
    check(sd_device_monitor_filter_add_match_subsystem_devtype(raw, "input", nullptr), "listen to udev");
    check(sd_device_monitor_filter_add_match_subsystem_devtype(raw, "hidraw", nullptr), "listen to udev");
    // Not allowed to grow it is no fault: the default holds dozens of messages.
    static_cast<void>(sd_device_monitor_set_receive_buffer_size(raw, receive_buffer_bytes));
    check(sd_device_monitor_attach_event(raw, loop.get()), "listen to udev");
    check(sd_device_monitor_start(raw, &DeviceMonitor::on_device, this), "listen to udev");
    check(sd_event_source_set_priority(sd_device_monitor_get_event_source(raw), priority), "listen to udev");
}

int DeviceMonitor::on_device(sd_device_monitor*, sd_device* device, void* data) {
    auto* self = static_cast<DeviceMonitor*>(data);
    return self->loop_.guard([&] { self->handle(device); });
}

void DeviceMonitor::handle(sd_device* device) {
    sd_device_action_t action{};
    if (sd_device_get_action(device, &action) < 0) {
        return;
    }
    const char* subsystem = nullptr;
    if (sd_device_get_subsystem(device, &subsystem) >= 0 && std::strcmp(subsystem, "hidraw") == 0) {
        if (action != SD_DEVICE_REMOVE && is_token(device)) {
            enumerate();
        }
        return;
    }
    const std::string node = event_node(device);
    if (node.empty()) {
        return;
    }
    if (action == SD_DEVICE_REMOVE) {
        forget(node);
    } else {
        see(device);
    }
}

void DeviceMonitor::see(sd_device* device) {
    const DeviceDescription description = describe(device);
    const auto known = known_.find(description.node);
    if (known != known_.end() && known->second != description.syspath) {
        forget(description.node);
    }
    known_[description.node] = description.syspath;
    callbacks_.seen(description);
}

void DeviceMonitor::forget(const std::string& node) {
    if (known_.erase(node) > 0) {
        callbacks_.removed(node);
    }
}

void DeviceMonitor::enumerate() {
    std::set<std::string> present;
    const Enumerator list = enumerator("input");
    check(sd_device_enumerator_add_match_sysname(list.get(), "event*"), "list devices");
    for (sd_device* each = sd_device_enumerator_get_device_first(list.get()); each != nullptr;
         each = sd_device_enumerator_get_device_next(list.get())) {
        if (const std::string node = event_node(each); !node.empty()) {
            present.insert(node);
            see(each);
        }
    }
    std::vector<std::string> gone;
    for (const auto& [node, path] : known_) {
        if (!present.contains(node)) {
            gone.push_back(node);
        }
    }
    for (const std::string& node : gone) {
        forget(node);
    }
}

} // namespace candor::input
