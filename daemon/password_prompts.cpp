// SPDX-License-Identifier: Apache-2.0
#include "daemon/password_prompts.h"

#include "base/error.h"

#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <system_error>

// Every event means one thing: look again. So none can be misread, and none that the queue lost is missed (its overflow is
// an event). One watch is enough: on the directory, or on the nearest folder above it that there is, for as long as there
// is no more.
namespace candor::daemon {
namespace {

constexpr std::uint32_t events = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB | IN_DELETE_SELF |
                                 IN_MOVE_SELF | IN_ONLYDIR | IN_EXCL_UNLINK;
constexpr int most_tries = 100;

bool is_there(const std::filesystem::path& path) {
    struct stat status {};
    return ::lstat(path.c_str(), &status) == 0;
}

/// The part of `path` that is one name longer than `ancestor`.
std::filesystem::path below(const std::filesystem::path& ancestor, std::filesystem::path path) {
    while (path.parent_path() != ancestor) {
        path = path.parent_path();
    }
    return path;
}

bool has_prompt(const std::filesystem::path& directory, std::error_code& error) {
    for (std::filesystem::directory_iterator entry(directory, error), end; !error && entry != end;
         entry.increment(error)) {
        if (entry->path().filename().string().starts_with("ask.")) {
            return true;
        }
    }
    return false;
}

} // namespace

PasswordPrompts::PasswordPrompts(EventLoop& loop, std::filesystem::path directory, std::function<void()> on_change)
    : directory_(std::filesystem::absolute(directory).lexically_normal()), on_change_(std::move(on_change)),
      inotify_(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) {
    if (!inotify_) {
        return; // too many of this user: it does not work, and says so
    }
    found_ = look();
    source_ = loop.add_io(inotify_.get(), EPOLLIN, [this](std::uint32_t) {
        drain();
        const Found before = std::exchange(found_, look());
        if (found_ != before) {
            on_change_();
        }
    });
}

PasswordPrompts::~PasswordPrompts() = default;

void PasswordPrompts::drain() {
    alignas(inotify_event) std::array<char, 4096> buffer;
    while (::read(inotify_.get(), buffer.data(), buffer.size()) > 0 || errno == EINTR) {
    }
    if (errno != EAGAIN) {
        throw_errno("read what happened to the password prompts");
    }
}

std::filesystem::path PasswordPrompts::watch_nearest(bool& denied) {
    denied = false;
    for (std::filesystem::path path = directory_;; path = path.parent_path()) {
        const int watch = ::inotify_add_watch(inotify_.get(), path.c_str(), events);
        if (watch >= 0) {
            if (watch_ >= 0 && watch_ != watch) {
                ::inotify_rm_watch(inotify_.get(), watch_); // it may be gone with its folder
            }
            watch_ = watch;
            return path;
        }
        denied = denied || errno != ENOENT;
        if (path == path.parent_path()) {
            return {};
        }
    }
}

PasswordPrompts::Found PasswordPrompts::look() {
    for (int tries = 0; tries < most_tries; ++tries) {
        bool denied = false;
        const auto watched = watch_nearest(denied);
        if (watched.empty() || denied) {
            return {};
        }
        std::error_code error;
        if (watched == directory_) {
            const bool any = has_prompt(directory_, error);
            if (!error) {
                return {any, true};
            }
            if (error != std::errc::no_such_file_or_directory) {
                return {};
            }
        } else if (!is_there(below(watched, directory_))) {
            return {false, true};
        }
        // It has come or gone since the watch was set.
    }
    return {};
}

} // namespace candor::daemon
