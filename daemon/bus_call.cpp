// SPDX-License-Identifier: Apache-2.0
#include "daemon/bus_call.h"

#include "base/clock.h"
#include "daemon/authority.h"

#include <array>

namespace candor::daemon {
namespace {

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

/// The answer to a call whose handler has already returned.
void answer_late(sd_bus_message* call, const Method& method, std::uint32_t uid) {
    sd_bus_error error{};
    if (const int r = method(call, &error, uid); r < 0) {
        // The caller may be gone: there is nobody to tell then.
        static_cast<void>(sd_bus_error_is_set(&error) != 0 ? sd_bus_reply_method_error(call, &error)
                                                           : sd_bus_reply_method_errno(call, r, nullptr));
    }
    sd_bus_error_free(&error);
}

} // namespace

int fail(sd_bus_error* error, const Denied& denied) {
    constexpr auto names = std::to_array<const char*>({
        "org.candor.Capture1.Error.NotAuthorized",
        "org.candor.Capture1.Error.PolicyChanged",
        "org.candor.Capture1.Error.PolicyRefused",
        "org.candor.Capture1.Error.InvalidArgument",
        "org.candor.Capture1.Error.LimitReached",
        "org.candor.Capture1.Error.NotRegistered",
        "org.candor.Capture1.Error.Failed",
    });
    return sd_bus_error_set(error, names.at(static_cast<std::size_t>(denied.kind)), denied.message.c_str());
}

int authorised(const char* name, sd_bus_message* call, BusObject& self, sd_bus_error* error, Method method) {
    const auto uid = caller_of(call);
    if (!uid) {
        return fail(error, {Denial::not_authorized, "the bus does not say who calls"});
    }
    const AuthorityRow* row = find_authority(name);
    const auto deny = [&self, uid = *uid, name, row](sd_bus_error* told) {
        self.controller.trail().denied(uid, name);
        return fail(told, {Denial::not_authorized, row != nullptr ? std::string(row->denial) : "not listed"});
    };
    const Caller caller = classify(*uid, self.controller.person());
    // Never the person's own, and never a withdrawal: what ends a recording must not find the door shut.
    if (caller == Caller::other && std::string_view(name) != "Consent.Revoke" &&
        !self.strangers.takes(*uid, monotonic_us())) {
        return fail(error, {Denial::limit_reached, "too many calls: four a second are taken"});
    }
    switch (permission_of(name, caller)) {
    case Permission::allowed:
        return method(call, error, *uid);
    case Permission::denied:
        return deny(error);
    case Permission::asked:
        break;
    }
    if (*uid == 0) {
        return method(call, error, *uid); // as polkit itself says of root, and there need not be a polkit
    }
    const std::shared_ptr<sd_bus_message> kept(sd_bus_message_ref(call), sd_bus_message_unref);
    self.polkit.ask(
        call, std::string(row->polkit_action), [kept, deny, method = std::move(method), uid = *uid](bool allowed) {
            const auto denied = [&](sd_bus_message*, sd_bus_error* told, std::uint32_t) { return deny(told); };
            answer_late(kept.get(), allowed ? method : Method(denied), uid);
        });
    return 1;
}

std::expected<std::vector<std::string>, Denied> read_strings(sd_bus_message* call, std::size_t most) {
    std::vector<std::string> all;
    const char* text = nullptr;
    int r = sd_bus_message_enter_container(call, 'a', "s");
    while (r >= 0 && (r = sd_bus_message_read(call, "s", &text)) > 0) {
        if (all.size() == most) {
            return std::unexpected(
                Denied{Denial::invalid_argument, "expected at most " + std::to_string(most) + " texts"});
        }
        all.emplace_back(text);
    }
    r = r < 0 ? r : sd_bus_message_exit_container(call);
    if (r < 0) {
        return std::unexpected(Denied{Denial::invalid_argument, "expected an array of texts"});
    }
    return all;
}

} // namespace candor::daemon
