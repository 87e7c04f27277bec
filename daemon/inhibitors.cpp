// SPDX-License-Identifier: Apache-2.0
#include "daemon/inhibitors.h"

#include "base/printable.h"
#include "consent/values.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>

namespace candor::daemon {
namespace {

constexpr std::size_t most_text_bytes = 128;
constexpr int pipe_bytes = 4096;

bool is_sound(const std::string& text) {
    return !text.empty() && text.size() <= most_text_bytes && consent::is_utf8(text) && printable(text) == text;
}

std::unexpected<Inhibitors::Refused> refuse(Inhibitors::Failure failure, std::string message) {
    return std::unexpected(Inhibitors::Refused{failure, std::move(message)});
}

} // namespace

Inhibitors::Inhibitors(EventLoop& loop, std::function<void(const Inhibitor&)> on_release)
    : loop_(loop), on_release_(std::move(on_release)) {}

std::expected<UniqueFd, Inhibitors::Refused> Inhibitors::add(std::uint32_t uid, const std::string& who,
                                                             const std::string& why) {
    for (const auto& [name, text] : {std::pair("who", &who), std::pair("why", &why)}) {
        if (!is_sound(*text)) {
            return refuse(Failure::invalid_argument,
                          std::string(name) + ": expected 1 to 128 bytes of UTF-8 without control characters");
        }
    }
    const auto of_uid = std::ranges::count(held_, uid, [](const Held& held) { return held.inhibitor.uid; });
    if (static_cast<std::size_t>(of_uid) >= most_of_uid) {
        return refuse(Failure::limit_reached,
                      "uid " + std::to_string(uid) + " has " + std::to_string(most_of_uid) + " inhibitors already");
    }
    if (held_.size() >= most) {
        return refuse(Failure::limit_reached, "there are " + std::to_string(most) + " inhibitors already");
    }
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) < 0) {
        if (errno == EMFILE || errno == ENFILE) {
            return refuse(Failure::limit_reached, "no descriptor is left");
        }
        throw_errno("make a pipe");
    }
    UniqueFd read_end(ends[0]);
    UniqueFd write_end(ends[1]);
    // What the holder writes stays in it: no more than needed. A kernel that refuses leaves its default.
    static_cast<void>(::fcntl(write_end.get(), F_SETPIPE_SZ, pipe_bytes));
    const auto held = held_.insert(held_.end(), Held{{who, why, uid}, std::move(read_end), {}});
    // No event is asked for: the kernel always tells that the last writer has gone, and written bytes wake nobody.
    held->source = loop_.add_io(held->read_end.get(), 0, [this, held](std::uint32_t) { release(held); });
    return write_end;
}

void Inhibitors::release(std::list<Held>::iterator held) {
    const Inhibitor gone = std::move(held->inhibitor);
    held_.erase(held);
    on_release_(gone);
}

std::vector<Inhibitors::Inhibitor> Inhibitors::list() const {
    std::vector<Inhibitor> all;
    for (const Held& held : held_) {
        all.push_back(held.inhibitor);
    }
    return all;
}

} // namespace candor::daemon
