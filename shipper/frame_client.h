// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/event_loop.h"
#include "base/unique_fd.h"
#include "shipper/spool.h"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace candor::shipper {

/// The shipper's end of frames.sock: connects, writes what comes into the spool, acknowledges what is durable. A peer that
/// errs, a full disk, a candord that goes: the connection is given up and made anew, at intervals that double from one
/// second to 30. Nothing is queued here: what the disk does not take stays in candord's ring, which has a bound and says
/// so in the stream.
class FrameClient {
public:
    /// `on_finished` is called when the spool may have something for the sink. All references outlive this.
    FrameClient(EventLoop& loop, std::filesystem::path source, Spool& spool, std::function<void()> on_finished,
                Spool::Log log);

    void connect();
    [[nodiscard]] bool is_connected() const noexcept { return static_cast<bool>(connection_); }

private:
    void serve(std::uint32_t events);
    /// False when nothing more can be read now.
    bool receive();
    [[nodiscard]] std::optional<std::string> handle(std::span<const std::uint8_t> message);
    void acknowledge();
    void give_up(const std::string& why);

    EventLoop& loop_;
    std::filesystem::path source_;
    Spool& spool_;
    std::function<void()> on_finished_;
    Spool::Log log_;
    std::string last_problem_; ///< told once, until a frame was taken
    std::chrono::seconds pause_{1};
    bool greeted_ = false;
    std::optional<wire::Ack> pending_; ///< taken, and to be acknowledged
    std::vector<std::uint8_t> buffer_;
    UniqueFd connection_;
    EventLoop::Source source_events_;
    EventLoop::Source retry_;
};

} // namespace candor::shipper
