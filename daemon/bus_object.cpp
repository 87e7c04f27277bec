// SPDX-License-Identifier: Apache-2.0
#include "daemon/bus_object.h"

#include "base/error.h"
#include "base/hex.h"
#include "input/eligibility.h"

#include <array>
#include <utility>

namespace candor::daemon {
namespace {

constexpr const char* capture_interface = "org.candor.Capture1";
constexpr const char* consent_interface = "org.candor.Capture1.Consent";

/// Every handler runs through this: what it throws ends the loop, never crosses into sd-bus.
template <typename Handler> int handle(void* userdata, Handler&& handler) noexcept {
    auto& self = *static_cast<BusObject*>(userdata);
    int result = 0;
    const int failed = self.loop.guard([&] { result = handler(self); });
    return failed < 0 ? -EIO : result;
}

int get_state(sd_bus*, const char*, const char*, const char*, sd_bus_message* reply, void* userdata, sd_bus_error*) {
    return handle(userdata, [&](BusObject& self) {
        return sd_bus_message_append(reply, "s", self.controller.is_recording() ? "recording" : "closed");
    });
}

int get_level(sd_bus*, const char*, const char*, const char*, sd_bus_message* reply, void* userdata, sd_bus_error*) {
    return handle(userdata, [&](BusObject& self) {
        return sd_bus_message_append(reply, "s", self.controller.is_recording() ? consent::level_full.data() : "");
    });
}

int get_reasons(sd_bus*, const char*, const char*, const char*, sd_bus_message* reply, void* userdata, sd_bus_error*) {
    return handle(userdata, [&](BusObject& self) {
        check(sd_bus_message_open_container(reply, 'a', "(ss)"), "list the reasons");
        for (const consent::Reason reason : self.controller.verdict().reasons) {
            check(sd_bus_message_append(reply, "(ss)", std::string(consent::reason_name(reason)).c_str(),
                                        self.controller.reason_text(reason).c_str()),
                  "list the reasons");
        }
        return sd_bus_message_close_container(reply);
    });
}

int get_devices(sd_bus*, const char*, const char*, const char*, sd_bus_message* reply, void* userdata, sd_bus_error*) {
    return handle(userdata, [&](BusObject& self) {
        check(sd_bus_message_open_container(reply, 'a', "(sssbs)"), "list the devices");
        for (const input::DeviceStatus& device : self.controller.devices()) {
            check(sd_bus_message_append(reply, "(sssbs)", device.node.c_str(), device.name.c_str(),
                                        device.device_class ? input::class_name(*device.device_class) : "other",
                                        static_cast<int>(device.captured), device.rule.c_str()),
                  "list the devices");
        }
        return sd_bus_message_close_container(reply);
    });
}

int get_counters(sd_bus*, const char*, const char*, const char*, sd_bus_message* reply, void* userdata, sd_bus_error*) {
    return handle(userdata, [&](BusObject& self) {
        const Counters& counters = self.recorder.counters();
        const std::array<std::pair<const char*, std::uint64_t>, 10> all = {{
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
        }};
        check(sd_bus_message_open_container(reply, 'a', "{st}"), "list the counters");
        for (const auto& [key, value] : all) {
            check(sd_bus_message_append(reply, "{st}", key, value), "list the counters");
        }
        return sd_bus_message_close_container(reply);
    });
}

int get_consent_until(sd_bus*, const char*, const char*, const char*, sd_bus_message* reply, void* userdata,
                      sd_bus_error*) {
    return handle(userdata,
                  [&](BusObject& self) { return sd_bus_message_append(reply, "x", self.controller.consent_until()); });
}

int get_shipper_connected(sd_bus*, const char*, const char*, const char*, sd_bus_message* reply, void* userdata,
                          sd_bus_error*) {
    return handle(userdata, [&](BusObject& self) {
        return sd_bus_message_append(reply, "b", static_cast<int>(self.server.is_connected()));
    });
}

int get_policy_hash(sd_bus*, const char*, const char*, const char*, sd_bus_message* reply, void* userdata,
                    sd_bus_error*) {
    return handle(userdata, [&](BusObject& self) {
        const consent::Policy* policy = self.controller.policy();
        return sd_bus_message_append(reply, "s", policy != nullptr ? to_hex(policy->hash).c_str() : "");
    });
}

int fail(sd_bus_error* error, const Denied& denied) {
    const char* names[] = {"org.candor.Capture1.Error.NotAuthorized", "org.candor.Capture1.Error.PolicyChanged",
                           "org.candor.Capture1.Error.PolicyRefused", "org.candor.Capture1.Error.InvalidArgument"};
    return sd_bus_error_set(error, names[static_cast<int>(denied.kind)], denied.message.c_str());
}

/// The caller's uid, which the bus daemon vouches for.
std::optional<std::uint32_t> caller_of(sd_bus_message* call) {
    sd_bus_creds* raw = nullptr;
    if (sd_bus_query_sender_creds(call, SD_BUS_CREDS_EUID, &raw) < 0) {
        return std::nullopt;
    }
    const Handle<sd_bus_creds, sd_bus_creds_unref> creds(raw);
    uid_t uid = 0;
    if (sd_bus_creds_get_euid(creds.get(), &uid) < 0) {
        return std::nullopt;
    }
    return uid;
}

template <typename Handler>
int handle_call(sd_bus_message* call, void* userdata, sd_bus_error* error, Handler&& handler) noexcept {
    return handle(userdata, [&](BusObject& self) {
        const auto caller = caller_of(call);
        if (!caller) {
            return fail(error, {Denial::not_authorized, "the bus does not say who calls"});
        }
        return handler(self, *caller);
    });
}

int get_notice(sd_bus_message* call, void* userdata, sd_bus_error* error) {
    return handle(userdata, [&](BusObject& self) {
        const consent::Policy* policy = self.controller.policy();
        if (policy == nullptr) {
            return fail(error, {Denial::policy_refused, "there is no valid policy, so there is nothing to consent to"});
        }
        return sd_bus_reply_method_return(call, "ssu", consent::present(*policy).c_str(), to_hex(policy->hash).c_str(),
                                          static_cast<std::uint32_t>(policy->consent_duration.count()));
    });
}

int grant(sd_bus_message* call, void* userdata, sd_bus_error* error) {
    return handle_call(call, userdata, error, [&](BusObject& self, std::uint32_t caller) {
        const char* level = nullptr;
        const char* hash = nullptr;
        std::int64_t expiry = 0;
        if (const int r = sd_bus_message_read(call, "ssx", &level, &hash, &expiry); r < 0) {
            return r;
        }
        const auto receipt = self.controller.grant(caller, level, hash, expiry);
        return receipt ? sd_bus_reply_method_return(call, "s", receipt->c_str()) : fail(error, receipt.error());
    });
}

int revoke(sd_bus_message* call, void* userdata, sd_bus_error* error) {
    return handle_call(call, userdata, error, [&](BusObject& self, std::uint32_t caller) {
        return sd_bus_reply_method_return(call, "s", self.controller.revoke(caller).c_str());
    });
}

const char* state_name(consent::ConsentState state) {
    switch (state) {
    case consent::ConsentState::none:
        return "none";
    case consent::ConsentState::valid:
        return "valid";
    case consent::ConsentState::withdrawn:
        return "withdrawn";
    case consent::ConsentState::expired:
        return "expired";
    case consent::ConsentState::not_yet_valid:
        return "not-yet-valid";
    case consent::ConsentState::wrong_policy:
        return "wrong-policy";
    case consent::ConsentState::level_unsupported:
        return "level-unsupported";
    case consent::ConsentState::damaged:
        break;
    }
    return "damaged";
}

int get_receipt(sd_bus_message* call, void* userdata, sd_bus_error* error) {
    return handle_call(call, userdata, error, [&](BusObject& self, std::uint32_t caller) {
        const auto receipt = self.controller.receipt(caller);
        return sd_bus_reply_method_return(call, "ss", state_name(receipt.state), receipt.json.c_str());
    });
}

const std::array<sd_bus_vtable, 10> capture_vtable = {{
    SD_BUS_VTABLE_START(0),
    SD_BUS_PROPERTY("State", "s", get_state, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("Level", "s", get_level, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("Reasons", "a(ss)", get_reasons, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("Devices", "a(sssbs)", get_devices, 0, SD_BUS_VTABLE_PROPERTY_EMITS_INVALIDATION),
    SD_BUS_PROPERTY("Counters", "a{st}", get_counters, 0, 0),
    SD_BUS_PROPERTY("ConsentUntil", "x", get_consent_until, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("ShipperConnected", "b", get_shipper_connected, 0, 0),
    SD_BUS_PROPERTY("PolicyHash", "s", get_policy_hash, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_VTABLE_END,
}};

const std::array<sd_bus_vtable, 6> consent_vtable = {{
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD_WITH_ARGS("GetNotice", SD_BUS_NO_ARGS, SD_BUS_RESULT("s", notice, "s", policy_hash, "u", max_days),
                            get_notice, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Grant", SD_BUS_ARGS("s", level, "s", policy_hash, "x", expiry),
                            SD_BUS_RESULT("s", receipt), grant, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Revoke", SD_BUS_NO_ARGS, SD_BUS_RESULT("s", receipt), revoke, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("GetReceipt", SD_BUS_NO_ARGS, SD_BUS_RESULT("s", state, "s", receipt), get_receipt,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_VTABLE_END,
}};

} // namespace

BusObject::BusObject(EventLoop& event_loop, sd_bus* bus, Controller& the_controller, const Recorder& the_recorder,
                     const Ring& the_ring, const FrameServer& the_server)
    : loop(event_loop), controller(the_controller), recorder(the_recorder), ring(the_ring), server(the_server),
      bus_(bus) {
    sd_bus_slot* slot = nullptr;
    check(sd_bus_add_object_vtable(bus_, &slot, path, capture_interface, capture_vtable.data(), this),
          "export the object");
    capture_.reset(slot);
    check(sd_bus_add_object_vtable(bus_, &slot, path, consent_interface, consent_vtable.data(), this),
          "export the object");
    consent_.reset(slot);
    check(sd_bus_request_name(bus_, name, 0), "take the name org.candor.Capture1");
}

void BusObject::state_changed() {
    // Without a connection there is nobody to tell; the loop ends with the bus.
    (void)sd_bus_emit_properties_changed(bus_, path, capture_interface, "State", "Level", "Reasons", "ConsentUntil",
                                         "PolicyHash", nullptr);
    devices_changed();
}

void BusObject::devices_changed() {
    (void)sd_bus_emit_properties_changed(bus_, path, capture_interface, "Devices", nullptr);
}

} // namespace candor::daemon
