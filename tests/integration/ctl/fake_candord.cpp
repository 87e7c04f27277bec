// SPDX-License-Identifier: Apache-2.0
#include "fake_candord.h"

#include "base/error.h"
#include "base/handle.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include <array>

namespace candor::test {
namespace {

using Message = Handle<sd_bus_message, sd_bus_message_unref>;

constexpr const char* main_interface = "org.candor.Capture1";
constexpr const char* consent_interface = "org.candor.Capture1.Consent";

template <typename... Values>
void append_property(sd_bus_message* reply, const char* name, const char* type, Values... values) {
    check(sd_bus_message_append(reply, "{sv}", name, type, values...), "append a property");
}

} // namespace

const std::string FakeCandord::notice = "Every key is recorded.\n";
const std::string FakeCandord::policy_hash(64, 'a');
const std::string FakeCandord::given =
    R"({"record_id":"r1","level":"full","policy_hash":"aa","purposes":[{"purpose":"Training"}],)"
    R"("party_identification":[{"party_name":"Example","party_contact":"a@example.org"}],)"
    R"("event":{"event_time":"2026-11-24T00:00:00Z","validity_duration":"PT86400S","event_state":"consent_given"}})";

FakeCandord::FakeCandord(const std::string& address, Answers answers)
    : answers_(std::move(answers)), stop_(::eventfd(0, EFD_CLOEXEC)) {
    UniqueFd ready(::eventfd(0, EFD_CLOEXEC));
    thread_ = std::thread([this, address, &ready] { serve(address, ready.get()); });
    std::uint64_t value = 0;
    if (::read(ready.get(), &value, sizeof value) < 0) {
        throw_errno("wait for the service");
    }
}

FakeCandord::~FakeCandord() {
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t n = ::write(stop_.get(), &one, sizeof one);
    thread_.join();
}

std::vector<FakeCandord::Grant> FakeCandord::grants() {
    const std::lock_guard lock(mutex_);
    return grants_;
}

int FakeCandord::revocations() {
    const std::lock_guard lock(mutex_);
    return revocations_;
}

void FakeCandord::serve(const std::string& address, int ready) {
    sd_bus* raw = nullptr;
    check(sd_bus_new(&raw), "make a bus");
    const Handle<sd_bus, sd_bus_flush_close_unref> bus(raw);
    check(sd_bus_set_address(raw, address.c_str()), "set the address");
    check(sd_bus_set_bus_client(raw, 1), "be a client");
    check(sd_bus_start(raw), "connect");
    const auto handler = [](sd_bus_message* message, void* self, sd_bus_error*) {
        return static_cast<FakeCandord*>(self)->answer(message);
    };
    check(sd_bus_add_object(raw, nullptr, "/org/candor/Capture1", handler, this), "add the object");
    check(sd_bus_request_name(raw, main_interface, 0), "take the name");
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t n = ::write(ready, &one, sizeof one);
    for (;;) {
        while (check(sd_bus_process(raw, nullptr), "serve") > 0) {
        }
        check(sd_bus_flush(raw), "send");
        std::array<pollfd, 2> fds{pollfd{sd_bus_get_fd(raw), POLLIN, 0}, pollfd{stop_.get(), POLLIN, 0}};
        ::poll(fds.data(), fds.size(), -1);
        if (fds[1].revents != 0) {
            return;
        }
    }
}

int FakeCandord::answer(sd_bus_message* message) {
    const auto is = [message](const char* interface, const char* member) {
        return sd_bus_message_is_method_call(message, interface, member) > 0;
    };
    if (!answers_.error.empty()) {
        return sd_bus_reply_method_errorf(message, answers_.error.c_str(), "what the service says");
    }
    if (answers_.nonsense) {
        return sd_bus_reply_method_return(message, "u", 7u);
    }
    if (is("org.freedesktop.DBus.Properties", "GetAll")) {
        return answer_properties(message);
    }
    if (is(consent_interface, "GetNotice")) {
        return sd_bus_reply_method_return(message, "ssu", notice.c_str(), policy_hash.c_str(), 90u);
    }
    if (is(consent_interface, "GetReceipt")) {
        return sd_bus_reply_method_return(message, "ss", answers_.receipt_state.c_str(), answers_.receipt.c_str());
    }
    if (is(consent_interface, "Grant")) {
        const char *level = nullptr, *hash = nullptr;
        std::int64_t expiry = 0;
        check(sd_bus_message_read(message, "ssx", &level, &hash, &expiry), "read the grant");
        const std::lock_guard lock(mutex_);
        grants_.push_back({level, hash, expiry});
        return sd_bus_reply_method_return(message, "s", given.c_str());
    }
    if (is(consent_interface, "Revoke")) {
        const std::lock_guard lock(mutex_);
        ++revocations_;
        return sd_bus_reply_method_return(message, "s", R"({"event":{"event_state":"consent_withdrawn"}})");
    }
    return 0;
}

int FakeCandord::answer_properties(sd_bus_message* message) {
    sd_bus_message* raw = nullptr;
    check(sd_bus_message_new_method_return(message, &raw), "make an answer");
    const Message reply(raw);
    check(sd_bus_message_open_container(raw, 'a', "{sv}"), "open the properties");
    append_property(raw, "State", "s", answers_.recording ? "recording" : "closed");
    append_property(raw, "Level", "s", answers_.recording ? "full" : "");
    if (answers_.recording) {
        append_property(raw, "Reasons", "a(ss)", 0);
    } else {
        append_property(raw, "Reasons", "a(ss)", 1, "consent-none", "the person at the seat has not consented");
    }
    append_property(raw, "Devices", "a(sssbs)", 2, "/dev/input/event0", answers_.device_name.c_str(), "keyboard",
                    answers_.recording ? 1 : 0, "keyboard", "/dev/input/event1", "Power Button", "other", 0,
                    "power button");
    append_property(raw, "Counters", "a{st}", 2, "EventsProduced", std::uint64_t{12}, "Batches", std::uint64_t{3});
    append_property(raw, "ConsentUntil", "x", answers_.consent_until);
    append_property(raw, "ShipperConnected", "b", 1);
    append_property(raw, "PolicyHash", "s", policy_hash.c_str());
    append_property(raw, "OfALaterVersion", "(si)", "passed over", 1);
    check(sd_bus_message_close_container(raw), "close the properties");
    return sd_bus_send(nullptr, raw, nullptr);
}

} // namespace candor::test
