// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/event_loop.h"

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <system_error>

namespace candor {

/// A file of metrics for node_exporter's textfile collector, mode 0644, replaced whole: at most every ten seconds, and never
/// while nothing changes, so that an idle machine is not woken. A file that cannot be written is complained of once; nothing
/// else depends on it.
class MetricsFile {
public:
    /// No `file`: nothing is written. `measure` is called when it is time to write; both outlive nothing here.
    MetricsFile(EventLoop& loop, std::optional<std::filesystem::path> file, std::function<std::string()> measure,
                std::function<void(const std::string&)> complain);

    /// Something may be different from what the file says.
    void changed();
    /// Writes now, if anything changed since.
    void write();

private:
    std::optional<std::filesystem::path> file_;
    std::function<std::string()> measure_;
    std::function<void(const std::string&)> complain_;
    std::string written_;
    std::error_code problem_; ///< told once; its text would name a file of a random name
    bool armed_ = false;
    EventLoop::Source timer_;
};

} // namespace candor
