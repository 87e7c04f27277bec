// SPDX-License-Identifier: Apache-2.0
#include "watch.h"

#include <cstring>
#include <string>

namespace candor::ctl {
namespace {

int on_change(sd_bus_message* message, void* came, sd_bus_error* /*error*/) noexcept {
    const char *name = nullptr, *before = nullptr, *owner = nullptr;
    if (sd_bus_message_read(message, "sss", &name, &before, &owner) > 0 && *owner != '\0') {
        *static_cast<bool*>(came) = true;
    }
    return 0;
}

} // namespace

Answer<Watch> Watch::open() {
    auto bus = open_bus();
    if (!bus) {
        return std::unexpected(std::move(bus.error()));
    }
    auto came = std::make_unique<bool>(false);
    const std::string rule = std::string("type='signal',sender='org.freedesktop.DBus',path='/org/freedesktop/DBus',"
                                         "interface='org.freedesktop.DBus',member='NameOwnerChanged',arg0='") +
                             service_name + "'";
    const int result = sd_bus_add_match(bus->get(), nullptr, rule.c_str(), on_change, came.get());
    if (result < 0) {
        return std::unexpected(Failure{std::string("cannot watch the system bus: ") + std::strerror(-result)});
    }
    return Watch(std::move(*bus), std::move(came));
}

int Watch::fd() const { return sd_bus_is_open(bus_.get()) > 0 ? sd_bus_get_fd(bus_.get()) : -1; }

bool Watch::came() {
    while (sd_bus_process(bus_.get(), nullptr) > 0) {
    }
    return std::exchange(*came_, false);
}

} // namespace candor::ctl
