// SPDX-License-Identifier: Apache-2.0
#include "shipper/spool.h"

#include "base/file.h"
#include "base/hex.h"
#include "wire/segment.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>

namespace candor::shipper {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view part_suffix = ".part";

std::vector<fs::path> files_with(const fs::path& directory, std::initializer_list<std::string_view> suffixes) {
    std::vector<fs::path> files;
    for (const fs::directory_entry& entry : fs::directory_iterator(directory)) {
        if (entry.is_regular_file() &&
            std::ranges::find(suffixes, entry.path().extension().string()) != suffixes.end()) {
            files.push_back(entry.path());
        }
    }
    return files;
}

/// A name in damaged/ that is not taken: an earlier find may have had the same.
fs::path free_name(const fs::path& wanted) {
    fs::path name = wanted;
    for (int i = 1; fs::exists(fs::symlink_status(name)); ++i) {
        name = wanted.string() + "." + std::to_string(i);
    }
    return name;
}

} // namespace

Spool::Spool(fs::path directory, Log log)
    : directory_(std::move(directory)), damaged_(directory_ / "damaged"), log_(std::move(log)) {
    if (::mkdir(damaged_.c_str(), 0750) < 0 && errno != EEXIST) {
        throw_errno("make " + damaged_.string());
    }
}

fs::path Spool::path_of(const wire::Id16& id, std::string_view suffix) const {
    return directory_ / (to_hex(id) + std::string(suffix));
}

void Spool::resume(const wire::Hello& hello, std::uint32_t next_sequence) {
    current_.reset();
    closed_.clear();
    orphans_.reset();
    stream_ = hello.stream.value_or(wire::Id16{});
    const fs::path continued = path_of(stream_, part_suffix);
    for (const fs::path& path : files_with(directory_, {part_suffix})) {
        if (hello.stream && path == continued) {
            continue_part(path, next_sequence);
        } else {
            end_part(path);
        }
    }
    if (hello.stream && next_sequence > 0 && !current_ && !orphans_) {
        log_("the beginning of stream " + to_hex(*hello.stream) + ", up to frame " + std::to_string(next_sequence) +
             ", is not in the spool any more: the rest is kept in " + damaged_.string());
        orphans_.emplace();
    }
}

PartialSegment Spool::recover(const fs::path& path) {
    auto recovered = PartialSegment::recover(path);
    if (recovered.tail.empty()) {
        return std::move(recovered.segment);
    }
    const fs::path kept = free_name(damaged_ / (path.stem().string() + ".tail"));
    log_(path.string() + ": " + recovered.problem.value_or("") + "; what comes before is kept, the other " +
         std::to_string(recovered.tail.size()) + " bytes are now " + kept.string());
    write_file_atomically(kept, recovered.tail, 0640);
    recovered.segment.cut_tail();
    // Anew, because a refusal spends the reader of a stream.
    return PartialSegment::recover(path).segment;
}

void Spool::end_part(const fs::path& path) {
    PartialSegment segment = recover(path);
    if (segment.open()) {
        finish(segment);
    } else {
        // It was never begun: Open is durable before it is acknowledged.
        ::unlink(path.c_str());
    }
}

void Spool::continue_part(const fs::path& path, std::uint32_t next_sequence) {
    PartialSegment segment = recover(path);
    if (!segment.open() && next_sequence == 0) {
        ::unlink(path.c_str());
        return;
    }
    if (segment.next_sequence() < next_sequence) {
        log_(path.string() + ": ends before frame " + std::to_string(segment.next_sequence()) +
             ", but all before frame " + std::to_string(next_sequence) +
             " were acknowledged: what is left is delivered unclosed, what follows is kept in " + damaged_.string());
        end_part(path);
        orphans_.emplace();
        return;
    }
    current_.emplace(std::move(segment));
}

std::expected<wire::Ack, Refusal> Spool::take(std::span<const std::uint8_t> message) {
    const auto frame = wire::parse_frame(message);
    if (!frame) {
        return std::unexpected(frame.error());
    }
    if (const auto* grant = std::get_if<wire::Grant>(&frame->body)) {
        const auto record = wire::encode_record(message);
        std::vector<std::uint8_t> file(wire::grant_magic.begin(), wire::grant_magic.end());
        file.insert(file.end(), record.begin(), record.end());
        write_file_atomically(path_of(grant->id, wire::grant_suffix), file, 0640);
        return wire::Ack{grant->id, 0};
    }
    if (const auto* open = std::get_if<wire::Open>(&frame->body)) {
        if (auto begun = begin(*open, message); !begun) {
            return std::unexpected(std::move(begun.error()));
        }
        return wire::Ack{stream_, 0};
    }
    if (auto appended = append(frame->sequence, message); !appended) {
        return std::unexpected(std::move(appended.error()));
    }
    return wire::Ack{stream_, frame->sequence};
}

std::expected<void, Refusal> Spool::begin(const wire::Open& open, std::span<const std::uint8_t> message) {
    orphans_.reset();
    if (current_ && current_->open()->stream == open.stream) {
        return {};
    }
    if (current_ && !current_->is_closed()) {
        return std::unexpected(
            Refusal{"stream " + to_hex(open.stream) + " begins before the Close of stream " + to_hex(stream_)});
    }
    if (current_) {
        current_->sync();
        closed_.push_back(std::move(*current_));
        current_.reset();
    }
    stream_ = open.stream;
    const fs::path path = path_of(open.stream, part_suffix);
    PartialSegment segment = PartialSegment::create(path);
    if (auto appended = segment.append(message); !appended) {
        ::unlink(path.c_str());
        return appended;
    }
    // The name must be as durable as the frame.
    sync_directory(directory_);
    current_.emplace(std::move(segment));
    return {};
}

std::expected<void, Refusal> Spool::append(std::uint32_t sequence, std::span<const std::uint8_t> message) {
    if (orphans_) {
        keep_orphan(sequence, message);
        return {};
    }
    if (!current_) {
        return std::unexpected(
            Refusal{"frame " + std::to_string(sequence) + " of no stream, expected an Open or a Grant"});
    }
    if (sequence < current_->next_sequence()) {
        return {};
    }
    return current_->append(message);
}

void Spool::keep_orphan(std::uint32_t sequence, std::span<const std::uint8_t> message) {
    if (!orphans_->fd) {
        const fs::path path = free_name(damaged_ / (to_hex(stream_) + ".from-" + std::to_string(sequence)));
        orphans_->fd.reset(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640));
        if (!orphans_->fd) {
            throw_errno("create " + path.string());
        }
        write_fully(orphans_->fd.get(), as_bytes(wire::segment_magic));
        sync_directory(damaged_);
    }
    write_fully(orphans_->fd.get(), wire::encode_record(message));
}

void Spool::sync() {
    if (current_) {
        current_->sync();
    }
    if (orphans_ && orphans_->fd && ::fdatasync(orphans_->fd.get()) < 0) {
        throw_errno("sync a file in " + damaged_.string());
    }
}

void Spool::acknowledged() {
    if (current_ && current_->is_closed()) {
        closed_.push_back(std::move(*current_));
        current_.reset();
    }
    for (PartialSegment& segment : closed_) {
        finish(segment);
    }
    closed_.clear();
}

void Spool::finish(PartialSegment& segment) {
    const fs::path to = path_of(segment.open()->stream, wire::segment_suffix);
    if (::rename(segment.path().c_str(), to.c_str()) < 0) {
        throw_errno("rename to " + to.string());
    }
    sync_directory(directory_);
}

std::vector<fs::path> Spool::finished() const {
    auto files = files_with(directory_, {wire::segment_suffix, wire::grant_suffix});
    const auto age = [](const fs::path& path) {
        std::error_code gone;
        return fs::last_write_time(path, gone);
    };
    std::ranges::stable_sort(files, {}, age);
    return files;
}

void Spool::set_aside(const fs::path& file) {
    const fs::path to = free_name(damaged_ / file.filename());
    if (::rename(file.c_str(), to.c_str()) < 0) {
        throw_errno("rename to " + to.string());
    }
    sync_directory(damaged_);
}

} // namespace candor::shipper
