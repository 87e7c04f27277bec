// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/error.h"
#include "daemon/frame_server.h"

#include "support/catch.h"
#include "support/temporary_directory.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <string>
#include <vector>

namespace candor::test {

inline UniqueFd seqpacket_socket(int flags = 0) {
    UniqueFd fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | flags, 0));
    if (!fd) {
        throw_errno("make a socket");
    }
    return fd;
}

inline sockaddr_un socket_address(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(static_cast<char*>(address.sun_path), sizeof address.sun_path - 1);
    return address;
}

/// A shipper's end of the socket, driven by hand.
class Peer {
public:
    explicit Peer(const std::string& path) : fd_(seqpacket_socket()) {
        const sockaddr_un address = socket_address(path);
        if (::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0) {
            throw_errno("connect to " + path);
        }
    }

    void send(std::span<const std::uint8_t> message) const {
        REQUIRE(::send(fd_.get(), message.data(), message.size(), MSG_NOSIGNAL) ==
                static_cast<ssize_t>(message.size()));
    }
    void acknowledge(const wire::Id16& stream, std::uint32_t sequence) const {
        send(wire::encode_reply(wire::Ack{stream, sequence}));
    }

    /// What is there now: "hello 0" before there is a stream, "hello N/SEQUENCE", or "frame N/SEQUENCE" for what push() made;
    /// "end" when the server has hung up.
    [[nodiscard]] std::vector<std::string> receive(std::size_t most = SIZE_MAX) const {
        std::vector<std::string> all;
        while (all.size() < most) {
            std::vector<std::uint8_t> buffer(wire::max_frame_bytes);
            const ssize_t n = ::recv(fd_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
            if (n < 0 && errno == EAGAIN) {
                break;
            }
            if (n <= 0) {
                all.push_back("end");
                break;
            }
            buffer.resize(static_cast<std::size_t>(n));
            all.push_back(describe(buffer));
        }
        return all;
    }

private:
    static std::string describe(const std::vector<std::uint8_t>& message) {
        if (message[0] == 0xff) {
            return "frame " + std::to_string(message[1]) + "/" + std::to_string(message[2] + 256 * message[3]);
        }
        const auto frame = wire::parse_frame(message);
        REQUIRE(frame.has_value());
        const auto* hello = std::get_if<wire::Hello>(&frame->body);
        REQUIRE(hello != nullptr);
        const std::string sequence = std::to_string(frame->sequence);
        return "hello " + (hello->stream ? std::to_string((*hello->stream)[0]) + "/" + sequence : sequence);
    }

    UniqueFd fd_;
};

/// A frame server on a socket in a folder of its own. What it sends are not real frames: the server does not look into them.
struct FrameServerFixture {
    explicit FrameServerFixture(uid_t peer = ::geteuid()) {
        listener = seqpacket_socket(SOCK_NONBLOCK);
        const sockaddr_un address = socket_address(path());
        if (::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0 ||
            ::listen(listener.get(), 16) < 0) {
            throw_errno("listen");
        }
        server.emplace(loop, std::move(listener), peer, ring, wire::Id16{42},
                       daemon::FrameServer::Callbacks{
                           [this](const std::string& message) { log.push_back(message); }, [this] { ++acknowledged; },
                           [this] { ++changed; },
                           [this](const wire::ErasureMessage& message) { erasures.push_back(message.bytes); }});
    }

    [[nodiscard]] std::string path() const { return folder / "frames.sock"; }

    /// Stream N's next frame.
    void push(std::uint8_t stream, std::uint32_t sequence, std::size_t bytes = 64) {
        std::vector<std::uint8_t> message(bytes);
        message[0] = 0xff;
        message[1] = stream;
        message[2] = static_cast<std::uint8_t>(sequence);
        message[3] = static_cast<std::uint8_t>(sequence >> 8);
        wire::StreamProgress progress;
        progress.stream = wire::Id16{stream};
        progress.next_sequence = sequence + 1;
        ring.push({progress.stream, {}, sequence, daemon::Ring::Kind::frame, std::move(message), progress});
    }
    void push_stream(std::uint8_t stream, std::uint32_t frames, std::size_t bytes = 64) {
        for (std::uint32_t sequence = 0; sequence < frames; ++sequence) {
            push(stream, sequence, bytes);
        }
    }

    /// Turns the loop until nothing is left to do.
    void settle() {
        while (loop.run_once(std::chrono::microseconds(0))) {
        }
    }

    TemporaryDirectory folder;
    EventLoop loop;
    daemon::Ring ring{16 * 1024 * 1024};
    std::vector<std::string> log;
    int acknowledged = 0;
    int changed = 0;
    std::vector<std::vector<std::uint8_t>> erasures;
    UniqueFd listener;
    std::optional<daemon::FrameServer> server;
};

using Received = std::vector<std::string>;

} // namespace candor::test
