// SPDX-License-Identifier: Apache-2.0
// org.candor.Capture1.Audit: the log of what was decided.
#include "daemon/bus_call.h"

#include <array>

namespace candor::daemon {
namespace {

constexpr std::uint32_t most_entries = 1000;

int read_entries(sd_bus_message* call, sd_bus_error* error, BusObject& self, std::optional<std::uint32_t> uid) {
    std::uint64_t after = 0;
    std::uint32_t limit = 0;
    // Read once already, to see who may.
    check(sd_bus_message_rewind(call, 1), "read a call again");
    if (const int r = sd_bus_message_read(call, "tu", &after, &limit); r < 0) {
        return r;
    }
    if (limit < 1 || limit > most_entries) {
        return fail(error, {Denial::invalid_argument, "limit: expected 1 to " + std::to_string(most_entries)});
    }
    const auto entries = self.controller.trail().read(after, limit, uid);
    if (!entries) {
        return fail(error, {Denial::failed, entries.error().message});
    }
    sd_bus_message* raw = nullptr;
    check(sd_bus_message_new_method_return(call, &raw), "answer a call");
    const Message answer(raw);
    check(sd_bus_message_open_container(raw, 'a', "s"), "list the entries");
    for (const std::string& entry : *entries) {
        check(sd_bus_message_append(raw, "s", entry.c_str()), "list the entries");
    }
    check(sd_bus_message_close_container(raw), "list the entries");
    return sd_bus_send(nullptr, raw, nullptr);
}

int get_entries(sd_bus_message* call, void* userdata, sd_bus_error* error) {
    return handle(userdata, [&](BusObject& self) {
        int all = 0;
        if (const int r = sd_bus_message_read(call, "tub", nullptr, nullptr, &all); r < 0) {
            return r;
        }
        return authorised(all != 0 ? "Audit.GetEntries all" : "Audit.GetEntries", call, self, error,
                          [&self, all](sd_bus_message* m, sd_bus_error* e, std::uint32_t uid) {
                              return read_entries(m, e, self, all != 0 ? std::nullopt : std::optional(uid));
                          });
    });
}

int verify(sd_bus_message* call, void* userdata, sd_bus_error* error) {
    return handle(userdata, [&](BusObject& self) {
        return authorised("Audit.Verify", call, self, error, [&self](sd_bus_message* m, sd_bus_error*, std::uint32_t) {
            const audit::Verification found = self.controller.trail().verify();
            return sd_bus_reply_method_return(m, "bts", static_cast<int>(found.intact), found.entries,
                                              found.problem.c_str());
        });
    });
}

const auto vtable = std::to_array<sd_bus_vtable>({
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD_WITH_ARGS("GetEntries", SD_BUS_ARGS("t", after, "u", limit, "b", all), SD_BUS_RESULT("as", entries),
                            get_entries, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Verify", SD_BUS_NO_ARGS, SD_BUS_RESULT("b", intact, "t", entries, "s", problem), verify,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_VTABLE_END,
});

} // namespace

BusInterface audit_interface() noexcept { return {"org.candor.Capture1.Audit", vtable.data()}; }

} // namespace candor::daemon
