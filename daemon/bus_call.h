// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/error.h"
#include "daemon/bus_object.h"

#include <cerrno>
#include <functional>
#include <string>
#include <vector>

/// What every handler of BusObject's interfaces shares.
namespace candor::daemon {

/// Every handler runs through this: what it throws ends the loop, never crosses into sd-bus.
template <typename Handler> int handle(void* userdata, Handler&& handler) noexcept {
    auto& self = *static_cast<BusObject*>(userdata);
    int result = 0;
    const int failed = self.loop.guard([&] { result = handler(self); });
    return failed < 0 ? -EIO : result;
}

/// Makes a denial a D-Bus error; what a handler returns then.
int fail(sd_bus_error* error, const Denied& denied);

/// Answers a call on behalf of `uid`: replies and returns not less than 0, or fail().
using Method = std::function<int(sd_bus_message* call, sd_bus_error* error, std::uint32_t uid)>;

/// Runs `method` if the table of authority.h lets the caller, at once or when polkit has said yes; otherwise the caller is told no,
/// and the audit log that they asked.
int authorised(const char* name, sd_bus_message* call, BusObject& self, sd_bus_error* error, Method method);

/// The strings of an array that is to be read next, at most `most` of them; Denied beyond or when it is none.
std::expected<std::vector<std::string>, Denied> read_strings(sd_bus_message* call, std::size_t most);

inline int reply(sd_bus_message* call, const std::expected<void, Denied>& done, sd_bus_error* error) {
    return done ? sd_bus_reply_method_return(call, nullptr) : fail(error, done.error());
}

} // namespace candor::daemon
