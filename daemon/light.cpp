// SPDX-License-Identifier: Apache-2.0
#include "daemon/light.h"

#include "base/clock.h"
#include "base/error.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <expected>
#include <system_error>
#include <utility>

namespace candor::daemon {
namespace {

constexpr std::string_view led_suffix = "::scrolllock";
constexpr int blinks = 5;
constexpr std::chrono::milliseconds blink_step{200};
constexpr std::chrono::milliseconds look_again_after{50};
constexpr std::chrono::milliseconds relight_after{100};
constexpr auto patience_us = static_cast<std::uint64_t>(std::chrono::microseconds(Light::patience).count());

/// A failed system call, or what a file says that it should not say.
struct Failure {
    int error = 0;
    std::string what;
};

std::unexpected<Failure> failed() { return std::unexpected(Failure{errno, std::strerror(errno)}); }

/// Its keyboard was unplugged: between open and write the kernel says ENODEV.
bool gone(const Failure& failure) {
    return failure.error == ENOENT || failure.error == ENODEV || failure.error == ENXIO;
}

std::expected<int, Failure> read_number(int fd) {
    std::array<char, 16> text{};
    const ssize_t n = ::pread(fd, text.data(), text.size(), 0);
    if (n < 0) {
        return failed();
    }
    int number = 0;
    const char* end = text.data() + n;
    const auto [stop, error] = std::from_chars(text.data(), end, number);
    if (error != std::errc() || (stop != end && *stop != '\n')) {
        return std::unexpected(Failure{EBADMSG, "its brightness is not a number"});
    }
    return number;
}

std::expected<UniqueFd, Failure> open_file(const std::filesystem::path& path, int flags) {
    UniqueFd fd(::open(path.c_str(), flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
    if (!fd) {
        return failed();
    }
    return fd;
}

bool write_number(int fd, int number) {
    const std::string text = std::to_string(number) + "\n";
    return ::pwrite(fd, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size());
}

/// Reads first, writes where it is needed or asked for, and reads back.
std::expected<void, Failure> set_brightness(const std::filesystem::path& folder, int brightness, bool afresh) {
    const auto file = open_file(folder / "brightness", O_RDWR);
    if (!file) {
        return std::unexpected(file.error());
    }
    auto now = read_number(file->get());
    if (now && *now == brightness && !afresh) {
        return {};
    }
    // 0 before anything else: it takes the trigger away.
    if (now && (!write_number(file->get(), 0) || (brightness != 0 && !write_number(file->get(), brightness)))) {
        return failed();
    }
    now = now ? read_number(file->get()) : now;
    if (!now) {
        return std::unexpected(now.error());
    }
    if (*now != brightness) {
        return std::unexpected(Failure{EIO, "it stays as it was"});
    }
    return {};
}

std::expected<int, Failure> max_brightness(const std::filesystem::path& folder) {
    const auto file = open_file(folder / "max_brightness", O_RDONLY);
    if (!file) {
        return std::unexpected(file.error());
    }
    const auto number = read_number(file->get());
    if (number && *number <= 0) {
        return std::unexpected(Failure{EBADMSG, "its max_brightness is not a positive number"});
    }
    return number;
}

std::string keyboards(std::size_t number) {
    return std::to_string(number) + (number == 1 ? " keyboard" : " keyboards");
}

} // namespace

Light::Light(EventLoop& loop, std::filesystem::path leds, std::function<void()> on_change)
    : loop_(loop), root_(std::move(leds)), on_change_(std::move(on_change)), timer_(loop.add_timer([this] { step(); })),
      patience_timer_(loop.add_timer([this] { look_again(); })), relight_timer_(loop.add_timer([this] { relight(); })) {
    leds_ = find();
    started_ = true;
    set_all(false);
}

Light::~Light() { off(); }

std::vector<Light::Led> Light::find() {
    std::vector<Led> leds;
    bool any_young = false;
    std::error_code error;
    for (std::filesystem::directory_iterator entry(root_, error), end; !error && entry != end; entry.increment(error)) {
        Led led{entry->path().filename().string(), 1, {}};
        if (!led.name.ends_with(led_suffix)) {
            continue;
        }
        const auto full = max_brightness(entry->path());
        const auto file = full ? open_file(entry->path() / "brightness", O_RDWR) : std::unexpected(full.error());
        const std::uint64_t now = monotonic_us();
        const Seen seen = seen_.try_emplace(led.name, Seen{now, !started_}).first->second;
        watch(led.name);
        if (file) {
            led.full = *full;
        } else if (!gone(file.error())) {
            led.problem = "cannot light " + led.name + ": " + file.error().what;
            const bool young = now - seen.since_us < patience_us;
            led.waits = young && !seen.at_start;
            any_young = any_young || young;
        } else {
            continue;
        }
        leds.push_back(std::move(led));
    }
    // Without the folder the kernel has no LEDs at all.
    const bool none = !error || error == std::errc::no_such_file_or_directory;
    problem_ = none ? "" : "cannot look at " + root_.string() + ": " + error.message();
    std::ranges::sort(leds, {}, &Led::name);
    std::erase_if(seen_,
                  [&](const auto& seen) { return std::ranges::find(leds, seen.first, &Led::name) == leds.end(); });
    if (any_young) {
        patience_timer_.arm(look_again_after);
    }
    return leds;
}

void Light::refresh() {
    const std::vector<Led> before = std::exchange(leds_, find());
    if (on_) {
        // A new one may shine already, by its trigger.
        const bool any_new = std::ranges::any_of(
            leds_, [&](const Led& led) { return std::ranges::find(before, led.name, &Led::name) == before.end(); });
        set_all(true, any_new);
    }
}

void Light::watch(const std::string& name) const {
    if (inotify_) {
        // Refused or not: EV_LED tells of most changes too.
        ::inotify_add_watch(inotify_.get(), (root_ / name / "brightness").c_str(), IN_MODIFY);
    }
}

void Light::look_again() {
    const bool before = works();
    refresh();
    if (works() != before && on_change_) {
        on_change_();
    }
}

void Light::on_written() {
    // Also what this has written itself: then all is as it should be.
    std::array<char, 4096> events{};
    while (::read(inotify_.get(), events.data(), events.size()) > 0) {
    }
    // Not at once: whoever keeps putting it out must not keep the loop from its work.
    if (!relights_) {
        relights_ = true;
        relight_timer_.arm(relight_after);
    }
}

void Light::relight() {
    relights_ = false;
    // One that failed would be written to, and fail, for ever.
    if (on_ && works() && !keep() && on_change_) {
        on_change_();
    }
}

void Light::set_all(bool lit, bool afresh) {
    std::erase_if(leds_, [&](Led& led) {
        if (led.waits) {
            return false;
        }
        const auto set = set_brightness(root_ / led.name, lit ? led.full : 0, afresh);
        if (!set && gone(set.error())) {
            return true;
        }
        // That it can be put out does not prove that it can be lit.
        if (set && lit) {
            led.problem.clear();
        } else if (!set && (lit || led.problem.empty())) {
            led.problem = (lit ? "cannot light " : "cannot put out ") + led.name + ": " + set.error().what;
        }
        return false;
    });
}

bool Light::works() const noexcept {
    return problem_.empty() && std::ranges::any_of(leds_, [](const Led& led) { return led.problem.empty(); }) &&
           std::ranges::all_of(leds_, [](const Led& led) { return led.problem.empty() || led.waits; });
}

std::string Light::text() const {
    if (!problem_.empty()) {
        return problem_;
    }
    for (const Led& led : leds_) {
        if (!led.problem.empty()) {
            return led.problem;
        }
    }
    if (leds_.empty()) {
        return "no keyboard has a Scroll Lock light";
    }
    return (on_ ? "lit on " : "dark on ") + keyboards(leds_.size());
}

bool Light::on() {
    steps_ = 0;
    timer_.disarm();
    set_all(true, true);
    on_ = works();
    if (!on_) {
        set_all(false);
        return false;
    }
    if (!inotify_) {
        inotify_.reset(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
        if (!inotify_) {
            throw_errno("watch the lights");
        }
        written_ = loop_.add_io(inotify_.get(), EPOLLIN, [this](std::uint32_t) { on_written(); });
        for (const Led& led : leds_) {
            watch(led.name);
        }
    }
    return true;
}

void Light::off() {
    if (on_ || steps_ > 0) {
        on_ = false;
        steps_ = 0;
        timer_.disarm();
        written_.reset();
        inotify_.reset();
        relights_ = false;
        relight_timer_.disarm();
        set_all(false);
    }
}

bool Light::keep() {
    if (on_) {
        set_all(true);
    }
    return on_ && works();
}

void Light::blink() {
    if (!on_) {
        steps_ = 2 * blinks;
        step();
    }
}

void Light::step() {
    --steps_;
    set_all(steps_ % 2 != 0);
    if (steps_ > 0) {
        timer_.arm(blink_step);
    }
}

} // namespace candor::daemon
