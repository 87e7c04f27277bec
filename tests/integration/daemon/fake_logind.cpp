// SPDX-License-Identifier: Apache-2.0
#include "fake_logind.h"

#include "base/error.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <future>

namespace candor::test {
namespace {

constexpr const char* name = "org.freedesktop.login1";
constexpr const char* manager_path = "/org/freedesktop/login1";
constexpr const char* seat_path = "/org/freedesktop/login1/seat/seat0";
constexpr const char* session_path = "/org/freedesktop/login1/session/_31";

void signal_event(int fd) {
    const std::uint64_t one = 1;
    if (::write(fd, &one, sizeof one) < 0) {
        throw_errno("wake a thread");
    }
}

void wait_event(int fd) {
    std::uint64_t value = 0;
    if (::read(fd, &value, sizeof value) < 0) {
        throw_errno("wait for a thread");
    }
}

} // namespace

FakeLogind::FakeLogind(const std::string& address, std::optional<FakeSession> session)
    : session_(std::move(session)), wake_(::eventfd(0, EFD_CLOEXEC)) {
    UniqueFd ready(::eventfd(0, EFD_CLOEXEC));
    thread_ = std::thread([this, address, &ready] { serve(address, ready.get()); });
    wait_event(ready.get());
}

FakeLogind::~FakeLogind() {
    run_on_thread([this] { stopping_ = true; });
    thread_.join();
}

void FakeLogind::set(std::optional<FakeSession> session) {
    run_on_thread([this, session = std::move(session)] {
        const bool same = session_ && session && session_->id == session->id;
        session_ = session;
        same ? changed(session_path, "org.freedesktop.login1.Session", "LockedHint")
             : changed(seat_path, "org.freedesktop.login1.Seat", "ActiveSession");
    });
}

void FakeLogind::remove_seat() {
    run_on_thread([this] {
        seat_ = false;
        changed(manager_path, "org.freedesktop.login1.Manager", "NCurrentSessions");
    });
}

void FakeLogind::prepare_for_sleep(bool begins) {
    run_on_thread([this, begins] {
        check(sd_bus_emit_signal(bus_.get(), manager_path, "org.freedesktop.login1.Manager", "PrepareForSleep", "b",
                                 static_cast<int>(begins)),
              "signal sleep");
        check(sd_bus_flush(bus_.get()), "signal sleep");
    });
}

std::size_t FakeLogind::sleep_locks() {
    std::size_t held = 0;
    run_on_thread([this, &held] {
        std::erase_if(sleep_locks_, [](const UniqueFd& lock) {
            char byte = 0;
            return ::read(lock.get(), &byte, 1) == 0; // nobody has the other end
        });
        held = sleep_locks_.size();
    });
    return held;
}

int FakeLogind::answer_inhibit(sd_bus_message* call) {
    const char* what = nullptr;
    const char* who = nullptr;
    const char* why = nullptr;
    const char* mode = nullptr;
    check(sd_bus_message_read(call, "ssss", &what, &who, &why, &mode), "read a call");
    std::array<int, 2> ends{};
    if (std::string_view(what) != "sleep" || std::string_view(mode) != "delay" ||
        ::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) < 0) {
        return sd_bus_reply_method_errorf(call, SD_BUS_ERROR_INVALID_ARGS, "not expected here");
    }
    sleep_locks_.emplace_back(ends[0]);
    const UniqueFd given(ends[1]);
    return sd_bus_reply_method_return(call, "h", given.get());
}

void FakeLogind::go_mad() {
    run_on_thread([this] {
        mad_ = true;
        changed(seat_path, "org.freedesktop.login1.Seat", "ActiveSession");
    });
}

void FakeLogind::forget_user() {
    run_on_thread([this] {
        knows_user_ = false;
        changed(session_path, "org.freedesktop.login1.Session", "LockedHint");
    });
}

void FakeLogind::run_on_thread(std::function<void()> body) {
    std::promise<void> done;
    {
        const std::lock_guard lock(mutex_);
        work_.push_back([&] {
            body();
            done.set_value();
        });
    }
    signal_event(wake_.get());
    done.get_future().get();
}

/// As logind does for what is often asked: invalidated, without the value.
void FakeLogind::changed(const char* path, const char* interface, const char* property) {
    check(sd_bus_emit_signal(bus_.get(), path, "org.freedesktop.DBus.Properties", "PropertiesChanged", "sa{sv}as",
                             interface, 0, 1, property),
          "signal a change");
    check(sd_bus_flush(bus_.get()), "signal a change");
}

void FakeLogind::serve(const std::string& address, int ready) {
    sd_bus* raw = nullptr;
    check(sd_bus_new(&raw), "make a bus");
    bus_.reset(raw);
    check(sd_bus_set_address(raw, address.c_str()), "set the address");
    check(sd_bus_set_bus_client(raw, 1), "be a client");
    check(sd_bus_negotiate_fds(raw, 1), "be a client");
    check(sd_bus_start(raw), "connect");
    const auto handler = [](sd_bus_message* message, void* self, sd_bus_error*) {
        return static_cast<FakeLogind*>(self)->answer(message);
    };
    check(sd_bus_add_fallback(raw, nullptr, manager_path, handler, this), "add the objects");
    check(sd_bus_request_name(raw, name, 0), "take the name");
    signal_event(ready);
    while (!stopping_) {
        int processed = 1;
        while (processed > 0) {
            processed = sd_bus_process(raw, nullptr);
        }
        // Without a bus it waits for its end.
        const bool connected = processed == 0 && sd_bus_flush(raw) >= 0;
        std::array<pollfd, 2> fds{pollfd{connected ? sd_bus_get_fd(raw) : -1, POLLIN, 0},
                                  pollfd{wake_.get(), POLLIN, 0}};
        ::poll(fds.data(), fds.size(), -1);
        if (fds[1].revents != 0) {
            wait_event(wake_.get());
            std::vector<std::function<void()>> work;
            {
                const std::lock_guard lock(mutex_);
                work.swap(work_);
            }
            for (const auto& body : work) {
                body();
            }
        }
    }
    bus_.reset();
}

int FakeLogind::answer(sd_bus_message* call) {
    const std::string path = sd_bus_message_get_path(call);
    if (mad_) {
        return sd_bus_reply_method_return(call, "u", 7u);
    }
    if (path == manager_path && sd_bus_message_is_method_call(call, "org.freedesktop.login1.Manager", "Inhibit") > 0) {
        return answer_inhibit(call);
    }
    if (path == seat_path && seat_ &&
        sd_bus_message_is_method_call(call, "org.freedesktop.DBus.Properties", "Get") > 0) {
        return session_ ? sd_bus_reply_method_return(call, "v", "(so)", session_->id.c_str(), session_path)
                        : sd_bus_reply_method_return(call, "v", "(so)", "", "/");
    }
    if (path == session_path && session_ &&
        sd_bus_message_is_method_call(call, "org.freedesktop.DBus.Properties", "GetAll") > 0) {
        return answer_session(call);
    }
    return sd_bus_reply_method_errorf(call, SD_BUS_ERROR_UNKNOWN_OBJECT, "Unknown object '%s'.", path.c_str());
}

int FakeLogind::answer_session(sd_bus_message* call) {
    if (!knows_user_) {
        return sd_bus_reply_method_return(call, "a{sv}", 1, "Id", "s", session_->id.c_str());
    }
    const std::string user = "/org/freedesktop/login1/user/_" + std::to_string(session_->uid);
    return sd_bus_reply_method_return(
        call, "a{sv}", 8, "Id", "s", session_->id.c_str(), "User", "(uo)", session_->uid, user.c_str(), "Name", "s",
        "person", "Class", "s", session_->session_class.c_str(), "Active", "b", static_cast<int>(session_->active),
        "LockedHint", "b", static_cast<int>(session_->locked), "Remote", "b", static_cast<int>(session_->remote),
        "OfALaterVersion", "at", 1, std::uint64_t{7});
}

} // namespace candor::test
