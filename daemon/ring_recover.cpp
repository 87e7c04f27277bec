// SPDX-License-Identifier: Apache-2.0
// Going on with a ring: a scan that finds the records, then a judgement of which of them the shipper can still use. Doing it
// again finds the same, until what is damaged has been passed by the tail.
#include "daemon/ring.h"

#include "base/hex.h"
#include "daemon/ring_layout.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>

namespace candor::daemon {
namespace {

namespace layout = ring_layout;

constexpr std::size_t search_bytes = 64 * 1024;

std::string at_byte(const RingFile& file, std::uint64_t position) {
    return "byte " + std::to_string(file.place(position)) + " of the memfd: ";
}

struct ReadHeader {
    layout::Header header;
    bool both = false; ///< both slots say the same
    std::vector<std::string> problems;
};

std::expected<ReadHeader, Refusal> read_header(int fd) {
    std::optional<ReadHeader> best;
    std::vector<std::string> problems;
    for (const std::uint64_t place : {std::uint64_t{0}, std::uint64_t{layout::header_slot_bytes}}) {
        std::array<std::uint8_t, layout::header_slot_bytes> slot;
        read_at(fd, place, slot);
        const auto header = layout::decode_header(slot);
        if (!header) {
            const std::string problem = "byte " + std::to_string(place) +
                                        " of the memfd: expected a ring's header, but " + header.error().problem;
            if (header.error().newer) {
                return std::unexpected(Refusal{problem});
            }
            problems.push_back(problem);
        } else if (!best) {
            best = ReadHeader{.header = *header, .problems = {}};
        } else if (header->generation > best->header.generation) {
            best->header = *header;
        } else {
            best->both = header->generation == best->header.generation;
        }
    }
    if (!best) {
        return std::unexpected(Refusal{"it is no ring: " + problems.front() + "; " + problems.back()});
    }
    for (const std::string& problem : problems) {
        best->problems.push_back(problem + "; the other one is whole and used");
    }
    return *best;
}

} // namespace

class Ring::Recovery {
public:
    explicit Recovery(Ring& ring) : ring_(ring), limit_(ring.tail_ + ring.file_.area()) {}

    void run() {
        scan();
        judge();
    }

    std::optional<wire::StreamProgress> unfinished;
    std::vector<wire::StreamProgress> lost;
    std::vector<std::string> problems;

private:
    enum class State : std::uint8_t {
        whole,
        damaged, ///< its head is whole, its message is not
        purged,
        unknown ///< damaged memory: any number of records
    };
    struct Found {
        Slot slot;
        State state = State::whole;
    };

    /// The record at a position, whole but for its message, and not beyond the head.
    [[nodiscard]] std::expected<layout::RecordHead, Refusal> head_at(std::uint64_t position) const {
        std::array<std::uint8_t, layout::max_record_head_bytes> bytes;
        ring_.file_.read(position, bytes);
        auto head = layout::decode_record_head(bytes, position);
        if (head && head->life == layout::Life::none) {
            return std::unexpected(Refusal{"a record that was not written to its end"});
        }
        if (head && head->size() > limit_ - position) {
            return std::unexpected(Refusal{"a record of " + std::to_string(head->size()) + " bytes"});
        }
        return head;
    }

    [[nodiscard]] std::uint8_t life_byte(std::uint64_t position) const {
        std::array<std::uint8_t, 1> byte;
        ring_.file_.read(position + layout::life_at, byte);
        return byte[0];
    }

    [[nodiscard]] std::optional<std::uint64_t> next_record(std::uint64_t from) const {
        std::vector<std::uint8_t> chunk(search_bytes);
        for (auto at = ring_.file_.data_from(from, limit_); at; at = ring_.file_.data_from(*at, limit_)) {
            // A hole ends where a page does, which is a multiple of the alignment wherever the data area begins.
            *at -= *at % layout::alignment;
            const auto bytes = std::span(chunk).first(std::min<std::uint64_t>(chunk.size(), limit_ - *at));
            ring_.file_.read(*at, bytes);
            for (std::size_t i = 0; i < bytes.size(); i += layout::alignment) {
                if (layout::looks_like_record(bytes.subspan(i)) && head_at(*at + i)) {
                    return *at + i;
                }
            }
            *at += bytes.size();
        }
        return std::nullopt;
    }

    void scan() {
        std::uint64_t at = ring_.tail_;
        while (at < limit_) {
            const auto head = head_at(at);
            if (head) {
                take(*head);
                at += head->size();
                continue;
            }
            const auto next = next_record(at + layout::alignment);
            if (!next && layout::life_of(life_byte(at)) == layout::Life::none) {
                break; // nothing there, or what was being pushed when the process died
            }
            const std::string expected = at_byte(ring_.file_, at) + "expected the record of position " +
                                         std::to_string(at) + ", but found " + head.error().message;
            found_.push_back({Slot{.at = at}, State::unknown});
            if (!next) {
                // What is left of its head stays, and says so to the next process too.
                problems.push_back(expected + "; it was the last one");
                at = std::min<std::uint64_t>(at + layout::record_head_bytes, limit_ - layout::alignment);
                break;
            }
            problems.push_back(expected + "; the next one is " + std::to_string(*next - at) + " bytes on");
            ring_.file_.clear(at, *next);
            at = *next;
        }
        ring_.head_ = at;
        ring_.file_.clear(at, limit_);
    }

    void take(const layout::RecordHead& head) {
        const std::uint64_t at = head.position;
        Found found{{head.stream, head.subject, head.sequence, head.kind, false, head.bytes, head.message_bytes, at}};
        if (const auto byte = static_cast<std::uint8_t>(head.life); life_byte(at) != byte) {
            problems.push_back(at_byte(ring_.file_, at + layout::life_at) + "expected " + std::to_string(byte) +
                               ", found " + std::to_string(life_byte(at)) + "; nothing is lost by that");
            ring_.file_.write(at + layout::life_at, std::array{byte});
        }
        if (head.life == layout::Life::purged) {
            found.state = State::purged;
        } else {
            message_.resize(head.message_bytes);
            ring_.file_.read(at + head.bytes, message_);
            if (layout::sum_of(message_) != head.message_sum) {
                problems.push_back(at_byte(ring_.file_, at + head.bytes) + "the checksum of " + name(found.slot) +
                                   " does not fit its " + std::to_string(head.message_bytes) + " bytes");
                found.state = State::damaged;
            }
        }
        found_.push_back(found);
    }

    [[nodiscard]] static std::string name(const Slot& slot) {
        return slot.kind == Kind::object
                   ? "object " + to_hex(slot.stream)
                   : "frame " + std::to_string(slot.sequence) + " of stream " + to_hex(slot.stream);
    }

    [[nodiscard]] bool is_lost(const wire::Id16& stream) const {
        return std::ranges::find(lost, stream, &wire::StreamProgress::stream) != lost.end();
    }
    [[nodiscard]] bool is_purged(const wire::Id16& stream) const {
        return std::ranges::find(purged_, stream) != purged_.end();
    }
    void lose(const wire::StreamProgress& progress, const std::string& why) {
        problems.push_back("stream " + to_hex(progress.stream) + " ends unfinished: " + why);
        lost.push_back(progress);
    }

    /// Its bytes are of no use to anybody, and what is purged later would not find them.
    void wipe(const Slot& slot) { ring_.file_.wipe(slot.at + slot.head, slot.at + slot.head + slot.bytes); }

    void keep(const Slot& slot) {
        ring_.index_.push_back(slot);
        ring_.bytes_ += slot.bytes;
    }

    void judge() {
        for (const Found& found : found_) {
            if (found.state == State::purged && !is_purged(found.slot.stream)) {
                purged_.push_back(found.slot.stream);
            }
        }
        current_ = ring_.progress_;
        if (current_ && is_purged(current_->stream)) {
            current_.reset();
            ring_.progress_.reset();
        }
        for (const Found& found : found_) {
            if (found.state == State::unknown) {
                doubt_ = true;
            } else if (found.slot.kind == Kind::object && found.state == State::whole) {
                keep(found.slot);
            } else if (found.slot.kind == Kind::object) {
                wipe(found.slot);
            } else if (is_purged(found.slot.stream)) {
                // A process died while it purged: what it had begun is finished.
                ring_.file_.write(found.slot.at + layout::life_at,
                                  std::array{static_cast<std::uint8_t>(layout::Life::purged)});
                wipe(found.slot);
                if (current_ && current_->stream == found.slot.stream) {
                    current_.reset();
                }
            } else {
                judge_frame(found);
            }
        }
        if (current_ && doubt_) {
            lose(*current_, "damaged memory lies behind frame " + std::to_string(current_->next_sequence - 1));
            current_.reset();
        }
        settle();
    }

    void judge_frame(const Found& found) {
        const Slot& slot = found.slot;
        if (is_lost(slot.stream)) {
            wipe(slot);
            return;
        }
        const bool goes_on = current_ && current_->stream == slot.stream;
        if (current_ && !goes_on) {
            lose(*current_,
                 "expected frame " + std::to_string(current_->next_sequence) + " of it, found " + name(slot));
            current_.reset();
        }
        const std::uint32_t expected = goes_on ? current_->next_sequence : 0;
        const auto head = head_at(slot.at);
        if (!head || !head->progress) {
            throw std::runtime_error("the ring was changed from outside while it was read");
        }
        if (found.state == State::damaged || slot.sequence != expected) {
            lose(goes_on ? *current_ : *head->progress,
                 found.state == State::damaged
                     ? "frame " + std::to_string(slot.sequence) + " is damaged"
                     : "expected frame " + std::to_string(expected) + ", found frame " + std::to_string(slot.sequence));
            current_.reset();
            wipe(slot);
            return;
        }
        doubt_ = false;
        keep(slot);
        current_ = head->progress;
        if (current_->closed) {
            current_.reset();
        }
    }

    /// What the ring does from here on, and what its owner has to do.
    void settle() {
        for (Slot& slot : ring_.index_) {
            slot.lost = slot.kind != Kind::object && is_lost(slot.stream);
        }
        if (ring_.progress_ && is_lost(ring_.progress_->stream)) {
            ring_.progress_.reset();
        }
        // A process before this one found the same, and its Note is waiting.
        std::erase_if(lost, [&](const wire::StreamProgress& progress) {
            return std::ranges::any_of(ring_.index_, [&](const Slot& slot) {
                return slot.kind == Kind::object && slot.stream == progress.stream;
            });
        });
        unfinished = current_;
        if (unfinished) {
            ring_.end_ = {unfinished->stream, unfinished->next_sequence};
        }
    }

    Ring& ring_;
    std::uint64_t limit_;
    std::vector<Found> found_;
    std::vector<wire::Id16> purged_;
    std::optional<wire::StreamProgress> current_; ///< of the stream that is open, frame by frame
    bool doubt_ = false;                          ///< damaged memory since its last frame
    std::vector<std::uint8_t> message_;
};

std::expected<Ring::Recovered, Refusal> Ring::recover(UniqueFd memfd, std::size_t bound) {
    struct stat status {};
    const int flags = ::fcntl(memfd.get(), F_GETFL);
    if (::fstat(memfd.get(), &status) < 0 || flags < 0) {
        return std::unexpected(Refusal{"it is no ring: it is no open file"});
    }
    if (!S_ISREG(status.st_mode) || (flags & O_ACCMODE) != O_RDWR) {
        return std::unexpected(Refusal{"it is no ring: expected a memfd for reading and writing"});
    }
    auto read = read_header(memfd.get());
    if (!read) {
        return std::unexpected(read.error());
    }
    const layout::Header& header = read->header;
    if (static_cast<std::uint64_t>(status.st_size) != header.data_at + header.area) {
        return std::unexpected(Refusal{"the memfd has " + std::to_string(status.st_size) + " bytes, expected " +
                                       std::to_string(header.data_at + header.area) + " by its header"});
    }
    Ring ring(RingFile(std::move(memfd), header.data_at, header.area), bound);
    ring.kept_ = header.tail;
    ring.tail_ = header.tail;
    ring.head_ = header.tail;
    ring.generation_ = header.generation;
    ring.progress_ = header.progress;
    if (!read->both) {
        ring.write_header(header.tail, header.progress);
    }
    Recovery recovery(ring);
    recovery.run();
    recovery.problems.insert(recovery.problems.begin(), read->problems.begin(), read->problems.end());
    return Recovered{std::move(ring), std::move(recovery.unfinished), std::move(recovery.lost),
                     std::move(recovery.problems)};
}

} // namespace candor::daemon
