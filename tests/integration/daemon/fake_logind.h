// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/handle.h"
#include "base/unique_fd.h"

#include <systemd/sd-bus.h>

#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace candor::test {

/// The one session of the seat.
struct FakeSession {
    std::string id = "1";
    std::uint32_t uid = 0;
    std::string session_class = "user";
    bool active = true;
    bool locked = false;
    bool remote = false;
};

/// org.freedesktop.login1 with a seat0 and at most one session, in a thread of its own. What is set has been signalled when the
/// call returns.
class FakeLogind {
public:
    /// Nothing: nobody is logged in.
    FakeLogind(const std::string& address, std::optional<FakeSession> session);
    ~FakeLogind();
    FakeLogind(const FakeLogind&) = delete;
    FakeLogind& operator=(const FakeLogind&) = delete;

    void set(std::optional<FakeSession> session);
    /// A machine without a console.
    void remove_seat();
    /// The machine is about to sleep, or has slept.
    void prepare_for_sleep(bool begins);
    /// How many hold its sleep off.
    [[nodiscard]] std::size_t sleep_locks();
    /// It still owns its name, and answers nothing that makes sense.
    void go_mad();
    /// It no longer says whose the session is.
    void forget_user();

private:
    void serve(const std::string& address, int ready);
    void run_on_thread(std::function<void()> body);
    void changed(const char* path, const char* interface, const char* property);
    int answer(sd_bus_message* call);
    int answer_session(sd_bus_message* call);
    int answer_inhibit(sd_bus_message* call);

    Handle<sd_bus, sd_bus_flush_close_unref> bus_;
    std::optional<FakeSession> session_;
    bool seat_ = true;
    bool mad_ = false;
    bool knows_user_ = true;
    bool stopping_ = false;
    std::vector<UniqueFd> sleep_locks_; ///< the read end of each; at its end when the other side has let go
    std::mutex mutex_;
    std::vector<std::function<void()>> work_;
    UniqueFd wake_;
    std::thread thread_;
};

} // namespace candor::test
