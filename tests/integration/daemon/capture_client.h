// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/handle.h"

#include <systemd/sd-bus.h>

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace candor::test {

/// What a call of Grant, Revoke and the like gave.
struct Answer {
    std::string error;   ///< name of the D-Bus error without "org.candor.Capture1.Error."; empty when it was well
    std::string message; ///< of the error
    std::vector<std::string> values;
};

/// A client of candord's object, with the uid that is asked for: the bus sees that one.
class CaptureClient {
public:
    CaptureClient(const std::string& address, uid_t uid);
    CaptureClient(const CaptureClient&) = delete;
    CaptureClient& operator=(const CaptureClient&) = delete;

    [[nodiscard]] std::string state() { return text_property("State"); }
    [[nodiscard]] std::string text_property(const char* property);
    [[nodiscard]] std::int64_t consent_until();
    [[nodiscard]] bool shipper_connected();
    /// Names of the reasons, separated by blanks.
    [[nodiscard]] std::string reasons();
    /// The sentence of a reason that is there.
    [[nodiscard]] std::string reason_text(const std::string& reason);

    [[nodiscard]] Answer notice() { return call("GetNotice", ""); }
    [[nodiscard]] Answer grant(const std::string& hash, const std::string& level = "full", std::int64_t expiry = 0);
    [[nodiscard]] Answer revoke() { return call("Revoke", ""); }
    [[nodiscard]] Answer receipt() { return call("GetReceipt", ""); }
    /// Reads the notice and grants what it asks for.
    [[nodiscard]] Answer consent() { return grant(notice().values.at(1)); }
    [[nodiscard]] std::string introspect();

    /// Waits for signals until this holds. Gives up after a minute without any.
    void await(const std::string& what, const std::function<bool()>& holds);
    void await_state(const std::string& state) {
        await("state " + state, [&] { return this->state() == state; });
    }
    void await_reasons(const std::string& reasons) {
        await("reasons " + reasons, [&] { return this->reasons() == reasons; });
    }

    /// Properties that signals have named since the last call.
    [[nodiscard]] std::set<std::string> changed() { return std::exchange(changed_, {}); }

private:
    using Message = Handle<sd_bus_message, sd_bus_message_unref>;
    using Slot = Handle<sd_bus_slot, sd_bus_slot_unref>;

    [[nodiscard]] Answer call(const char* method, const char* types, ...);
    [[nodiscard]] std::vector<std::pair<std::string, std::string>> all_reasons();
    Message property(const char* property, const char* type);
    void note(sd_bus_message* signal);

    Handle<sd_bus, sd_bus_flush_close_unref> bus_;
    std::set<std::string> changed_;
    Slot match_;
};

} // namespace candor::test
