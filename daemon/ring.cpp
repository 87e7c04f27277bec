// SPDX-License-Identifier: Apache-2.0
#include "daemon/ring.h"

#include "daemon/ring_layout.h"

#include <limits>
#include <stdexcept>

namespace candor::daemon {
namespace {

namespace layout = ring_layout;

/// Sparse: a terabyte costs nothing until it is used, and no number of small, purged or unacknowledged records fills it.
constexpr std::uint64_t new_area = std::uint64_t{1} << 40;
static_assert(sizeof(off_t) == 8);

/// Memory of acknowledged records is given back in steps of this, and all of it when nothing waits.
constexpr std::uint64_t give_back_bytes = 64 * 1024;

[[noreturn]] void throw_changed(const RingFile& file, std::uint64_t position, const std::string& what) {
    throw std::runtime_error("the ring was changed from outside, at byte " + std::to_string(file.place(position)) +
                             ": " + what);
}

layout::RecordHead read_head(const RingFile& file, std::uint64_t position) {
    std::array<std::uint8_t, layout::max_record_head_bytes> bytes;
    file.read(position, bytes);
    auto head = layout::decode_record_head(bytes, position);
    if (!head) {
        throw_changed(file, position, head.error().message);
    }
    return *head;
}

} // namespace

Ring::Ring(RingFile file, std::size_t bound) : file_(std::move(file)), bound_(bound) {
    if (bound <= control_reserve) {
        throw std::invalid_argument("a ring of " + std::to_string(bound) + " bytes holds no batch");
    }
}

Ring::Ring(std::size_t bound) : Ring(RingFile::make(layout::data_at, new_area), bound) {
    write_header(0, std::nullopt);
}

Ring::Ring(Ring&&) noexcept = default;
Ring& Ring::operator=(Ring&&) noexcept = default;
Ring::~Ring() = default;

void Ring::push(const Entry& entry) {
    if (entry.message.size() > layout::max_message_bytes) {
        throw std::invalid_argument("a message of " + std::to_string(entry.message.size()) + " bytes for the ring");
    }
    if (entry.progress.has_value() == (entry.kind == Kind::object) ||
        (entry.progress && !layout::fits(*entry.progress, entry.kind, entry.stream, entry.subject, entry.sequence))) {
        throw std::invalid_argument("a frame for the ring whose progress is not its stream's");
    }
    layout::RecordHead head;
    head.position = head_;
    head.message_bytes = static_cast<std::uint32_t>(entry.message.size());
    head.kind = entry.kind;
    head.sequence = entry.sequence;
    head.stream = entry.stream;
    head.subject = entry.subject;
    head.progress = entry.progress;
    head.message_sum = layout::sum_of(entry.message);
    const std::uint64_t end = head_ + head.size();
    // What stands at the head must be zero, also for a process that finds less given back than was acknowledged.
    const auto has_room = [&] { return end + layout::alignment - kept_ <= file_.area(); };
    if (!has_room()) {
        give_back();
        if (!has_room()) {
            throw_errno("push to the ring", ENOSPC);
        }
    }
    index_.push_back(
        {entry.stream, entry.subject, entry.sequence, entry.kind, false, head.bytes, head.message_bytes, head_});
    try {
        // Until its last byte is written, the record is none.
        file_.write(head_ + head.bytes, entry.message);
        file_.write(head_, layout::encode(head));
        file_.write(head_ + layout::life_at, std::array{static_cast<std::uint8_t>(layout::Life::alive)});
    } catch (const std::system_error&) {
        index_.pop_back();
        file_.clear(head_, end);
        throw;
    }
    head_ = end;
    bytes_ += entry.message.size();
    if (entry.kind == Kind::frame) {
        end_ = {entry.stream, entry.sequence + 1};
    } else if (entry.kind == Kind::close) {
        end_ = {};
    }
}

const std::vector<std::uint8_t>* Ring::next() {
    if (sent_ >= index_.size()) {
        return nullptr;
    }
    const Slot& slot = index_[sent_];
    if (read_at_ != slot.at) {
        read_at_.reset();
        message_.resize(slot.bytes);
        file_.read(slot.at + slot.head, message_);
        if (layout::sum_of(message_) != read_head(file_, slot.at).message_sum) {
            throw_changed(file_, slot.at, "the checksum of its message does not fit");
        }
        read_at_ = slot.at;
    }
    return &message_;
}

Ring::Position Ring::position() const {
    for (std::size_t i = sent_; i < index_.size(); ++i) {
        if (index_[i].kind != Kind::object) {
            return {index_[i].stream, index_[i].sequence};
        }
    }
    return end_;
}

std::optional<wire::StreamProgress> Ring::progress_after(const Slot& slot) const {
    if (slot.lost || slot.kind == Kind::close) {
        return std::nullopt;
    }
    return read_head(file_, slot.at).progress;
}

bool Ring::acknowledge(const wire::Ack& ack) {
    std::size_t count = 0;
    while (count < sent_ && (index_[count].stream != ack.stream || index_[count].sequence != ack.sequence)) {
        ++count;
    }
    if (count == sent_) {
        return false;
    }
    ++count;
    std::optional<wire::StreamProgress> progress = progress_;
    for (std::size_t i = count; i > 0; --i) {
        if (index_[i - 1].kind != Kind::object) {
            progress = progress_after(index_[i - 1]);
            break;
        }
    }
    write_header(count < index_.size() ? index_[count].at : head_, progress);
    for (std::size_t i = 0; i < count; ++i) {
        bytes_ -= index_.front().bytes;
        index_.pop_front();
    }
    sent_ -= count;
    if (index_.empty()) {
        // These keep their memory; an idle daemon gives it back.
        std::deque<Slot>().swap(index_);
        std::vector<std::uint8_t>().swap(message_);
        read_at_.reset();
    }
    if (index_.empty() || tail_ - kept_ >= give_back_bytes) {
        give_back();
    }
    return true;
}

std::size_t Ring::purge(const std::function<bool(const wire::Id16& subject, const wire::Id16& stream)>& goes) {
    // Asked once for each stream; frames of two streams never interleave.
    std::optional<wire::StreamProgress> progress = progress_;
    std::optional<wire::Id16> asked;
    bool answer = false;
    if (progress) {
        asked = progress->stream;
        answer = goes(progress->subject, progress->stream);
        if (answer) {
            progress.reset();
        }
    }
    Position end = end_;
    if (answer && end.stream == asked) {
        end = {};
    }
    std::deque<Slot> stay;
    std::vector<Slot> gone;
    std::size_t sent = sent_;
    for (std::size_t i = 0; i < index_.size(); ++i) {
        const Slot& slot = index_[i];
        if (slot.kind != Kind::object && asked != slot.stream) {
            asked = slot.stream;
            answer = goes(slot.subject, slot.stream);
        }
        if (slot.kind == Kind::object || !answer) {
            stay.push_back(slot);
            continue;
        }
        gone.push_back(slot);
        sent -= i < sent_ ? 1 : 0;
        if (end.stream == slot.stream) {
            end = {};
        }
    }
    // First all of it is said to be gone, then it is wiped: recover() finishes what a death between the two leaves.
    for (const Slot& slot : gone) {
        file_.write(slot.at + layout::life_at, std::array{static_cast<std::uint8_t>(layout::Life::purged)});
    }
    for (const Slot& slot : gone) {
        file_.wipe(slot.at + slot.head, slot.at + slot.head + slot.bytes);
        bytes_ -= slot.bytes;
    }
    write_header(stay.empty() ? head_ : stay.front().at, progress);
    index_ = std::move(stay);
    sent_ = sent;
    end_ = end;
    std::vector<std::uint8_t>().swap(message_);
    read_at_.reset();
    give_back();
    return gone.size();
}

void Ring::write_header(std::uint64_t tail, const std::optional<wire::StreamProgress>& progress) {
    layout::Header header;
    header.data_at = static_cast<std::uint32_t>(file_.data_at());
    header.area = file_.area();
    header.generation = generation_ + 1;
    header.tail = tail;
    header.progress = progress;
    const auto bytes = layout::encode(header);
    // One is always whole, and when both are, either will do.
    file_.write_header(0, bytes);
    file_.write_header(layout::header_slot_bytes, bytes);
    ++generation_;
    tail_ = tail;
    progress_ = progress;
}

void Ring::give_back() {
    file_.clear(kept_, tail_);
    kept_ = tail_;
}

} // namespace candor::daemon
