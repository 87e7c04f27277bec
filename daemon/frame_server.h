// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/event_loop.h"
#include "base/unique_fd.h"
#include "daemon/ring.h"

#include <sys/types.h>

#include <functional>
#include <string>

namespace candor::daemon {

/// Hands the ring to the shipper over a listening SOCK_SEQPACKET socket. One shipper at a time: a new connection of the same
/// uid takes the place of the old one, which may be a process that hangs. A peer of another uid, or one that sends
/// anything but acknowledgements of what it was sent, is cut off with a message; the ring keeps everything.
class FrameServer {
public:
    using Log = std::function<void(const std::string&)>;

    /// `run` and `ring` as for the Recorder; all references outlive this.
    FrameServer(EventLoop& loop, UniqueFd listener, uid_t peer, Ring& ring, const wire::Id16& run, Log log);

    /// The ring has something new.
    void send();
    [[nodiscard]] bool is_connected() const noexcept { return static_cast<bool>(connection_); }

private:
    void accept();
    void serve(std::uint32_t events);
    /// Takes at most so many acknowledgements.
    void receive(int most);
    /// False when the socket is full or gone.
    bool transmit(std::span<const std::uint8_t> message);
    /// Takes what the peer acknowledged before it went, then drops it: frames that are on disk must not be sent again.
    void part(const std::string& why);
    void drop(const std::string& why);

    EventLoop& loop_;
    Ring& ring_;
    wire::Id16 run_;
    uid_t peer_;
    Log log_;
    bool greeted_ = false;
    bool waiting_ = false;
    UniqueFd listener_;
    UniqueFd connection_;
    EventLoop::Source listener_source_;
    EventLoop::Source connection_source_;
};

} // namespace candor::daemon
