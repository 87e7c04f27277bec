// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/unique_fd.h"

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

/// Holes of one reason.
struct Holes {
    std::uint64_t events = 0; ///< lost, as far as they could be counted
    std::uint64_t holes = 0;
};

struct Shipping {
    std::string state;   ///< "shipping", "stalled", "refusing", "disconnected"
    std::string problem; ///< in words, empty when all is well
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
    Shipping shipping;
    std::map<std::string, std::uint64_t> spool; ///< empty before the shipper said anything
    std::map<std::string, Holes> gaps;          ///< by reason
    std::string identity;                       ///< 64 hexadecimal digits
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

/// What MyData.List says of a stream of the caller's that is still on this machine.
struct OwnStream {
    std::string id;        ///< 32 hexadecimal digits
    std::int64_t from = 0; ///< seconds since 1970 UTC
    std::int64_t to = 0;   ///< likewise; of the last time it grew
    std::string level;
    std::uint64_t bytes = 0;
    bool ended = false;
};

struct OwnData {
    std::vector<OwnStream> streams; ///< in the order of their time
    std::uint64_t frames_on_their_way = 0;
};

/// A stream that may be read.
struct OpenedStream {
    std::string id;
    UniqueFd segment; ///< its file as the shipper writes it
    UniqueFd key;     ///< 32 bytes
};

struct OpenedData {
    std::vector<OpenedStream> streams;
    bool more = false;
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
/// MyData's EmbargoSeconds.
[[nodiscard]] std::uint64_t read_embargo(sd_bus_message* message);
[[nodiscard]] OwnData read_own_data(sd_bus_message* message);
/// The descriptors are O_CLOEXEC.
[[nodiscard]] OpenedData read_opened_data(sd_bus_message* message);
/// One descriptor, O_CLOEXEC.
[[nodiscard]] UniqueFd read_fd(sd_bus_message* message);
/// Whether the context helper is alive.
[[nodiscard]] bool read_alive(sd_bus_message* message);

} // namespace candor::ctl
