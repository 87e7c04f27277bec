// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/controller.h"
#include "daemon/frame_server.h"
#include "daemon/recorder.h"
#include "daemon/ring.h"

#include <string>

namespace candor::daemon {

/// How shipping goes, with the problem in words.
struct Shipping {
    std::string state; ///< of frame.capnp's Report, or "disconnected"
    std::string problem;
};
[[nodiscard]] Shipping shipping_of(const FrameServer& server);

/// candord's metrics as OpenMetrics text. No content, nothing of single events: counters move when a batch is sealed.
[[nodiscard]] std::string measure(const Controller& controller, const Recorder& recorder, const Ring& ring,
                                  const FrameServer& server);

} // namespace candor::daemon
