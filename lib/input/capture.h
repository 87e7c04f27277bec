// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/event_loop.h"
#include "input/device_monitor.h"
#include "input/eligibility.h"
#include "input/evdev_reader.h"
#include "input/event_mask.h"
#include "input/libinput_reader.h"
#include "input/reader.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace candor::input {

/// What the daemon takes from Capture.
class CaptureSink : public ReaderSink {
public:
    /// A device was opened. Called before its first packet.
    virtual void on_device(const DeviceInfo& device) = 0;
};

/// What people are told about an event device.
struct DeviceStatus {
    std::string node;
    std::string name;
    std::optional<DeviceClass> device_class; ///< of an eligible device
    bool eligible = false;
    bool captured = false; ///< open now
    std::string rule;      ///< why or why not, or what went wrong

    bool operator==(const DeviceStatus&) const = default;
};

/// What may be opened and what the kernel shall deliver of it. Both must be set.
struct Scope {
    std::function<bool(DeviceClass)> wants;
    std::function<EventMask(DeviceClass)> mask;
};

/// All event devices of the machine: watched always, open only between open() and close(). A device that cannot be opened
/// or fails says so in its status and is tried again on its next udev event or open(); the others go on.
///
/// A device that goes while it is open leaves a hole of reason device_gone and unknown size, because the kernel throws
/// away what was not read yet; so does one that fails. close() leaves none: what is not recorded then is not wanted.
class Capture {
public:
    /// Input comes before the loop's other work, but must not starve whatever closes the gate: give the bus and signals
    /// less than this.
    static constexpr std::int64_t priority = -100;

    /// Lists the devices; `on_devices_changed` (may be empty) is called from the loop, open() and close() after devices()
    /// has changed. Throws std::system_error where udev cannot be listened to.
    Capture(EventLoop& loop, Rules rules, CaptureSink& sink, std::function<void()> on_devices_changed);
    ~Capture();
    Capture(const Capture&) = delete;
    Capture& operator=(const Capture&) = delete;

    /// Opens every eligible device that the scope wants, masked as it says, and from now on those that come. While open
    /// already nothing happens: close() first. Touch devices are not masked, libinput needs them whole.
    void open(Scope scope);
    /// Other masks for the devices that are open and for those that come. A device whose kernel refuses is closed, and
    /// tells its hole. While closed nothing happens. May be called from within the sink.
    void set_masks(std::function<EventMask(DeviceClass)> mask);
    /// Nothing is delivered any more as soon as it begins, and every event descriptor is closed when it returns. May be called from within the sink.
    void close() noexcept;
    [[nodiscard]] bool is_open() const noexcept { return open_; }

    /// In the order of their nodes' numbers.
    [[nodiscard]] const std::vector<DeviceStatus>& devices() const noexcept { return statuses_; }

private:
    struct Device {
        DeviceDescription description;
        Verdict verdict;
        std::string failure;
        bool wanted = false; ///< by the scope, while open and eligible
        std::uint32_t index = 0;
        bool touch_open = false;
        std::unique_ptr<EvdevReader> reader;
        EventLoop::Source source; ///< after the reader: dies first

        [[nodiscard]] bool is_open() const noexcept { return touch_open || reader != nullptr; }
    };
    class Dispatching;

    void seen(const DeviceDescription& description);
    void removed(const std::string& node);
    void open_if_wanted(Device& device);
    void open_device(Device& device);
    void open_evdev(Device& device);
    void open_touch(Device& device);
    void close_device(Device& device) noexcept;
    void on_evdev(const std::string& node);
    void on_touch();
    void refresh();
    [[nodiscard]] DeviceInfo info(const Device& device) const;

    EventLoop& loop_;
    Rules rules_;
    CaptureSink& sink_;
    std::function<void()> on_devices_changed_;
    Scope scope_;
    bool open_ = false;
    int dispatching_ = 0;
    int batching_ = 0; ///< refresh() once at the end
    std::uint32_t next_index_ = 0;
    std::vector<DeviceStatus> statuses_;
    /// What the sink closed while it was being read from: its descriptors are closed already.
    std::vector<std::unique_ptr<EvdevReader>> retired_;
    std::vector<std::unique_ptr<LibinputReader>> retired_touch_;
    std::unique_ptr<LibinputReader> touch_;
    EventLoop::Source touch_source_;
    std::map<std::string, Device> devices_;
    std::unique_ptr<DeviceMonitor> monitor_;
};

} // namespace candor::input
