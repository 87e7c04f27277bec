// SPDX-License-Identifier: Apache-2.0
#include "commands.h"

#include "child.h"
#include "client.h"
#include "watch.h"

#include <poll.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <iostream>

// candord lets go of its inhibitors when it ends. It is watched for, so that recording is held off again as soon as it is
// back; what it took in between is still in quarantine then, and is discarded.
namespace candor::ctl {
namespace {

void say(const std::string& text) { std::cerr << "candorctl: " << text << std::endl; }

/// The command's name, of what every terminal shows alike: others will read it.
std::string default_who(const std::string& program) {
    const std::string name = std::filesystem::path(program).filename().string();
    const bool plain = std::ranges::all_of(name, [](char c) { return c > ' ' && c <= '~'; });
    return name.empty() || name.size() > 128 || !plain ? "a command" : name;
}

/// Holds recording off for as long as it lives.
class Hold {
public:
    explicit Hold(const InhibitOptions& options)
        : who_(options.who.empty() ? default_who(options.command.front()) : options.who), why_(options.why) {}

    Answer<void> take() {
        auto client = Client::connect();
        if (!client) {
            return std::unexpected(std::move(client.error()));
        }
        auto descriptor = client->inhibit(who_, why_);
        if (!descriptor) {
            return std::unexpected(std::move(descriptor.error()));
        }
        descriptor_ = std::move(*descriptor);
        return {};
    }
    /// -1 when it is not held off. In error when candord is gone.
    [[nodiscard]] int fd() const noexcept { return descriptor_.get(); }
    void drop() noexcept { descriptor_.reset(); }

private:
    std::string who_;
    std::string why_;
    UniqueFd descriptor_;
};

void take_again(Hold& hold) {
    if (const auto taken = hold.take(); taken) {
        say("candord is running: recording is held off");
    } else if (taken.error().exit != Exit::absent) {
        say("recording is not held off: " + taken.error().message);
    }
}

} // namespace

Outcome inhibit(const InhibitOptions& options) {
    auto watch = Watch::open();
    if (!watch) {
        return std::unexpected(Failure{"the command is not run: " + watch.error().message, watch.error().exit});
    }
    Hold hold(options);
    if (const auto taken = hold.take(); !taken) {
        if (taken.error().exit != Exit::absent) {
            return std::unexpected(Failure{"the command is not run: " + taken.error().message, taken.error().exit});
        }
        say("candord is not running: nothing is recorded, and the command is run without an inhibitor");
    }
    Child child(options.command);
    for (;;) {
        // No events asked for: of the inhibitor only its end is of interest.
        std::array<pollfd, 3> fds{pollfd{child.fd(), POLLIN, 0}, pollfd{watch->fd(), POLLIN, 0},
                                  pollfd{hold.fd(), 0, 0}};
        ::poll(fds.data(), fds.size(), -1);
        if (const auto status = child.handle()) {
            return *status;
        }
        const bool ended = fds[2].revents != 0;
        if (ended) {
            say("candord has ended, and recording with it");
            hold.drop();
        }
        if (const bool came = watch->came(); hold.fd() < 0 && (ended || came)) {
            take_again(hold);
        }
    }
}

} // namespace candor::ctl
