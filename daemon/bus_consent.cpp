// SPDX-License-Identifier: Apache-2.0
// org.candor.Capture1.Consent: the caller's own consent.
#include "base/hex.h"
#include "daemon/bus_call.h"
#include "input/eligibility.h"

#include <array>

namespace candor::daemon {
namespace {

constexpr std::size_t most_classes = 16;

int get_level_ceiling(sd_bus*, const char*, const char*, const char*, sd_bus_message* reply, void* userdata,
                      sd_bus_error*) {
    return handle(userdata, [&](BusObject& self) {
        const consent::Policy* policy = self.controller.policy();
        return sd_bus_message_append(reply, "s", policy != nullptr ? privacy::level_name(policy->level).data() : "");
    });
}

int get_device_classes(sd_bus*, const char*, const char*, const char*, sd_bus_message* reply, void* userdata,
                       sd_bus_error*) {
    return handle(userdata, [&](BusObject& self) {
        check(sd_bus_message_open_container(reply, 'a', "s"), "list the classes");
        if (const consent::Policy* policy = self.controller.policy()) {
            for (const input::DeviceClass device_class : policy->devices) {
                check(sd_bus_message_append(reply, "s", input::class_name(device_class)), "list the classes");
            }
        }
        return sd_bus_message_close_container(reply);
    });
}

int get_max_days(sd_bus*, const char*, const char*, const char*, sd_bus_message* reply, void* userdata, sd_bus_error*) {
    return handle(userdata, [&](BusObject& self) {
        const consent::Policy* policy = self.controller.policy();
        return sd_bus_message_append(
            reply, "u", policy != nullptr ? static_cast<std::uint32_t>(policy->consent_duration.count()) : 0u);
    });
}

int get_notice(sd_bus_message* call, void* userdata, sd_bus_error* error) {
    return handle(userdata, [&](BusObject& self) {
        return authorised("Consent.GetNotice", call, self, error,
                          [&self](sd_bus_message* m, sd_bus_error* e, std::uint32_t) {
                              const consent::Policy* policy = self.controller.policy();
                              if (policy == nullptr) {
                                  return fail(e, {Denial::policy_refused,
                                                  "there is no valid policy, so there is nothing to consent to"});
                              }
                              return sd_bus_reply_method_return(m, "ss", consent::present(*policy).c_str(),
                                                                to_hex(policy->hash).c_str());
                          });
    });
}

int grant(sd_bus_message* call, void* userdata, sd_bus_error* error) {
    return handle(userdata, [&](BusObject& self) {
        return authorised(
            "Consent.Grant", call, self, error, [&self](sd_bus_message* m, sd_bus_error* e, std::uint32_t uid) {
                const char* hash = nullptr;
                const char* level = nullptr;
                if (const int r = sd_bus_message_read(m, "ss", &hash, &level); r < 0) {
                    return r;
                }
                auto devices = read_strings(m, most_classes);
                if (!devices) {
                    return fail(e, devices.error());
                }
                Controller::GrantCall request{hash, level, std::move(*devices), 0};
                if (const int r = sd_bus_message_read(m, "x", &request.until); r < 0) {
                    return r;
                }
                const auto receipt = self.controller.grant(uid, request);
                return receipt ? sd_bus_reply_method_return(m, "s", receipt->c_str()) : fail(e, receipt.error());
            });
    });
}

int revoke(sd_bus_message* call, void* userdata, sd_bus_error* error) {
    return handle(userdata, [&](BusObject& self) {
        return authorised(
            "Consent.Revoke", call, self, error, [&self](sd_bus_message* m, sd_bus_error*, std::uint32_t uid) {
                int erase = 0;
                if (const int r = sd_bus_message_read(m, "b", &erase); r < 0) {
                    return r;
                }
                return sd_bus_reply_method_return(m, "s", self.controller.revoke(uid, erase != 0).c_str());
            });
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
    return handle(userdata, [&](BusObject& self) {
        return authorised(
            "Consent.GetReceipt", call, self, error, [&self](sd_bus_message* m, sd_bus_error*, std::uint32_t uid) {
                const auto receipt = self.controller.receipt(uid);
                return sd_bus_reply_method_return(m, "ss", state_name(receipt.state), receipt.json.c_str());
            });
    });
}

const auto vtable = std::to_array<sd_bus_vtable>({
    SD_BUS_VTABLE_START(0),
    SD_BUS_PROPERTY("LevelCeiling", "s", get_level_ceiling, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("DeviceClasses", "as", get_device_classes, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_PROPERTY("MaxDays", "u", get_max_days, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
    SD_BUS_METHOD_WITH_ARGS("GetNotice", SD_BUS_NO_ARGS, SD_BUS_RESULT("s", text, "s", policy_hash), get_notice,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Grant", SD_BUS_ARGS("s", policy_hash, "s", level, "as", device_classes, "x", until),
                            SD_BUS_RESULT("s", receipt), grant, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("Revoke", SD_BUS_ARGS("b", erase), SD_BUS_RESULT("s", receipt), revoke,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_METHOD_WITH_ARGS("GetReceipt", SD_BUS_NO_ARGS, SD_BUS_RESULT("s", state, "s", receipt), get_receipt,
                            SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_VTABLE_END,
});

} // namespace

BusInterface consent_interface() noexcept { return {"org.candor.Capture1.Consent", vtable.data()}; }

} // namespace candor::daemon
