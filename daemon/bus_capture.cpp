// SPDX-License-Identifier: Apache-2.0
// org.candor.Capture1: what candord does, and how to hold it off.
#include "base/hex.h"
#include "daemon/bus_call.h"
#include "daemon/measure.h"
#include "input/eligibility.h"

#include <algorithm>
#include <array>
#include <utility>

namespace candor::daemon {
namespace {

using Getter = int (*)(BusObject& self, sd_bus_message* reply);

template <Getter get>
int property(sd_bus*, const char*, const char*, const char*, sd_bus_message* reply, void* userdata, sd_bus_error*) {
    return handle(userdata, [&](BusObject& self) { return get(self, reply); });
}

int get_state(BusObject& self, sd_bus_message* reply) {
    return sd_bus_message_append(reply, "s", self.controller.is_recording() ? "recording" : "closed");
}

int get_level(BusObject& self, sd_bus_message* reply) {
    const auto level = self.controller.level();
    return sd_bus_message_append(reply, "s", level ? privacy::level_name(*level).data() : "");
}

int get_reasons(BusObject& self, sd_bus_message* reply) {
    check(sd_bus_message_open_container(reply, 'a', "(ss)"), "list the reasons");
    for (const consent::Reason reason : self.controller.verdict().reasons) {
        check(sd_bus_message_append(reply, "(ss)", std::string(consent::reason_name(reason)).c_str(),
                                    self.controller.reason_text(reason).c_str()),
              "list the reasons");
    }
    return sd_bus_message_close_container(reply);
}

int get_devices(BusObject& self, sd_bus_message* reply) {
    check(sd_bus_message_open_container(reply, 'a', "(sssbs)"), "list the devices");
    for (const input::DeviceStatus& device : self.controller.devices()) {
        check(sd_bus_message_append(reply, "(sssbs)", device.node.c_str(), device.name.c_str(),
                                    device.device_class ? input::class_name(*device.device_class) : "other",
                                    static_cast<int>(device.captured), device.rule.c_str()),
              "list the devices");
    }
    return sd_bus_message_close_container(reply);
}

int get_counters(BusObject& self, sd_bus_message* reply) {
    const Counters& counters = self.recorder.counters();
    const auto all = std::to_array<std::pair<const char*, std::uint64_t>>({
        {"Packets", counters.packets},
        {"EventsProduced", counters.events_produced},
        {"EventsStored", counters.events_stored},
        {"EventsDeclaredLost", counters.events_declared},
        {"Batches", counters.batches},
        {"Gaps", counters.gaps},
        {"Streams", counters.streams},
        {"RingBytes", self.ring.bytes()},
        {"RingBound", self.ring.bound()},
        {"FramesWaiting", self.ring.frames()},
    });
    check(sd_bus_message_open_container(reply, 'a', "{st}"), "list the counters");
    for (const auto& [key, value] : all) {
        check(sd_bus_message_append(reply, "{st}", key, value), "list the counters");
    }
    return sd_bus_message_close_container(reply);
}

int get_consent_until(BusObject& self, sd_bus_message* reply) {
    return sd_bus_message_append(reply, "x", self.controller.consent_until());
}

int get_paused_until(BusObject& self, sd_bus_message* reply) {
    return sd_bus_message_append(reply, "x", self.controller.paused_until());
}

int get_inhibitors(BusObject& self, sd_bus_message* reply) {
    check(sd_bus_message_open_container(reply, 'a', "(ssu)"), "list the inhibitors");
    for (const Inhibitors::Inhibitor& inhibitor : self.controller.inhibitors()) {
        check(sd_bus_message_append(reply, "(ssu)", inhibitor.who.c_str(), inhibitor.why.c_str(), inhibitor.uid),
              "list the inhibitors");
    }
    return sd_bus_message_close_container(reply);
}

int get_indicators(BusObject& self, sd_bus_message* reply) {
    check(sd_bus_message_open_container(reply, 'a', "(sbbs)"), "list the indicators");
    for (const Controller::Indicator& indicator : self.controller.indicators()) {
        check(sd_bus_message_append(reply, "(sbbs)", indicator.name, static_cast<int>(indicator.required),
                                    static_cast<int>(indicator.works), indicator.text.c_str()),
              "list the indicators");
    }
    return sd_bus_message_close_container(reply);
}

int get_enabled(BusObject& self, sd_bus_message* reply) {
    return sd_bus_message_append(reply, "b", static_cast<int>(self.controller.is_enabled()));
}

int get_shipper_connected(BusObject& self, sd_bus_message* reply) {
    return sd_bus_message_append(reply, "b", static_cast<int>(self.server.is_connected()));
}

int get_gaps(BusObject& self, sd_bus_message* reply) {
    const auto& by_reason = self.recorder.counters().by_reason;
    check(sd_bus_message_open_container(reply, 'a', "{s(tt)}"), "list the gaps");
    for (std::size_t i = 0; i < by_reason.size(); ++i) {
        if (by_reason[i].gaps > 0) {
            const std::string name(wire::gap_reason_name(static_cast<wire::GapReason>(i)));
            check(sd_bus_message_append(reply, "{s(tt)}", name.c_str(), by_reason[i].events, by_reason[i].gaps),
                  "list the gaps");
        }
    }
    return sd_bus_message_close_container(reply);
}

int get_shipping(BusObject& self, sd_bus_message* reply) {
    const Shipping shipping = shipping_of(self.server);
    return sd_bus_message_append(reply, "(ss)", shipping.state.c_str(), shipping.problem.c_str());
}

int get_spool(BusObject& self, sd_bus_message* reply) {
    check(sd_bus_message_open_container(reply, 'a', "{st}"), "tell of the spool");
    if (const auto& report = self.server.report()) {
        const auto all = std::to_array<std::pair<const char*, std::uint64_t>>({
            {"SpoolBytes", report->spool_bytes},
            {"SpoolBound", report->spool_bound},
            {"SegmentsWaiting", report->waiting},
            {"OldestWaiting", static_cast<std::uint64_t>(std::max<std::int64_t>(report->oldest_ns, 0)) / 1'000'000'000},
            {"SegmentsDelivered", report->delivered},
            {"SinkErrors", report->sink_errors},
        });
        for (const auto& [key, value] : all) {
            check(sd_bus_message_append(reply, "{st}", key, value), "tell of the spool");
        }
    }
    return sd_bus_message_close_container(reply);
}

int get_identity(BusObject& self, sd_bus_message* reply) {
    return sd_bus_message_append(reply, "s", to_hex(self.identity).c_str());
}

int get_policy_hash(BusObject& self, sd_bus_message* reply) {
    const consent::Policy* policy = self.controller.policy();
    return sd_bus_message_append(reply, "s", policy != nullptr ? to_hex(policy->hash).c_str() : "");
}

int pause(sd_bus_message* call, void* userdata, sd_bus_error* error) {
    return handle(userdata, [&](BusObject& self) {
        return authorised("Pause", call, self, error, [&self](sd_bus_message* m, sd_bus_error* e, std::uint32_t uid) {
            std::uint64_t seconds = 0;
            if (const int r = sd_bus_message_read(m, "t", &seconds); r < 0) {
                return r;
            }
            const auto until = self.controller.pause(uid, seconds);
            return until ? sd_bus_reply_method_return(m, "x", *until) : fail(e, until.error());
        });
    });
}

int resume(sd_bus_message* call, void* userdata, sd_bus_error* error) {
    return handle(userdata, [&](BusObject& self) {
        return authorised("Resume", call, self, error, [&self](sd_bus_message* m, sd_bus_error* e, std::uint32_t uid) {
            return reply(m, self.controller.resume(uid), e);
        });
    });
}

int inhibit(sd_bus_message* call, void* userdata, sd_bus_error* error) {
    return handle(userdata, [&](BusObject& self) {
        return authorised("Inhibit", call, self, error, [&self](sd_bus_message* m, sd_bus_error* e, std::uint32_t uid) {
            const char* who = nullptr;
            const char* why = nullptr;
            if (const int r = sd_bus_message_read(m, "ss", &who, &why); r < 0) {
                return r;
            }
            const auto fd = self.controller.inhibit(uid, who, why);
            return fd ? sd_bus_reply_method_return(m, "h", fd->get()) : fail(e, fd.error());
        });
    });
}

int set_enabled(sd_bus_message* call, void* userdata, sd_bus_error* error) {
    return handle(userdata, [&](BusObject& self) {
        return authorised("SetEnabled", call, self, error,
                          [&self](sd_bus_message* m, sd_bus_error* e, std::uint32_t uid) {
                              int enabled = 0;
                              if (const int r = sd_bus_message_read(m, "b", &enabled); r < 0) {
                                  return r;
                              }
                              return reply(m, self.controller.set_enabled(uid, enabled != 0), e);
                          });
    });
}

int reload_policy(sd_bus_message* call, void* userdata, sd_bus_error* error) {
    return handle(userdata, [&](BusObject& self) {
        return authorised("ReloadPolicy", call, self, error,
                          [&self](sd_bus_message* m, sd_bus_error* e, std::uint32_t uid) {
                              self.controller.reload(uid);
                              if (self.controller.policy() == nullptr) {
                                  return fail(e, {Denial::policy_refused, self.controller.policy_refusal()});
                              }
                              return sd_bus_reply_method_return(m, nullptr);
                          });
    });
}

constexpr std::uint64_t changes = SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE;

const auto vtable = std::to_array<sd_bus_vtable>({
    SD_BUS_VTABLE_START(0),
    SD_BUS_PROPERTY("State", "s", property<get_state>, 0, changes),
    SD_BUS_PROPERTY("Level", "s", property<get_level>, 0, changes),
    SD_BUS_PROPERTY("Reasons", "a(ss)", property<get_reasons>, 0, changes),
    SD_BUS_PROPERTY("Devices", "a(sssbs)", property<get_devices>, 0, SD_BUS_VTABLE_PROPERTY_EMITS_INVALIDATION),
    SD_BUS_PROPERTY("Counters", "a{st}", property<get_counters>, 0, 0),
    SD_BUS_PROPERTY("ConsentUntil", "x", property<get_consent_until>, 0, changes),
    SD_BUS_PROPERTY("PausedUntil", "x", property<get_paused_until>, 0, changes),
    SD_BUS_PROPERTY("Inhibitors", "a(ssu)", property<get_inhibitors>, 0, changes),
    SD_BUS_PROPERTY("Indicators", "a(sbbs)", property<get_indicators>, 0, changes),
    SD_BUS_PROPERTY("Enabled", "b", property<get_enabled>, 0, changes),
    SD_BUS_PROPERTY("Gaps", "a{s(tt)}", property<get_gaps>, 0, 0),
    SD_BUS_PROPERTY("ShipperConnected", "b", property<get_shipper_connected>, 0, 0),
    SD_BUS_PROPERTY("Shipping", "(ss)", property<get_shipping>, 0, changes),
    SD_BUS_PROPERTY("Spool", "a{st}", property<get_spool>, 0, 0),
    SD_BUS_PROPERTY("Identity", "s", property<get_identity>, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("PolicyHash", "s", property<get_policy_hash>, 0, changes),
    SD_BUS_METHOD_WITH_ARGS("Pause", SD_BUS_ARGS("t", seconds), SD_BUS_RESULT("x", until), pause,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Resume", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, resume, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Inhibit", SD_BUS_ARGS("s", who, "s", why), SD_BUS_RESULT("h", fd), inhibit,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("SetEnabled", SD_BUS_ARGS("b", enabled), SD_BUS_NO_RESULT, set_enabled,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("ReloadPolicy", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, reload_policy,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_VTABLE_END,
});

} // namespace

BusInterface capture_interface() noexcept { return {"org.candor.Capture1", vtable.data()}; }

} // namespace candor::daemon
