// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/handle.h"
#include "base/unique_fd.h"

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
    [[nodiscard]] std::int64_t number_property(const char* property);
    [[nodiscard]] std::int64_t consent_until() { return number_property("ConsentUntil"); }
    [[nodiscard]] std::int64_t paused_until() { return number_property("PausedUntil"); }
    [[nodiscard]] bool enabled();
    /// "WHO: WHY (UID)" of each, separated by "; ".
    [[nodiscard]] std::string inhibitors();
    /// "NAME works" or "NAME fails" of each, separated by blanks; those that are required with a "!".
    [[nodiscard]] std::string indicators();
    [[nodiscard]] std::uint64_t counter(const std::string& name);
    [[nodiscard]] bool shipper_connected();
    /// Names of the reasons, separated by blanks.
    [[nodiscard]] std::string reasons();
    /// The sentence of a reason that is there.
    [[nodiscard]] std::string reason_text(const std::string& reason);

    [[nodiscard]] Answer notice() { return call("Consent.GetNotice", ""); }
    [[nodiscard]] Answer grant(const std::string& hash, const std::string& level = "actions", std::int64_t until = 0,
                               const std::vector<std::string>& devices = {});
    [[nodiscard]] Answer revoke(bool erase = false) { return call("Consent.Revoke", "b", static_cast<int>(erase)); }
    [[nodiscard]] Answer receipt() { return call("Consent.GetReceipt", ""); }
    /// Reads the notice and grants what it asks for.
    [[nodiscard]] Answer consent(const std::string& level = "actions") { return grant(notice().values.at(1), level); }

    [[nodiscard]] Answer pause(std::uint64_t seconds) { return call("Pause", "t", seconds); }
    [[nodiscard]] Answer resume() { return call("Resume", ""); }
    /// The descriptor that holds recording off is put into `held`.
    [[nodiscard]] Answer inhibit(const std::string& who, const std::string& why, UniqueFd& held);
    [[nodiscard]] Answer set_enabled(bool enabled) { return call("SetEnabled", "b", static_cast<int>(enabled)); }
    [[nodiscard]] Answer reload_policy() { return call("ReloadPolicy", ""); }

    [[nodiscard]] Answer enroll(const std::vector<std::string>& capabilities = {"focus", "indicator"});
    [[nodiscard]] Answer report(const std::string& application, const std::string& role, const std::string& field) {
        return call("Context.Report", "sss", application.c_str(), role.c_str(), field.c_str());
    }
    [[nodiscard]] Answer beat(const std::string& indicator) {
        return call("Context.Heartbeat", "s", indicator.c_str());
    }
    [[nodiscard]] Answer leave() { return call("Context.Unregister", ""); }

    [[nodiscard]] Answer entries(std::uint64_t after = 0, std::uint32_t limit = 1000, bool all = false) {
        return call("Audit.GetEntries", "tub", after, limit, static_cast<int>(all));
    }
    /// "true" or "false", the number of entries, the problem.
    [[nodiscard]] Answer verify() { return call("Audit.Verify", ""); }
    /// "ID LEVEL ended" or "ID LEVEL open" of each stream.
    [[nodiscard]] Answer my_streams();
    [[nodiscard]] Answer open_mine(std::int64_t from, std::int64_t to) { return call("MyData.Open", "xx", from, to); }
    [[nodiscard]] Answer delete_mine(std::int64_t from, std::int64_t to) {
        return call("MyData.Delete", "xx", from, to);
    }
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

    /// "INTERFACE.METHOD", the interface without its "org.candor.Capture1.".
    [[nodiscard]] Answer call(const char* method, const char* types, ...);
    [[nodiscard]] Answer send(Message message, UniqueFd* fd = nullptr);
    [[nodiscard]] Message new_call(const std::string& method);
    [[nodiscard]] std::vector<std::pair<std::string, std::string>> all_reasons();
    Message property(const char* property, const char* type);
    void note(sd_bus_message* signal);

    Handle<sd_bus, sd_bus_flush_close_unref> bus_;
    std::set<std::string> changed_;
    Slot match_;
};

} // namespace candor::test
