// SPDX-License-Identifier: Apache-2.0
#include "input/evdev_reader.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>

namespace candor::input {
namespace {

Refusal cannot_open(const std::string& node, int error) {
    return {"cannot open " + node + ": " + std::strerror(error)};
}

constexpr bool has_state(std::uint16_t type) noexcept {
    return type == EV_KEY || type == EV_ABS || type == EV_SW || type == EV_LED;
}

// Enough for a long stall, little enough that one flooding device does not hold up the loop.
constexpr int reads_per_turn = 16;

} // namespace

std::expected<std::unique_ptr<EvdevSource>, Refusal> EvdevSource::open(const std::string& node) {
    auto result = std::make_unique<EvdevSource>();
    result->fd_.reset(::open(node.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
    if (!result->fd_) {
        return std::unexpected(cannot_open(node, errno));
    }
    int clock = CLOCK_MONOTONIC;
    if (::ioctl(result->fd_.get(), EVIOCSCLOCKID, &clock) < 0) {
        return std::unexpected(cannot_open(node, errno));
    }
    libevdev* evdev = nullptr;
    if (const int error = libevdev_new_from_fd(result->fd_.get(), &evdev); error < 0) {
        return std::unexpected(cannot_open(node, -error));
    }
    result->evdev_.reset(evdev);
    return result;
}

long EvdevSource::read(std::span<input_event> into) {
    const ssize_t size = ::read(fd_.get(), into.data(), into.size_bytes());
    if (size < 0) {
        return -errno;
    }
    if (size == 0 || static_cast<std::size_t>(size) % sizeof(input_event) != 0) {
        return -EIO;
    }
    return static_cast<long>(static_cast<std::size_t>(size) / sizeof(input_event));
}

void EvdevSource::note(Event event) { libevdev_set_event_value(evdev_.get(), event.type, event.code, event.value); }

int EvdevSource::resync(std::vector<Event>& changes) {
    input_event event{};
    int status = libevdev_next_event(evdev_.get(), LIBEVDEV_READ_FLAG_FORCE_SYNC, &event);
    while (status == LIBEVDEV_READ_STATUS_SYNC || status == LIBEVDEV_READ_STATUS_SUCCESS) {
        status = libevdev_next_event(evdev_.get(), LIBEVDEV_READ_FLAG_SYNC, &event);
        if (status == LIBEVDEV_READ_STATUS_SYNC && event.type != EV_SYN) {
            changes.push_back({event.type, event.code, event.value});
        }
    }
    return status == -EAGAIN ? 0 : status;
}

EvdevReader::EvdevReader(std::uint32_t device, std::unique_ptr<EventSource> source, ReaderSink& sink, Clock clock)
    : device_(device), source_(std::move(source)), sink_(sink), clock_(clock), last_us_(clock()) {
    changes_.reserve(KEY_CNT);
}

std::uint64_t EvdevReader::forward(std::uint64_t time_us) noexcept {
    last_us_ = std::max(last_us_, time_us);
    return last_us_;
}

void EvdevReader::close() noexcept {
    source_.reset();
    state_ = State::closed;
}

void EvdevReader::lose() {
    if (state_ == State::open) {
        end(State::gone, "unplugged");
    }
}

void EvdevReader::end(State state, std::string reason) {
    source_.reset();
    state_ = state;
    reason_ = std::move(reason);
    const std::uint64_t from = last_us_;
    sink_.on_hole({device_, HoleReason::device_gone, from, forward(clock_()), std::nullopt});
}

EvdevReader::State EvdevReader::drain() {
    for (int turn = 0; turn < reads_per_turn && state_ == State::open; ++turn) {
        const long count = source_->read(buffer_);
        if (count == -EINTR) {
            continue;
        }
        if (count == -EAGAIN) {
            break;
        }
        if (count == -ENODEV) {
            end(State::gone, "unplugged");
            break;
        }
        if (count < 0) {
            end(State::failed, std::string("reading failed: ") + std::strerror(static_cast<int>(-count)));
            break;
        }
        take(std::span(buffer_).first(static_cast<std::size_t>(count)));
        // A short read has emptied the queue; epoll tells of what comes next.
        if (static_cast<std::size_t>(count) < buffer_.size()) {
            break;
        }
    }
    return state_;
}

void EvdevReader::take(std::span<const input_event> events) {
    for (const input_event& event : events) {
        const auto result = assembler_.feed({event.type, event.code, event.value});
        if (result == PacketAssembler::Result::incomplete) {
            continue;
        }
        const std::uint64_t from = last_us_;
        const std::uint64_t time = forward(static_cast<std::uint64_t>(event.input_event_sec) * 1'000'000 +
                                           static_cast<std::uint64_t>(event.input_event_usec));
        switch (result) {
        case PacketAssembler::Result::packet:
            for (const Event told : assembler_.packet()) {
                if (has_state(told.type)) {
                    source_->note(told);
                }
            }
            sink_.on_packet({device_, time, assembler_.packet()});
            break;
        case PacketAssembler::Result::damaged:
            sink_.on_hole({device_, HoleReason::damaged, from, time, assembler_.lost()});
            if (state_ == State::open) {
                resync();
            }
            return;
        case PacketAssembler::Result::resync:
            // Whatever else was read or queued is older than the state that is asked for now: it is part of the hole.
            last_us_ = from;
            resync();
            return;
        default:
            // Its time is no better than its type, and a half assembled packet before it is lost too.
            last_us_ = from;
            end(State::failed, "sent events that no kernel knows");
            return;
        }
        if (state_ != State::open) {
            return;
        }
    }
}

void EvdevReader::resync() {
    // Read before the state: whatever happens after it is stamped later.
    const std::uint64_t now = clock_();
    changes_.clear();
    const int error = source_->resync(changes_);
    if (error == -ENODEV) {
        end(State::gone, "unplugged");
        return;
    }
    if (error < 0) {
        end(State::failed, std::string("resynchronising failed: ") + std::strerror(-error));
        return;
    }
    assembler_.reset();
    const std::uint64_t from = last_us_;
    const std::uint64_t to = forward(now);
    sink_.on_hole({device_, HoleReason::dropped_by_kernel, from, to, std::nullopt});
    if (changes_.empty() || state_ != State::open) {
        return;
    }
    changes_.push_back({EV_SYN, SYN_REPORT, 0});
    sink_.on_packet({device_, to, changes_});
}

} // namespace candor::input
