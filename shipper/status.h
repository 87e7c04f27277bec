// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/event_loop.h"
#include "base/metrics_file.h"
#include "shipper/delivery.h"
#include "shipper/frame_client.h"
#include "shipper/spool.h"

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>

namespace candor::shipper {

/// How shipping goes, for candord, the journal and the metrics: told when it changes, at most once a second, and metrics at most every
/// ten. While nothing changes no timer runs.
class Status {
public:
    struct Log {
        Spool::Log info;
        Spool::Log warning;
    };
    /// `metrics_file`: replaced whole, mode 0644; nothing: none. All references outlive this.
    Status(EventLoop& loop, Spool& spool, const Delivery& delivery, FrameClient& client,
           std::optional<std::filesystem::path> metrics_file, Log log);

    /// Something may be different.
    void changed();
    /// Tells all of it now.
    void tell();

    [[nodiscard]] wire::Report report() const;
    [[nodiscard]] std::string metrics() const;

private:
    void tell_of_state(const wire::Report& report);
    void tell_of_fill(const wire::Report& report);

    Spool& spool_;
    const Delivery& delivery_;
    FrameClient& client_;
    Log log_;
    std::optional<wire::Report> told_; ///< candord, on this connection
    wire::ShippingState state_ = wire::ShippingState::shipping;
    bool high_ = false; ///< the spool is above its high-water mark
    bool armed_ = false;
    MetricsFile metrics_file_;
    EventLoop::Source timer_;
};

} // namespace candor::shipper
