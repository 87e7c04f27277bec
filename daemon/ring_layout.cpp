// SPDX-License-Identifier: Apache-2.0
#include "daemon/ring_layout.h"

#include <sodium.h>

#include <algorithm>
#include <bit>
#include <string_view>
#include <type_traits>

namespace candor::daemon::ring_layout {
namespace {

constexpr std::string_view header_magic = "CANDORRB";
constexpr std::string_view record_magic = "CANDORRR";
constexpr std::size_t sum_bytes = std::tuple_size_v<Sum>;
constexpr std::size_t progress_bytes = 128;
constexpr std::uint32_t has_progress = 1;

/// Little-endian.
class Writer {
public:
    explicit Writer(std::span<std::uint8_t> out) : out_(out) {}
    template <typename Number> void number(std::size_t at, Number value) {
        for (std::size_t i = 0; i < sizeof value; ++i) {
            out_[at + i] = static_cast<std::uint8_t>(static_cast<std::uint64_t>(value) >> (8 * i));
        }
    }
    template <typename Bytes> void bytes(std::size_t at, const Bytes& value) {
        std::ranges::copy(value, out_.begin() + static_cast<std::ptrdiff_t>(at));
    }

private:
    std::span<std::uint8_t> out_;
};

class Reader {
public:
    explicit Reader(std::span<const std::uint8_t> in) : in_(in) {}
    template <typename Number> [[nodiscard]] Number number(std::size_t at) const {
        std::uint64_t value = 0;
        for (std::size_t i = sizeof(Number); i > 0; --i) {
            value = value << 8 | in_[at + i - 1];
        }
        return static_cast<Number>(value);
    }
    template <typename Bytes> [[nodiscard]] Bytes bytes(std::size_t at) const {
        Bytes value{};
        std::ranges::copy(in_.subspan(at, value.size()), value.begin());
        return value;
    }
    [[nodiscard]] bool begins_with(std::string_view magic) const {
        return in_.size() >= magic.size() && std::equal(magic.begin(), magic.end(), in_.begin());
    }

private:
    std::span<const std::uint8_t> in_;
};

void write_progress(std::span<std::uint8_t> out, const wire::StreamProgress& progress) {
    Writer w(out);
    w.bytes(0, progress.stream);
    w.bytes(16, progress.subject);
    w.number(32, progress.epoch);
    w.number(36, progress.next_sequence);
    w.number(40, progress.number);
    w.number(48, progress.batches);
    w.number(52, progress.gaps);
    w.number(56, progress.stored);
    w.number(64, progress.declared);
    w.number(72, progress.sealed_us);
    w.bytes(80, progress.transcript);
    w.number(112, static_cast<std::uint8_t>(progress.closed));
}

wire::StreamProgress read_progress(std::span<const std::uint8_t> in) {
    const Reader r(in);
    wire::StreamProgress progress;
    progress.stream = r.bytes<wire::Id16>(0);
    progress.subject = r.bytes<wire::Id16>(16);
    progress.epoch = r.number<std::uint32_t>(32);
    progress.next_sequence = r.number<std::uint32_t>(36);
    progress.number = r.number<std::uint64_t>(40);
    progress.batches = r.number<std::uint32_t>(48);
    progress.gaps = r.number<std::uint32_t>(52);
    progress.stored = r.number<std::uint64_t>(56);
    progress.declared = r.number<std::uint64_t>(64);
    progress.sealed_us = r.number<std::uint64_t>(72);
    progress.transcript = r.bytes<wire::Hash32>(80);
    progress.closed = r.number<std::uint8_t>(112) != 0;
    return progress;
}

/// A head's checksum is its last bytes, over all before.
bool sum_fits(std::span<const std::uint8_t> head) {
    return std::ranges::equal(sum_of(head.first(head.size() - sum_bytes)), head.last(sum_bytes));
}

template <typename Head> void write_sum(Head& head) {
    Writer(head).bytes(head.size() - sum_bytes,
                       sum_of(std::span<const std::uint8_t>(head).first(head.size() - sum_bytes)));
}

} // namespace

Life life_of(std::uint8_t byte) noexcept {
    const auto distance = [&](Life life) {
        return std::popcount(static_cast<unsigned>(byte ^ static_cast<std::uint8_t>(life)));
    };
    Life nearest = Life::alive;
    for (const Life life : {Life::purged, Life::none}) {
        if (distance(life) < distance(nearest)) {
            nearest = life;
        }
    }
    return nearest;
}

Sum sum_of(std::span<const std::uint8_t> bytes) {
    Sum sum{};
    crypto_generichash(sum.data(), sum.size(), bytes.data(), bytes.size(), nullptr, 0);
    return sum;
}

std::array<std::uint8_t, header_bytes> encode(const Header& header) {
    std::array<std::uint8_t, header_bytes> out{};
    Writer w(out);
    w.bytes(0, header_magic);
    w.number(8, version);
    w.number(10, static_cast<std::uint16_t>(header_bytes));
    w.number(12, header.data_at);
    w.number(16, header.area);
    w.number(24, header.generation);
    w.number(32, header.tail);
    if (header.progress) {
        w.number(40, has_progress);
        write_progress(std::span(out).subspan(48, progress_bytes), *header.progress);
    }
    write_sum(out);
    return out;
}

std::expected<Header, HeaderFault> decode_header(std::span<const std::uint8_t> slot) {
    const Reader r(slot);
    if (!r.begins_with(header_magic)) {
        return std::unexpected(HeaderFault{"it does not begin with " + std::string(header_magic)});
    }
    const auto found = r.number<std::uint16_t>(8);
    const auto bytes = r.number<std::uint16_t>(10);
    if (bytes < header_bytes || bytes > header_slot_bytes) {
        return std::unexpected(HeaderFault{"a header of " + std::to_string(bytes) + " bytes, expected " +
                                           std::to_string(header_bytes) + " to " + std::to_string(header_slot_bytes)});
    }
    if (!sum_fits(slot.first(bytes))) {
        return std::unexpected(HeaderFault{"its checksum does not fit"});
    }
    if (found != version) {
        return std::unexpected(
            HeaderFault{"it is of layout " + std::to_string(found) + ", expected " + std::to_string(version), true});
    }
    Header header;
    header.data_at = r.number<std::uint32_t>(12);
    header.area = r.number<std::uint64_t>(16);
    header.generation = r.number<std::uint64_t>(24);
    header.tail = r.number<std::uint64_t>(32);
    if (header.data_at < 2 * header_slot_bytes || header.data_at % alignment != 0 ||
        header.area < max_record_head_bytes || header.area % alignment != 0 || header.area > max_position) {
        return std::unexpected(HeaderFault{"its data area is " + std::to_string(header.area) + " bytes at " +
                                           std::to_string(header.data_at) + ", expected multiples of " +
                                           std::to_string(alignment)});
    }
    if (header.tail % alignment != 0 || header.tail > max_position) {
        return std::unexpected(HeaderFault{"its tail is position " + std::to_string(header.tail) +
                                           ", expected a multiple of " + std::to_string(alignment)});
    }
    if ((r.number<std::uint32_t>(40) & has_progress) != 0) {
        header.progress = read_progress(slot.subspan(48, progress_bytes));
        if (header.progress->closed || header.progress->next_sequence == 0) {
            return std::unexpected(HeaderFault{"the stream it says is open is not"});
        }
    }
    return header;
}

bool fits(const wire::StreamProgress& progress, Ring::Kind kind, const wire::Id16& stream, const wire::Id16& subject,
          std::uint32_t sequence) noexcept {
    return progress.stream == stream && progress.subject == subject && sequence != UINT32_MAX &&
           progress.next_sequence == sequence + 1 && progress.closed == (kind == Ring::Kind::close);
}

std::array<std::uint8_t, record_head_bytes> encode(const RecordHead& head) {
    std::array<std::uint8_t, record_head_bytes> out{};
    Writer w(out);
    w.bytes(0, record_magic);
    w.number(8, head.position);
    w.number(16, static_cast<std::uint16_t>(record_head_bytes));
    w.number(18, static_cast<std::uint8_t>(head.kind));
    w.number(20, head.message_bytes);
    w.number(24, head.sequence);
    w.bytes(32, head.stream);
    w.bytes(48, head.subject);
    if (head.progress) {
        w.number(28, has_progress);
        write_progress(std::span(out).subspan(64, progress_bytes), *head.progress);
    }
    w.bytes(192, head.message_sum);
    write_sum(out);
    return out;
}

bool looks_like_record(std::span<const std::uint8_t> bytes) noexcept { return Reader(bytes).begins_with(record_magic); }

std::expected<RecordHead, Refusal> decode_record_head(std::span<const std::uint8_t> bytes, std::uint64_t position) {
    const auto refuse = [](std::string problem) { return std::unexpected(Refusal{std::move(problem)}); };
    const Reader r(bytes);
    if (!looks_like_record(bytes)) {
        return refuse("no record begins here");
    }
    RecordHead head;
    head.bytes = r.number<std::uint16_t>(16);
    if (head.bytes < record_head_bytes || head.bytes > max_record_head_bytes) {
        return refuse("a record head of " + std::to_string(head.bytes) + " bytes");
    }
    std::array<std::uint8_t, max_record_head_bytes> summed;
    std::ranges::copy(bytes.first(head.bytes), summed.begin());
    summed[life_at] = 0;
    if (!sum_fits(std::span<const std::uint8_t>(summed).first(head.bytes))) {
        return refuse("the checksum of the record's head does not fit");
    }
    head.position = r.number<std::uint64_t>(8);
    const auto kind = r.number<std::uint8_t>(18);
    head.life = life_of(bytes[life_at]);
    head.message_bytes = r.number<std::uint32_t>(20);
    head.sequence = r.number<std::uint32_t>(24);
    head.stream = r.bytes<wire::Id16>(32);
    head.subject = r.bytes<wire::Id16>(48);
    if (head.position != position) {
        return refuse("a record of position " + std::to_string(head.position));
    }
    if (head.message_bytes > max_message_bytes) {
        return refuse("a message of " + std::to_string(head.message_bytes) + " bytes");
    }
    if (kind > static_cast<std::uint8_t>(Ring::Kind::close)) {
        return refuse("a record of kind " + std::to_string(kind));
    }
    head.kind = static_cast<Ring::Kind>(kind);
    if ((r.number<std::uint32_t>(28) & has_progress) != 0) {
        head.progress = read_progress(bytes.subspan(64, progress_bytes));
    }
    const bool is_object = head.kind == Ring::Kind::object;
    if (head.progress.has_value() == is_object ||
        (!is_object && !fits(*head.progress, head.kind, head.stream, head.subject, head.sequence))) {
        return refuse("a record whose progress is not its stream's");
    }
    head.message_sum = r.bytes<Sum>(192);
    return head;
}

} // namespace candor::daemon::ring_layout
