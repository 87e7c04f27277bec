// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "answers.h"
#include "base/handle.h"
#include "base/unique_fd.h"
#include "failure.h"

#include <systemd/sd-bus.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

/// org.candor.Capture1 from the caller's side.
namespace candor::ctl {

inline constexpr const char* service_name = "org.candor.Capture1";

using Bus = Handle<sd_bus, sd_bus_flush_close_unref>;

/// The system bus, or what DBUS_SYSTEM_BUS_ADDRESS names.
[[nodiscard]] Answer<Bus> open_bus();

struct GrantRequest {
    std::string policy_hash;
    std::string level;
    std::vector<std::string> device_classes; ///< empty: all that the policy allows
    std::int64_t until = 0;                  ///< seconds since 1970 UTC, 0: the longest that the policy allows
};

class Client {
public:
    [[nodiscard]] static Answer<Client> connect();

    [[nodiscard]] Answer<Status> status();
    /// The notice first, then the limits: when the policy changes in between, the hash is an old one, and a grant refused.
    [[nodiscard]] Answer<Offer> offer();
    [[nodiscard]] Answer<bool> context_alive();

    [[nodiscard]] Answer<OwnReceipt> receipt();
    /// The receipt's JSON, of a grant and of a withdrawal.
    [[nodiscard]] Answer<std::string> grant(const GrantRequest& request);
    [[nodiscard]] Answer<std::string> revoke(bool erase);

    /// Until when, in seconds since 1970 UTC.
    [[nodiscard]] Answer<std::int64_t> pause(std::chrono::seconds duration);
    [[nodiscard]] Answer<void> resume();
    /// Holds recording off until the descriptor (O_CLOEXEC) is closed.
    [[nodiscard]] Answer<UniqueFd> inhibit(const std::string& who, const std::string& why);

    /// Streams of the caller's that are still on this machine; nothing of their content.
    [[nodiscard]] Answer<OwnData> own_data();
    [[nodiscard]] Answer<std::uint64_t> embargo_seconds();
    /// Those that touch the time from `from` to `to`, in seconds since 1970 UTC, both ends counted; 0: no end. How many.
    [[nodiscard]] Answer<std::uint64_t> delete_data(std::int64_t from, std::int64_t to);

    // polkit may ask the person: these take up to two minutes.
    [[nodiscard]] Answer<OpenedData> open_data(std::int64_t from, std::int64_t to);
    [[nodiscard]] Answer<void> set_enabled(bool enabled);
    [[nodiscard]] Answer<void> reload_policy();
    [[nodiscard]] Answer<std::vector<std::string>> audit_entries(std::uint64_t after, std::uint32_t limit, bool all);

    [[nodiscard]] Answer<Verification> verify_audit();

private:
    using Message = Handle<sd_bus_message, sd_bus_message_unref>;

    explicit Client(Bus bus) : bus_(std::move(bus)) {}
    [[nodiscard]] Message request(const char* interface, const char* member);
    [[nodiscard]] Message privileged_request(const char* interface, const char* member);
    [[nodiscard]] Message properties_request(const char* interface);
    [[nodiscard]] Answer<Message> call(const Message& request);
    /// Calls, and reads the answer with `read`.
    template <typename Read> auto ask(const Message& request, Read&& read) -> Answer<decltype(read(nullptr))>;

    Bus bus_;
};

} // namespace candor::ctl
