// SPDX-License-Identifier: Apache-2.0
#include "answers.h"

#include "base/error.h"

#include <fcntl.h>

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <string_view>

namespace candor::ctl {
namespace {

[[noreturn]] void refuse(const char* what) { throw_errno(what, EBADMSG); }

/// One value; the end of an array where a value should be is not one.
template <typename T> T read_basic(sd_bus_message* message, char type) {
    T value{};
    if (check(sd_bus_message_read_basic(message, type, &value), "read a value") == 0) {
        refuse("read a value");
    }
    return value;
}

template <typename Item> void read_array(sd_bus_message* message, const char* contents, Item&& item) {
    check(sd_bus_message_enter_container(message, SD_BUS_TYPE_ARRAY, contents), "enter an array");
    while (check(sd_bus_message_at_end(message, 0), "read an array") == 0) {
        item();
    }
    check(sd_bus_message_exit_container(message), "leave an array");
}

template <typename Body> void read_struct(sd_bus_message* message, const char* contents, Body&& body) {
    check(sd_bus_message_enter_container(message, SD_BUS_TYPE_STRUCT, contents), "enter a structure");
    body();
    check(sd_bus_message_exit_container(message), "leave a structure");
}

void read_reasons(sd_bus_message* message, Status& status) {
    read_array(message, "(ss)", [&] {
        read_struct(message, "ss", [&] {
            Reason& reason = status.reasons.emplace_back();
            reason.name = read_string(message);
            reason.text = read_string(message);
        });
    });
}

void read_devices(sd_bus_message* message, Status& status) {
    read_array(message, "(sssbs)", [&] {
        read_struct(message, "sssbs", [&] {
            Device& device = status.devices.emplace_back();
            device.node = read_string(message);
            device.name = read_string(message);
            device.device_class = read_string(message);
            device.captured = read_bool(message);
            device.rule = read_string(message);
        });
    });
}

void read_inhibitors(sd_bus_message* message, Status& status) {
    read_array(message, "(ssu)", [&] {
        read_struct(message, "ssu", [&] {
            Inhibitor& inhibitor = status.inhibitors.emplace_back();
            inhibitor.who = read_string(message);
            inhibitor.why = read_string(message);
            inhibitor.uid = read_u32(message);
        });
    });
}

void read_indicators(sd_bus_message* message, Status& status) {
    read_array(message, "(sbbs)", [&] {
        read_struct(message, "sbbs", [&] {
            Indicator& indicator = status.indicators.emplace_back();
            indicator.name = read_string(message);
            indicator.required = read_bool(message);
            indicator.works = read_bool(message);
            indicator.text = read_string(message);
        });
    });
}

template <typename Value>
void read_map(sd_bus_message* message, const char* contents, std::map<std::string, Value>& into,
              Value (*read)(sd_bus_message*)) {
    read_array(message, (std::string("{") + contents + "}").c_str(), [&] {
        check(sd_bus_message_enter_container(message, SD_BUS_TYPE_DICT_ENTRY, contents), "enter an entry");
        const std::string name = read_string(message);
        into[name] = read(message);
        check(sd_bus_message_exit_container(message), "leave an entry");
    });
}

Holes read_holes(sd_bus_message* message) {
    Holes holes;
    read_struct(message, "tt", [&] {
        holes.events = read_u64(message);
        holes.holes = read_u64(message);
    });
    return holes;
}

void read_shipping(sd_bus_message* message, Status& status) {
    read_struct(message, "ss", [&] {
        status.shipping.state = read_string(message);
        status.shipping.problem = read_string(message);
    });
}

template <typename Target> struct Property {
    std::string_view name;
    const char* type;
    void (*read)(sd_bus_message*, Target&);
};

constexpr Property<Status> status_properties[] = {
    {"State", "s", [](sd_bus_message* m, Status& s) { s.state = read_string(m); }},
    {"Level", "s", [](sd_bus_message* m, Status& s) { s.level = read_string(m); }},
    {"Reasons", "a(ss)", read_reasons},
    {"Devices", "a(sssbs)", read_devices},
    {"Counters", "a{st}", [](sd_bus_message* m, Status& s) { read_map(m, "st", s.counters, read_u64); }},
    {"ConsentUntil", "x", [](sd_bus_message* m, Status& s) { s.consent_until = read_i64(m); }},
    {"PausedUntil", "x", [](sd_bus_message* m, Status& s) { s.paused_until = read_i64(m); }},
    {"Inhibitors", "a(ssu)", read_inhibitors},
    {"Indicators", "a(sbbs)", read_indicators},
    {"Enabled", "b", [](sd_bus_message* m, Status& s) { s.enabled = read_bool(m); }},
    {"ShipperConnected", "b", [](sd_bus_message* m, Status& s) { s.shipper_connected = read_bool(m); }},
    {"Shipping", "(ss)", read_shipping},
    {"Spool", "a{st}", [](sd_bus_message* m, Status& s) { read_map(m, "st", s.spool, read_u64); }},
    {"Gaps", "a{s(tt)}", [](sd_bus_message* m, Status& s) { read_map(m, "s(tt)", s.gaps, read_holes); }},
    {"Identity", "s", [](sd_bus_message* m, Status& s) { s.identity = read_string(m); }},
    {"PolicyHash", "s", [](sd_bus_message* m, Status& s) { s.policy_hash = read_string(m); }},
};

constexpr Property<Offer> offer_properties[] = {
    {"LevelCeiling", "s", [](sd_bus_message* m, Offer& o) { o.level_ceiling = read_string(m); }},
    {"DeviceClasses", "as", [](sd_bus_message* m, Offer& o) { o.device_classes = read_strings(m); }},
    {"MaxDays", "u", [](sd_bus_message* m, Offer& o) { o.max_days = read_u32(m); }},
};

constexpr Property<std::uint64_t> data_properties[] = {
    {"EmbargoSeconds", "t", [](sd_bus_message* m, std::uint64_t& seconds) { seconds = read_u64(m); }},
};

constexpr Property<bool> context_properties[] = {
    {"Alive", "b", [](sd_bus_message* m, bool& alive) { alive = read_bool(m); }},
};

template <typename Target, std::size_t count>
void read_properties(sd_bus_message* message, const Property<Target> (&properties)[count], Target& target) {
    std::vector<std::string_view> missing;
    for (const auto& property : properties) {
        missing.push_back(property.name);
    }
    read_array(message, "{sv}", [&] {
        check(sd_bus_message_enter_container(message, SD_BUS_TYPE_DICT_ENTRY, "sv"), "enter a property");
        const std::string name = read_string(message);
        const auto* property = std::ranges::find(properties, name, &Property<Target>::name);
        if (property == std::end(properties)) {
            check(sd_bus_message_skip(message, "v"), "pass over a property");
        } else {
            check(sd_bus_message_enter_container(message, SD_BUS_TYPE_VARIANT, property->type), "enter a value");
            property->read(message, target);
            check(sd_bus_message_exit_container(message), "leave a value");
            std::erase(missing, property->name);
        }
        check(sd_bus_message_exit_container(message), "leave a property");
    });
    if (!missing.empty()) {
        refuse("read all properties");
    }
}

} // namespace

std::string read_string(sd_bus_message* message) { return read_basic<const char*>(message, SD_BUS_TYPE_STRING); }

std::vector<std::string> read_strings(sd_bus_message* message) {
    std::vector<std::string> strings;
    read_array(message, "s", [&] { strings.push_back(read_string(message)); });
    return strings;
}

bool read_bool(sd_bus_message* message) { return read_basic<int>(message, SD_BUS_TYPE_BOOLEAN) != 0; }
std::uint32_t read_u32(sd_bus_message* message) { return read_basic<std::uint32_t>(message, SD_BUS_TYPE_UINT32); }
std::uint64_t read_u64(sd_bus_message* message) { return read_basic<std::uint64_t>(message, SD_BUS_TYPE_UINT64); }
std::int64_t read_i64(sd_bus_message* message) { return read_basic<std::int64_t>(message, SD_BUS_TYPE_INT64); }

Status read_status(sd_bus_message* message) {
    Status status;
    read_properties(message, status_properties, status);
    return status;
}

void read_limits(sd_bus_message* message, Offer& offer) { read_properties(message, offer_properties, offer); }

std::uint64_t read_embargo(sd_bus_message* message) {
    std::uint64_t seconds = 0;
    read_properties(message, data_properties, seconds);
    return seconds;
}

OwnData read_own_data(sd_bus_message* message) {
    OwnData data;
    read_array(message, "(sxxstb)", [&] {
        read_struct(message, "sxxstb", [&] {
            OwnStream& stream = data.streams.emplace_back();
            stream.id = read_string(message);
            stream.from = read_i64(message);
            stream.to = read_i64(message);
            stream.level = read_string(message);
            stream.bytes = read_u64(message);
            stream.ended = read_bool(message);
        });
    });
    data.frames_on_their_way = read_u64(message);
    return data;
}

OpenedData read_opened_data(sd_bus_message* message) {
    OpenedData data;
    read_array(message, "(shh)", [&] {
        read_struct(message, "shh", [&] {
            OpenedStream& stream = data.streams.emplace_back();
            stream.id = read_string(message);
            stream.segment = read_fd(message);
            stream.key = read_fd(message);
        });
    });
    data.more = read_bool(message);
    return data;
}

UniqueFd read_fd(sd_bus_message* message) {
    const int borrowed = read_basic<int>(message, SD_BUS_TYPE_UNIX_FD); // the message's own
    UniqueFd own(::fcntl(borrowed, F_DUPFD_CLOEXEC, 3));
    if (!own) {
        throw_errno("keep a descriptor");
    }
    return own;
}

bool read_alive(sd_bus_message* message) {
    bool alive = false;
    read_properties(message, context_properties, alive);
    return alive;
}

} // namespace candor::ctl
