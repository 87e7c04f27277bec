// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/error.h"
#include "base/handle.h"

#include <systemd/sd-bus.h>

#include <cstdint>
#include <expected>
#include <map>
#include <string>
#include <vector>

/// org.candor.Capture1 from the caller's side.
namespace candor::ctl {

struct Reason {
    std::string name;
    std::string text;
};

struct Device {
    std::string node;
    std::string name;
    std::string device_class;
    bool captured = false;
    std::string rule;
};

struct Status {
    std::string state;
    std::string level;
    std::vector<Reason> reasons;
    std::vector<Device> devices;
    std::map<std::string, std::uint64_t> counters;
    std::int64_t consent_until = 0; ///< seconds since 1970 UTC, 0: none
    bool shipper_connected = false;
    std::string policy_hash;

    [[nodiscard]] bool recording() const { return state == "recording"; }
};

struct Notice {
    std::string text;
    std::string policy_hash;
    std::uint32_t max_days = 0;
};

struct OwnReceipt {
    std::string state;
    std::string json; ///< empty when there is none that is sound
};

/// Every refusal is a sentence for the person at the terminal.
class Client {
public:
    /// The system bus, or what DBUS_SYSTEM_BUS_ADDRESS names.
    [[nodiscard]] static std::expected<Client, Refusal> connect();

    [[nodiscard]] std::expected<Status, Refusal> status();
    [[nodiscard]] std::expected<Notice, Refusal> notice();
    [[nodiscard]] std::expected<OwnReceipt, Refusal> receipt();
    /// The receipt's JSON. `expiry` is in seconds since 1970 UTC; 0 is the longest that the policy allows.
    [[nodiscard]] std::expected<std::string, Refusal> grant(const std::string& level, const std::string& policy_hash,
                                                            std::int64_t expiry);
    [[nodiscard]] std::expected<std::string, Refusal> revoke();

private:
    using Bus = Handle<sd_bus, sd_bus_flush_close_unref>;
    using Message = Handle<sd_bus_message, sd_bus_message_unref>;

    explicit Client(Bus bus) : bus_(std::move(bus)) {}
    [[nodiscard]] Message request(const char* interface, const char* member);
    [[nodiscard]] std::expected<Message, Refusal> call(Message request);

    Bus bus_;
};

} // namespace candor::ctl
