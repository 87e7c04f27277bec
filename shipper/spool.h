// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "shipper/partial_segment.h"
#include "shipper/spool_files.h"
#include "shipper/waiting.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace candor::shipper {

/// The folder in which frames become segments:
///   STREAM.part        the stream that is being received, or one whose end has not been acknowledged
///   STREAM.candor      finished, waits for its embargo to end and for the sink
///   STREAM.note        that stream's end is lost
///   STREAM.expired     what is left of a segment that could not be shipped in time
///   GRANT.grant        waits for the first of its segments to leave
///   TOMBSTONE.tombstone   waits for the sink; TOMBSTONE.sent  is there, its receipt has not come
///   STREAM.done        is in the sink; its end may come once more
///   damaged/           what was found and can neither be continued nor delivered, named after its person where that is known
///
/// The order of things keeps every frame in one place at least:
///   a frame       is appended to its .part, which is fdatasynced, then acknowledged. A new .part's name is synced with it;
///   a segment     becomes a .candor by a rename, then the folder is synced, only when the acknowledgement of its last frame is on its way:
///                 what candord sends again after a reconnection is found here;
///   a grant, a note, a tombstone  is a file that is written under another name, synced, renamed, the folder synced, then acknowledged;
///   what a tombstone covers  is removed when that tombstone is durable, the folder is synced, then it is acknowledged; a process that
///                 dies in between leaves the rest to the next one (finish_tombstones());
///   a file        is removed when the sink has it durably.
///
/// Bounded by bytes: full() says that no more must be taken. What waits is then candord's, whose ring has a bound of its own and declares
/// what it refuses. Every function throws std::system_error when the disk fails: the connection has to be given up, and resume() called on the next.
class Spool {
public:
    using Log = std::function<void(const std::string&)>;

    Spool(std::filesystem::path directory, std::uint64_t bound, Log log, Waiting::Clock clock = &Waiting::read_clock);

    /// A connection begins. Parts that nobody will continue any more end here.
    void resume(const wire::Hello& hello, std::uint32_t next_sequence);
    /// Whether the disk takes a file and keeps it.
    void probe() const;

    /// Writes one frame; what is here already is passed over. Returns what to acknowledge once sync() has returned.
    /// Refuses what does not follow on the frames before it, and a tombstone that its device has not signed.
    [[nodiscard]] std::expected<wire::Ack, Refusal> take(std::span<const std::uint8_t> message);
    /// Makes durable what was taken.
    void sync();
    /// The acknowledgement of all that was taken has been sent: closed streams may leave.
    void acknowledged();

    /// Destroys what the tombstones that are here cover.
    void finish_tombstones();

    [[nodiscard]] std::uint64_t bytes();
    [[nodiscard]] std::uint64_t bound() const noexcept { return bound_; }
    /// A frame and its record may still be taken below it.
    [[nodiscard]] bool full() { return bytes() + 2 * wire::max_frame_bytes > bound_; }

    [[nodiscard]] const std::filesystem::path& directory() const noexcept { return directory_; }
    /// Of finished segments.
    [[nodiscard]] Waiting& waiting() noexcept { return waiting_; }
    /// Files for the sink, oldest first.
    [[nodiscard]] std::vector<std::filesystem::path> finished() const;
    /// The sink has it.
    void remove(const std::filesystem::path& file);
    /// A tombstone is in the sink: it is kept until its receipt has come, if there will be one.
    void sent(const std::filesystem::path& tombstone);
    /// Tombstones of which receipts are awaited.
    [[nodiscard]] std::vector<wire::Id16> awaited() const;
    void received(const wire::Id16& tombstone);
    /// Gives a segment up: what is left of it says how much it was.
    void expire(const std::filesystem::path& segment, std::span<const std::uint8_t> bytes);
    /// Moves a file that is not what its name says out of the way.
    void set_aside(const std::filesystem::path& file);

private:
    void end_part(const std::filesystem::path& path);
    void continue_part(const std::filesystem::path& path, std::uint32_t next_sequence);
    [[nodiscard]] PartialSegment recover(const std::filesystem::path& path);
    [[nodiscard]] std::expected<void, Refusal> begin(const wire::Open& open, std::span<const std::uint8_t> message);
    void end_current();
    [[nodiscard]] bool is_finished(const wire::Id16& stream) const;
    void remember_done(const std::filesystem::path& segment) const;
    void finish(PartialSegment& segment);
    [[nodiscard]] std::expected<void, Refusal> append(std::uint32_t sequence, std::span<const std::uint8_t> message);
    void keep_orphan(std::uint32_t sequence, std::span<const std::uint8_t> message);
    void store(const wire::Id16& id, std::string_view suffix, std::span<const std::uint8_t> message);
    void destroy(const wire::Tombstone& tombstone);
    [[nodiscard]] bool is_covered(const FileHead& head) const;
    [[nodiscard]] std::filesystem::path path_of(const wire::Id16& id, std::string_view suffix) const;
    [[nodiscard]] std::filesystem::path damaged() const;

    std::filesystem::path directory_;
    std::uint64_t bound_;
    Log log_;
    Waiting waiting_;
    std::optional<std::uint64_t> bytes_; ///< nothing: to be counted anew
    wire::Id16 stream_{};                ///< of the frames that come now
    std::optional<PartialSegment> current_;
    std::vector<PartialSegment> closed_;      ///< their last frame is not acknowledged yet
    std::vector<wire::Tombstone> tombstones_; ///< those that are here, as far as they were read
    /// Frames whose beginning is not here any more go to a file in damaged/.
    struct Orphans {
        UniqueFd fd; ///< opened with the first of them
    };
    std::optional<Orphans> orphans_;
    /// The stream that comes is whole already: candord died before it read the acknowledgement of its end, and the next one says it again.
    bool known_ = false;
};

} // namespace candor::shipper
