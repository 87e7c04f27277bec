// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/event_loop.h"
#include "base/unique_fd.h"
#include "daemon/ring.h"

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>

namespace candor::daemon {

/// Hands the ring to the shipper over a listening SOCK_SEQPACKET socket. One shipper at a time: a new connection of the same
/// uid takes the place of the old one, which may be a process that hangs. A peer of another uid, or one that sends
/// anything but replies that fit what it was sent, is cut off with a message; the ring keeps everything.
class FrameServer {
public:
    struct Callbacks {
        std::function<void(const std::string&)> log;
        std::function<void()> acknowledged;                       ///< frames have left the ring
        std::function<void()> changed;                            ///< connected, gone, or another report
        std::function<void(const wire::ErasureMessage&)> erasure; ///< the lake's answer to a tombstone, unchecked
    };

    /// `run` and `ring` as for the Recorder; all references outlive this.
    FrameServer(EventLoop& loop, UniqueFd listener, uid_t peer, Ring& ring, const wire::Id16& run, Callbacks callbacks);

    /// The ring has something new.
    void send();
    /// Frames were taken out of the ring: what the shipper has of their streams is not continued, so it must connect anew.
    void restart(const std::string& why);
    /// What the shipper last said of itself; nothing while there is none.
    [[nodiscard]] const std::optional<wire::Report>& report() const noexcept { return report_; }
    [[nodiscard]] bool is_connected() const noexcept { return static_cast<bool>(connection_); }

private:
    void accept();
    void serve(std::uint32_t events);
    /// Takes at most so many replies.
    void receive(int most);
    /// Why the peer errs, if it does.
    [[nodiscard]] std::optional<std::string> handle(const wire::Reply& reply);
    /// False when the socket is full or gone.
    bool transmit(std::span<const std::uint8_t> message);
    /// Takes what the peer acknowledged before it went, then drops it: frames that are on disk must not be sent again.
    void part(const std::string& why);
    void drop(const std::string& why);

    EventLoop& loop_;
    Ring& ring_;
    wire::Id16 run_;
    uid_t peer_;
    Callbacks callbacks_;
    std::optional<wire::Report> report_;
    bool greeted_ = false;
    bool waiting_ = false;
    UniqueFd listener_;
    UniqueFd connection_;
    EventLoop::Source listener_source_;
    EventLoop::Source connection_source_;
};

} // namespace candor::daemon
