// SPDX-License-Identifier: Apache-2.0
#include "input/capture.h"

#include "base/clock.h"

#include <sys/epoll.h>

#include <algorithm>
#include <utility>

namespace candor::input {
namespace {

constexpr std::size_t max_name_bytes = 128;

std::string shortened(std::string name) {
    if (name.size() > max_name_bytes) {
        std::size_t size = max_name_bytes;
        // Not in the middle of a UTF-8 character.
        while (size > 0 && (static_cast<unsigned char>(name[size]) & 0xc0) == 0x80) {
            --size;
        }
        name.resize(size);
    }
    return name;
}

} // namespace

/// While one lives, readers that are closed are kept: one of them may be up the stack.
class Capture::Dispatching {
public:
    explicit Dispatching(Capture& capture) noexcept : capture_(capture) { ++capture_.dispatching_; }
    ~Dispatching() {
        if (--capture_.dispatching_ == 0) {
            capture_.retired_.clear();
            capture_.retired_touch_.clear();
        }
    }
    Dispatching(const Dispatching&) = delete;
    Dispatching& operator=(const Dispatching&) = delete;

private:
    Capture& capture_;
};

Capture::Capture(EventLoop& loop, Rules rules, CaptureSink& sink, std::function<void()> on_devices_changed)
    : loop_(loop), rules_(std::move(rules)), sink_(sink) {
    monitor_ = std::make_unique<DeviceMonitor>(
        loop,
        DeviceMonitor::Callbacks{[this](const DeviceDescription& description) { seen(description); },
                                 [this](const std::string& node) { removed(node); }},
        priority);
    ++batching_;
    monitor_->enumerate();
    --batching_;
    refresh();
    on_devices_changed_ = std::move(on_devices_changed);
}

Capture::~Capture() {
    on_devices_changed_ = nullptr;
    close();
}

void Capture::open(Scope scope) {
    if (open_) {
        return;
    }
    scope_ = std::move(scope);
    open_ = true;
    for (auto& [node, device] : devices_) {
        // The sink may close() when it is told of a device.
        if (open_ && device.verdict.captured) {
            open_if_wanted(device);
        }
    }
    refresh();
}

void Capture::set_masks(std::function<EventMask(DeviceClass)> mask) {
    if (!open_) {
        return;
    }
    scope_.mask = std::move(mask);
    const Dispatching dispatching(*this);
    for (auto& [node, device] : devices_) {
        if (!device.reader) {
            continue;
        }
        const EvdevReader::State state = device.reader->set_mask(scope_.mask(device.verdict.device_class));
        // The sink, which was told the hole, may have closed everything.
        if (device.reader && (state == EvdevReader::State::gone || state == EvdevReader::State::failed)) {
            device.failure = "closed: " + device.reader->reason();
            close_device(device);
        }
    }
    refresh();
}

void Capture::close() noexcept {
    open_ = false;
    // All of them before any is closed: each close waits for a grace period of the kernel.
    for (auto& [node, device] : devices_) {
        if (device.reader) {
            device.reader->revoke();
        }
    }
    if (touch_) {
        touch_->revoke();
    }
    for (auto& [node, device] : devices_) {
        close_device(device);
    }
    touch_source_.reset();
    if (touch_) {
        touch_->close();
        if (dispatching_ > 0) {
            retired_touch_.push_back(std::move(touch_));
        }
        touch_.reset();
    }
    // What the listener throws stops the loop, as it would from any callback.
    static_cast<void>(loop_.guard([this] { refresh(); }));
}

DeviceInfo Capture::info(const Device& device) const {
    const DeviceDescription& from = device.description;
    return {device.index, device.verdict.device_class, from.bus, from.vendor, from.product,
            from.version, shortened(from.name)};
}

void Capture::open_if_wanted(Device& device) {
    device.wanted = scope_.wants(device.verdict.device_class);
    if (device.wanted) {
        open_device(device);
    } else {
        device.failure.clear();
    }
}

void Capture::open_device(Device& device) {
    device.index = next_index_++;
    device.failure.clear();
    if (is_touch(device.verdict.device_class)) {
        open_touch(device);
    } else {
        open_evdev(device);
    }
}

void Capture::open_evdev(Device& device) {
    EventMask mask = scope_.mask(device.verdict.device_class);
    auto source = EvdevSource::open(device.description.node, mask);
    if (!source) {
        device.failure = source.error().message;
        return;
    }
    const int fd = (*source)->fd();
    device.reader =
        std::make_unique<EvdevReader>(device.index, std::move(*source), sink_, &monotonic_us, std::move(mask));
    device.source =
        loop_.add_io(fd, EPOLLIN, [this, node = device.description.node](std::uint32_t) { on_evdev(node); });
    device.source.set_priority(priority);
    sink_.on_device(info(device));
}

void Capture::open_touch(Device& device) {
    if (!touch_) {
        touch_ = std::make_unique<LibinputReader>(sink_, &monotonic_us);
        touch_source_ = loop_.add_io(touch_->fd(), EPOLLIN, [this](std::uint32_t) { on_touch(); });
        touch_source_.set_priority(priority);
    }
    if (const auto added = touch_->add(device.description.node, device.index); !added) {
        device.failure = added.error().message;
        return;
    }
    device.touch_open = true;
    sink_.on_device(info(device));
}

void Capture::close_device(Device& device) noexcept {
    device.source.reset();
    if (device.reader) {
        device.reader->close();
        if (dispatching_ > 0) {
            retired_.push_back(std::move(device.reader));
        }
        device.reader.reset();
    }
    if (std::exchange(device.touch_open, false) && open_ && touch_) {
        touch_->remove(device.index);
    }
}

void Capture::on_evdev(const std::string& node) {
    const auto found = devices_.find(node);
    if (found == devices_.end() || !found->second.reader) {
        return;
    }
    const Dispatching dispatching(*this);
    EvdevReader& reader = *found->second.reader;
    const EvdevReader::State state = reader.drain();
    if (state == EvdevReader::State::gone || state == EvdevReader::State::failed) {
        Device& device = found->second;
        device.failure = "closed: " + reader.reason();
        close_device(device);
        refresh();
    }
}

void Capture::on_touch() {
    if (!touch_) {
        return;
    }
    const Dispatching dispatching(*this);
    const auto gone = touch_->dispatch();
    if (gone.empty()) {
        return;
    }
    for (const std::uint32_t index : gone) {
        for (auto& [node, device] : devices_) {
            if (device.touch_open && device.index == index) {
                device.touch_open = false;
                device.failure = "closed: unplugged";
            }
        }
    }
    refresh();
}

void Capture::seen(const DeviceDescription& description) {
    Device& device = devices_[description.node];
    const Verdict before = std::exchange(device.verdict, judge(description, rules_));
    device.description = description;
    if (device.is_open() && (!device.verdict.captured || device.verdict.device_class != before.device_class)) {
        close_device(device);
    }
    if (open_ && device.verdict.captured && !device.is_open()) {
        open_if_wanted(device);
    }
    refresh();
}

void Capture::removed(const std::string& node) {
    const auto found = devices_.find(node);
    if (found == devices_.end()) {
        return;
    }
    const Dispatching dispatching(*this);
    if (found->second.reader) {
        found->second.reader->lose();
    } else if (found->second.touch_open) {
        // What libinput has read already is not lost.
        on_touch();
        if (found->second.touch_open && touch_) {
            touch_->lose(found->second.index);
            found->second.touch_open = false;
        }
    }
    close_device(found->second);
    devices_.erase(found);
    refresh();
}

void Capture::refresh() {
    if (batching_ > 0) {
        return;
    }
    std::vector<DeviceStatus> now;
    now.reserve(devices_.size());
    for (const auto& [node, device] : devices_) {
        DeviceStatus status;
        status.node = node;
        status.name = device.description.name;
        status.eligible = device.verdict.captured;
        if (status.eligible) {
            status.device_class = device.verdict.device_class;
        }
        status.captured = device.is_open();
        if (open_ && status.eligible && !device.wanted) {
            status.rule = "not among the classes of devices that are recorded";
        } else {
            status.rule = device.failure.empty() ? device.verdict.rule : device.failure;
        }
        now.push_back(std::move(status));
    }
    // event2 before event10.
    std::sort(now.begin(), now.end(), [](const DeviceStatus& a, const DeviceStatus& b) {
        return a.node.size() != b.node.size() ? a.node.size() < b.node.size() : a.node < b.node;
    });
    if (now == statuses_) {
        return;
    }
    statuses_ = std::move(now);
    if (on_devices_changed_) {
        on_devices_changed_();
    }
}

} // namespace candor::input
