// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/error.h"
#include "base/event_loop.h"
#include "base/unique_fd.h"

#include <cstdint>
#include <expected>
#include <functional>
#include <list>
#include <string>
#include <vector>

namespace candor::daemon {

/// What holds recording off on somebody's behalf, each for as long as a descriptor of theirs is open.
class Inhibitors {
public:
    static constexpr std::size_t most_of_uid = 16;
    static constexpr std::size_t most = 64;

    struct Inhibitor {
        std::string who;
        std::string why;
        std::uint32_t uid = 0;
    };
    enum class Failure : std::uint8_t { invalid_argument, limit_reached };
    struct Refused {
        Failure failure;
        std::string message;
    };

    /// `on_release` runs after an inhibitor has gone from list(), which its holder's closing of the descriptor does.
    Inhibitors(EventLoop& loop, std::function<void(const Inhibitor&)> on_release);
    Inhibitors(const Inhibitors&) = delete;
    Inhibitors& operator=(const Inhibitors&) = delete;

    /// The descriptor to hand out: the write end of a pipe, O_CLOEXEC; releasing is closing the last copy of it. What is written
    /// into it is never read: the pipe fills up, and a further write fails. Both texts: 1 to 128 bytes of UTF-8 without control
    /// characters. Out of descriptors is limit_reached.
    [[nodiscard]] std::expected<UniqueFd, Refused> add(std::uint32_t uid, const std::string& who,
                                                       const std::string& why);
    /// In the order of their coming.
    [[nodiscard]] std::vector<Inhibitor> list() const;
    [[nodiscard]] bool empty() const noexcept { return held_.empty(); }

private:
    struct Held {
        Inhibitor inhibitor;
        UniqueFd read_end;
        EventLoop::Source source;
    };

    void release(std::list<Held>::iterator held);

    EventLoop& loop_;
    std::function<void(const Inhibitor&)> on_release_;
    std::list<Held> held_;
};

} // namespace candor::daemon
