// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/event_loop.h"
#include "base/unique_fd.h"

#include <filesystem>
#include <functional>

namespace candor::daemon {

/// Whether systemd asks somebody for a password now: files ask.* in its directory (systemd.io/PASSWORD_AGENTS), watched with
/// inotify. The directory may come and go. A question is written as tmp.*, renamed to ask.* when it is whole, and removed when
/// it was answered; its answer's socket is sck.*. One whose asker was killed stays, and counts, until somebody removes it.
class PasswordPrompts {
public:
    /// `directory`: /run/systemd/ask-password, or a test's. `on_change` runs when any() or works() has changed.
    PasswordPrompts(EventLoop& loop, std::filesystem::path directory, std::function<void()> on_change);
    ~PasswordPrompts();
    PasswordPrompts(const PasswordPrompts&) = delete;
    PasswordPrompts& operator=(const PasswordPrompts&) = delete;

    [[nodiscard]] bool any() const noexcept { return found_.any; }
    /// False when it cannot be watched: prompts would go unseen, so the caller must count that as a prompt.
    [[nodiscard]] bool works() const noexcept { return found_.works; }

private:
    struct Found {
        bool any = false;
        bool works = false;
        bool operator==(const Found&) const = default;
    };

    void drain();
    /// Watches the directory, or what there is of the path to it, and looks into it.
    [[nodiscard]] Found look();
    /// Its nearest ancestor, or itself, that can be watched; an empty path when there is none. `denied`: one on the way was not
    /// missing but cannot be watched.
    [[nodiscard]] std::filesystem::path watch_nearest(bool& denied);

    std::filesystem::path directory_;
    std::function<void()> on_change_;
    UniqueFd inotify_;
    int watch_ = -1; ///< the one there is
    Found found_;
    EventLoop::Source source_;
};

} // namespace candor::daemon
