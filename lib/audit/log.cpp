// SPDX-License-Identifier: Apache-2.0
#include "audit/log.h"

#include "audit/entry.h"
#include "audit/survey.h"
#include "base/clock.h"
#include "base/file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstring>

// The order of append(): the line, fdatasync, the head (new file, fsync, rename, fsync of the folder). Where a step
// fails, the steps before it are undone from the end: first the old head, then the old length. Every state between is one
// that a crash can leave, so open() copes with it.
namespace candor::audit {
namespace {

Refusal at(const std::filesystem::path& path, const std::string& what) { return {path.string() + ": " + what}; }

/// EBADMSG: what is on disk is not what this process left there.
[[noreturn]] void throw_touched(const std::filesystem::path& path) {
    throw_errno(path.string() + " was changed by somebody else", EBADMSG);
}

bool missing(const std::filesystem::path& path) {
    struct stat status {};
    return ::lstat(path.c_str(), &status) < 0 && errno == ENOENT;
}

/// Opens the log; makes an empty one where neither file is there.
std::expected<UniqueFd, Refusal> open_log(const std::filesystem::path& directory) {
    const std::filesystem::path path = directory / log_name;
    UniqueFd file(::open(path.c_str(), O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    if (!file && errno == ENOENT) {
        if (!missing(directory / head_name)) {
            return std::unexpected(at(path, "missing, but there is a head: expected both or neither"));
        }
        file.reset(::open(path.c_str(), O_RDWR | O_APPEND | O_CLOEXEC | O_CREAT | O_EXCL, 0600));
        if (file) {
            sync_directory(directory);
        }
    }
    struct stat status {};
    if (!file || ::fstat(file.get(), &status) < 0) {
        return std::unexpected(at(path, std::strerror(errno)));
    }
    if (!S_ISREG(status.st_mode)) {
        return std::unexpected(at(path, "not a regular file"));
    }
    // Two writers would each continue the chain.
    if (::flock(file.get(), LOCK_EX | LOCK_NB) < 0) {
        return std::unexpected(at(path, errno == EWOULDBLOCK ? "in use by another process" : std::strerror(errno)));
    }
    return file;
}

std::uint64_t size_of(int file) {
    struct stat status {};
    if (::fstat(file, &status) < 0) {
        throw_errno("read the audit log's size");
    }
    return static_cast<std::uint64_t>(status.st_size);
}

void truncate(int file, std::uint64_t bytes) {
    if (::ftruncate(file, static_cast<off_t>(bytes)) < 0 || ::fdatasync(file) < 0) {
        throw_errno("cut the audit log");
    }
}

Entry repaired(std::string detail) {
    Entry entry;
    entry.time = read_clock_anchor().realtime_ns / 1'000'000'000;
    entry.act = Act::repaired;
    entry.detail = std::move(detail);
    return entry;
}

} // namespace

std::expected<Log, Refusal> Log::open(const std::filesystem::path& directory, const wire::Identity& identity) {
    try {
        auto file = open_log(directory);
        if (!file) {
            return std::unexpected(std::move(file.error()));
        }
        Log log;
        log.directory_ = directory;
        log.identity_ = &identity;
        log.file_ = std::move(*file);
        // A crash between the making of the two leaves an empty log alone.
        if (size_of(log.file_.get()) == 0 && missing(directory / head_name)) {
            log.write_head_file(write_head({}, identity));
        }
        Survey found = survey(log.file_.get(), directory, identity.public_key());
        if (!found.problem.empty()) {
            return std::unexpected(Refusal{std::move(found.problem)});
        }
        log.entries_ = found.found.entries;
        log.bytes_ = found.found.bytes;
        log.last_ = found.found.last;
        log.last_gate_ = std::move(found.last_gate);
        log.marks_ = std::move(found.marks);
        log.head_text_ = write_head(found.head, identity);
        if (found.torn > 0) {
            truncate(log.file_.get(), log.bytes_);
            log.append(repaired(std::to_string(found.torn) + " bytes of an unfinished entry were cut off"));
        } else if (found.found != found.head) {
            log.head_text_ = write_head(found.found, identity);
            log.write_head_file(log.head_text_);
            log.append(repaired("entry " + std::to_string(log.entries_) + " was not yet in the head"));
        }
        return log;
    } catch (const std::system_error& error) {
        return std::unexpected(Refusal{error.what()});
    }
}

void Log::write_head_file(const std::string& text) const {
    write_file_atomically(directory_ / head_name, as_bytes(text), 0600);
}

std::string Log::read_head_file() const {
    auto text = read_text(directory_ / head_name, max_head_bytes);
    if (!text) {
        throw std::system_error(std::make_error_code(std::errc::io_error), text.error().message);
    }
    return std::move(*text);
}

void Log::check_untouched() const {
    const std::filesystem::path path = directory_ / log_name;
    struct stat mine {};
    struct stat named {};
    if (::fstat(file_.get(), &mine) < 0) {
        throw_errno(path.string());
    }
    if (::lstat(path.c_str(), &named) < 0 || mine.st_dev != named.st_dev || mine.st_ino != named.st_ino ||
        static_cast<std::uint64_t>(mine.st_size) != bytes_) {
        throw_touched(path);
    }
    if (read_head_file() != head_text_) {
        throw_touched(directory_ / head_name);
    }
}

void Log::undo() {
    if (const std::string text = read_head_file(); text != head_text_) {
        if (text != unsure_head_) {
            throw_touched(directory_ / head_name);
        }
        write_head_file(head_text_);
    }
    if (size_of(file_.get()) < bytes_) {
        throw_touched(directory_ / log_name);
    }
    truncate(file_.get(), bytes_);
    unsure_head_.clear();
}

void Log::append(Entry entry) {
    if (!unsure_head_.empty()) {
        undo();
    }
    check_untouched();
    entry.number = entries_ + 1;
    entry.detail = fit_detail(entry.detail);
    const ChainedEntry chained = chain(std::move(entry), last_);
    const std::string line = write_entry(chained) + "\n";
    const Head head{entries_ + 1, bytes_ + line.size(), chained.hash};
    std::string head_text = write_head(head, *identity_);
    if (entries_ % mark_interval == 0) {
        marks_.resize(entries_ / mark_interval);
        marks_.push_back(bytes_);
    }
    try {
        write_fully(file_.get(), as_bytes(line));
        if (::fdatasync(file_.get()) < 0) {
            throw_errno("sync the audit log");
        }
        write_head_file(head_text);
    } catch (const std::system_error&) {
        unsure_head_ = std::move(head_text);
        try {
            undo();
        } catch (const std::system_error&) {
            // The first failure is the one to tell; the next append() tries again, and so does open().
        }
        throw;
    }
    entries_ = head.entries;
    bytes_ = head.bytes;
    last_ = head.last;
    head_text_ = std::move(head_text);
}

std::expected<std::vector<std::string>, Refusal> Log::read(std::uint64_t after, std::size_t limit,
                                                           const std::function<bool(const Entry&)>& wanted) const {
    std::vector<std::string> page;
    if (after >= entries_) {
        return page;
    }
    const std::uint64_t mark = after / mark_interval;
    const auto refuse = [this](std::uint64_t number, const std::string& what) {
        return std::unexpected(Refusal{(directory_ / log_name).string() + ":" + std::to_string(number) + ": " + what});
    };
    LineReader lines(file_.get(), marks_.at(mark));
    for (std::uint64_t number = mark * mark_interval + 1; number <= entries_ && page.size() < limit; ++number) {
        const auto line = lines.next();
        if (!line || !line->whole) {
            return refuse(number, "the end, expected an entry");
        }
        if (number <= after) {
            continue;
        }
        const auto chained = parse_entry(line->text);
        if (!chained) {
            return refuse(number, chained.error().message);
        }
        if (chained->entry.number != number) {
            return refuse(number, "another entry's number");
        }
        if (wanted(chained->entry)) {
            page.emplace_back(line->text);
        }
    }
    return page;
}

Verification verify(const std::filesystem::path& directory, const wire::PublicKey& identity) {
    const std::filesystem::path path = directory / log_name;
    const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    struct stat status {};
    if (!file || ::fstat(file.get(), &status) < 0) {
        return {false, 0, path.string() + ": " + std::strerror(errno)};
    }
    if (!S_ISREG(status.st_mode)) {
        return {false, 0, path.string() + ": not a regular file"};
    }
    try {
        const Survey found = survey(file.get(), directory, identity);
        if (!found.problem.empty()) {
            return {false, std::min(found.found.entries, found.head.entries), found.problem};
        }
        if (found.torn > 0 || found.found != found.head) {
            return {false, found.head.entries,
                    path.string() + ":" + std::to_string(found.head.entries + 1) +
                        ": beyond what the head covers, expected the end"};
        }
        return {true, found.head.entries, {}};
    } catch (const std::system_error& error) {
        return {false, 0, path.string() + ": " + error.what()};
    }
}

} // namespace candor::audit
