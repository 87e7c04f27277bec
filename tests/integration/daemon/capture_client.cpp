// SPDX-License-Identifier: Apache-2.0
#include "capture_client.h"

#include "base/error.h"
#include "support/as_uid.h"

#include <fcntl.h>

#include <cstdarg>
#include <stdexcept>

namespace candor::test {
namespace {

constexpr const char* service = "org.candor.Capture1";
constexpr const char* path = "/org/candor/Capture1";
const std::string main_interface = "org.candor.Capture1";
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
    check(sd_bus_negotiate_fds(raw, 1), "be a client");
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
    if (sd_bus_get_property(bus_.get(), service, path, main_interface.c_str(), property, &error.error, &reply, type) <
        0) {
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

std::int64_t CaptureClient::number_property(const char* name) {
    const Message reply = property(name, "x");
    std::int64_t value = 0;
    check(sd_bus_message_read(reply.get(), "x", &value), name);
    return value;
}

bool CaptureClient::enabled() {
    const Message reply = property("Enabled", "b");
    int value = 0;
    check(sd_bus_message_read(reply.get(), "b", &value), "Enabled");
    return value != 0;
}

std::string CaptureClient::inhibitors() {
    const Message reply = property("Inhibitors", "a(ssu)");
    std::string all;
    check(sd_bus_message_enter_container(reply.get(), 'a', "(ssu)"), "Inhibitors");
    const char* who = nullptr;
    const char* why = nullptr;
    std::uint32_t uid = 0;
    while (check(sd_bus_message_read(reply.get(), "(ssu)", &who, &why, &uid), "Inhibitors") > 0) {
        all += (all.empty() ? "" : "; ") + std::string(who) + ": " + why + " (" + std::to_string(uid) + ")";
    }
    return all;
}

std::string CaptureClient::indicators() {
    const Message reply = property("Indicators", "a(sbbs)");
    std::string all;
    check(sd_bus_message_enter_container(reply.get(), 'a', "(sbbs)"), "Indicators");
    const char* name = nullptr;
    const char* text = nullptr;
    int required = 0;
    int works = 0;
    while (check(sd_bus_message_read(reply.get(), "(sbbs)", &name, &required, &works, &text), "Indicators") > 0) {
        all += (all.empty() ? "" : " ") + std::string(name) + (required != 0 ? "!" : "") +
               (works != 0 ? " works" : " fails");
    }
    return all;
}

std::uint64_t CaptureClient::counter(const std::string& wanted) {
    const Message reply = property("Counters", "a{st}");
    check(sd_bus_message_enter_container(reply.get(), 'a', "{st}"), "Counters");
    const char* name = nullptr;
    std::uint64_t value = 0;
    while (check(sd_bus_message_read(reply.get(), "{st}", &name, &value), "Counters") > 0) {
        if (wanted == name) {
            return value;
        }
    }
    throw std::runtime_error("there is no counter " + wanted);
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

CaptureClient::Message CaptureClient::new_call(const std::string& method) {
    const std::size_t dot = method.find('.');
    const std::string interface =
        dot == std::string::npos ? main_interface : main_interface + ("." + method.substr(0, dot));
    sd_bus_message* raw = nullptr;
    check(sd_bus_message_new_method_call(bus_.get(), &raw, service, path, interface.c_str(),
                                         method.c_str() + (dot == std::string::npos ? 0 : dot + 1)),
          "make a call");
    return Message(raw);
}

Answer CaptureClient::call(const char* method, const char* types, ...) {
    Message message = new_call(method);
    std::va_list arguments;
    va_start(arguments, types);
    const int appended = *types != '\0' ? sd_bus_message_appendv(message.get(), types, arguments) : 0;
    va_end(arguments);
    check(appended, "make a call");
    return send(std::move(message));
}

Answer CaptureClient::send(Message message, UniqueFd* fd) {
    sd_bus_message* reply = nullptr;
    BusError error;
    if (sd_bus_call(bus_.get(), message.get(), patience_us, &error.error, &reply) < 0) {
        const std::string name = error.error.name;
        const std::string prefix = "org.candor.Capture1.Error.";
        return {name.starts_with(prefix) ? name.substr(prefix.size()) : name, error.error.message, {}};
    }
    const Message owned(reply);
    Answer answer;
    char type = 0;
    const auto read_text = [&] {
        const char* text = nullptr;
        const int read = check(sd_bus_message_read(reply, "s", &text), "read an answer");
        if (read > 0) {
            answer.values.emplace_back(text);
        }
        return read > 0;
    };
    while (check(sd_bus_message_peek_type(reply, &type, nullptr), "read an answer") > 0) {
        if (type == 's') {
            read_text();
        } else if (type == 'a' && sd_bus_message_enter_container(reply, 'a', "(sxxstb)") > 0) {
            const char* id = nullptr;
            const char* level = nullptr;
            int ended = 0;
            while (check(sd_bus_message_read(reply, "(sxxstb)", &id, nullptr, nullptr, &level, nullptr, &ended),
                         "read an answer") > 0) {
                answer.values.push_back(std::string(id) + " " + level + (ended != 0 ? " ended" : " open"));
            }
            check(sd_bus_message_exit_container(reply), "read an answer");
        } else if (type == 'a') {
            check(sd_bus_message_enter_container(reply, 'a', "s"), "read an answer");
            while (read_text()) {
            }
            check(sd_bus_message_exit_container(reply), "read an answer");
        } else if (type == 'h') {
            int borrowed = -1;
            check(sd_bus_message_read(reply, "h", &borrowed), "read an answer");
            fd->reset(::fcntl(borrowed, F_DUPFD_CLOEXEC, 3));
        } else if (type == 'b') {
            int truth = 0;
            check(sd_bus_message_read(reply, "b", &truth), "read an answer");
            answer.values.emplace_back(truth != 0 ? "true" : "false");
        } else if (type == 'u') {
            std::uint32_t number = 0;
            check(sd_bus_message_read(reply, "u", &number), "read an answer");
            answer.values.push_back(std::to_string(number));
        } else {
            std::uint64_t number = 0;
            check(sd_bus_message_read_basic(reply, type, &number), "read an answer");
            answer.values.push_back(std::to_string(number));
        }
    }
    return answer;
}

namespace {

void append_strings(sd_bus_message* message, const std::vector<std::string>& strings) {
    check(sd_bus_message_open_container(message, 'a', "s"), "make a call");
    for (const std::string& each : strings) {
        check(sd_bus_message_append(message, "s", each.c_str()), "make a call");
    }
    check(sd_bus_message_close_container(message), "make a call");
}

} // namespace

Answer CaptureClient::grant(const std::string& hash, const std::string& level, std::int64_t until,
                            const std::vector<std::string>& devices) {
    Message message = new_call("Consent.Grant");
    check(sd_bus_message_append(message.get(), "ss", hash.c_str(), level.c_str()), "make a call");
    append_strings(message.get(), devices);
    check(sd_bus_message_append(message.get(), "x", until), "make a call");
    return send(std::move(message));
}

Answer CaptureClient::inhibit(const std::string& who, const std::string& why, UniqueFd& held) {
    Message message = new_call("Inhibit");
    check(sd_bus_message_append(message.get(), "ss", who.c_str(), why.c_str()), "make a call");
    return send(std::move(message), &held);
}

Answer CaptureClient::enroll(const std::vector<std::string>& capabilities) {
    Message message = new_call("Context.Register");
    append_strings(message.get(), capabilities);
    return send(std::move(message));
}

Answer CaptureClient::my_streams() {
    Answer answer = call("MyData.List", "");
    if (answer.error.empty()) {
        answer.values.pop_back(); // frames on their way
    }
    return answer;
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
