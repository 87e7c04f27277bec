// SPDX-License-Identifier: Apache-2.0
#include "shipper/status.h"

#include "base/open_metrics.h"

namespace candor::shipper {
namespace {

constexpr std::chrono::seconds tell_interval{1};

/// Warned above the first, well again below the second.
constexpr std::uint64_t high_percent = 80;
constexpr std::uint64_t low_percent = 70;

} // namespace

Status::Status(EventLoop& loop, Spool& spool, const Delivery& delivery, FrameClient& client,
               std::optional<std::filesystem::path> metrics_file, Log log)
    : spool_(spool), delivery_(delivery), client_(client), log_(std::move(log)),
      metrics_file_(
          loop, std::move(metrics_file), [this] { return metrics(); }, log_.warning),
      timer_(loop.add_timer([this] {
          armed_ = false;
          tell();
      })) {}

void Status::changed() {
    if (!armed_) {
        timer_.arm(tell_interval);
        armed_ = true;
    }
}

wire::Report Status::report() const {
    wire::Report report;
    const Delivery::Figures& figures = delivery_.figures();
    if (!client_.refusal().empty()) {
        report.state = wire::ShippingState::refusing;
        report.problem = client_.refusal();
    } else if (!delivery_.problem().empty()) {
        report.state = wire::ShippingState::stalled;
        report.problem = delivery_.problem();
    }
    report.spool_bytes = spool_.bytes();
    report.spool_bound = spool_.bound();
    report.waiting = figures.waiting;
    report.oldest_ns = figures.oldest * 1'000'000'000;
    report.delivered = figures.delivered;
    report.sink_errors = figures.errors;
    return report;
}

void Status::tell() {
    const wire::Report now = report();
    tell_of_state(now);
    tell_of_fill(now);
    if (!client_.is_connected()) {
        told_.reset();
    } else if (told_ != now && client_.tell(now)) {
        told_ = now;
    }
    metrics_file_.changed();
}

void Status::tell_of_state(const wire::Report& report) {
    if (report.state == state_) {
        return;
    }
    state_ = report.state;
    switch (state_) {
    case wire::ShippingState::shipping:
        log_.info("shipping again");
        break;
    case wire::ShippingState::stalled:
        log_.warning("alive but not shipping: " + report.problem);
        break;
    case wire::ShippingState::refusing:
        log_.warning("no frame is taken: " + report.problem);
        break;
    }
}

void Status::tell_of_fill(const wire::Report& report) {
    const std::uint64_t percent = report.spool_bytes * 100 / report.spool_bound;
    if (!high_ && percent >= high_percent) {
        high_ = true;
        log_.warning("the spool is " + std::to_string(percent) + " % full: " + std::to_string(report.spool_bytes) +
                     " of " + std::to_string(report.spool_bound) + " bytes");
    } else if (high_ && percent < low_percent) {
        high_ = false;
        log_.info("the spool has room again");
    }
}

std::string Status::metrics() const {
    OpenMetrics metrics;
    const wire::Report now = report();
    const Delivery::Figures& figures = delivery_.figures();
    metrics.state("candor_shipper_state", "How shipping goes.", "state", {"shipping", "stalled", "refusing"},
                  wire::shipping_state_name(now.state));
    metrics.gauge("candor_shipper_connected", "Whether candord is connected.", client_.is_connected() ? 1 : 0);
    metrics.counter("candor_shipper_frames", "Frames taken from candord.", client_.frames());
    metrics.gauge("candor_shipper_spool_bytes", "Bytes in the spool.", static_cast<double>(now.spool_bytes));
    metrics.gauge("candor_shipper_spool_bound_bytes", "Bytes that the spool may hold.",
                  static_cast<double>(now.spool_bound));
    metrics.gauge("candor_shipper_segments_waiting", "Finished segments in the spool.", now.waiting);
    metrics.gauge("candor_shipper_oldest_timestamp_seconds",
                  "When the oldest of them ended, since 1970 UTC; 0 without any.", static_cast<double>(figures.oldest));
    metrics.counter("candor_shipper_delivered", "Segments that the sink has.", figures.delivered);
    metrics.counter("candor_shipper_sink_errors", "Attempts to deliver that failed.", figures.errors);
    metrics.counter("candor_shipper_expired", "Segments that were too old to be shipped.", figures.expired);
    metrics.counter("candor_shipper_set_aside", "Files that could not be delivered.", figures.set_aside);
    return metrics.text();
}

} // namespace candor::shipper
