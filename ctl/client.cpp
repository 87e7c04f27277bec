// SPDX-License-Identifier: Apache-2.0
#include "client.h"

#include <cstring>
#include <utility>

namespace candor::ctl {
namespace {

constexpr const char* service = "org.candor.Capture1";
constexpr const char* object = "/org/candor/Capture1";
constexpr const char* interface = "org.candor.Capture1";
constexpr const char* consent_interface = "org.candor.Capture1.Consent";
constexpr std::uint64_t timeout_us = 25'000'000;

Refusal explain(const sd_bus_error& error, int result) {
    const std::string name = error.name != nullptr ? error.name : "";
    const std::string message = error.message != nullptr ? error.message : std::strerror(-result);
    if (name == "org.freedesktop.DBus.Error.ServiceUnknown" || name == "org.freedesktop.DBus.Error.NameHasNoOwner") {
        return {"candord is not running: nothing is recorded (to start it: systemctl start candord)"};
    }
    if (name == "org.freedesktop.DBus.Error.NoReply" || name == "org.freedesktop.DBus.Error.Timeout" ||
        result == -ETIMEDOUT) {
        return {"candord does not answer (see: journalctl -u candord)"};
    }
    if (name == "org.freedesktop.DBus.Error.AccessDenied") {
        return {"not allowed: " + message};
    }
    return {message};
}

/// A string argument; throws when the message has another type at this place.
std::string read_string(sd_bus_message* message) {
    const char* text = nullptr;
    check(sd_bus_message_read(message, "s", &text), "read a string");
    return text;
}

template <typename Item> void read_array(sd_bus_message* message, const char* contents, Item&& item) {
    check(sd_bus_message_enter_container(message, 'a', contents), "enter an array");
    while (check(sd_bus_message_at_end(message, 0), "read an array") == 0) {
        item();
    }
    check(sd_bus_message_exit_container(message), "leave an array");
}

void read_reasons(sd_bus_message* message, Status& status) {
    read_array(message, "(ss)", [&] {
        const char *name = nullptr, *text = nullptr;
        check(sd_bus_message_read(message, "(ss)", &name, &text), "read a reason");
        status.reasons.push_back({name, text});
    });
}

void read_devices(sd_bus_message* message, Status& status) {
    read_array(message, "(sssbs)", [&] {
        const char *node = nullptr, *name = nullptr, *device_class = nullptr, *rule = nullptr;
        int captured = 0;
        check(sd_bus_message_read(message, "(sssbs)", &node, &name, &device_class, &captured, &rule), "read a device");
        status.devices.push_back({node, name, device_class, captured != 0, rule});
    });
}

void read_counters(sd_bus_message* message, Status& status) {
    read_array(message, "{st}", [&] {
        const char* name = nullptr;
        std::uint64_t value = 0;
        check(sd_bus_message_read(message, "{st}", &name, &value), "read a counter");
        status.counters[name] = value;
    });
}

/// One property of GetAll's answer; those of later versions are passed over.
void read_property(sd_bus_message* message, Status& status) {
    check(sd_bus_message_enter_container(message, 'e', "sv"), "enter a property");
    const std::string name = read_string(message);
    const auto variant = [&](const char* type, auto&& body) {
        check(sd_bus_message_enter_container(message, 'v', type), "enter a property's value");
        body();
        check(sd_bus_message_exit_container(message), "leave a property's value");
    };
    if (name == "State") {
        variant("s", [&] { status.state = read_string(message); });
    } else if (name == "Level") {
        variant("s", [&] { status.level = read_string(message); });
    } else if (name == "PolicyHash") {
        variant("s", [&] { status.policy_hash = read_string(message); });
    } else if (name == "Reasons") {
        variant("a(ss)", [&] { read_reasons(message, status); });
    } else if (name == "Devices") {
        variant("a(sssbs)", [&] { read_devices(message, status); });
    } else if (name == "Counters") {
        variant("a{st}", [&] { read_counters(message, status); });
    } else if (name == "ConsentUntil") {
        variant("x", [&] { check(sd_bus_message_read(message, "x", &status.consent_until), "read a time"); });
    } else if (name == "ShipperConnected") {
        variant("b", [&] {
            int connected = 0;
            check(sd_bus_message_read(message, "b", &connected), "read a truth value");
            status.shipper_connected = connected != 0;
        });
    } else {
        check(sd_bus_message_skip(message, "v"), "pass over a property");
    }
    check(sd_bus_message_exit_container(message), "leave a property");
}

/// Answers of another shape are an outcome: another version of candord.
template <typename Read> auto understood(Read&& read) -> std::expected<decltype(read()), Refusal> {
    try {
        return read();
    } catch (const std::system_error&) {
        return std::unexpected(Refusal{"candord's answer is not understood: it is of another version than candorctl"});
    }
}

} // namespace

std::expected<Client, Refusal> Client::connect() {
    sd_bus* bus = nullptr;
    const int result = sd_bus_open_system(&bus);
    if (result < 0) {
        return std::unexpected(Refusal{std::string("cannot reach the system bus: ") + std::strerror(-result)});
    }
    return Client(Bus(bus));
}

Client::Message Client::request(const char* target, const char* member) {
    sd_bus_message* message = nullptr;
    check(sd_bus_message_new_method_call(bus_.get(), &message, service, object, target, member), "make a call");
    return Message(message);
}

std::expected<Client::Message, Refusal> Client::call(Message request) {
    sd_bus_error error{};
    sd_bus_message* reply = nullptr;
    const int result = sd_bus_call(bus_.get(), request.get(), timeout_us, &error, &reply);
    if (result < 0) {
        Refusal refusal = explain(error, result);
        sd_bus_error_free(&error);
        return std::unexpected(std::move(refusal));
    }
    return Message(reply);
}

std::expected<Status, Refusal> Client::status() {
    Message message = request("org.freedesktop.DBus.Properties", "GetAll");
    check(sd_bus_message_append(message.get(), "s", interface), "make a call");
    auto reply = call(std::move(message));
    if (!reply) {
        return std::unexpected(std::move(reply.error()));
    }
    auto read = understood([&] {
        Status status;
        read_array(reply->get(), "{sv}", [&] { read_property(reply->get(), status); });
        return status;
    });
    if (read && read->state.empty()) {
        return std::unexpected(Refusal{"candord's answer is not understood: it does not say its state"});
    }
    return read;
}

std::expected<Notice, Refusal> Client::notice() {
    auto reply = call(request(consent_interface, "GetNotice"));
    if (!reply) {
        return std::unexpected(std::move(reply.error()));
    }
    return understood([&] {
        Notice notice;
        notice.text = read_string(reply->get());
        notice.policy_hash = read_string(reply->get());
        check(sd_bus_message_read(reply->get(), "u", &notice.max_days), "read a number");
        return notice;
    });
}

std::expected<OwnReceipt, Refusal> Client::receipt() {
    auto reply = call(request(consent_interface, "GetReceipt"));
    if (!reply) {
        return std::unexpected(std::move(reply.error()));
    }
    return understood([&] {
        OwnReceipt receipt;
        receipt.state = read_string(reply->get());
        receipt.json = read_string(reply->get());
        return receipt;
    });
}

std::expected<std::string, Refusal> Client::grant(const std::string& level, const std::string& policy_hash,
                                                  std::int64_t expiry) {
    Message message = request(consent_interface, "Grant");
    check(sd_bus_message_append(message.get(), "ssx", level.c_str(), policy_hash.c_str(), expiry), "make a call");
    auto reply = call(std::move(message));
    if (!reply) {
        return std::unexpected(std::move(reply.error()));
    }
    return understood([&] { return read_string(reply->get()); });
}

std::expected<std::string, Refusal> Client::revoke() {
    auto reply = call(request(consent_interface, "Revoke"));
    if (!reply) {
        return std::unexpected(std::move(reply.error()));
    }
    return understood([&] { return read_string(reply->get()); });
}

} // namespace candor::ctl
