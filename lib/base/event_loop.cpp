// SPDX-License-Identifier: Apache-2.0
#include "base/event_loop.h"

#include "base/error.h"
#include "base/unique_fd.h"

#include <csignal>
#include <sys/epoll.h>
#include <sys/timerfd.h>

#include <stdexcept>

namespace candor {

// The callback is declared before the source, so that the source dies first and never calls into a dead callback.
struct EventLoop::Source::Node {
    EventLoop& loop;
    std::function<void(std::uint32_t)> callback;
    UniqueFd owned_fd;
    Handle<sd_event_source, sd_event_source_disable_unref> source;
    bool running = false;
    bool orphaned = false;
};

// A callback may remove its own source: its node is then freed when the callback has returned.
void EventLoop::Source::Deleter::operator()(Node* node) const noexcept {
    node->source.reset();
    node->orphaned = true;
    if (!node->running) {
        delete node;
    }
}

void EventLoop::Source::set_priority(std::int64_t priority) {
    check(sd_event_source_set_priority(node_->source.get(), priority), "set an event source's priority");
}

void EventLoop::Source::set_io_events(std::uint32_t events) {
    check(sd_event_source_set_io_events(node_->source.get(), events), "set an event source's events");
}

void EventLoop::Source::arm(std::chrono::microseconds delay) {
    check(sd_event_source_set_time_relative(node_->source.get(), static_cast<std::uint64_t>(delay.count())),
          "set a timer");
    check(sd_event_source_set_enabled(node_->source.get(), SD_EVENT_ONESHOT), "start a timer");
}

void EventLoop::Source::disarm() {
    check(sd_event_source_set_enabled(node_->source.get(), SD_EVENT_OFF), "stop a timer");
}

namespace {

template <typename Node> int call(void* userdata, std::uint32_t argument) noexcept {
    auto* node = static_cast<Node*>(userdata);
    node->running = true;
    const int result = node->loop.guard([&] { node->callback(argument); });
    node->running = false;
    if (node->orphaned) {
        delete node;
    }
    return result;
}

} // namespace

EventLoop::EventLoop() {
    sd_event* event = nullptr;
    check(sd_event_new(&event), "make an event loop");
    event_.reset(event);
}

EventLoop::~EventLoop() = default;

EventLoop::Source EventLoop::add_io(int fd, std::uint32_t epoll_events, std::function<void(std::uint32_t)> callback) {
    Source result;
    result.node_.reset(new Source::Node{*this, std::move(callback), UniqueFd(), nullptr, false, false});
    sd_event_source* source = nullptr;
    check(
        sd_event_add_io(
            event_.get(), &source, fd, epoll_events,
            [](sd_event_source*, int, std::uint32_t revents, void* data) { return call<Source::Node>(data, revents); },
            result.node_.get()),
        "watch a descriptor");
    result.node_->source.reset(source);
    return result;
}

EventLoop::Source EventLoop::add_timer(std::function<void()> callback, std::chrono::microseconds slack) {
    Source result;
    result.node_.reset(new Source::Node{*this, [callback = std::move(callback)](std::uint32_t) { callback(); },
                                        UniqueFd(), nullptr, false, false});
    sd_event_source* source = nullptr;
    check(sd_event_add_time(
              event_.get(), &source, CLOCK_MONOTONIC, UINT64_MAX, static_cast<std::uint64_t>(slack.count()),
              [](sd_event_source*, std::uint64_t, void* data) { return call<Source::Node>(data, 0); },
              result.node_.get()),
          "add a timer");
    result.node_->source.reset(source);
    result.disarm();
    return result;
}

EventLoop::Source EventLoop::add_signal(int signal, std::function<void()> callback) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, signal);
    if (const int error = pthread_sigmask(SIG_BLOCK, &set, nullptr); error != 0) {
        throw_errno("block a signal", error);
    }
    Source result;
    result.node_.reset(new Source::Node{*this, [callback = std::move(callback)](std::uint32_t) { callback(); },
                                        UniqueFd(), nullptr, false, false});
    sd_event_source* source = nullptr;
    check(sd_event_add_signal(
              event_.get(), &source, signal,
              [](sd_event_source*, const signalfd_siginfo*, void* data) { return call<Source::Node>(data, 0); },
              result.node_.get()),
          "watch a signal");
    result.node_->source.reset(source);
    return result;
}

EventLoop::Source EventLoop::add_clock_step(std::function<void()> callback) {
    UniqueFd timer(::timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC));
    if (!timer) {
        throw_errno("watch the clock");
    }
    const auto rearm = [fd = timer.get()] {
        // Far in the future: it never fires, it is only cancelled by a step.
        itimerspec far{};
        far.it_value.tv_sec = 0x7fffffff;
        far.it_value.tv_sec *= 4;
        if (::timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &far, nullptr) < 0) {
            throw_errno("watch the clock");
        }
    };
    rearm();
    const int fd = timer.get();
    Source result = add_io(fd, EPOLLIN, [fd, rearm, callback = std::move(callback)](std::uint32_t) {
        std::uint64_t expirations = 0;
        if (::read(fd, &expirations, sizeof expirations) >= 0 || errno == ECANCELED) {
            rearm();
            callback();
        }
    });
    result.node_->owned_fd = std::move(timer);
    return result;
}

EventLoop::Source EventLoop::add_defer(std::function<void()> callback) {
    Source result;
    result.node_.reset(new Source::Node{*this, [callback = std::move(callback)](std::uint32_t) { callback(); },
                                        UniqueFd(), nullptr, false, false});
    sd_event_source* source = nullptr;
    check(sd_event_add_defer(
              event_.get(), &source, [](sd_event_source*, void* data) { return call<Source::Node>(data, 0); },
              result.node_.get()),
          "add a deferred call");
    result.node_->source.reset(source);
    return result;
}

void EventLoop::fail(std::exception_ptr error) noexcept {
    if (!error_) {
        error_ = std::move(error);
    }
    stop();
}

void EventLoop::rethrow() {
    if (error_) {
        std::rethrow_exception(std::exchange(error_, nullptr));
    }
}

void EventLoop::run() {
    const int result = sd_event_loop(event_.get());
    rethrow();
    check(result, "run the event loop");
}

bool EventLoop::run_once(std::chrono::microseconds timeout) {
    const int result = sd_event_run(event_.get(), static_cast<std::uint64_t>(timeout.count()));
    rethrow();
    return check(result, "run the event loop") > 0;
}

void EventLoop::stop() noexcept { sd_event_exit(event_.get(), 0); }

void EventLoop::enable_watchdog() { check(sd_event_set_watchdog(event_.get(), 1), "answer the watchdog"); }

} // namespace candor
