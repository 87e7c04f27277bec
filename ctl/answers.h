// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <systemd/sd-bus.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

/// What candord answers, as plain values. Everything in them is untrusted text: printable() before it is shown.
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

struct Inhibitor {
    std::string who;
    std::string why;
    std::uint32_t uid = 0; ///< 0: candord itself, or root
};

struct Indicator {
    std::string name;
    bool required = false;
    bool works = false;
    std::string text;
};

struct Status {
    std::string state;
    std::string level;
    std::vector<Reason> reasons;
    std::vector<Device> devices;
    std::map<std::string, std::uint64_t> counters;
    std::int64_t consent_until = 0; ///< seconds since 1970 UTC, 0: none
    std::int64_t paused_until = 0;  ///< seconds since 1970 UTC, 0: not paused
    std::vector<Inhibitor> inhibitors;
    std::vector<Indicator> indicators;
    bool enabled = false;
    bool shipper_connected = false;
    std::string policy_hash;

    [[nodiscard]] bool recording() const { return state == "recording"; }
};

/// What may be consented to.
struct Offer {
    std::string text;
    std::string policy_hash;
    std::string level_ceiling; ///< "" while the policy is refused
    std::vector<std::string> device_classes;
    std::uint32_t max_days = 0;
};

struct OwnReceipt {
    std::string state;
    std::string json; ///< empty when there is none that is sound
};

struct Verification {
    bool intact = false;
    std::uint64_t entries = 0;
    std::string problem;
};

// Each reads from where the message stands, and throws std::system_error when something else stands there.

[[nodiscard]] std::string read_string(sd_bus_message* message);
[[nodiscard]] std::vector<std::string> read_strings(sd_bus_message* message);
[[nodiscard]] bool read_bool(sd_bus_message* message);
[[nodiscard]] std::uint32_t read_u32(sd_bus_message* message);
[[nodiscard]] std::uint64_t read_u64(sd_bus_message* message);
[[nodiscard]] std::int64_t read_i64(sd_bus_message* message);

/// GetAll's answers. Properties of later versions are passed over; one that is missing throws.
[[nodiscard]] Status read_status(sd_bus_message* message);
void read_limits(sd_bus_message* message, Offer& offer);
/// Whether the context helper is alive.
[[nodiscard]] bool read_alive(sd_bus_message* message);

} // namespace candor::ctl
