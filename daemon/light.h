// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/event_loop.h"
#include "base/unique_fd.h"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace candor::daemon {

/// The Scroll Lock LED of every keyboard, through /sys/class/leds/*::scrolllock/brightness: no event device has to be opened for
/// writing, which would allow to inject keys. udev/70-candor-light.rules lets the group candor write those files.
///
/// The kernel's trigger for the text console's own Scroll Lock would put an LED out at every change of the console. Writing 0 takes
/// the trigger away (led_trigger_remove), so that is written before it is lit, and otherwise only to an LED that shines. What
/// other programs write to an LED is noticed (inotify), and lit again.
class Light {
public:
    /// A keyboard's LED may be there before udev has let candord write it: a new one is given this long.
    static constexpr std::chrono::milliseconds patience{2000};

    /// `leds`: /sys/class/leds, or a test's folder of the same shape. Puts out what a crash has left lit. `on_change` (may be
    /// empty) runs from the loop when works() is another by itself.
    Light(EventLoop& loop, std::filesystem::path leds, std::function<void()> on_change = {});
    /// Puts them out.
    ~Light();
    Light(const Light&) = delete;
    Light& operator=(const Light&) = delete;

    /// Looks again which LEDs there are (after a device came or went), and tries again what did not work. While on, new ones are
    /// lit.
    void refresh();
    /// At least one LED, and every one of them writable, but for those that are still given time. One that failed since counts as not writable until refresh(), or until
    /// it shines again.
    [[nodiscard]] bool works() const noexcept;
    /// "lit on 2 keyboards", "no keyboard has a Scroll Lock light", "cannot light input3::scrolllock: Permission denied"…
    [[nodiscard]] std::string text() const;

    /// Lights all and reads back; false, and dark again, when one does not shine, or when there is none. Ends a blinking.
    bool on();
    /// Ends a blinking, too.
    void off();
    [[nodiscard]] bool is_on() const noexcept { return on_; }
    /// Reads back, and lights again what something else put out; false when that fails, and while off. Call it when EV_LED says
    /// that an LED has changed, and from time to time. Costs a few system calls for each LED.
    bool keep();
    /// Blinks a few times (about 2 s) and stays off. Only while off.
    void blink();

private:
    struct Led {
        std::string name;
        int full = 1;        ///< what is written to light it: its max_brightness
        std::string problem; ///< empty while it does what it is told
        bool waits = false;  ///< so new that it may not be written yet
    };

    /// When an LED was first looked at, CLOCK_MONOTONIC. One that was there at the start is tried again as a new one is, but does
    /// not count as working meanwhile.
    struct Seen {
        std::uint64_t since_us;
        bool at_start;
    };

    [[nodiscard]] std::vector<Led> find();
    /// Makes all shine, or none, as far as they do; an LED that is gone is dropped. `afresh`: also what shines already.
    void set_all(bool lit, bool afresh = false);
    void step();
    void watch(const std::string& name) const;
    void on_written();
    void relight();
    void look_again();

    EventLoop& loop_;
    std::filesystem::path root_;
    std::function<void()> on_change_;
    UniqueFd inotify_; ///< while on
    std::map<std::string, Seen> seen_;
    bool started_ = false;
    std::vector<Led> leds_;
    std::string problem_; ///< of the folder
    bool on_ = false;
    bool relights_ = false; ///< something was written since
    int steps_ = 0;         ///< of a blinking, that are left
    EventLoop::Source timer_;
    EventLoop::Source patience_timer_;
    EventLoop::Source relight_timer_;
    EventLoop::Source written_;
};

} // namespace candor::daemon
