// SPDX-License-Identifier: Apache-2.0
#include "fake_candord.h"

#include "base/error.h"
#include "base/file.h"
#include "base/handle.h"
#include "support/program.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>

namespace candor::test {
namespace {

using Message = Handle<sd_bus_message, sd_bus_message_unref>;

constexpr const char* main_interface = "org.candor.Capture1";
constexpr const char* consent_interface = "org.candor.Capture1.Consent";
constexpr const char* context_interface = "org.candor.Capture1.Context";
constexpr const char* data_interface = "org.candor.Capture1.MyData";
constexpr const char* audit_interface = "org.candor.Capture1.Audit";

Message answer_to(sd_bus_message* message) {
    sd_bus_message* raw = nullptr;
    check(sd_bus_message_new_method_return(message, &raw), "make an answer");
    return Message(raw);
}

template <typename Items, typename Append>
void append_array(sd_bus_message* reply, const char* contents, const Items& items, Append&& append) {
    check(sd_bus_message_open_container(reply, 'a', contents), "open an array");
    for (const auto& item : items) {
        append(item);
    }
    check(sd_bus_message_close_container(reply), "close an array");
}

/// A property whose value `append` appends.
template <typename Append>
void append_property(sd_bus_message* reply, const char* name, const char* type, Append&& append) {
    check(sd_bus_message_open_container(reply, 'e', "sv"), "open a property");
    check(sd_bus_message_append(reply, "s", name), "name a property");
    check(sd_bus_message_open_container(reply, 'v', type), "open a value");
    append();
    check(sd_bus_message_close_container(reply), "close a value");
    check(sd_bus_message_close_container(reply), "close a property");
}

UniqueFd file_of(std::span<const std::uint8_t> bytes) {
    UniqueFd fd(::memfd_create("stream", MFD_CLOEXEC));
    if (!fd) {
        throw_errno("make a file");
    }
    write_fully(fd.get(), bytes);
    return fd;
}

bool touches(const FakeCandord::Stream& stream, std::int64_t from, std::int64_t to) {
    return stream.to >= from && (to == 0 || stream.from <= to);
}

} // namespace

const std::string FakeCandord::notice = "Every key is recorded.\n";
const std::string FakeCandord::policy_hash(64, 'a');
const std::string FakeCandord::given =
    R"({"record_id":"r1","level":"full","policy_hash":"aa","purposes":[{"purpose":"Training",)"
    R"("pii_information":[{"pii_type":"every key","device_class":"keyboard"},{"pii_type":"clicks","device_class":"mouse"}],)"
    R"("recipient_third_parties":["lab","archive"],"retention_period":"a year"}],)"
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

std::vector<std::string> FakeCandord::calls() {
    const std::lock_guard lock(mutex_);
    return calls_;
}

bool FakeCandord::was_called(const std::string& member) {
    const auto all = calls();
    return std::ranges::any_of(all, [&](const std::string& call) { return call.starts_with(member); });
}

std::vector<FakeCandord::Grant> FakeCandord::grants() {
    const std::lock_guard lock(mutex_);
    return grants_;
}

int FakeCandord::held() {
    const std::lock_guard lock(mutex_);
    return static_cast<int>(std::ranges::count_if(inhibitors_, [](const UniqueFd& fd) {
        pollfd poll{fd.get(), POLLIN, 0};
        return ::poll(&poll, 1, 0) == 0;
    }));
}

bool FakeCandord::wait_until_held(int number) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (held() != number) {
        if (std::chrono::steady_clock::now() > end) {
            return false;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return true;
}

void FakeCandord::note(const std::string& call) {
    const std::lock_guard lock(mutex_);
    calls_.push_back(call);
}

void FakeCandord::serve(const std::string& address, int ready) {
    sd_bus* raw = nullptr;
    check(sd_bus_new(&raw), "make a bus");
    const Handle<sd_bus, sd_bus_flush_close_unref> bus(raw);
    check(sd_bus_set_address(raw, address.c_str()), "set the address");
    check(sd_bus_set_bus_client(raw, 1), "be a client");
    check(sd_bus_negotiate_fds(raw, 1), "pass descriptors");
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
    const char* member_name = sd_bus_message_get_member(message);
    const std::string member = member_name != nullptr ? member_name : "";
    for (const std::string& failing : {member, std::string("*")}) {
        if (const auto error = answers_.errors.find(failing); error != answers_.errors.end()) {
            note(member);
            return sd_bus_reply_method_errorf(message, error->second.c_str(), "%s", answers_.error_text.c_str());
        }
    }
    if (answers_.nonsense) {
        return sd_bus_reply_method_return(message, "u", 7u);
    }
    const char* interface = sd_bus_message_get_interface(message);
    return answer_call(message, interface != nullptr ? interface : "", member);
}

int FakeCandord::answer_call(sd_bus_message* message, const std::string& interface, const std::string& member) {
    const auto is = [&](const char* wanted_interface, const char* wanted_member) {
        return interface == wanted_interface && member == wanted_member;
    };
    const std::string asked = sd_bus_message_get_allow_interactive_authorization(message) > 0 ? " !" : "";
    if (is("org.freedesktop.DBus.Properties", "GetAll")) {
        return answer_properties(message);
    }
    if (is(consent_interface, "GetNotice")) {
        return sd_bus_reply_method_return(message, "ss", notice.c_str(), policy_hash.c_str());
    }
    if (is(consent_interface, "GetReceipt")) {
        note(member);
        return sd_bus_reply_method_return(message, "ss", answers_.receipt_state.c_str(), answers_.receipt.c_str());
    }
    if (is(consent_interface, "Grant")) {
        return answer_grant(message);
    }
    if (is(consent_interface, "Revoke")) {
        int erase = 0;
        check(sd_bus_message_read(message, "b", &erase), "read the withdrawal");
        note(erase != 0 ? "Revoke true" : "Revoke false");
        const std::string json =
            std::string(R"({"event":{"event_state":"consent_withdrawn"},"erase":)") + (erase != 0 ? "true}" : "false}");
        return sd_bus_reply_method_return(message, "s", json.c_str());
    }
    if (is(main_interface, "Pause")) {
        std::uint64_t seconds = 0;
        check(sd_bus_message_read(message, "t", &seconds), "read the pause");
        note("Pause " + std::to_string(seconds));
        return sd_bus_reply_method_return(message, "x", paused_until);
    }
    if (is(main_interface, "SetEnabled")) {
        int enabled = 0;
        check(sd_bus_message_read(message, "b", &enabled), "read the switch");
        note((enabled != 0 ? "SetEnabled true" : "SetEnabled false") + asked);
        return sd_bus_reply_method_return(message, "");
    }
    if (is(main_interface, "Resume") || is(main_interface, "ReloadPolicy")) {
        note(member + asked);
        return sd_bus_reply_method_return(message, "");
    }
    if (is(main_interface, "Inhibit")) {
        return answer_inhibit(message);
    }
    if (is(data_interface, "List")) {
        return answer_list(message);
    }
    if (is(data_interface, "Open")) {
        return answer_open(message);
    }
    if (is(data_interface, "Delete")) {
        return answer_delete(message);
    }
    if (is(audit_interface, "GetEntries")) {
        return answer_entries(message);
    }
    if (is(audit_interface, "Verify")) {
        return sd_bus_reply_method_return(message, "bts", answers_.intact ? 1 : 0, std::uint64_t{41},
                                          answers_.intact ? "" : "audit.log:42: another hash");
    }
    return 0;
}

int FakeCandord::answer_grant(sd_bus_message* message) {
    const char *hash = nullptr, *level = nullptr;
    Grant grant;
    check(sd_bus_message_read(message, "ss", &hash, &level), "read the grant");
    check(sd_bus_message_enter_container(message, 'a', "s"), "read the classes");
    const char* device_class = nullptr;
    while (check(sd_bus_message_read(message, "s", &device_class), "read a class") > 0) {
        grant.device_classes.emplace_back(device_class);
    }
    check(sd_bus_message_exit_container(message), "read the classes");
    check(sd_bus_message_read(message, "x", &grant.until), "read the end");
    grant.policy_hash = hash;
    grant.level = level;
    const std::lock_guard lock(mutex_);
    calls_.emplace_back("Grant");
    grants_.push_back(grant);
    return sd_bus_reply_method_return(message, "s", given.c_str());
}

int FakeCandord::answer_inhibit(sd_bus_message* message) {
    const char *who = nullptr, *why = nullptr;
    check(sd_bus_message_read(message, "ss", &who, &why), "read the inhibitor");
    Pipe pipe;
    const std::lock_guard lock(mutex_);
    calls_.push_back(std::string("Inhibit ") + who + ": " + why);
    inhibitors_.push_back(std::move(pipe.read_end));
    return sd_bus_reply_method_return(message, "h", pipe.write_end.get());
}

int FakeCandord::answer_list(sd_bus_message* message) {
    note("List");
    const Message reply = answer_to(message);
    append_array(reply.get(), "(sxxstb)", answers_.streams, [&](const Stream& stream) {
        check(sd_bus_message_append(reply.get(), "(sxxstb)", stream.id.c_str(), stream.from, stream.to,
                                    stream.level.c_str(), std::uint64_t{stream.segment.size()}, stream.ended ? 1 : 0),
              "append a stream");
    });
    check(sd_bus_message_append(reply.get(), "t", answers_.frames_on_their_way), "append a number");
    return sd_bus_send(nullptr, reply.get(), nullptr);
}

int FakeCandord::answer_open(sd_bus_message* message) {
    std::int64_t from = 0, to = 0;
    check(sd_bus_message_read(message, "xx", &from, &to), "read the range");
    note("Open " + std::to_string(from) + " " + std::to_string(to) +
         (sd_bus_message_get_allow_interactive_authorization(message) > 0 ? " !" : ""));
    std::vector<Stream> wanted;
    std::ranges::copy_if(answers_.streams, std::back_inserter(wanted),
                         [&](const Stream& stream) { return touches(stream, from, to); });
    const bool more = wanted.size() > answers_.page;
    wanted.resize(std::min(wanted.size(), answers_.page));
    std::erase_if(wanted, [](const Stream& stream) { return !stream.opens; });
    const Message reply = answer_to(message);
    append_array(reply.get(), "(shh)", wanted, [&](const Stream& stream) {
        UniqueFd segment = file_of(stream.segment);
        if (stream.pipe) {
            Pipe pipe;
            segment = std::move(pipe.read_end);
            pipes_.push_back(std::move(pipe.write_end));
        }
        const UniqueFd key = file_of(stream.key);
        check(sd_bus_message_append(reply.get(), "(shh)", stream.id.c_str(), segment.get(), key.get()),
              "append a stream");
    });
    check(sd_bus_message_append(reply.get(), "b", more ? 1 : 0), "append a flag");
    return sd_bus_send(nullptr, reply.get(), nullptr);
}

int FakeCandord::answer_delete(sd_bus_message* message) {
    std::int64_t from = 0, to = 0;
    check(sd_bus_message_read(message, "xx", &from, &to), "read the range");
    note("Delete " + std::to_string(from) + " " + std::to_string(to));
    const auto count =
        std::ranges::count_if(answers_.streams, [&](const Stream& stream) { return touches(stream, from, to); });
    return sd_bus_reply_method_return(message, "t", static_cast<std::uint64_t>(count));
}

int FakeCandord::answer_entries(sd_bus_message* message) {
    std::uint64_t after = 0;
    std::uint32_t limit = 0;
    int all = 0;
    check(sd_bus_message_read(message, "tub", &after, &limit, &all), "read what is wanted");
    const bool asked = sd_bus_message_get_allow_interactive_authorization(message) > 0;
    note("GetEntries " + std::to_string(after) + " " + std::to_string(limit) + (all != 0 ? " all" : "") +
         (asked ? " !" : ""));
    std::vector<std::string> given_out;
    for (const auto& [number, text] : answers_.entries) {
        if (number > after && given_out.size() < limit) {
            given_out.push_back(text);
        }
    }
    const Message reply = answer_to(message);
    append_array(reply.get(), "s", given_out, [&](const std::string& text) {
        check(sd_bus_message_append(reply.get(), "s", text.c_str()), "append an entry");
    });
    return sd_bus_send(nullptr, reply.get(), nullptr);
}

int FakeCandord::answer_properties(sd_bus_message* message) {
    const char* name = nullptr;
    check(sd_bus_message_read(message, "s", &name), "read the interface");
    const std::string interface = name;
    const Message reply = answer_to(message);
    sd_bus_message* raw = reply.get();
    check(sd_bus_message_open_container(raw, 'a', "{sv}"), "open the properties");
    if (interface == main_interface) {
        append_status(raw);
    } else if (interface == data_interface) {
        check(sd_bus_message_append(raw, "{sv}", "EmbargoSeconds", "t", std::uint64_t{3600}), "append a property");
    } else if (interface == context_interface) {
        check(sd_bus_message_append(raw, "{sv}", "Alive", "b", answers_.context_alive ? 1 : 0), "append a property");
    } else if (interface == consent_interface) {
        check(sd_bus_message_append(raw, "{sv}", "LevelCeiling", "s", answers_.level_ceiling.c_str()),
              "append a property");
        append_property(raw, "DeviceClasses", "as", [&] {
            append_array(raw, "s", answers_.device_classes, [&](const std::string& device_class) {
                check(sd_bus_message_append(raw, "s", device_class.c_str()), "append a class");
            });
        });
        check(sd_bus_message_append(raw, "{sv}", "MaxDays", "u", 90u), "append a property");
    }
    check(sd_bus_message_append(raw, "{sv}", "OfALaterVersion", "(si)", "passed over", 1), "append a property");
    check(sd_bus_message_close_container(raw), "close the properties");
    return sd_bus_send(nullptr, raw, nullptr);
}

void FakeCandord::append_status(sd_bus_message* reply) {
    const auto append = [&](const char* name, const char* type, auto... values) {
        if (answers_.missing != name) {
            check(sd_bus_message_append(reply, "{sv}", name, type, values...), "append a property");
        }
    };
    append("State", "s", answers_.recording ? "recording" : "closed");
    append("Level", "s", answers_.recording ? answers_.level.c_str() : "");
    append_property(reply, "Reasons", "a(ss)", [&] {
        using Reasons = decltype(answers_.reasons);
        append_array(reply, "(ss)", answers_.recording ? Reasons{} : answers_.reasons, [&](const auto& reason) {
            check(sd_bus_message_append(reply, "(ss)", reason.first.c_str(), reason.second.c_str()), "append a reason");
        });
    });
    append("Devices", "a(sssbs)", 2, "/dev/input/event0", answers_.device_name.c_str(), "keyboard",
           answers_.recording ? 1 : 0, "keyboard", "/dev/input/event1", "Power Button", "other", 0, "power button");
    append("Counters", "a{st}", 2, "EventsProduced", std::uint64_t{12}, "Batches", std::uint64_t{3});
    append("ConsentUntil", "x", answers_.consent_until);
    append("PausedUntil", "x", answers_.paused_until);
    append_property(reply, "Inhibitors", "a(ssu)", [&] {
        append_array(reply, "(ssu)", answers_.inhibitors, [&](const Inhibitor& inhibitor) {
            check(sd_bus_message_append(reply, "(ssu)", inhibitor.who.c_str(), inhibitor.why.c_str(), inhibitor.uid),
                  "append an inhibitor");
        });
    });
    append_property(reply, "Indicators", "a(sbbs)", [&] {
        append_array(reply, "(sbbs)", answers_.indicators, [&](const Indicator& indicator) {
            check(sd_bus_message_append(reply, "(sbbs)", indicator.name.c_str(), indicator.required ? 1 : 0,
                                        indicator.works ? 1 : 0, indicator.text.c_str()),
                  "append an indicator");
        });
    });
    append("Enabled", "b", answers_.enabled ? 1 : 0);
    append("ShipperConnected", "b", 1);
    append("Shipping", "(ss)", answers_.shipping.first.c_str(), answers_.shipping.second.c_str());
    append_property(reply, "Spool", "a{st}", [&] {
        append_array(reply, "{st}", answers_.spool, [&](const auto& figure) {
            check(sd_bus_message_append(reply, "{st}", figure.first.c_str(), figure.second), "append a figure");
        });
    });
    append("Gaps", "a{s(tt)}", 2, "locked", std::uint64_t{0}, std::uint64_t{2}, "ring_full", std::uint64_t{7},
           std::uint64_t{1});
    append("Identity", "s", answers_.identity.c_str());
    append("PolicyHash", "s", policy_hash.c_str());
}

} // namespace candor::test
