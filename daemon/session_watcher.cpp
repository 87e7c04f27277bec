// SPDX-License-Identifier: Apache-2.0
#include "daemon/session_watcher.h"

#include "base/error.h"

#include <fcntl.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>

namespace candor::daemon {
namespace {

constexpr const char* service = "org.freedesktop.login1";
constexpr const char* seat_path = "/org/freedesktop/login1/seat/seat0";

Message new_call(sd_bus* bus, const char* path, const char* method) {
    sd_bus_message* call = nullptr;
    check(sd_bus_message_new_method_call(bus, &call, service, path, "org.freedesktop.DBus.Properties", method),
          "make a call to logind");
    return Message(call);
}

/// Reads one property of GetAll's dictionary into the session; unknown ones are skipped.
int read_property(sd_bus_message* m, const char* name, consent::Session& session) {
    const auto text = [&](std::string& out) {
        const char* value = nullptr;
        const int r = sd_bus_message_read(m, "v", "s", &value);
        out = r < 0 ? "" : value;
        return r;
    };
    const auto boolean = [&](bool& out) {
        int value = 0;
        const int r = sd_bus_message_read(m, "v", "b", &value);
        out = value != 0;
        return r;
    };
    if (std::strcmp(name, "Id") == 0) {
        return text(session.id);
    }
    if (std::strcmp(name, "Class") == 0) {
        return text(session.session_class);
    }
    if (std::strcmp(name, "Active") == 0) {
        return boolean(session.active);
    }
    if (std::strcmp(name, "LockedHint") == 0) {
        return boolean(session.locked);
    }
    if (std::strcmp(name, "Remote") == 0) {
        return boolean(session.remote);
    }
    if (std::strcmp(name, "User") == 0) {
        const char* path = nullptr;
        return sd_bus_message_read(m, "v", "(uo)", &session.uid, &path);
    }
    return sd_bus_message_skip(m, "v");
}

/// Whether a PropertiesChanged signal is about one of these. One that cannot be read is.
bool names_any_of(sd_bus_message* m, std::initializer_list<std::string_view> wanted) {
    const auto is_wanted = [&](const char* name) { return std::ranges::find(wanted, name) != wanted.end(); };
    bool found = false;
    int r = sd_bus_message_skip(m, "s");
    r = r < 0 ? r : sd_bus_message_enter_container(m, 'a', "{sv}");
    while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
        const char* name = nullptr;
        r = sd_bus_message_read(m, "s", &name);
        if (r >= 0) {
            found = found || is_wanted(name);
            r = sd_bus_message_skip(m, "v");
        }
        r = r < 0 ? r : sd_bus_message_exit_container(m);
    }
    r = r < 0 ? r : sd_bus_message_exit_container(m);
    r = r < 0 ? r : sd_bus_message_enter_container(m, 'a', "s");
    const char* name = nullptr;
    while (r >= 0 && (r = sd_bus_message_read(m, "s", &name)) > 0) {
        found = found || is_wanted(name);
    }
    return r < 0 || found;
}

} // namespace

SessionWatcher::SessionWatcher(EventLoop& loop, sd_bus* bus, Callbacks callbacks)
    : bus_(bus), callbacks_(std::move(callbacks)),
      seat_call_(loop, [this](sd_bus_message* reply) { take_seat(reply); }),
      session_call_(loop, [this](sd_bus_message* reply) { take_session(reply); }),
      lock_call_(loop,
                 [this](sd_bus_message* reply) {
                     int fd = -1;
                     if (sd_bus_message_is_method_error(reply, nullptr) == 0 &&
                         sd_bus_message_read(reply, "h", &fd) >= 0) {
                         // The message keeps its own.
                         sleep_lock_.reset(::fcntl(fd, F_DUPFD_CLOEXEC, 3));
                     }
                 }),
      properties_(loop, [this](sd_bus_message* signal) { on_properties(signal); }),
      owner_(loop,
             [this](sd_bus_message*) {
                 asleep_ = false; // its end would not be told
                 set(false, std::nullopt);
                 refresh();
                 hold_sleep();
             }),
      sleep_(loop, [this](sd_bus_message* signal) {
          int begins = 0;
          if (sd_bus_message_read(signal, "b", &begins) >= 0) {
              on_sleep(begins != 0);
          }
      }) {
    properties_.match(bus_, "type='signal',sender='org.freedesktop.login1',interface='org.freedesktop.DBus.Properties',"
                            "member='PropertiesChanged'");
    owner_.match(bus_, "type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged',"
                       "arg0='org.freedesktop.login1'");
    sleep_.match(bus_, "type='signal',sender='org.freedesktop.login1',interface='org.freedesktop.login1.Manager',"
                       "member='PrepareForSleep'");
    refresh();
    hold_sleep();
}

void SessionWatcher::refresh() {
    const Message call = new_call(bus_, seat_path, "Get");
    check(sd_bus_message_append(call.get(), "ss", "org.freedesktop.login1.Seat", "ActiveSession"), "ask logind");
    seat_call_.call(bus_, call.get());
}

void SessionWatcher::on_properties(sd_bus_message* signal) {
    const char* path = sd_bus_message_get_path(signal);
    const bool about_person = path != nullptr && (seat_path == std::string_view(path) || path == session_path_);
    if (about_person &&
        names_any_of(signal, {"ActiveSession", "Active", "State", "LockedHint", "Class", "Remote", "User"})) {
        // Closed first, asked then: what is typed meanwhile may be somebody else's.
        set(false, std::nullopt);
    }
    refresh();
}

void SessionWatcher::on_sleep(bool begins) {
    asleep_ = begins;
    callbacks_.changed();
    if (begins) {
        sleep_lock_.reset(); // the devices are closed: it may sleep
    } else {
        callbacks_.resumed();
        hold_sleep();
    }
}

void SessionWatcher::hold_sleep() {
    sd_bus_message* raw = nullptr;
    check(sd_bus_message_new_method_call(bus_, &raw, service, "/org/freedesktop/login1",
                                         "org.freedesktop.login1.Manager", "Inhibit"),
          "make a call to logind");
    const Message call(raw);
    check(sd_bus_message_append(raw, "ssss", "sleep", "candord", "Closing the input devices", "delay"), "ask logind");
    // Refused or not answered: then the machine may sleep before the devices are closed, and they are at resume.
    lock_call_.call(bus_, raw);
}

void SessionWatcher::take_seat(sd_bus_message* reply) {
    if (sd_bus_message_is_method_error(reply, nullptr) != 0) {
        // No seat0 (a machine without a console) is an answer; anything else is not.
        const bool answered = sd_bus_message_is_method_error(reply, SD_BUS_ERROR_UNKNOWN_OBJECT) != 0;
        set(answered, std::nullopt);
        return;
    }
    const char* id = nullptr;
    const char* path = nullptr;
    if (sd_bus_message_read(reply, "v", "(so)", &id, &path) < 0) {
        set(false, std::nullopt);
        return;
    }
    if (*id == '\0') {
        set(true, std::nullopt);
        return;
    }
    session_path_ = path;
    const Message call = new_call(bus_, path, "GetAll");
    check(sd_bus_message_append(call.get(), "s", "org.freedesktop.login1.Session"), "ask logind");
    session_call_.call(bus_, call.get());
}

void SessionWatcher::take_session(sd_bus_message* reply) {
    if (sd_bus_message_is_method_error(reply, nullptr) != 0) {
        // It ended between the two calls; a signal about the next one follows.
        set(true, std::nullopt);
        return;
    }
    consent::Session session;
    session.uid = UINT32_MAX;
    int r = sd_bus_message_enter_container(reply, 'a', "{sv}");
    while (r >= 0 && (r = sd_bus_message_enter_container(reply, 'e', "sv")) > 0) {
        const char* name = nullptr;
        r = sd_bus_message_read(reply, "s", &name);
        if (r >= 0) {
            r = read_property(reply, name, session);
        }
        if (r >= 0) {
            r = sd_bus_message_exit_container(reply);
        }
    }
    if (r < 0 || session.uid == UINT32_MAX) {
        set(false, std::nullopt);
        return;
    }
    set(true, session);
}

void SessionWatcher::set(bool reachable, std::optional<consent::Session> session) {
    if (reachable == reachable_ && session == session_) {
        return;
    }
    reachable_ = reachable;
    session_ = std::move(session);
    callbacks_.changed();
}

} // namespace candor::daemon
