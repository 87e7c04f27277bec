// SPDX-License-Identifier: Apache-2.0
#include "secret.h"

#include "base/file.h"
#include "base/printable.h"
#include "wire/recipient_file.h"

#include <fcntl.h>
#include <poll.h>
#include <sodium.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <utility>

namespace candor::refine {
namespace {

std::unexpected<Refusal> refuse(const std::string& what) { return std::unexpected(Refusal{what}); }

/// Text that is wiped when it dies. It never moves to other memory as it grows: all that it may take is there from the start.
class SecretText {
public:
    explicit SecretText(std::size_t limit) : limit_(limit) { text_.reserve(std::max(limit, least)); }
    SecretText(SecretText&&) noexcept = default;
    SecretText& operator=(SecretText&&) = delete;
    ~SecretText() { clear(); }

    /// False when it would be longer than its limit; then it is as it was.
    bool append(std::string_view more) {
        if (more.size() > limit_ - text_.size()) {
            return false;
        }
        text_ += more;
        return true;
    }
    void cut(std::size_t size) {
        sodium_memzero(text_.data() + size, text_.size() - size);
        text_.resize(size);
    }
    void clear() noexcept {
        sodium_memzero(text_.data(), text_.size());
        text_.clear();
    }
    [[nodiscard]] std::string_view view() const noexcept { return text_; }
    /// Leaves nothing here.
    [[nodiscard]] std::string release() { return std::exchange(text_, {}); }

private:
    static constexpr std::size_t least =
        64; ///< more than a std::string keeps inside itself, where a move would leave it behind
    std::size_t limit_;
    std::string text_;
};

struct Buffer {
    std::array<char, 4096> bytes{};

    ~Buffer() { sodium_memzero(bytes.data(), bytes.size()); }
};

/// A file to its end, or a pipe, as a shell's <(command) is.
std::expected<SecretText, Refusal> read_secret(const std::filesystem::path& path, std::size_t limit) {
    const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
    SecretText text(limit);
    for (Buffer buffer;;) {
        const ssize_t n = fd ? ::read(fd.get(), buffer.bytes.data(), buffer.bytes.size()) : -1;
        if (n < 0 && fd && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return refuse(path.string() + ": " + std::strerror(errno));
        }
        if (n == 0) {
            return text;
        }
        if (!text.append({buffer.bytes.data(), static_cast<std::size_t>(n)})) {
            return refuse(path.string() + ": larger than the limit of " + std::to_string(limit) + " bytes");
        }
    }
}

std::expected<SecretText, Refusal> first_line_of(const std::string& file) {
    auto text = read_secret(file, wire::max_passphrase_bytes);
    if (text) {
        text->cut(std::min(text->view().find('\n'), text->view().size()));
    }
    return text;
}

/// A terminal that shows nothing of what is typed as long as this lives. What ends or stops the program is held back until the terminal
/// is as it was.
class Prompt {
public:
    /// Throws std::system_error.
    explicit Prompt(UniqueFd terminal) : terminal_(std::move(terminal)) {
        ::sigemptyset(&held_);
        for (const int signal : {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP}) {
            ::sigaddset(&held_, signal);
        }
        came_.reset(::signalfd(-1, &held_, SFD_CLOEXEC));
        if (!came_) {
            throw_errno("signalfd");
        }
        hide();
    }
    ~Prompt() { show(); }
    Prompt(const Prompt&) = delete;
    Prompt& operator=(const Prompt&) = delete;

    /// A line without its end. Throws std::system_error.
    [[nodiscard]] std::expected<SecretText, Refusal> ask(const std::string& question) {
        write_fully(terminal_.get(), as_bytes(question));
        SecretText answer(wire::max_passphrase_bytes);
        bool fits = true;
        for (Buffer buffer;;) {
            if (!wait()) {
                // Stopped, and now continued: begin again.
                answer.clear();
                fits = true;
                write_fully(terminal_.get(), as_bytes(question));
                continue;
            }
            const ssize_t n = ::read(terminal_.get(), buffer.bytes.data(), buffer.bytes.size());
            if (n < 0 && errno != EINTR) {
                throw_errno("read the terminal");
            }
            if (n == 0) {
                write_fully(terminal_.get(), as_bytes("\n"));
                return refuse("nothing was typed");
            }
            const std::string_view typed(buffer.bytes.data(), static_cast<std::size_t>(std::max(n, ssize_t{0})));
            const std::string_view line = typed.substr(0, typed.find('\n'));
            fits = fits && answer.append(line);
            if (line.size() < typed.size()) {
                write_fully(terminal_.get(), as_bytes("\n"));
                break;
            }
        }
        if (!fits) {
            return refuse("a passphrase has " + std::to_string(wire::max_passphrase_bytes) + " bytes at most");
        }
        return answer;
    }

private:
    void hide() {
        // Whoever runs in the background is stopped at tcsetattr, by SIGTTOU, before anything has changed.
        if (::tcgetattr(terminal_.get(), &before_) < 0) {
            throw_errno("read the terminal's settings");
        }
        ::sigprocmask(SIG_BLOCK, &held_, &mask_);
        termios quiet = before_;
        quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO | ECHONL);
        // What was typed before the question is no answer to it, and was shown.
        if (::tcsetattr(terminal_.get(), TCSAFLUSH, &quiet) < 0) {
            const int error = errno;
            ::sigprocmask(SIG_SETMASK, &mask_, nullptr);
            throw_errno("hide what is typed", error);
        }
    }
    void show() noexcept {
        ::tcsetattr(terminal_.get(), TCSAFLUSH, &before_);
        // A signal that came does now what it does.
        ::sigprocmask(SIG_SETMASK, &mask_, nullptr);
    }
    /// Until something is typed; false when a signal came first and was survived.
    bool wait() {
        std::array<pollfd, 2> fds{pollfd{came_.get(), POLLIN, 0}, pollfd{terminal_.get(), POLLIN, 0}};
        while (::poll(fds.data(), fds.size(), -1) < 0) {
            if (errno != EINTR) {
                throw_errno("poll");
            }
        }
        if (fds[0].revents == 0) {
            return true;
        }
        show();
        hide();
        return false;
    }

    UniqueFd terminal_;
    UniqueFd came_;
    sigset_t held_{};
    sigset_t mask_{};
    termios before_{};
};

/// The terminal, wherever standard input comes from; none when there is none.
UniqueFd open_terminal() { return UniqueFd(::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)); }

std::expected<SecretText, Refusal> passphrase_of(const std::filesystem::path& key, const std::string& passphrase_file) {
    if (!passphrase_file.empty()) {
        return first_line_of(passphrase_file);
    }
    UniqueFd terminal = open_terminal();
    if (!terminal) {
        return refuse(key.string() +
                      ": there is no terminal to ask for the passphrase: give it with --passphrase-file");
    }
    return Prompt(std::move(terminal)).ask("Passphrase of " + printable(key.string()) + ": ");
}

} // namespace

std::expected<std::optional<wire::RecipientKeyPair>, Refusal> load_key(const KeySource& source) {
    std::filesystem::path path = source.file;
    if (!source.credential.empty()) {
        if (!source.file.empty()) {
            return refuse("expected --key or --credential, not both");
        }
        const char* folder = std::getenv("CREDENTIALS_DIRECTORY");
        if (folder == nullptr || *folder == '\0') {
            return refuse("--credential: $CREDENTIALS_DIRECTORY is not set, expected a service with LoadCredential=");
        }
        if (source.credential.find('/') != std::string::npos || source.credential == "." || source.credential == "..") {
            return refuse("--credential: expected a name, not the path '" + source.credential + "'");
        }
        path = std::filesystem::path(folder) / source.credential;
    }
    if (path.empty()) {
        return std::optional<wire::RecipientKeyPair>();
    }
    const auto text = read_secret(path, wire::max_recipient_file_bytes);
    if (!text) {
        return std::unexpected(text.error());
    }
    std::optional<SecretText> passphrase;
    if (wire::is_protected(text->view())) {
        // Nobody is asked about what cannot be opened.
        if (const auto form = wire::parse_protected(text->view()); !form) {
            return refuse(path.string() + ": " + form.error().message);
        }
        auto given = passphrase_of(path, source.passphrase_file);
        if (!given) {
            return std::unexpected(std::move(given.error()));
        }
        passphrase.emplace(std::move(*given));
    }
    auto pair = wire::unlock(text->view(), passphrase ? std::optional(passphrase->view()) : std::nullopt);
    if (!pair) {
        return refuse(path.string() + ": " + pair.error().message);
    }
    return std::optional(std::move(*pair));
}

std::expected<std::string, Refusal> new_passphrase(const std::string& passphrase_file) {
    if (!passphrase_file.empty()) {
        auto given = first_line_of(passphrase_file);
        if (!given) {
            return std::unexpected(std::move(given.error()));
        }
        if (given->view().empty()) {
            return refuse(passphrase_file + ": its first line is empty, expected a passphrase");
        }
        return given->release();
    }
    UniqueFd terminal = open_terminal();
    if (!terminal) {
        return refuse("there is no terminal to ask for a passphrase: give it with --passphrase-file, or keep the key "
                      "unprotected with --no-passphrase");
    }
    Prompt prompt(std::move(terminal));
    auto once = prompt.ask("Passphrase for the new key: ");
    if (!once) {
        return std::unexpected(std::move(once.error()));
    }
    if (once->view().empty()) {
        return refuse("a passphrase has one character at least; --no-passphrase keeps the key unprotected");
    }
    const auto again = prompt.ask("Once more: ");
    if (!again) {
        return std::unexpected(again.error());
    }
    if (again->view() != once->view()) {
        return refuse("the two passphrases are not the same");
    }
    return once->release();
}

} // namespace candor::refine
