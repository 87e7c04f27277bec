// SPDX-License-Identifier: Apache-2.0
#include "capture_client.h"

#include "base/error.h"
#include "support/as_uid.h"

#include <cstdarg>
#include <stdexcept>

namespace candor::test {
namespace {

constexpr const char* service = "org.candor.Capture1";
constexpr const char* path = "/org/candor/Capture1";
constexpr const char* main_interface = "org.candor.Capture1";
constexpr const char* consent_interface = "org.candor.Capture1.Consent";
constexpr std::uint64_t patience_us = 60'000'000;

struct BusError {
    BusError() = default;
    ~BusError() { sd_bus_error_free(&error); }
    BusError(const BusError&) = delete;
    BusError& operator=(const BusError&) = delete;
    sd_bus_error error{};
};

} // namespace

CaptureClient::CaptureClient(const std::string& address, uid_t uid) {
    sd_bus* raw = nullptr;
    check(sd_bus_new(&raw), "make a bus");
    bus_.reset(raw);
    check(sd_bus_set_address(raw, address.c_str()), "set the address");
    check(sd_bus_set_bus_client(raw, 1), "be a client");
    {
        const AsUid as(uid);
        check(sd_bus_start(raw), "connect");
        const char* unique = nullptr;
        check(sd_bus_get_unique_name(raw, &unique), "connect"); // the handshake is over
    }
    sd_bus_slot* slot = nullptr;
    const auto handler = [](sd_bus_message* signal, void* self, sd_bus_error*) {
        static_cast<CaptureClient*>(self)->note(signal);
        return 0;
    };
    check(sd_bus_match_signal(raw, &slot, service, path, "org.freedesktop.DBus.Properties", "PropertiesChanged",
                              handler, this),
          "subscribe");
    match_.reset(slot);
}

void CaptureClient::note(sd_bus_message* signal) {
    const char* text = nullptr;
    check(sd_bus_message_read(signal, "s", &text), "read a signal");
    check(sd_bus_message_enter_container(signal, 'a', "{sv}"), "read a signal");
    while (check(sd_bus_message_enter_container(signal, 'e', "sv"), "read a signal") > 0) {
        check(sd_bus_message_read(signal, "s", &text), "read a signal");
        changed_.insert(text);
        check(sd_bus_message_skip(signal, "v"), "read a signal");
        check(sd_bus_message_exit_container(signal), "read a signal");
    }
    check(sd_bus_message_exit_container(signal), "read a signal");
    check(sd_bus_message_enter_container(signal, 'a', "s"), "read a signal");
    while (check(sd_bus_message_read(signal, "s", &text), "read a signal") > 0) {
        changed_.insert(std::string(text) + " invalidated");
    }
}

CaptureClient::Message CaptureClient::property(const char* property, const char* type) {
    sd_bus_message* reply = nullptr;
    BusError error;
    if (sd_bus_get_property(bus_.get(), service, path, main_interface, property, &error.error, &reply, type) < 0) {
        throw std::runtime_error(std::string("property ") + property + ": " + error.error.message);
    }
    return Message(reply);
}

std::string CaptureClient::text_property(const char* name) {
    const Message reply = property(name, "s");
    const char* text = nullptr;
    check(sd_bus_message_read(reply.get(), "s", &text), name);
    return text;
}

std::int64_t CaptureClient::consent_until() {
    const Message reply = property("ConsentUntil", "x");
    std::int64_t value = 0;
    check(sd_bus_message_read(reply.get(), "x", &value), "ConsentUntil");
    return value;
}

bool CaptureClient::shipper_connected() {
    const Message reply = property("ShipperConnected", "b");
    int value = 0;
    check(sd_bus_message_read(reply.get(), "b", &value), "ShipperConnected");
    return value != 0;
}

std::vector<std::pair<std::string, std::string>> CaptureClient::all_reasons() {
    const Message reply = property("Reasons", "a(ss)");
    std::vector<std::pair<std::string, std::string>> all;
    check(sd_bus_message_enter_container(reply.get(), 'a', "(ss)"), "Reasons");
    const char* name = nullptr;
    const char* text = nullptr;
    while (check(sd_bus_message_read(reply.get(), "(ss)", &name, &text), "Reasons") > 0) {
        all.emplace_back(name, text);
    }
    return all;
}

std::string CaptureClient::reasons() {
    std::string names;
    for (const auto& [name, text] : all_reasons()) {
        names += (names.empty() ? "" : " ") + name;
    }
    return names;
}

std::string CaptureClient::reason_text(const std::string& reason) {
    for (const auto& [name, text] : all_reasons()) {
        if (name == reason) {
            return text;
        }
    }
    return "not among the reasons";
}

Answer CaptureClient::call(const char* method, const char* types, ...) {
    sd_bus_message* raw = nullptr;
    check(sd_bus_message_new_method_call(bus_.get(), &raw, service, path, consent_interface, method), "make a call");
    const Message message(raw);
    std::va_list arguments;
    va_start(arguments, types);
    const int appended = *types != '\0' ? sd_bus_message_appendv(raw, types, arguments) : 0;
    va_end(arguments);
    check(appended, "make a call");
    sd_bus_message* reply = nullptr;
    BusError error;
    if (sd_bus_call(bus_.get(), raw, patience_us, &error.error, &reply) < 0) {
        const std::string name = error.error.name;
        const std::string prefix = "org.candor.Capture1.Error.";
        return {name.starts_with(prefix) ? name.substr(prefix.size()) : name, error.error.message, {}};
    }
    const Message owned(reply);
    Answer answer;
    char type = 0;
    while (check(sd_bus_message_peek_type(reply, &type, nullptr), method) > 0) {
        if (type == 's') {
            const char* text = nullptr;
            check(sd_bus_message_read(reply, "s", &text), method);
            answer.values.emplace_back(text);
        } else {
            std::uint32_t number = 0;
            check(sd_bus_message_read(reply, "u", &number), method);
            answer.values.push_back(std::to_string(number));
        }
    }
    return answer;
}

Answer CaptureClient::grant(const std::string& hash, const std::string& level, std::int64_t expiry) {
    return call("Grant", "ssx", level.c_str(), hash.c_str(), expiry);
}

std::string CaptureClient::introspect() {
    sd_bus_message* reply = nullptr;
    check(sd_bus_call_method(bus_.get(), service, path, "org.freedesktop.DBus.Introspectable", "Introspect", nullptr,
                             &reply, ""),
          "introspect");
    const Message owned(reply);
    const char* text = nullptr;
    check(sd_bus_message_read(reply, "s", &text), "introspect");
    return text;
}

void CaptureClient::await(const std::string& what, const std::function<bool()>& holds) {
    while (!holds()) {
        // A signal that came during a call is waiting already.
        const int done = check(sd_bus_process(bus_.get(), nullptr), "process the bus");
        if (done == 0 && check(sd_bus_wait(bus_.get(), patience_us), "wait for the bus") == 0) {
            throw std::runtime_error("waited in vain for " + what + "; it is " + state() + ", " + reasons());
        }
    }
}

} // namespace candor::test
