// SPDX-License-Identifier: Apache-2.0
#include "daemon/frame_server.h"

#include "base/error.h"
#include "wire/stream_sealer.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <climits>
#include <cstring>

namespace candor::daemon {
namespace {

/// Replies read in one turn of the loop; the rest waits, so that input goes first.
constexpr int replies_a_turn = 64;

/// The largest reply: an erasure's receipt and the message around it.
constexpr std::size_t max_reply_bytes = wire::max_erasure_bytes + 256;

} // namespace

FrameServer::FrameServer(EventLoop& loop, UniqueFd listener, uid_t peer, Ring& ring, const wire::Id16& run,
                         Callbacks callbacks)
    : loop_(loop), ring_(ring), run_(run), peer_(peer), callbacks_(std::move(callbacks)),
      listener_(std::move(listener)) {
    listener_source_ = loop_.add_io(listener_.get(), EPOLLIN, [this](std::uint32_t) { accept(); });
}

void FrameServer::accept() {
    UniqueFd connection(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!connection) {
        if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED) {
            return;
        }
        throw_errno("accept a shipper");
    }
    ucred peer{};
    socklen_t size = sizeof peer;
    if (::getsockopt(connection.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0 || peer.uid != peer_) {
        callbacks_.log("refused a connection of uid " + std::to_string(peer.uid) + ", expected the shipper's uid " +
                       std::to_string(peer_));
        return;
    }
    if (connection_) {
        part("a new connection takes its place");
    }
    connection_ = std::move(connection);
    connection_source_ = loop_.add_io(connection_.get(), EPOLLIN, [this](std::uint32_t events) { serve(events); });
    greeted_ = false;
    waiting_ = false;
    ring_.rewind();
    send();
    callbacks_.changed();
}

void FrameServer::serve(std::uint32_t events) {
    if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) {
        receive(replies_a_turn);
    }
    if (connection_ && (events & EPOLLOUT) != 0) {
        waiting_ = false;
        connection_source_.set_io_events(EPOLLIN);
        send();
    }
}

void FrameServer::receive(int most) {
    for (int i = 0; i < most && connection_; ++i) {
        std::array<std::uint8_t, max_reply_bytes> buffer;
        const ssize_t n = ::recv(connection_.get(), buffer.data(), buffer.size(), MSG_TRUNC);
        if (n < 0 && errno == EAGAIN) {
            return;
        }
        // ECONNRESET: the peer went and left frames unread. It is reported once; what the peer said before follows, and
        // then the end.
        if (n < 0 && (errno == EINTR || errno == ECONNRESET)) {
            continue;
        }
        if (n <= 0) {
            drop(n == 0 ? "it hung up" : std::strerror(errno));
            return;
        }
        if (static_cast<std::size_t>(n) > buffer.size()) {
            drop("it sent " + std::to_string(n) + " bytes, expected a reply");
            return;
        }
        const auto reply = wire::parse_reply(std::span(buffer).first(static_cast<std::size_t>(n)));
        const auto problem =
            reply ? handle(*reply) : std::optional("it sent what is no reply: " + reply.error().message);
        if (problem) {
            drop(*problem);
        }
    }
}

std::optional<std::string> FrameServer::handle(const wire::Reply& reply) {
    if (const auto* ack = std::get_if<wire::Ack>(&reply)) {
        if (!ring_.acknowledge(*ack)) {
            return "it acknowledged frame " + std::to_string(ack->sequence) +
                   " of a stream, which was not sent or is done";
        }
        callbacks_.acknowledged();
    } else if (const auto* report = std::get_if<wire::Report>(&reply)) {
        report_ = *report;
        callbacks_.changed();
    } else {
        callbacks_.erasure(std::get<wire::ErasureMessage>(reply));
    }
    return std::nullopt;
}

bool FrameServer::transmit(std::span<const std::uint8_t> message) {
    const ssize_t n = ::send(connection_.get(), message.data(), message.size(), MSG_NOSIGNAL);
    if (n == static_cast<ssize_t>(message.size())) {
        return true;
    }
    if (n < 0 && (errno == EAGAIN || errno == EINTR || errno == ENOBUFS)) {
        waiting_ = true;
        connection_source_.set_io_events(EPOLLIN | EPOLLOUT);
        return false;
    }
    part(n < 0 ? std::strerror(errno) : "a packet was cut");
    return false;
}

void FrameServer::send() {
    if (connection_ && !greeted_) {
        const Ring::Position position = ring_.position();
        if (!transmit(wire::make_hello(run_, position.stream, position.sequence))) {
            return;
        }
        greeted_ = true;
    }
    while (connection_ && !waiting_) {
        const std::vector<std::uint8_t>* message = ring_.next();
        if (message == nullptr) {
            return;
        }
        if (transmit(*message)) {
            ring_.sent();
        }
    }
}

void FrameServer::part(const std::string& why) {
    // Ends: a peer can acknowledge no more than was sent, and is dropped for anything else.
    receive(INT_MAX);
    if (connection_) {
        drop(why);
    }
}

void FrameServer::drop(const std::string& why) {
    callbacks_.log("the shipper's connection is closed: " + why);
    connection_source_.reset();
    connection_.reset();
    report_.reset();
    ring_.rewind();
    callbacks_.changed();
}

void FrameServer::restart(const std::string& why) {
    if (connection_) {
        part(why);
    }
}

} // namespace candor::daemon
