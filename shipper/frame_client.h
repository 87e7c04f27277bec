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
/// errs, a candord that goes: the connection is given up and made anew, at intervals that double from one second to 30, with jitter. A disk that
/// fails, or a spool that is full: the connection stays, so that candord hears why, and nothing is read from it until the disk takes
/// something again, which is tried at the same intervals. Nothing is queued here: what is not read stays in candord's ring, which has a bound and
/// says so in the stream.
class FrameClient {
public:
    struct Callbacks {
        std::function<void()> finished; ///< the spool may have something for the sink
        std::function<void()> changed;  ///< is_connected(), greeted or refusal() is another
        Spool::Log log;
    };
    /// All references outlive this.
    FrameClient(EventLoop& loop, std::filesystem::path source, Spool& spool, Callbacks callbacks);

    void connect();
    [[nodiscard]] bool is_connected() const noexcept { return static_cast<bool>(connection_); }
    /// Why no frame is taken, in words; empty while they are.
    [[nodiscard]] const std::string& refusal() const noexcept { return refusal_; }
    [[nodiscard]] std::uint64_t frames() const noexcept { return frames_; }
    /// Says it to candord, if it is there and has greeted. False when it could not.
    bool tell(const wire::Reply& reply);
    /// There may be room again.
    void room();

private:
    void serve(std::uint32_t events);
    /// False when nothing more can be read now.
    bool receive();
    [[nodiscard]] std::optional<std::string> handle(std::span<const std::uint8_t> message);
    void acknowledge();
    void give_up(const std::string& why);
    void refuse(const std::string& why);
    void try_again();
    void arm_retry();

    EventLoop& loop_;
    std::filesystem::path source_;
    Spool& spool_;
    Callbacks callbacks_;
    std::string last_problem_; ///< told once, until a frame was taken
    std::string refusal_;
    std::uint64_t frames_ = 0;
    struct Greeting {
        wire::Hello hello;
        std::uint32_t sequence = 0;
    };
    std::optional<Greeting> greeting_; ///< came, and the spool could not be read or written then
    std::chrono::seconds pause_{1};
    bool greeted_ = false;
    std::optional<wire::Ack> pending_; ///< taken, and to be acknowledged
    std::vector<std::uint8_t> buffer_;
    UniqueFd connection_;
    EventLoop::Source source_events_;
    EventLoop::Source retry_;
};

} // namespace candor::shipper
