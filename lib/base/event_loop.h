// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/handle.h"

#include <systemd/sd-event.h>

#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>

namespace candor {

/// One sd-event loop, one thread. Callbacks are C++: an exception that leaves one stops the loop and is thrown again by
/// run(). Nothing is swallowed.
class EventLoop {
public:
    /// A source keeps calling back for as long as it lives. Declare it after what its callback uses, so that it dies first.
    class Source {
    public:
        Source() noexcept = default;
        explicit operator bool() const noexcept { return node_ != nullptr; }
        void reset() noexcept { node_.reset(); }

        /// Higher is later; SD_EVENT_PRIORITY_NORMAL is 0. Throws on a source that was reset.
        void set_priority(std::int64_t priority);
        /// Which epoll events an io source waits for.
        void set_io_events(std::uint32_t events);
        /// Starts or moves a timer: `delay` from now, once.
        void arm(std::chrono::microseconds delay);
        /// Stops a timer without removing it.
        void disarm();

    private:
        friend class EventLoop;
        struct Node;
        struct Deleter {
            void operator()(Node* node) const noexcept;
        };
        std::unique_ptr<Node, Deleter> node_;
    };

    EventLoop();
    ~EventLoop();
    EventLoop(const EventLoop&) = delete;
    EventLoop& operator=(const EventLoop&) = delete;

    /// `callback(revents)`; the descriptor stays the caller's and must outlive the source.
    [[nodiscard]] Source add_io(int fd, std::uint32_t epoll_events, std::function<void(std::uint32_t)> callback);
    /// A disarmed timer on CLOCK_MONOTONIC. `slack` lets the kernel join wake-ups.
    [[nodiscard]] Source add_timer(std::function<void()> callback,
                                   std::chrono::microseconds slack = std::chrono::milliseconds(50));
    /// The signal is blocked here and arrives as a callback.
    [[nodiscard]] Source add_signal(int signal, std::function<void()> callback);
    /// Called after the discontinuous change of the wall clock (timerfd's TFD_TIMER_CANCEL_ON_SET).
    [[nodiscard]] Source add_clock_step(std::function<void()> callback);
    /// Once, in the next turn of the loop.
    [[nodiscard]] Source add_defer(std::function<void()> callback);

    /// Runs until stop(); throws what a callback threw.
    void run();
    /// One turn, waiting `timeout` at most; false when nothing happened. For tests.
    bool run_once(std::chrono::microseconds timeout);
    void stop() noexcept;

    /// Answers systemd's watchdog where the unit asks for it (sd_event_set_watchdog).
    void enable_watchdog();

    /// For libraries that attach themselves (sd-bus, sd-device).
    [[nodiscard]] sd_event* get() const noexcept { return event_.get(); }

    /// Runs `body` with the loop's exception rule; for C callbacks of libraries that attached themselves.
    template <typename Body> int guard(Body&& body) noexcept {
        try {
            body();
            return 0;
        } catch (...) {
            fail(std::current_exception());
            return -1;
        }
    }

private:
    void fail(std::exception_ptr error) noexcept;
    void rethrow();

    Handle<sd_event, sd_event_unref> event_;
    std::exception_ptr error_;
};

} // namespace candor
