// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/event_loop.h"
#include "base/open_metrics.h"

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

namespace candor::daemon {

/// A file of metrics for node_exporter's textfile collector, mode 0644, replaced whole: at most every ten seconds, and never
/// while nothing changes, so that an idle machine is not woken. A file that cannot be written is told once; nothing else
/// depends on it.
class Metrics {
public:
    /// No `file`: nothing is written. `measure` is called when it is time to write.
    Metrics(EventLoop& loop, std::optional<std::filesystem::path> file, std::function<std::string()> measure);

    /// Something may be different from what the file says.
    void changed();
    /// Writes now, if anything changed since.
    void write();

private:
    std::optional<std::filesystem::path> file_;
    std::function<std::string()> measure_;
    std::string written_;
    std::string problem_; ///< told once, until it changes
    bool armed_ = false;
    EventLoop::Source timer_;
};

} // namespace candor::daemon
