// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/error.h"
#include "base/handle.h"
#include "input/libinput_translator.h"
#include "input/reader.h"

#include <libinput.h>

#include <cstdarg>
#include <expected>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace candor::input {

/// Reads touchpads, touchscreens and tablets through one libinput context (path backend), with tapping enabled. What it
/// tells is in abstract_events.h; times are the kernel's CLOCK_MONOTONIC, never going back per device.
///
/// libinput resynchronises behind a SYN_DROPPED by itself and only logs it; its log is where the holes come from. The log
/// is rate-limited: when it says so, the device is taken out and put in again, so that no later loss stays untold.
class LibinputReader {
public:
    using Clock = std::uint64_t (*)();

    LibinputReader(ReaderSink& sink, Clock clock);
    ~LibinputReader();
    LibinputReader(const LibinputReader&) = delete;
    LibinputReader& operator=(const LibinputReader&) = delete;

    /// Readable when dispatch() has something to do; libinput's timers (tapping) are among it.
    [[nodiscard]] int fd() const noexcept;
    /// Opens a device, read-only. `device` is what its packets will say.
    [[nodiscard]] std::expected<void, Refusal> add(const std::string& node, std::uint32_t device);
    void remove(std::uint32_t device);
    /// remove() for a device that is gone: tells a hole.
    void lose(std::uint32_t device);

    /// Tells the sink all there is. The devices that went meanwhile; a hole has been told for each. The sink may close().
    std::vector<std::uint32_t> dispatch();
    /// Nothing is delivered any more; close() must follow.
    void revoke() noexcept;
    /// Closes every descriptor. Nothing can be added afterwards.
    void close() noexcept;

    /// The device a line of libinput's log is about: "event7  - Name: …" is "event7".
    [[nodiscard]] static std::string_view log_subject(std::string_view line) noexcept;

private:
    struct Device;
    enum class Log : std::uint8_t { dropped, muted };
    struct LogEntry {
        std::string subject;
        Log what;
    };

    static int open_restricted(const char* path, int flags, void* data);
    static void close_restricted(int fd, void* data);
    static void log(libinput* context, libinput_log_priority priority, const char* format, va_list arguments);

    Device* find(libinput_device* device);
    [[nodiscard]] LibinputTranslator::Events translate(Device& device, libinput_event* event, std::uint64_t& time_us);
    void tell_hole(Device& device, HoleReason reason);
    void handle_log(std::vector<std::uint32_t>& gone);

    ReaderSink& sink_;
    Clock clock_;
    std::vector<int> open_fds_;
    int last_error_ = 0;
    std::vector<LogEntry> log_;
    std::map<std::uint32_t, std::unique_ptr<Device>> devices_;
    Handle<libinput, libinput_unref> context_;
};

} // namespace candor::input
