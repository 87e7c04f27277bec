// SPDX-License-Identifier: Apache-2.0
#include "daemon/measure.h"

#include "base/open_metrics.h"

namespace candor::daemon {

Shipping shipping_of(const FrameServer& server) {
    if (!server.is_connected()) {
        return {"disconnected", "no shipper is connected: what is recorded waits in the ring"};
    }
    const auto& report = server.report();
    return report ? Shipping{std::string(wire::shipping_state_name(report->state)), report->problem}
                  : Shipping{"shipping", ""};
}

std::string measure(const Controller& controller, const Recorder& recorder, const Ring& ring,
                    const FrameServer& server) {
    OpenMetrics metrics;
    const Counters& counters = recorder.counters();
    metrics.state("candor_recording", "Whether input is recorded now.", "state", {"recording", "closed"},
                  controller.is_recording() ? "recording" : "closed");
    metrics.counter("candor_packets", "Packets of the input devices that were recorded.", counters.packets);
    metrics.counter("candor_events_produced", "Events that the level in force keeps, and losses that were counted.",
                    counters.events_produced);
    metrics.counter("candor_events_stored", "Events in sealed batches.", counters.events_stored);
    metrics.counter("candor_batches", "Sealed batches.", counters.batches);
    metrics.counter("candor_streams", "Streams begun.", counters.streams);
    metrics.counter("candor_sealed_bytes", "Bytes of sealed frames.", counters.sealed_bytes);
    for (std::size_t i = 0; i < counters.by_reason.size(); ++i) {
        metrics.counter("candor_gaps", "Holes that were declared.", counters.by_reason[i].gaps,
                        {{"reason", wire::gap_reason_name(static_cast<wire::GapReason>(i))}});
    }
    for (std::size_t i = 0; i < counters.by_reason.size(); ++i) {
        metrics.counter("candor_gap_events", "Events lost in declared holes, as far as they could be counted.",
                        counters.by_reason[i].events,
                        {{"reason", wire::gap_reason_name(static_cast<wire::GapReason>(i))}});
    }
    metrics.gauge("candor_ring_bytes", "Bytes of sealed frames that wait for the shipper.",
                  static_cast<double>(ring.bytes()));
    metrics.gauge("candor_ring_bound_bytes", "Bytes that may wait.", static_cast<double>(ring.bound()));
    metrics.gauge("candor_ring_frames", "Sealed frames that wait for the shipper.", static_cast<double>(ring.frames()));
    metrics.state("candor_shipping", "How shipping goes, as the shipper says.", "state",
                  {"shipping", "stalled", "refusing", "disconnected"}, shipping_of(server).state);
    const wire::Report report = server.report().value_or(wire::Report{});
    metrics.gauge("candor_spool_bytes", "Bytes in the spool.", static_cast<double>(report.spool_bytes));
    metrics.gauge("candor_spool_segments", "Segments in the spool.", static_cast<double>(report.waiting));
    metrics.gauge("candor_spool_oldest_timestamp_seconds",
                  "When the oldest segment in the spool ended, since 1970 UTC; 0 without any.",
                  static_cast<double>(report.oldest_ns / 1'000'000'000));
    return metrics.text();
}

} // namespace candor::daemon
