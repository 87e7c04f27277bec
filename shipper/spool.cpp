// SPDX-License-Identifier: Apache-2.0
#include "shipper/spool.h"

#include "base/file.h"
#include "base/hex.h"
#include "wire/objects.h"
#include "wire/segment.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

namespace candor::shipper {
namespace {

namespace fs = std::filesystem;

constexpr std::initializer_list<std::string_view> all_suffixes = {
    wire::part_suffix,    wire::segment_suffix,   wire::grant_suffix, wire::note_suffix,
    wire::expired_suffix, wire::tombstone_suffix, sent_suffix};

/// A stream's end is sent again at once or not at all: the last few would do.
constexpr std::size_t most_done = 64;

/// With its Close: of any other more may come that is not here.
bool is_whole(const fs::path& segment) { return PartialSegment::recover(segment).segment.is_closed(); }

void unlink_file(const fs::path& path) {
    if (::unlink(path.c_str()) < 0 && errno != ENOENT) {
        throw_errno("remove " + path.string());
    }
}

void rename_file(const fs::path& from, const fs::path& to) {
    if (::rename(from.c_str(), to.c_str()) < 0) {
        throw_errno("rename to " + to.string());
    }
}

} // namespace

Spool::Spool(fs::path directory, std::uint64_t bound, Log log, Waiting::Clock clock)
    : directory_(std::move(directory)), bound_(bound), log_(std::move(log)), waiting_(clock) {}

fs::path Spool::damaged() const {
    const fs::path folder = directory_ / "damaged";
    if (::mkdir(folder.c_str(), 0750) < 0 && errno != EEXIST) {
        throw_errno("make " + folder.string());
    }
    return folder;
}

fs::path Spool::path_of(const wire::Id16& id, std::string_view suffix) const {
    return directory_ / (to_hex(id) + std::string(suffix));
}

std::uint64_t Spool::bytes() {
    if (!bytes_) {
        bytes_ = 0;
        for (const fs::path& path : files_with(directory_, all_suffixes)) {
            std::error_code gone;
            const auto size = fs::file_size(path, gone);
            *bytes_ += gone ? 0 : size;
        }
    }
    return *bytes_;
}

void Spool::probe() const {
    const std::vector<std::uint8_t> something(wire::max_frame_bytes);
    const fs::path path = directory_ / "probe";
    write_file_atomically(path, something, 0640);
    unlink_file(path);
}

void Spool::resume(const wire::Hello& hello, std::uint32_t next_sequence) {
    current_.reset();
    closed_.clear();
    orphans_.reset();
    known_ = false;
    bytes_.reset();
    finish_tombstones();
    stream_ = hello.stream.value_or(wire::Id16{});
    const fs::path continued = path_of(stream_, wire::part_suffix);
    for (const fs::path& path : files_with(directory_, {wire::part_suffix})) {
        if (hello.stream && path == continued) {
            continue_part(path, next_sequence);
        } else {
            end_part(path);
        }
    }
    known_ = hello.stream && !current_ && !orphans_ && is_finished(*hello.stream);
    if (hello.stream && next_sequence > 0 && !current_ && !orphans_ && !known_) {
        log_("the beginning of stream " + to_hex(*hello.stream) + ", up to frame " + std::to_string(next_sequence) +
             ", is not in the spool any more: the rest is kept in " + damaged().string());
        orphans_.emplace();
    }
}

PartialSegment Spool::recover(const fs::path& path) {
    auto recovered = PartialSegment::recover(path);
    if (recovered.tail.empty()) {
        return std::move(recovered.segment);
    }
    // The name tells whose it is, so that an erasure finds it.
    const auto& open = recovered.segment.open();
    const std::string person = open ? to_hex(open->subject) + "." : "";
    const fs::path kept = free_name(damaged() / (person + path.stem().string() + ".tail"));
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
        unlink_file(path);
    }
}

void Spool::continue_part(const fs::path& path, std::uint32_t next_sequence) {
    PartialSegment segment = recover(path);
    if (!segment.open() && next_sequence == 0) {
        unlink_file(path);
        return;
    }
    if (segment.next_sequence() < next_sequence) {
        log_(path.string() + ": ends before frame " + std::to_string(segment.next_sequence()) +
             ", but all before frame " + std::to_string(next_sequence) +
             " were acknowledged: what is left is delivered unclosed, what follows is kept in " + damaged().string());
        end_part(path);
        orphans_.emplace();
        return;
    }
    sync_directory(directory_); // its name, too
    current_.emplace(std::move(segment));
}

std::expected<wire::Ack, Refusal> Spool::take(std::span<const std::uint8_t> message) {
    const auto frame = wire::parse_frame(message);
    if (!frame) {
        return std::unexpected(frame.error());
    }
    if (const auto* grant = std::get_if<wire::Grant>(&frame->body)) {
        store(grant->id, wire::grant_suffix, message);
        return wire::Ack{grant->id, 0};
    }
    if (const auto* note = std::get_if<wire::Note>(&frame->body)) {
        if (current_ && current_->open()->stream == note->stream) {
            end_current(); // nothing of it will come any more
        }
        store(note->stream, wire::note_suffix, message);
        return wire::Ack{note->stream, 0};
    }
    if (std::holds_alternative<wire::Tombstone>(frame->body)) {
        const auto tombstone = wire::check_tombstone(message);
        if (!tombstone) {
            return std::unexpected(tombstone.error());
        }
        std::error_code ignored;
        if (!fs::exists(path_of(tombstone->id, sent_suffix), ignored)) {
            store(tombstone->id, wire::tombstone_suffix, message);
        }
        destroy(*tombstone);
        return wire::Ack{tombstone->id, 0};
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
    known_ = is_finished(open.stream);
    if (known_) {
        stream_ = open.stream;
        return {};
    }
    if (current_ && current_->open()->stream == open.stream) {
        return {};
    }
    if (current_ && !current_->is_closed()) {
        return std::unexpected(
            Refusal{"stream " + to_hex(open.stream) + " begins before the Close of stream " + to_hex(stream_)});
    }
    end_current();
    stream_ = open.stream;
    const fs::path path = path_of(open.stream, wire::part_suffix);
    PartialSegment segment = PartialSegment::create(path);
    if (auto appended = segment.append(message); !appended) {
        unlink_file(path);
        return appended;
    }
    // The name must be as durable as the frame.
    sync_directory(directory_);
    current_.emplace(std::move(segment));
    return {};
}

void Spool::end_current() {
    if (current_) {
        current_->sync();
        closed_.push_back(std::move(*current_));
        current_.reset();
    }
}

std::expected<void, Refusal> Spool::append(std::uint32_t sequence, std::span<const std::uint8_t> message) {
    if (known_) {
        return {};
    }
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
    if (bytes_) {
        *bytes_ += message.size();
    }
    return current_->append(message);
}

void Spool::keep_orphan(std::uint32_t sequence, std::span<const std::uint8_t> message) {
    if (!orphans_->fd) {
        const fs::path path = free_name(damaged() / (to_hex(stream_) + ".from-" + std::to_string(sequence)));
        orphans_->fd.reset(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640));
        if (!orphans_->fd) {
            throw_errno("create " + path.string());
        }
        write_fully(orphans_->fd.get(), as_bytes(wire::segment_magic));
        sync_directory(damaged());
    }
    write_fully(orphans_->fd.get(), wire::encode_record(message));
}

void Spool::sync() {
    if (current_) {
        current_->sync();
    }
    if (orphans_ && orphans_->fd && ::fdatasync(orphans_->fd.get()) < 0) {
        throw_errno("sync a file in " + damaged().string());
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
    const fs::path finished = path_of(segment.open()->stream, wire::segment_suffix);
    rename_file(segment.path(), finished);
    waiting_.begin(finished);
    sync_directory(directory_);
}

void Spool::store(const wire::Id16& id, std::string_view suffix, std::span<const std::uint8_t> message) {
    const auto file = wire::encode_single(magic_of(suffix), message);
    const auto head = read_head(file, suffix);
    if (head && is_covered(*head)) {
        return; // it came late: what it belongs to was destroyed
    }
    write_file_atomically(path_of(id, suffix), file, 0640);
    bytes_.reset();
}

bool Spool::is_covered(const FileHead& head) const {
    return head.epoch != 0 && std::ranges::any_of(tombstones_, [&](const wire::Tombstone& tombstone) {
               return tombstone.identity == head.identity && tombstone.subject == head.subject &&
                      tombstone.covers(head.id, head.epoch);
           });
}

void Spool::destroy(const wire::Tombstone& tombstone) {
    if (std::ranges::find(tombstones_, tombstone.id, &wire::Tombstone::id) == tombstones_.end()) {
        tombstones_.push_back(tombstone);
    }
    const auto goes = [&](const std::optional<wire::Open>& open) {
        return open && open->identity == tombstone.identity && open->subject == tombstone.subject &&
               tombstone.covers(open->stream, open->epoch);
    };
    if (current_ && goes(current_->open())) {
        current_.reset();
    }
    std::erase_if(closed_, [&](const PartialSegment& segment) { return goes(segment.open()); });
    for (const fs::path& file : files_with(directory_, {wire::part_suffix, wire::segment_suffix, wire::note_suffix,
                                                        wire::expired_suffix, wire::grant_suffix})) {
        const auto head = read_head(file);
        // A grant is of an epoch, not of single streams.
        if (head && is_covered(*head)) {
            unlink_file(file);
        }
    }
    const fs::path folder = damaged();
    std::error_code error;
    for (const fs::directory_entry& entry : fs::directory_iterator(folder, error)) {
        const std::string name = entry.path().filename().string();
        const bool of_person = tombstone.last_epoch != 0 && name.starts_with(to_hex(tombstone.subject) + ".");
        const bool of_stream = std::ranges::any_of(tombstone.streams, [&](const wire::StreamRef& stream) {
            return name.find(to_hex(stream.stream)) != std::string::npos;
        });
        const auto head = read_head(entry.path());
        if (of_person || of_stream || (head && is_covered(*head))) {
            unlink_file(entry.path());
        }
    }
    sync_directory(folder);
    sync_directory(directory_);
    bytes_.reset();
}

void Spool::finish_tombstones() {
    for (const fs::path& file : files_with(directory_, {wire::tombstone_suffix, sent_suffix})) {
        const auto head = read_head(file);
        if (head && head->tombstone) {
            destroy(*head->tombstone);
        }
    }
}

std::vector<fs::path> Spool::finished() const {
    auto files =
        files_with(directory_, {wire::segment_suffix, wire::note_suffix, wire::expired_suffix, wire::tombstone_suffix});
    const auto age = [](const fs::path& path) {
        std::error_code gone;
        return fs::last_write_time(path, gone);
    };
    std::ranges::stable_sort(files, {}, age);
    return files;
}

bool Spool::is_finished(const wire::Id16& stream) const {
    std::error_code ignored;
    const fs::path segment = path_of(stream, wire::segment_suffix);
    return fs::exists(path_of(stream, done_suffix), ignored) || (fs::exists(segment, ignored) && is_whole(segment));
}

void Spool::remember_done(const fs::path& segment) const {
    fs::path marker = segment;
    marker.replace_extension(done_suffix);
    // Not synced: a machine that dies takes candord's ring along, and with it whatever might be sent again.
    const UniqueFd fd(::open(marker.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640));
    if (!fd) {
        throw_errno("create " + marker.string());
    }
    auto markers = files_with(directory_, {done_suffix});
    if (markers.size() <= most_done) {
        return;
    }
    const auto age = [](const fs::path& path) {
        std::error_code gone;
        return fs::last_write_time(path, gone);
    };
    std::ranges::sort(markers, {}, age);
    for (std::size_t i = 0; i < markers.size() - most_done; ++i) {
        unlink_file(markers[i]);
    }
}

void Spool::remove(const fs::path& file) {
    if (file.extension() == wire::segment_suffix && is_whole(file)) {
        remember_done(file);
    }
    unlink_file(file);
    bytes_.reset();
}

void Spool::sent(const fs::path& tombstone) {
    const auto head = read_head(tombstone);
    if (!head || !head->tombstone || head->tombstone->last_epoch == 0) {
        remove(tombstone);
        return;
    }
    rename_file(tombstone, path_of(head->id, sent_suffix));
    sync_directory(directory_);
}

std::vector<wire::Id16> Spool::awaited() const {
    std::vector<wire::Id16> ids;
    for (const fs::path& file : files_with(directory_, {sent_suffix})) {
        wire::Id16 id{};
        if (from_hex_exactly(file.stem().string(), id)) {
            ids.push_back(id);
        }
    }
    return ids;
}

void Spool::received(const wire::Id16& tombstone) { remove(path_of(tombstone, sent_suffix)); }

void Spool::expire(const fs::path& segment, std::span<const std::uint8_t> bytes) {
    const auto left = shipper::expire(bytes);
    if (!left) {
        set_aside(segment);
        return;
    }
    fs::path to = segment;
    write_file_atomically(to.replace_extension(wire::expired_suffix), *left, 0640);
    remove(segment);
}

void Spool::set_aside(const fs::path& file) {
    const auto head = read_head(file);
    const std::string person = head ? to_hex(head->subject) + "." : "";
    rename_file(file, free_name(damaged() / (person + file.filename().string())));
    sync_directory(damaged());
    bytes_.reset();
}

} // namespace candor::shipper
