// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "input/packet.h"

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace candor::input {

/// A real number in 1/256, whose rounding error is carried into the next, so that the sum stays within 1/512.
class Carried {
public:
    [[nodiscard]] std::int32_t take(double value) noexcept;

private:
    double rest_ = 0;
};

enum class ScrollSource : std::uint8_t { wheel, finger, continuous };
enum class GestureKind : std::uint8_t { swipe, pinch, hold };

/// What a pen's event says; axes that did not change are absent. 0 to 1 unless noted.
struct PenAxes {
    std::optional<double> x, y, pressure, distance;
    std::optional<double> tilt_x, tilt_y, rotation; ///< degrees
    std::optional<double> slider;                   ///< -1 to 1
    std::optional<double> wheel;                    ///< degrees
};

/// Turns what libinput says of one device into events of abstract_events.h. Knows no libinput. Every call's result is one
/// packet, valid until the next call; empty when there is nothing to tell (yet).
class LibinputTranslator {
public:
    using Events = std::span<const Event>;

    [[nodiscard]] Events motion(double dx, double dy);
    /// 0 to 1 of the device's extent.
    [[nodiscard]] Events position(double x, double y);
    /// A button or key by the kernel's code.
    [[nodiscard]] Events key(std::uint32_t code, bool pressed);
    /// v120 of a wheel, libinput's units otherwise; absent where the event has no such axis.
    [[nodiscard]] Events scroll(ScrollSource source, std::optional<double> vertical, std::optional<double> horizontal);

    /// Touches are gathered until frame().
    void touch_down(std::int32_t slot, double x, double y);
    void touch_motion(std::int32_t slot, double x, double y);
    void touch_up(std::int32_t slot);
    void touch_cancel(std::int32_t slot);
    [[nodiscard]] Events frame();

    [[nodiscard]] Events gesture_begin(GestureKind kind, int fingers);
    /// `scale` and `angle` for a pinch.
    [[nodiscard]] Events gesture_update(GestureKind kind, int fingers, double dx, double dy, double scale,
                                        double angle);
    [[nodiscard]] Events gesture_end(GestureKind kind, int fingers, bool cancelled);

    [[nodiscard]] Events pen_proximity(bool in, int tool, const PenAxes& axes);
    [[nodiscard]] Events pen_axes(const PenAxes& axes);
    [[nodiscard]] Events pen_tip(bool down, const PenAxes& axes);

private:
    void start();
    void add(std::uint16_t type, std::uint16_t code, std::int32_t value);
    void add_axes(const PenAxes& axes);
    bool add_touch(std::uint16_t code, std::int32_t slot);
    void add_touch(std::uint16_t code, std::int32_t slot, double x, double y);

    std::vector<Event> events_;
    std::vector<Event> touches_;
    Carried dx_, dy_, scroll_vertical_, scroll_horizontal_, gesture_dx_, gesture_dy_, gesture_angle_, wheel_;
};

} // namespace candor::input
