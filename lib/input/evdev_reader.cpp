// SPDX-License-Identifier: Apache-2.0
#include "input/evdev_reader.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <iterator>
#include <utility>

namespace candor::input {
namespace {

Refusal cannot_open(const std::string& node, int error) {
    return {"cannot open " + node + ": " + std::strerror(error)};
}

constexpr bool has_state(std::uint16_t type) noexcept {
    return type == EV_KEY || type == EV_ABS || type == EV_SW || type == EV_LED;
}

// The kernel's masks; it has none for other types, which come or not as a whole.
constexpr std::uint16_t masked_types[] = {EV_KEY, EV_REL, EV_ABS, EV_MSC, EV_SW, EV_LED, EV_SND, EV_FF};

// Enough for a long stall, little enough that one flooding device does not hold up the loop.
constexpr int reads_per_turn = 16;

} // namespace

bool passes(const EventMask& mask, std::uint16_t type, std::uint16_t code) noexcept {
    if (type == EV_SYN || type >= mask.types.size()) {
        return true;
    }
    if (!mask.types.test(type)) {
        return false;
    }
    const auto codes = mask.codes.find(type);
    return codes == mask.codes.end() || code >= codes->second.size() || codes->second.test(code);
}

MaskWords mask_words(const EventMask& mask, std::uint16_t type) noexcept {
    constexpr std::size_t bits = 8 * sizeof(unsigned long);
    MaskWords words{};
    const std::size_t count = type == EV_SYN ? mask.types.size() : KEY_CNT;
    for (std::size_t i = 0; i < count; ++i) {
        const bool comes = type == EV_SYN ? passes(mask, static_cast<std::uint16_t>(i), UINT16_MAX)
                                          : passes(mask, type, static_cast<std::uint16_t>(i));
        if (comes) {
            words[i / bits] |= 1UL << i % bits;
        }
    }
    return words;
}

std::expected<std::unique_ptr<EvdevSource>, Refusal> EvdevSource::open(const std::string& node, const EventMask& mask) {
    auto result = std::make_unique<EvdevSource>();
    result->fd_.reset(::open(node.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
    if (!result->fd_) {
        return std::unexpected(cannot_open(node, errno));
    }
    int version = 0;
    if (::ioctl(result->fd_.get(), EVIOCGVERSION, &version) < 0) {
        return std::unexpected(cannot_open(node, errno));
    }
    if (const int error = result->set_mask(mask); error < 0) {
        return std::unexpected(
            Refusal{"cannot open " + node + ": its events cannot be masked: " + std::strerror(-error)});
    }
    // Behind the mask, because to change the clock throws away what is queued: what came between open() and the mask.
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

int EvdevSource::set_mask(const EventMask& mask) {
    const auto set = [&](std::uint16_t type) {
        const MaskWords words = mask_words(mask, type);
        const input_mask request{type, static_cast<std::uint32_t>(sizeof words),
                                 reinterpret_cast<std::uintptr_t>(words.data())};
        return ::ioctl(fd_.get(), EVIOCSMASK, &request) < 0 ? -errno : 0;
    };
    // Types that a kernel does not know it accepts: each error is a kernel that does not mask, or a device that is gone.
    int error = set(EV_SYN);
    for (const std::uint16_t type : masked_types) {
        error = error < 0 ? error : set(type);
    }
    return error;
}

void EvdevSource::revoke() noexcept {
    // Refused only where the device is gone, and nothing comes anyway.
    static_cast<void>(::ioctl(fd_.get(), EVIOCREVOKE, nullptr));
}

std::bitset<KEY_CNT> EvdevSource::held() const {
    std::bitset<KEY_CNT> keys;
    for (unsigned code = 0; code < KEY_CNT; ++code) {
        keys[code] = libevdev_get_event_value(evdev_.get(), EV_KEY, code) > 0;
    }
    return keys;
}

EvdevReader::EvdevReader(std::uint32_t device, std::unique_ptr<EventSource> source, ReaderSink& sink, Clock clock,
                         EventMask mask)
    : device_(device), source_(std::move(source)), sink_(sink), clock_(clock), mask_(std::move(mask)),
      earlier_(source_->held()), last_us_(clock()) {
    told_.reserve(PacketAssembler::max_events);
}

std::uint64_t EvdevReader::forward(std::uint64_t time_us) noexcept {
    last_us_ = std::max(last_us_, time_us);
    return last_us_;
}

EvdevReader::State EvdevReader::set_mask(const EventMask& mask) {
    if (state_ != State::open) {
        return state_;
    }
    // First, so that it holds for what the hole below lets the sink do.
    mask_ = mask;
    if (const int error = source_->set_mask(mask); error == -ENODEV) {
        end(State::gone, "unplugged");
    } else if (error < 0) {
        end(State::failed, std::string("masking failed: ") + std::strerror(-error));
    }
    return state_;
}

void EvdevReader::revoke() noexcept {
    if (state_ == State::open) {
        source_->revoke();
    }
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
            tell(time);
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

void EvdevReader::tell(std::uint64_t time_us) {
    std::span<const Event> events = assembler_.packet();
    const auto comes = [&](Event event) { return passes(mask_, event.type, event.code); };
    if (earlier_.any() || !std::all_of(events.begin(), events.end(), comes)) {
        told_.clear();
        std::copy_if(events.begin(), events.end(), std::back_inserter(told_), [&](Event event) { return lets(event); });
        if (told_.size() < events.size()) {
            // The scan code beside a key that is not told would tell it.
            std::erase_if(told_, [](Event event) { return event.type == EV_MSC; });
        }
        // As the kernel does: a packet of which nothing is left but its end does not come.
        if (told_.size() == 1) {
            return;
        }
        events = told_;
    }
    for (const Event event : events) {
        if (has_state(event.type)) {
            source_->note(event);
        }
    }
    sink_.on_packet({device_, time_us, events});
}

bool EvdevReader::lets(Event event) {
    if (!passes(mask_, event.type, event.code)) {
        return false;
    }
    if (event.type != EV_KEY || event.code >= earlier_.size() || !earlier_.test(event.code)) {
        return true;
    }
    if (event.value == 0) {
        source_->note(event);
    }
    // Another press: the release in between was lost.
    earlier_[event.code] = event.value > 1;
    return event.value == 1;
}

void EvdevReader::resync() {
    // Read before the state: whatever happens after it is stamped later.
    const std::uint64_t now = clock_();
    told_.clear();
    const int error = source_->resync(told_);
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
    if (state_ != State::open) {
        return;
    }
    // What was masked is as it was to the sink, which may have changed the mask just now.
    std::erase_if(told_, [&](Event change) { return !lets(change); });
    if (told_.empty()) {
        return;
    }
    told_.push_back({EV_SYN, SYN_REPORT, 0});
    sink_.on_packet({device_, to, told_});
}

} // namespace candor::input
