// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/event_loop.h"
#include "shipper/sink.h"
#include "shipper/spool.h"

#include <chrono>

namespace candor::shipper {

/// Moves finished files from the spool into the sink. A file is removed from the spool only when the sink has it durably;
/// until then it is tried again, at intervals that double from one second to one minute.
class Delivery {
public:
    Delivery(EventLoop& loop, Spool& spool, Sink& sink, Spool::Log log);

    /// Delivers what waits, and what could not be delivered later.
    void run();

private:
    /// False when it has to be tried again.
    bool deliver(const std::filesystem::path& file);

    Spool& spool_;
    Sink& sink_;
    Spool::Log log_;
    std::string last_problem_; ///< told once, until it changes
    std::chrono::seconds pause_{1};
    EventLoop::Source timer_;
};

} // namespace candor::shipper
