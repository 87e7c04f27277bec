// SPDX-License-Identifier: Apache-2.0
#include "shipper/frame_client.h"

#include "shipper/backoff.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cstring>

namespace candor::shipper {
namespace {

constexpr std::chrono::seconds longest_pause{30};

/// One fdatasync serves this many frames at most.
constexpr int frames_a_turn = 64;

} // namespace

FrameClient::FrameClient(EventLoop& loop, std::filesystem::path source, Spool& spool, Callbacks callbacks)
    : loop_(loop), source_(std::move(source)), spool_(spool), callbacks_(std::move(callbacks)),
      // One byte more than a frame may have, so that a longer packet is noticed.
      buffer_(wire::max_frame_bytes + 1), retry_(loop_.add_timer([this] {
          if (connection_) {
              try_again();
          } else {
              connect();
          }
      })) {}

void FrameClient::connect() {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = source_.string();
    if (path.size() >= sizeof address.sun_path) {
        throw std::runtime_error("shipper.conf: [Shipper] Source: longer than a socket's name can be");
    }
    std::copy(path.begin(), path.end(), address.sun_path);
    UniqueFd connection(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    if (!connection) {
        throw_errno("make a socket");
    }
    // Blocking until the listener takes it, which systemd does at once; non-blocking from then on, by MSG_DONTWAIT.
    if (::connect(connection.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0) {
        give_up("cannot connect to " + path + ": " + std::strerror(errno));
        return;
    }
    connection_ = std::move(connection);
    greeted_ = false;
    greeting_.reset();
    pending_.reset();
    source_events_ = loop_.add_io(connection_.get(), EPOLLIN, [this](std::uint32_t events) { serve(events); });
}

void FrameClient::serve(std::uint32_t events) {
    try {
        if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) {
            // The Hello is heard even when nothing can be taken: only then candord can be told why.
            const auto reads = [this] { return refusal_.empty() || (!greeted_ && !greeting_); };
            for (int i = 0; i < frames_a_turn && connection_ && reads() && receive(); ++i) {
            }
        }
        if (connection_ && pending_) {
            spool_.sync();
            acknowledge();
        }
    } catch (const std::system_error& error) {
        // What was taken and not synced may be half there: the spool finds its place again on a new connection. Until the disk
        // works, that one is greeted and not read.
        refusal_ = error.what();
        give_up(error.what());
        return;
    }
    if (connection_ && !refusal_.empty() && (events & (EPOLLHUP | EPOLLERR)) != 0) {
        give_up("candord hung up");
    }
}

bool FrameClient::receive() {
    if (greeted_ && spool_.full()) {
        refuse("the spool is full: " + std::to_string(spool_.bytes()) + " of " + std::to_string(spool_.bound()) +
               " bytes");
        return false;
    }
    const ssize_t n = ::recv(connection_.get(), buffer_.data(), buffer_.size(), MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return errno == EINTR;
    }
    std::optional<std::string> problem;
    if (n <= 0) {
        problem = n == 0 ? "candord hung up" : std::strerror(errno);
    } else {
        problem = handle(std::span(buffer_).first(static_cast<std::size_t>(n)));
    }
    if (!problem) {
        return true;
    }
    // What was good before is acknowledged all the same.
    if (pending_) {
        spool_.sync();
        acknowledge();
    }
    if (connection_) {
        give_up(*problem);
    }
    return false;
}

std::optional<std::string> FrameClient::handle(std::span<const std::uint8_t> message) {
    if (!greeted_) {
        const auto frame = wire::parse_frame(message);
        if (!frame) {
            return frame.error().message;
        }
        const auto* hello = std::get_if<wire::Hello>(&frame->body);
        if (hello == nullptr) {
            return "the first frame is no Hello";
        }
        greeting_ = {*hello, frame->sequence};
        try_again();
        return std::nullopt;
    }
    const auto taken = spool_.take(message);
    if (!taken) {
        return "a frame is refused: " + taken.error().message;
    }
    pending_ = *taken;
    ++frames_;
    return std::nullopt;
}

void FrameClient::try_again() {
    try {
        // A disk that has just failed is not believed before it has taken something.
        if (!refusal_.empty()) {
            spool_.probe();
        }
        if (greeting_) {
            spool_.resume(greeting_->hello, greeting_->sequence);
            greeting_.reset();
            greeted_ = true;
        }
        if (spool_.full()) {
            refuse("the spool is full: " + std::to_string(spool_.bytes()) + " of " + std::to_string(spool_.bound()) +
                   " bytes");
            return;
        }
    } catch (const std::system_error& error) {
        refuse(error.what());
        return;
    }
    refusal_.clear();
    source_events_.set_io_events(EPOLLIN);
    callbacks_.changed();
    callbacks_.finished();
}

void FrameClient::refuse(const std::string& why) {
    refusal_ = why; // told by whoever asks for it: status.h
    // Not read: what comes waits in candord's ring. That it hangs up is noticed all the same.
    source_events_.set_io_events(0);
    arm_retry();
    callbacks_.changed();
}

void FrameClient::room() {
    if (connection_ && !refusal_.empty() && !spool_.full()) {
        try_again();
    }
}

bool FrameClient::tell(const wire::Reply& reply) {
    if (!connection_ || (!greeted_ && !greeting_)) {
        return false;
    }
    const auto message = wire::encode_reply(reply);
    return ::send(connection_.get(), message.data(), message.size(), MSG_NOSIGNAL | MSG_DONTWAIT) ==
           static_cast<ssize_t>(message.size());
}

void FrameClient::acknowledge() {
    const auto message = wire::encode_reply(*pending_);
    const ssize_t n = ::send(connection_.get(), message.data(), message.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR || errno == ENOBUFS)) {
        source_events_.set_io_events(EPOLLIN | EPOLLOUT);
        return;
    }
    pending_.reset();
    if (n < 0) {
        give_up(std::strerror(errno));
        return;
    }
    source_events_.set_io_events(EPOLLIN);
    spool_.acknowledged();
    last_problem_.clear();
    pause_ = std::chrono::seconds(1);
    callbacks_.finished();
}

void FrameClient::give_up(const std::string& why) {
    source_events_.reset();
    connection_.reset();
    pending_.reset();
    greeting_.reset();
    if (why != last_problem_) {
        last_problem_ = why;
        callbacks_.log("no frames: " + why + "; trying again");
    }
    arm_retry();
    callbacks_.changed();
}

void FrameClient::arm_retry() {
    retry_.arm(with_jitter(pause_));
    pause_ = std::min(pause_ * 2, longest_pause);
}

} // namespace candor::shipper
