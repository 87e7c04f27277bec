// SPDX-License-Identifier: Apache-2.0
// org.candor.Capture1.Context: the helper in the person's session.
#include "daemon/bus_call.h"

#include <array>

namespace candor::daemon {
namespace {

constexpr std::size_t most_capabilities = 16;

int get_alive(sd_bus*, const char*, const char*, const char*, sd_bus_message* reply, void* userdata, sd_bus_error*) {
    return handle(userdata, [&](BusObject& self) {
        return sd_bus_message_append(reply, "b", static_cast<int>(self.controller.context().is_alive()));
    });
}

int enroll(sd_bus_message* call, void* userdata, sd_bus_error* error) {
    return handle(userdata, [&](BusObject& self) {
        return authorised(
            "Context.Register", call, self, error, [&self](sd_bus_message* m, sd_bus_error* e, std::uint32_t uid) {
                const auto capabilities = read_strings(m, most_capabilities);
                if (!capabilities) {
                    return fail(e, capabilities.error());
                }
                const auto done = self.controller.context().enroll(uid, sd_bus_message_get_sender(m), *capabilities);
                return done ? sd_bus_reply_method_return(m, "u", static_cast<std::uint32_t>(Context::heartbeat.count()))
                            : fail(e, done.error());
            });
    });
}

int report(sd_bus_message* call, void* userdata, sd_bus_error* error) {
    return handle(userdata, [&](BusObject& self) {
        return authorised(
            "Context.Report", call, self, error, [&self](sd_bus_message* m, sd_bus_error* e, std::uint32_t) {
                const char* application = nullptr;
                const char* role = nullptr;
                const char* field = nullptr;
                if (const int r = sd_bus_message_read(m, "sss", &application, &role, &field); r < 0) {
                    return r;
                }
                return reply(
                    m, self.controller.context().report(sd_bus_message_get_sender(m), application, role, field), e);
            });
    });
}

int heartbeat(sd_bus_message* call, void* userdata, sd_bus_error* error) {
    return handle(userdata, [&](BusObject& self) {
        return authorised(
            "Context.Heartbeat", call, self, error, [&self](sd_bus_message* m, sd_bus_error* e, std::uint32_t) {
                const char* indicator = nullptr;
                if (const int r = sd_bus_message_read(m, "s", &indicator); r < 0) {
                    return r;
                }
                return reply(m, self.controller.context().beat(sd_bus_message_get_sender(m), indicator), e);
            });
    });
}

int unregister(sd_bus_message* call, void* userdata, sd_bus_error* error) {
    return handle(userdata, [&](BusObject& self) {
        return authorised("Context.Unregister", call, self, error,
                          [&self](sd_bus_message* m, sd_bus_error* e, std::uint32_t) {
                              return reply(m, self.controller.context().leave(sd_bus_message_get_sender(m)), e);
                          });
    });
}

const auto vtable = std::to_array<sd_bus_vtable>({
    SD_BUS_VTABLE_START(0),
    SD_BUS_PROPERTY("Alive", "b", get_alive, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_METHOD_WITH_ARGS("Register", SD_BUS_ARGS("as", capabilities), SD_BUS_RESULT("u", heartbeat_ms), enroll,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Report", SD_BUS_ARGS("s", application, "s", role, "s", field), SD_BUS_NO_RESULT, report,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Heartbeat", SD_BUS_ARGS("s", indicator), SD_BUS_NO_RESULT, heartbeat,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Unregister", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, unregister, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_VTABLE_END,
});

} // namespace

BusInterface context_interface() noexcept { return {"org.candor.Capture1.Context", vtable.data()}; }

} // namespace candor::daemon
