// SPDX-License-Identifier: Apache-2.0
#include "input/libinput_translator.h"

#include "input/abstract_events.h"

#include <linux/input-event-codes.h>

#include <algorithm>
#include <cmath>

namespace candor::input {
namespace {

using namespace abstract;

// Ten fingers, each with a slot and two coordinates, leave this far away.
constexpr std::size_t max_touches = 1000;

std::int32_t fixed(double value, double one, double low, double high) noexcept {
    return std::isfinite(value) ? static_cast<std::int32_t>(std::lround(std::clamp(value, low, high) * one)) : 0;
}

std::int32_t share(double value) noexcept { return fixed(value, 65535, 0, 1); }
std::int32_t degrees(double value) noexcept { return fixed(value, 256, -100000, 100000); }

} // namespace

std::int32_t Carried::take(double value) noexcept {
    if (!std::isfinite(value)) {
        return 0;
    }
    const double exact = std::clamp(value, -1e6, 1e6) * 256 + rest_;
    const double whole = std::round(exact);
    rest_ = exact - whole;
    return static_cast<std::int32_t>(whole);
}

void LibinputTranslator::start() { events_.clear(); }

void LibinputTranslator::add(std::uint16_t type, std::uint16_t code, std::int32_t value) {
    events_.push_back({type, code, value});
}

LibinputTranslator::Events LibinputTranslator::motion(double dx, double dy) {
    start();
    if (const std::int32_t value = dx_.take(dx); value != 0) {
        add(pointer, pointer_code::dx, value);
    }
    if (const std::int32_t value = dy_.take(dy); value != 0) {
        add(pointer, pointer_code::dy, value);
    }
    return events_;
}

LibinputTranslator::Events LibinputTranslator::position(double x, double y) {
    start();
    add(pointer, pointer_code::x, share(x));
    add(pointer, pointer_code::y, share(y));
    return events_;
}

LibinputTranslator::Events LibinputTranslator::key(std::uint32_t code, bool pressed) {
    start();
    if (code <= KEY_MAX) {
        add(EV_KEY, static_cast<std::uint16_t>(code), pressed ? 1 : 0);
    }
    return events_;
}

LibinputTranslator::Events LibinputTranslator::scroll(ScrollSource source, std::optional<double> vertical,
                                                      std::optional<double> horizontal) {
    start();
    const auto first = static_cast<std::uint16_t>(2 * static_cast<unsigned>(source));
    const auto one = [&](std::uint16_t code, std::optional<double> value, Carried& carried) {
        if (!value) {
            return;
        }
        if (source == ScrollSource::wheel) {
            // A wheel's event names an axis that did not move with a 0; elsewhere a 0 is the end of the scrolling.
            if (const std::int32_t v120 = fixed(*value, 1, -1e6, 1e6); v120 != 0) {
                add(abstract::scroll, code, v120);
            }
        } else if (*value == 0) {
            add(abstract::scroll, code, 0);
            carried = Carried();
        } else if (const std::int32_t moved = carried.take(*value); moved != 0) {
            add(abstract::scroll, code, moved);
        }
    };
    one(first, vertical, scroll_vertical_);
    one(static_cast<std::uint16_t>(first + 1), horizontal, scroll_horizontal_);
    return events_;
}

bool LibinputTranslator::add_touch(std::uint16_t code, std::int32_t slot) {
    if (touches_.size() >= max_touches) {
        return false;
    }
    touches_.push_back({touch, code, slot});
    return true;
}

void LibinputTranslator::add_touch(std::uint16_t code, std::int32_t slot, double x, double y) {
    if (add_touch(code, slot)) {
        touches_.push_back({touch, touch_code::x, share(x)});
        touches_.push_back({touch, touch_code::y, share(y)});
    }
}

void LibinputTranslator::touch_down(std::int32_t slot, double x, double y) { add_touch(touch_code::down, slot, x, y); }
void LibinputTranslator::touch_motion(std::int32_t slot, double x, double y) {
    add_touch(touch_code::motion, slot, x, y);
}
void LibinputTranslator::touch_up(std::int32_t slot) { add_touch(touch_code::up, slot); }
void LibinputTranslator::touch_cancel(std::int32_t slot) { add_touch(touch_code::cancel, slot); }

LibinputTranslator::Events LibinputTranslator::frame() {
    events_.swap(touches_);
    touches_.clear();
    return events_;
}

LibinputTranslator::Events LibinputTranslator::gesture_begin(GestureKind kind, int fingers) {
    start();
    gesture_dx_ = gesture_dy_ = gesture_angle_ = Carried();
    add(gesture, static_cast<std::uint16_t>(3 * static_cast<unsigned>(kind)), fingers);
    return events_;
}

LibinputTranslator::Events LibinputTranslator::gesture_update(GestureKind kind, int fingers, double dx, double dy,
                                                              double scale, double angle) {
    start();
    const bool pinch = kind == GestureKind::pinch;
    add(gesture, pinch ? gesture_code::pinch_update : gesture_code::swipe_update, fingers);
    add(gesture, gesture_code::dx, gesture_dx_.take(dx));
    add(gesture, gesture_code::dy, gesture_dy_.take(dy));
    if (pinch) {
        add(gesture, gesture_code::scale, fixed(scale, 65536, 0, 1000));
        add(gesture, gesture_code::angle, gesture_angle_.take(angle));
    }
    return events_;
}

LibinputTranslator::Events LibinputTranslator::gesture_end(GestureKind kind, int fingers, bool cancelled) {
    start();
    switch (kind) {
    case GestureKind::swipe:
        add(gesture, gesture_code::swipe_end, fingers);
        break;
    case GestureKind::pinch:
        add(gesture, gesture_code::pinch_end, fingers);
        break;
    case GestureKind::hold:
        add(gesture, gesture_code::hold_end, fingers);
        break;
    }
    if (cancelled) {
        add(gesture, gesture_code::cancelled, 1);
    }
    return events_;
}

void LibinputTranslator::add_axes(const PenAxes& axes) {
    const auto one = [&](std::uint16_t code, std::optional<double> value, auto&& convert) {
        if (value) {
            add(tablet, code, convert(*value));
        }
    };
    one(tablet_code::x, axes.x, share);
    one(tablet_code::y, axes.y, share);
    one(tablet_code::pressure, axes.pressure, share);
    one(tablet_code::distance, axes.distance, share);
    one(tablet_code::tilt_x, axes.tilt_x, degrees);
    one(tablet_code::tilt_y, axes.tilt_y, degrees);
    one(tablet_code::rotation, axes.rotation, degrees);
    one(tablet_code::slider, axes.slider, [](double value) { return fixed(value, 65535, -1, 1); });
    one(tablet_code::wheel, axes.wheel, [&](double value) { return wheel_.take(value); });
}

LibinputTranslator::Events LibinputTranslator::pen_proximity(bool in, int tool, const PenAxes& axes) {
    start();
    add(tablet, tablet_code::proximity, in ? 1 : 0);
    if (in) {
        add(tablet, tablet_code::tool, tool);
        add_axes(axes);
    }
    return events_;
}

LibinputTranslator::Events LibinputTranslator::pen_axes(const PenAxes& axes) {
    start();
    add_axes(axes);
    return events_;
}

LibinputTranslator::Events LibinputTranslator::pen_tip(bool down, const PenAxes& axes) {
    start();
    add(tablet, tablet_code::tip, down ? 1 : 0);
    add_axes(axes);
    return events_;
}

} // namespace candor::input
