// SPDX-License-Identifier: Apache-2.0
#include "input/libinput_reader.h"

#include <fcntl.h>
#include <linux/input.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace candor::input {

struct LibinputReader::Device {
    std::uint32_t index;
    std::string node;
    libinput_device* handle; ///< libinput's, alive until its removal
    std::uint64_t last_us;
    LibinputTranslator translator;
};

namespace {

PenAxes pen_axes(libinput_event_tablet_tool* event) {
    PenAxes axes;
    if (libinput_event_tablet_tool_x_has_changed(event) != 0) {
        axes.x = libinput_event_tablet_tool_get_x_transformed(event, 1);
    }
    if (libinput_event_tablet_tool_y_has_changed(event) != 0) {
        axes.y = libinput_event_tablet_tool_get_y_transformed(event, 1);
    }
    if (libinput_event_tablet_tool_pressure_has_changed(event) != 0) {
        axes.pressure = libinput_event_tablet_tool_get_pressure(event);
    }
    if (libinput_event_tablet_tool_distance_has_changed(event) != 0) {
        axes.distance = libinput_event_tablet_tool_get_distance(event);
    }
    if (libinput_event_tablet_tool_tilt_x_has_changed(event) != 0) {
        axes.tilt_x = libinput_event_tablet_tool_get_tilt_x(event);
    }
    if (libinput_event_tablet_tool_tilt_y_has_changed(event) != 0) {
        axes.tilt_y = libinput_event_tablet_tool_get_tilt_y(event);
    }
    if (libinput_event_tablet_tool_rotation_has_changed(event) != 0) {
        axes.rotation = libinput_event_tablet_tool_get_rotation(event);
    }
    if (libinput_event_tablet_tool_slider_has_changed(event) != 0) {
        axes.slider = libinput_event_tablet_tool_get_slider_position(event);
    }
    if (libinput_event_tablet_tool_wheel_has_changed(event) != 0) {
        axes.wheel = libinput_event_tablet_tool_get_wheel_delta(event);
    }
    return axes;
}

void enable_tapping(libinput_device* device) {
    if (libinput_device_config_tap_get_finger_count(device) > 0) {
        libinput_device_config_tap_set_enabled(device, LIBINPUT_CONFIG_TAP_ENABLED);
    }
}

GestureKind gesture_kind(libinput_event_type type) noexcept {
    switch (type) {
    case LIBINPUT_EVENT_GESTURE_PINCH_BEGIN:
    case LIBINPUT_EVENT_GESTURE_PINCH_UPDATE:
    case LIBINPUT_EVENT_GESTURE_PINCH_END:
        return GestureKind::pinch;
    case LIBINPUT_EVENT_GESTURE_HOLD_BEGIN:
    case LIBINPUT_EVENT_GESTURE_HOLD_END:
        return GestureKind::hold;
    default:
        return GestureKind::swipe;
    }
}

LibinputTranslator::Events scroll(LibinputTranslator& translator, libinput_event_pointer* event, ScrollSource source) {
    const auto axis = [&](libinput_pointer_axis which) -> std::optional<double> {
        if (libinput_event_pointer_has_axis(event, which) == 0) {
            return std::nullopt;
        }
        return source == ScrollSource::wheel ? libinput_event_pointer_get_scroll_value_v120(event, which)
                                             : libinput_event_pointer_get_scroll_value(event, which);
    };
    return translator.scroll(source, axis(LIBINPUT_POINTER_AXIS_SCROLL_VERTICAL),
                             axis(LIBINPUT_POINTER_AXIS_SCROLL_HORIZONTAL));
}

} // namespace

LibinputReader::LibinputReader(ReaderSink& sink, Clock clock) : sink_(sink), clock_(clock) {
    static constexpr libinput_interface interface {
        &LibinputReader::open_restricted, &LibinputReader::close_restricted
    };
    context_.reset(libinput_path_create_context(&interface, this));
    if (!context_) {
        throw std::runtime_error("cannot make a libinput context");
    }
    libinput_log_set_handler(context_.get(), &LibinputReader::log);
    libinput_log_set_priority(context_.get(), LIBINPUT_LOG_PRIORITY_INFO);
}

LibinputReader::~LibinputReader() { close(); }

// The devices stay: a packet that is being told lies in one of their translators.
void LibinputReader::revoke() noexcept {
    for (const int fd : open_fds_) {
        // Refused only where the device is gone, and nothing comes anyway.
        static_cast<void>(::ioctl(fd, EVIOCREVOKE, nullptr));
    }
}

void LibinputReader::close() noexcept {
    context_.reset();
    for (const int fd : open_fds_) {
        ::close(fd);
    }
    open_fds_.clear();
}

int LibinputReader::fd() const noexcept { return libinput_get_fd(context_.get()); }

int LibinputReader::open_restricted(const char* path, int, void* data) {
    auto* self = static_cast<LibinputReader*>(data);
    const int fd = ::open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
        self->last_error_ = errno;
        return -self->last_error_;
    }
    self->open_fds_.push_back(fd);
    return fd;
}

void LibinputReader::close_restricted(int fd, void* data) {
    auto* self = static_cast<LibinputReader*>(data);
    std::erase(self->open_fds_, fd);
    ::close(fd);
}

// Called by C code: it only takes a note, which handle_log() acts on.
void LibinputReader::log(libinput* context, libinput_log_priority, const char* format, va_list arguments) {
    std::array<char, 512> line{};
    std::vsnprintf(line.data(), line.size(), format, arguments);
    const std::string_view text(line.data());
    auto* self = static_cast<LibinputReader*>(libinput_get_user_data(context));
    if (text.find("SYN_DROPPED") != std::string_view::npos) {
        self->log_.push_back({std::string(log_subject(text)), Log::dropped});
    } else if (text.find("log rate limit exceeded") != std::string_view::npos && !self->log_.empty() &&
               self->log_.back().what == Log::dropped && self->log_.back().subject == log_subject(text)) {
        self->log_.back().what = Log::muted;
    }
}

std::string_view LibinputReader::log_subject(std::string_view line) noexcept {
    return line.substr(0, std::min(line.find_first_of(" :"), line.size()));
}

std::expected<void, Refusal> LibinputReader::add(const std::string& node, std::uint32_t device) {
    last_error_ = 0;
    libinput_device* handle = libinput_path_add_device(context_.get(), node.c_str());
    if (handle == nullptr) {
        return std::unexpected(Refusal{"cannot open " + node + ": " +
                                       (last_error_ != 0 ? std::strerror(last_error_) : "libinput cannot use it")});
    }
    enable_tapping(handle);
    devices_[device].reset(new Device{device, node, handle, clock_(), {}});
    return {};
}

void LibinputReader::remove(std::uint32_t device) {
    if (const auto found = devices_.find(device); found != devices_.end() && context_) {
        libinput_path_remove_device(found->second->handle);
        devices_.erase(found);
    }
}

void LibinputReader::lose(std::uint32_t device) {
    if (const auto found = devices_.find(device); found != devices_.end() && context_) {
        const auto lost = std::move(found->second);
        devices_.erase(found);
        libinput_path_remove_device(lost->handle);
        tell_hole(*lost, HoleReason::device_gone);
    }
}

LibinputReader::Device* LibinputReader::find(libinput_device* handle) {
    const auto found = std::find_if(devices_.begin(), devices_.end(),
                                    [&](const auto& entry) { return entry.second->handle == handle; });
    return found == devices_.end() ? nullptr : found->second.get();
}

void LibinputReader::tell_hole(Device& device, HoleReason reason) {
    const std::uint64_t from = device.last_us;
    device.last_us = std::max(from, clock_());
    sink_.on_hole({device.index, reason, from, device.last_us, std::nullopt});
}

void LibinputReader::handle_log(std::vector<std::uint32_t>& gone) {
    for (const LogEntry& entry : std::exchange(log_, {})) {
        const auto found = std::find_if(devices_.begin(), devices_.end(), [&](const auto& device) {
            return std::string_view(device.second->node).ends_with("/" + entry.subject);
        });
        if (found == devices_.end()) {
            continue;
        }
        Device& device = *found->second;
        if (entry.what == Log::muted) {
            const std::string node = device.node;
            const std::uint32_t index = device.index;
            libinput_path_remove_device(device.handle);
            device.handle = libinput_path_add_device(context_.get(), node.c_str());
            device.translator = {};
            if (device.handle == nullptr) {
                const auto lost = std::move(found->second);
                devices_.erase(found);
                gone.push_back(index);
                tell_hole(*lost, HoleReason::device_gone);
                if (!context_) {
                    return;
                }
                continue;
            }
            enable_tapping(device.handle);
        }
        tell_hole(device, HoleReason::dropped_by_kernel);
        if (!context_) {
            return;
        }
    }
}

std::vector<std::uint32_t> LibinputReader::dispatch() {
    std::vector<std::uint32_t> gone;
    if (!context_) {
        return gone;
    }
    if (const int error = libinput_dispatch(context_.get()); error < 0 && error != -EAGAIN && error != -EINTR) {
        throw_errno("read from libinput", -error);
    }
    using EventHandle = Handle<libinput_event, libinput_event_destroy>;
    while (EventHandle event{libinput_get_event(context_.get())}) {
        Device* device = find(libinput_event_get_device(event.get()));
        if (device == nullptr) {
            continue;
        }
        if (libinput_event_get_type(event.get()) == LIBINPUT_EVENT_DEVICE_REMOVED) {
            const auto found = devices_.find(device->index);
            const auto lost = std::move(found->second);
            devices_.erase(found);
            gone.push_back(lost->index);
            event.reset();
            tell_hole(*lost, HoleReason::device_gone);
        } else {
            std::uint64_t time = 0;
            const auto events = translate(*device, event.get(), time);
            // Destroyed before the sink is called, which may close the context.
            event.reset();
            if (!events.empty()) {
                device->last_us = std::max(device->last_us, time);
                sink_.on_packet({device->index, device->last_us, events});
            }
        }
        if (!context_) {
            return gone;
        }
    }
    handle_log(gone);
    return gone;
}

LibinputTranslator::Events LibinputReader::translate(Device& device, libinput_event* event, std::uint64_t& time_us) {
    LibinputTranslator& to = device.translator;
    const libinput_event_type type = libinput_event_get_type(event);
    switch (type) {
    case LIBINPUT_EVENT_KEYBOARD_KEY: {
        auto* key = libinput_event_get_keyboard_event(event);
        time_us = libinput_event_keyboard_get_time_usec(key);
        return to.key(libinput_event_keyboard_get_key(key),
                      libinput_event_keyboard_get_key_state(key) == LIBINPUT_KEY_STATE_PRESSED);
    }
    case LIBINPUT_EVENT_POINTER_MOTION:
    case LIBINPUT_EVENT_POINTER_MOTION_ABSOLUTE:
    case LIBINPUT_EVENT_POINTER_BUTTON:
    case LIBINPUT_EVENT_POINTER_SCROLL_WHEEL:
    case LIBINPUT_EVENT_POINTER_SCROLL_FINGER:
    case LIBINPUT_EVENT_POINTER_SCROLL_CONTINUOUS: {
        auto* pointer = libinput_event_get_pointer_event(event);
        time_us = libinput_event_pointer_get_time_usec(pointer);
        switch (type) {
        case LIBINPUT_EVENT_POINTER_MOTION:
            return to.motion(libinput_event_pointer_get_dx_unaccelerated(pointer),
                             libinput_event_pointer_get_dy_unaccelerated(pointer));
        case LIBINPUT_EVENT_POINTER_MOTION_ABSOLUTE:
            return to.position(libinput_event_pointer_get_absolute_x_transformed(pointer, 1),
                               libinput_event_pointer_get_absolute_y_transformed(pointer, 1));
        case LIBINPUT_EVENT_POINTER_BUTTON:
            return to.key(libinput_event_pointer_get_button(pointer),
                          libinput_event_pointer_get_button_state(pointer) == LIBINPUT_BUTTON_STATE_PRESSED);
        case LIBINPUT_EVENT_POINTER_SCROLL_WHEEL:
            return scroll(to, pointer, ScrollSource::wheel);
        case LIBINPUT_EVENT_POINTER_SCROLL_FINGER:
            return scroll(to, pointer, ScrollSource::finger);
        default:
            return scroll(to, pointer, ScrollSource::continuous);
        }
    }
    case LIBINPUT_EVENT_TOUCH_DOWN:
    case LIBINPUT_EVENT_TOUCH_MOTION: {
        auto* touch = libinput_event_get_touch_event(event);
        const std::int32_t slot = libinput_event_touch_get_slot(touch);
        const double x = libinput_event_touch_get_x_transformed(touch, 1);
        const double y = libinput_event_touch_get_y_transformed(touch, 1);
        if (type == LIBINPUT_EVENT_TOUCH_DOWN) {
            to.touch_down(slot, x, y);
        } else {
            to.touch_motion(slot, x, y);
        }
        return {};
    }
    case LIBINPUT_EVENT_TOUCH_UP:
        to.touch_up(libinput_event_touch_get_slot(libinput_event_get_touch_event(event)));
        return {};
    case LIBINPUT_EVENT_TOUCH_CANCEL:
        to.touch_cancel(libinput_event_touch_get_slot(libinput_event_get_touch_event(event)));
        return {};
    case LIBINPUT_EVENT_TOUCH_FRAME:
        time_us = libinput_event_touch_get_time_usec(libinput_event_get_touch_event(event));
        return to.frame();
    case LIBINPUT_EVENT_GESTURE_SWIPE_BEGIN:
    case LIBINPUT_EVENT_GESTURE_PINCH_BEGIN:
    case LIBINPUT_EVENT_GESTURE_HOLD_BEGIN: {
        auto* gesture = libinput_event_get_gesture_event(event);
        time_us = libinput_event_gesture_get_time_usec(gesture);
        return to.gesture_begin(gesture_kind(type), libinput_event_gesture_get_finger_count(gesture));
    }
    case LIBINPUT_EVENT_GESTURE_SWIPE_UPDATE:
    case LIBINPUT_EVENT_GESTURE_PINCH_UPDATE: {
        auto* gesture = libinput_event_get_gesture_event(event);
        time_us = libinput_event_gesture_get_time_usec(gesture);
        const bool pinch = type == LIBINPUT_EVENT_GESTURE_PINCH_UPDATE;
        return to.gesture_update(gesture_kind(type), libinput_event_gesture_get_finger_count(gesture),
                                 libinput_event_gesture_get_dx_unaccelerated(gesture),
                                 libinput_event_gesture_get_dy_unaccelerated(gesture),
                                 pinch ? libinput_event_gesture_get_scale(gesture) : 1,
                                 pinch ? libinput_event_gesture_get_angle_delta(gesture) : 0);
    }
    case LIBINPUT_EVENT_GESTURE_SWIPE_END:
    case LIBINPUT_EVENT_GESTURE_PINCH_END:
    case LIBINPUT_EVENT_GESTURE_HOLD_END: {
        auto* gesture = libinput_event_get_gesture_event(event);
        time_us = libinput_event_gesture_get_time_usec(gesture);
        return to.gesture_end(gesture_kind(type), libinput_event_gesture_get_finger_count(gesture),
                              libinput_event_gesture_get_cancelled(gesture) != 0);
    }
    case LIBINPUT_EVENT_TABLET_TOOL_PROXIMITY:
    case LIBINPUT_EVENT_TABLET_TOOL_AXIS:
    case LIBINPUT_EVENT_TABLET_TOOL_TIP:
    case LIBINPUT_EVENT_TABLET_TOOL_BUTTON: {
        auto* pen = libinput_event_get_tablet_tool_event(event);
        time_us = libinput_event_tablet_tool_get_time_usec(pen);
        switch (type) {
        case LIBINPUT_EVENT_TABLET_TOOL_PROXIMITY:
            return to.pen_proximity(
                libinput_event_tablet_tool_get_proximity_state(pen) == LIBINPUT_TABLET_TOOL_PROXIMITY_STATE_IN,
                libinput_tablet_tool_get_type(libinput_event_tablet_tool_get_tool(pen)), pen_axes(pen));
        case LIBINPUT_EVENT_TABLET_TOOL_TIP:
            return to.pen_tip(libinput_event_tablet_tool_get_tip_state(pen) == LIBINPUT_TABLET_TOOL_TIP_DOWN,
                              pen_axes(pen));
        case LIBINPUT_EVENT_TABLET_TOOL_BUTTON:
            return to.key(libinput_event_tablet_tool_get_button(pen),
                          libinput_event_tablet_tool_get_button_state(pen) == LIBINPUT_BUTTON_STATE_PRESSED);
        default:
            return to.pen_axes(pen_axes(pen));
        }
    }
    default:
        return {};
    }
}

} // namespace candor::input
