// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/error.h"
#include "base/unique_fd.h"
#include "daemon/ring_file.h"
#include "wire/frame.h"
#include "wire/stream_sealer.h"

#include <algorithm>
#include <cstdint>
#include <deque>
#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace candor::daemon {

/// Sealed frames in the order they must be sent, kept until the shipper says they are on disk. They lie in a memfd, which the
/// service manager keeps while candord restarts or has died; a new process goes on with it. Nothing in it can be opened
/// without keys that are not in it. One thread.
///
/// Bounded by bytes, in three steps, so that what is refused can always be declared:
///   batches      stop control_reserve before the bound: refused before they are sealed, and counted in a Gap;
///   control      frames (Open, Clock, Gap, Grant) stop final_reserve before it;
///   the end      of a stream (its last Gap and its Close), tombstones and notes are always taken.
///
/// A process that dies at any instruction leaves every frame whose push() returned, perhaps the one it was at, and never half
/// of one: proto/ring.md has the layout.
class Ring {
public:
    static constexpr std::size_t control_reserve = 128 * 1024;
    static constexpr std::size_t final_reserve = 64 * 1024;

    enum class Kind : std::uint8_t {
        object, ///< a Grant, Tombstone or Note
        frame,  ///< Open, Batch, Clock and Gap alike
        close
    };
    struct Entry {
        wire::Id16 stream{};  ///< or the object's id as Ack names it
        wire::Id16 subject{}; ///< whose it is
        std::uint32_t sequence = 0;
        Kind kind = Kind::frame;
        std::vector<std::uint8_t> message;
        /// Of the stream, this frame included: its stream, subject and next sequence agree with the above, and it is closed after
        /// the Close. Nothing for objects.
        std::optional<wire::StreamProgress> progress;
    };

    /// Which frame of a stream is the next to be sent, objects left out.
    struct Position {
        std::optional<wire::Id16> stream; ///< none: it will be the Open of a stream that does not exist yet
        std::uint32_t sequence = 0;
    };

    /// An empty ring in a new memfd. `bound` in bytes of messages, above control_reserve; what the layout needs besides comes on
    /// top: 256 bytes a frame and what fills up to a multiple of 64. Throws std::system_error where there is no memory.
    explicit Ring(std::size_t bound);
    Ring(Ring&&) noexcept;
    Ring& operator=(Ring&&) noexcept;
    ~Ring();

    struct Recovered;
    /// Goes on with what an earlier process left in `memfd`. What is damaged is left out and named in `problems`; frames of a
    /// stream behind a damaged or missing one are of no use and left out too. Refuses what is no ring, or one of a layout that
    /// this build does not read: the caller keeps that descriptor where it is and begins anew. Another `bound` than before is fine.
    [[nodiscard]] static std::expected<Recovered, Refusal> recover(UniqueFd memfd, std::size_t bound);

    /// The memfd, for the service manager to keep. It stays the same for as long as this lives.
    [[nodiscard]] int fd() const noexcept { return file_.fd(); }

    [[nodiscard]] bool takes_batch(std::size_t bytes) const noexcept {
        return bytes_ + bytes + control_reserve <= bound_;
    }
    [[nodiscard]] bool takes_control(std::size_t bytes) const noexcept {
        return bytes_ + bytes + final_reserve <= bound_;
    }
    /// Throws std::system_error where the kernel has no memory for it: then it is not in the ring. A message is 1 MiB at most.
    void push(const Entry& entry);

    /// The next message to send, or none; valid until the next call of anything here. Throws std::runtime_error when its memory
    /// has been changed by something else: recover() in the next process deals with it.
    [[nodiscard]] const std::vector<std::uint8_t>* next();
    void sent() noexcept { ++sent_; }
    [[nodiscard]] Position position() const;
    /// A new connection begins with the first frame that was not acknowledged.
    void rewind() noexcept { sent_ = 0; }

    /// Drops the named frame and all before it. False when it is not a frame that was sent and is waiting: the peer errs.
    [[nodiscard]] bool acknowledge(const wire::Ack& ack);

    /// Removes every frame of streams for which `goes` says yes, wherever they stand, and wipes their bytes; objects stay. The
    /// caller makes the shipper connect anew: what it holds of such a stream is not continued. Returns how many frames went.
    std::size_t purge(const std::function<bool(const wire::Id16& subject, const wire::Id16& stream)>& goes);

    /// Of messages.
    [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
    [[nodiscard]] std::size_t bound() const noexcept { return bound_; }
    [[nodiscard]] std::size_t frames() const noexcept { return index_.size(); }
    /// Frames of this person's streams that wait here; objects are not counted.
    [[nodiscard]] std::size_t frames_of(const wire::Id16& subject) const noexcept {
        return static_cast<std::size_t>(std::ranges::count_if(
            index_, [&](const Slot& slot) { return slot.subject == subject && slot.kind != Kind::object; }));
    }
    /// Whether a frame of this stream, or this object, waits here.
    [[nodiscard]] bool holds(const wire::Id16& stream_or_object) const noexcept {
        return std::ranges::any_of(index_, [&](const Slot& slot) { return slot.stream == stream_or_object; });
    }

private:
    struct Slot {
        wire::Id16 stream{};
        wire::Id16 subject{};
        std::uint32_t sequence = 0;
        Kind kind = Kind::frame;
        bool lost = false;       ///< the rest of its stream was damaged: nothing goes on behind it
        std::uint16_t head = 0;  ///< bytes before the message
        std::uint32_t bytes = 0; ///< of the message
        std::uint64_t at = 0;    ///< position where its record begins
    };
    class Recovery;

    Ring(RingFile file, std::size_t bound);

    /// How far the stream had come with this frame; nothing when nothing goes on behind it.
    [[nodiscard]] std::optional<wire::StreamProgress> progress_after(const Slot& slot) const;
    /// Makes durable, as far as a memfd is, what is before the tail.
    void write_header(std::uint64_t tail, const std::optional<wire::StreamProgress>& progress);
    /// Gives back the memory of what is before the tail.
    void give_back();

    RingFile file_;
    std::size_t bound_ = 0;
    std::size_t bytes_ = 0;
    std::size_t sent_ = 0;
    std::deque<Slot> index_;
    Position end_; ///< position() once all is sent

    // Positions: memory is zero from the head on, once around to what is not given back yet; some always is.
    std::uint64_t kept_ = 0; ///< all before is given back
    std::uint64_t tail_ = 0; ///< all before is acknowledged
    std::uint64_t head_ = 0; ///< where the next record goes
    std::uint64_t generation_ = 0;
    std::optional<wire::StreamProgress> progress_; ///< of the stream that was open just before the tail

    std::vector<std::uint8_t> message_;    ///< what next() returned
    std::optional<std::uint64_t> read_at_; ///< and which record that was
};

struct Ring::Recovered {
    Ring ring;
    /// The stream that was open; its successor ends it. Nothing when the last one was closed, or lost its end below.
    std::optional<wire::StreamProgress> unfinished;
    /// Streams of which sealed frames were lost here: their successor writes a Note for each.
    std::vector<wire::StreamProgress> lost;
    std::vector<std::string> problems; ///< with the place in the memfd and what was expected there
};

} // namespace candor::daemon
