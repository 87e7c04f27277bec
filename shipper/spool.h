// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "shipper/partial_segment.h"

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace candor::shipper {

/// The folder in which frames become segments:
///   STREAM.part     the stream that is being received, or one whose end has not been acknowledged
///   STREAM.candor   finished, waits for the sink
///   GRANT.grant     waits for the sink
///   damaged/        what was found and can neither be continued nor delivered; never deleted here
///
/// The order of things keeps every frame in one place at least: a frame is acknowledged when it is durable in its .part,
/// and the .part becomes a .candor, which may leave this folder, only when the acknowledgement of its last frame is on
/// its way. What candord sends again after a reconnection is therefore found here.
///
/// The disk's failures are thrown as std::system_error: the connection has to be given up, and resume() called on the next.
class Spool {
public:
    using Log = std::function<void(const std::string&)>;

    /// `directory` must exist. Throws std::system_error where damaged/ cannot be made.
    Spool(std::filesystem::path directory, Log log);

    /// A connection begins. Parts that nobody will continue any more end here.
    void resume(const wire::Hello& hello, std::uint32_t next_sequence);

    /// Writes one frame; what is here already is passed over. Returns what to acknowledge once sync() has returned.
    /// Refuses what does not follow on the frames before it.
    [[nodiscard]] std::expected<wire::Ack, Refusal> take(std::span<const std::uint8_t> message);
    /// Makes durable what was taken.
    void sync();
    /// The acknowledgement of all that was taken has been sent: closed streams may leave.
    void acknowledged();

    /// Files for the sink, oldest first.
    [[nodiscard]] std::vector<std::filesystem::path> finished() const;
    /// Moves a file that is not what its name says out of the way.
    void set_aside(const std::filesystem::path& file);

private:
    void end_part(const std::filesystem::path& path);
    void continue_part(const std::filesystem::path& path, std::uint32_t next_sequence);
    [[nodiscard]] PartialSegment recover(const std::filesystem::path& path);
    [[nodiscard]] std::expected<void, Refusal> begin(const wire::Open& open, std::span<const std::uint8_t> message);
    void finish(PartialSegment& segment);
    [[nodiscard]] std::expected<void, Refusal> append(std::uint32_t sequence, std::span<const std::uint8_t> message);
    void keep_orphan(std::uint32_t sequence, std::span<const std::uint8_t> message);
    [[nodiscard]] std::filesystem::path path_of(const wire::Id16& id, std::string_view suffix) const;

    std::filesystem::path directory_;
    std::filesystem::path damaged_;
    Log log_;
    wire::Id16 stream_{}; ///< of the frames that come now
    std::optional<PartialSegment> current_;
    std::vector<PartialSegment> closed_; ///< their last frame is not acknowledged yet
    /// Frames whose beginning is not here any more go to a file in damaged/.
    struct Orphans {
        UniqueFd fd; ///< opened with the first of them
    };
    std::optional<Orphans> orphans_;
};

} // namespace candor::shipper
