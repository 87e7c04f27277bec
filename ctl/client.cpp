// SPDX-License-Identifier: Apache-2.0
#include "client.h"

#include "agent.h"
#include "base/error.h"
#include "base/printable.h"

#include <cerrno>
#include <cstring>
#include <initializer_list>
#include <optional>
#include <string_view>
#include <system_error>
#include <type_traits>

namespace candor::ctl {
namespace {

constexpr const char* object = "/org/candor/Capture1";
constexpr const char* main_interface = service_name;
constexpr const char* consent_interface = "org.candor.Capture1.Consent";
constexpr const char* context_interface = "org.candor.Capture1.Context";
constexpr const char* audit_interface = "org.candor.Capture1.Audit";
constexpr const char* data_interface = "org.candor.Capture1.MyData";
constexpr std::uint64_t timeout_us = 25'000'000;
constexpr std::uint64_t asking_timeout_us = 120'000'000;

constexpr std::string_view not_understood =
    "candord's answer is not understood: it is of another version than candorctl";

bool is_one_of(std::string_view name, std::initializer_list<std::string_view> names) {
    for (const std::string_view other : names) {
        if (name == other) {
            return true;
        }
    }
    return false;
}

Failure explain(const sd_bus_error& error, int result) {
    const std::string name = error.name != nullptr ? error.name : "";
    const std::string message = printable(error.message != nullptr ? error.message : std::strerror(-result));
    if (is_one_of(name, {"org.freedesktop.DBus.Error.ServiceUnknown", "org.freedesktop.DBus.Error.NameHasNoOwner"})) {
        return {"candord is not running (systemctl status candord); nothing is recorded", Exit::absent, name};
    }
    if (is_one_of(name, {"org.freedesktop.DBus.Error.NoReply", "org.freedesktop.DBus.Error.Timeout",
                         "org.freedesktop.DBus.Error.TimedOut"}) ||
        result == -ETIMEDOUT) {
        return {"candord does not answer (journalctl -u candord)", Exit::refused, name};
    }
    if (is_one_of(name, {"org.freedesktop.DBus.Error.UnknownMethod", "org.freedesktop.DBus.Error.UnknownInterface",
                         "org.freedesktop.DBus.Error.UnknownObject", "org.freedesktop.DBus.Error.InvalidArgs"})) {
        return {"candord does not know this: it is of another version than candorctl (" + message + ")", Exit::refused,
                name};
    }
    if (name == "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired") {
        return {"not authorised: polkit has to ask for a password, and nothing here can: run this on a terminal",
                Exit::not_authorised, name};
    }
    if (is_one_of(name, {"org.candor.Capture1.Error.NotAuthorized", "org.freedesktop.DBus.Error.AccessDenied",
                         "org.freedesktop.DBus.Error.AuthFailed"})) {
        return {"not authorised: " + message, Exit::not_authorised, name};
    }
    return {message, Exit::refused, name};
}

void nothing(sd_bus_message* /*reply*/) {}

} // namespace

Answer<Bus> open_bus() {
    sd_bus* bus = nullptr;
    const int result = sd_bus_open_system(&bus);
    if (result < 0) {
        return std::unexpected(Failure{std::string("cannot reach the system bus: ") + std::strerror(-result)});
    }
    return Bus(bus);
}

Answer<Client> Client::connect() {
    auto bus = open_bus();
    if (!bus) {
        return std::unexpected(std::move(bus.error()));
    }
    return Client(std::move(*bus));
}

Client::Message Client::request(const char* target, const char* member) {
    sd_bus_message* message = nullptr;
    check(sd_bus_message_new_method_call(bus_.get(), &message, service_name, object, target, member), "make a call");
    return Message(message);
}

Client::Message Client::privileged_request(const char* target, const char* member) {
    Message message = request(target, member);
    check(sd_bus_message_set_allow_interactive_authorization(message.get(), 1), "allow polkit to ask");
    return message;
}

Client::Message Client::properties_request(const char* target) {
    Message message = request("org.freedesktop.DBus.Properties", "GetAll");
    check(sd_bus_message_append(message.get(), "s", target), "make a call");
    return message;
}

Answer<Client::Message> Client::call(const Message& request) {
    const bool may_ask = sd_bus_message_get_allow_interactive_authorization(request.get()) > 0;
    std::optional<Agent> agent;
    if (may_ask) {
        agent.emplace();
    }
    sd_bus_error error{};
    sd_bus_message* reply = nullptr;
    const int result = sd_bus_call(bus_.get(), request.get(), may_ask ? asking_timeout_us : timeout_us, &error, &reply);
    if (result < 0) {
        Failure failure = explain(error, result);
        sd_bus_error_free(&error);
        return std::unexpected(std::move(failure));
    }
    return Message(reply);
}

template <typename Read> auto Client::ask(const Message& request, Read&& read) -> Answer<decltype(read(nullptr))> {
    auto reply = call(request);
    if (!reply) {
        return std::unexpected(std::move(reply.error()));
    }
    // An answer of another shape is an outcome: another version of candord.
    try {
        if constexpr (std::is_void_v<decltype(read(nullptr))>) {
            read(reply->get());
            return {};
        } else {
            return read(reply->get());
        }
    } catch (const std::system_error&) {
        return std::unexpected(Failure{std::string(not_understood)});
    }
}

Answer<Status> Client::status() { return ask(properties_request(main_interface), read_status); }

Answer<Offer> Client::offer() {
    auto notice = ask(request(consent_interface, "GetNotice"), [](sd_bus_message* reply) {
        Offer offer;
        offer.text = read_string(reply);
        offer.policy_hash = read_string(reply);
        return offer;
    });
    if (!notice) {
        return notice;
    }
    return ask(properties_request(consent_interface), [&](sd_bus_message* reply) {
        read_limits(reply, *notice);
        return std::move(*notice);
    });
}

Answer<bool> Client::context_alive() { return ask(properties_request(context_interface), read_alive); }

Answer<OwnReceipt> Client::receipt() {
    return ask(request(consent_interface, "GetReceipt"), [](sd_bus_message* reply) {
        OwnReceipt receipt;
        receipt.state = read_string(reply);
        receipt.json = read_string(reply);
        return receipt;
    });
}

Answer<std::string> Client::grant(const GrantRequest& wanted) {
    const Message message = request(consent_interface, "Grant");
    check(sd_bus_message_append(message.get(), "ss", wanted.policy_hash.c_str(), wanted.level.c_str()), "make a call");
    check(sd_bus_message_open_container(message.get(), SD_BUS_TYPE_ARRAY, "s"), "make a call");
    for (const std::string& device_class : wanted.device_classes) {
        check(sd_bus_message_append(message.get(), "s", device_class.c_str()), "make a call");
    }
    check(sd_bus_message_close_container(message.get()), "make a call");
    check(sd_bus_message_append(message.get(), "x", wanted.until), "make a call");
    return ask(message, read_string);
}

Answer<std::string> Client::revoke(bool erase) {
    const Message message = request(consent_interface, "Revoke");
    check(sd_bus_message_append(message.get(), "b", erase ? 1 : 0), "make a call");
    return ask(message, read_string);
}

Answer<std::int64_t> Client::pause(std::chrono::seconds duration) {
    const Message message = request(main_interface, "Pause");
    check(sd_bus_message_append(message.get(), "t", static_cast<std::uint64_t>(duration.count())), "make a call");
    return ask(message, read_i64);
}

Answer<void> Client::resume() { return ask(request(main_interface, "Resume"), nothing); }

Answer<UniqueFd> Client::inhibit(const std::string& who, const std::string& why) {
    const Message message = request(main_interface, "Inhibit");
    check(sd_bus_message_append(message.get(), "ss", who.c_str(), why.c_str()), "make a call");
    return ask(message, read_fd);
}

Answer<OwnData> Client::own_data() { return ask(request(data_interface, "List"), read_own_data); }

Answer<std::uint64_t> Client::embargo_seconds() { return ask(properties_request(data_interface), read_embargo); }

Answer<std::uint64_t> Client::delete_data(std::int64_t from, std::int64_t to) {
    const Message message = request(data_interface, "Delete");
    check(sd_bus_message_append(message.get(), "xx", from, to), "make a call");
    return ask(message, read_u64);
}

Answer<OpenedData> Client::open_data(std::int64_t from, std::int64_t to) {
    const Message message = privileged_request(data_interface, "Open");
    check(sd_bus_message_append(message.get(), "xx", from, to), "make a call");
    return ask(message, read_opened_data);
}

Answer<void> Client::set_enabled(bool enabled) {
    const Message message = privileged_request(main_interface, "SetEnabled");
    check(sd_bus_message_append(message.get(), "b", enabled ? 1 : 0), "make a call");
    return ask(message, nothing);
}

Answer<void> Client::reload_policy() { return ask(privileged_request(main_interface, "ReloadPolicy"), nothing); }

Answer<std::vector<std::string>> Client::audit_entries(std::uint64_t after, std::uint32_t limit, bool all) {
    const Message message =
        all ? privileged_request(audit_interface, "GetEntries") : request(audit_interface, "GetEntries");
    check(sd_bus_message_append(message.get(), "tub", after, limit, all ? 1 : 0), "make a call");
    return ask(message, read_strings);
}

Answer<Verification> Client::verify_audit() {
    return ask(request(audit_interface, "Verify"), [](sd_bus_message* reply) {
        Verification verification;
        verification.intact = read_bool(reply);
        verification.entries = read_u64(reply);
        verification.problem = read_string(reply);
        return verification;
    });
}

} // namespace candor::ctl
