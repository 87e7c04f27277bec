// SPDX-License-Identifier: Apache-2.0
#include "shipper/frame_client.h"

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

FrameClient::FrameClient(EventLoop& loop, std::filesystem::path source, Spool& spool, std::function<void()> on_finished,
                         Spool::Log log)
    : loop_(loop), source_(std::move(source)), spool_(spool), on_finished_(std::move(on_finished)),
      log_(std::move(log)),
      // One byte more than a frame may have, so that a longer packet is noticed.
      buffer_(wire::max_frame_bytes + 1), retry_(loop_.add_timer([this] { connect(); })) {}

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
    pending_.reset();
    source_events_ = loop_.add_io(connection_.get(), EPOLLIN, [this](std::uint32_t events) { serve(events); });
}

void FrameClient::serve(std::uint32_t events) {
    try {
        if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) {
            for (int i = 0; i < frames_a_turn && receive(); ++i) {
            }
        }
        if (connection_ && pending_) {
            spool_.sync();
            acknowledge();
        }
    } catch (const std::system_error& error) {
        // The disk. candord keeps what was not acknowledged; the spool finds its place again on the next connection.
        give_up(error.what());
    }
}

bool FrameClient::receive() {
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
        spool_.resume(*hello, frame->sequence);
        greeted_ = true;
        on_finished_();
        return std::nullopt;
    }
    const auto taken = spool_.take(message);
    if (!taken) {
        return "a frame is refused: " + taken.error().message;
    }
    pending_ = *taken;
    return std::nullopt;
}

void FrameClient::acknowledge() {
    const auto message = wire::encode_ack(*pending_);
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
    on_finished_();
}

void FrameClient::give_up(const std::string& why) {
    source_events_.reset();
    connection_.reset();
    pending_.reset();
    if (why != last_problem_) {
        last_problem_ = why;
        log_("no frames: " + why + "; trying again");
    }
    retry_.arm(pause_);
    pause_ = std::min(pause_ * 2, longest_pause);
}

} // namespace candor::shipper
