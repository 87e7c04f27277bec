// SPDX-License-Identifier: Apache-2.0
// A ring's memfd with anything in it. The first byte says which of the checksums are made to fit, so that what they protect is
// reached too; the rest is the memfd.
#include "fuzz/fuzz.h"
#include "fuzz/ring_image.h"

#include <algorithm>
#include <array>
#include <system_error>

using namespace candor;
using test::require;

namespace {

namespace layout = daemon::ring_layout;
using Bytes = std::vector<std::uint8_t>;

constexpr std::size_t most_bytes = 64 * 1024;
constexpr std::uint8_t fit_headers = 1;
constexpr std::uint8_t fit_area = 2;
constexpr std::uint8_t fit_heads = 4;
constexpr std::uint8_t fit_messages = 8;

std::uint64_t number(std::span<const std::uint8_t> bytes) {
    std::uint64_t value = 0;
    for (std::size_t i = bytes.size(); i > 0; --i) {
        value = value << 8 | bytes[i - 1];
    }
    return value;
}

/// The checksum at the end of a head of a sensible size.
void fit_sum(std::span<std::uint8_t> head, std::size_t bytes) {
    if (bytes < layout::record_head_bytes || bytes > head.size()) {
        return;
    }
    const layout::Sum sum = layout::sum_of(head.first(bytes - 32));
    std::ranges::copy(sum, head.subspan(bytes - 32).begin());
}

void fit_header(Bytes& image, std::size_t at, bool area) {
    const auto slot = std::span(image).subspan(at, layout::header_slot_bytes);
    if (area) {
        const std::uint64_t size = image.size() - layout::data_at;
        for (std::size_t i = 0; i < 8; ++i) {
            slot[16 + i] = static_cast<std::uint8_t>(size >> (8 * i));
        }
    }
    fit_sum(slot, number(slot.subspan(10, 2)));
}

void fit_record(std::span<std::uint8_t> bytes, bool head, bool message) {
    const std::uint64_t head_bytes = number(bytes.subspan(16, 2));
    const std::uint64_t message_bytes = number(bytes.subspan(20, 4));
    if (message && head_bytes + message_bytes <= bytes.size()) {
        const layout::Sum sum = layout::sum_of(bytes.subspan(head_bytes, message_bytes));
        std::ranges::copy(sum, bytes.subspan(192).begin());
    }
    if (head) {
        const std::uint8_t life = std::exchange(bytes[layout::life_at], std::uint8_t{0});
        fit_sum(bytes, head_bytes);
        bytes[layout::life_at] = life;
    }
}

void fit(Bytes& image, std::uint8_t what) {
    if (image.size() < layout::data_at + layout::record_head_bytes) {
        return;
    }
    if ((what & fit_headers) != 0) {
        fit_header(image, 0, (what & fit_area) != 0);
        fit_header(image, layout::header_slot_bytes, (what & fit_area) != 0);
    }
    for (std::size_t at = layout::data_at; at + layout::record_head_bytes <= image.size(); at += layout::alignment) {
        const auto bytes = std::span(image).subspan(at);
        if (layout::looks_like_record(bytes)) {
            fit_record(bytes, (what & fit_heads) != 0, (what & fit_messages) != 0);
        }
    }
}

/// Near the end of the positions the next process would refuse what this one accepts. After 2^61 bytes nobody gets there.
bool is_worn_out(std::span<const std::uint8_t> image) {
    return image.size() >= layout::data_at &&
           std::ranges::any_of(std::array<std::size_t, 2>{0, layout::header_slot_bytes}, [&](std::size_t at) {
               const auto header = layout::decode_header(image.subspan(at, layout::header_slot_bytes));
               return header && header->tail > layout::max_position / 2;
           });
}

daemon::Ring::Recovered recover_again(const daemon::Ring& ring) {
    auto recovered = daemon::Ring::recover(UniqueFd(::dup(ring.fd())), 256 * 1024);
    require(recovered.has_value(), "what was recovered once is recovered again");
    return std::move(*recovered);
}

void check(daemon::Ring::Recovered& recovered) {
    daemon::Ring& ring = recovered.ring;
    std::size_t frames = 0;
    std::size_t bytes = 0;
    for (const Bytes* message = ring.next(); message != nullptr; message = ring.next()) {
        require(message->size() <= layout::max_message_bytes, "a message keeps the limit");
        ++frames;
        bytes += message->size();
        ring.sent();
    }
    require(frames == ring.frames() && bytes == ring.bytes(), "all that is counted comes out");
    if (recovered.unfinished) {
        require(!recovered.unfinished->closed, "a stream that is unfinished is not closed");
        require(ring.position().stream == recovered.unfinished->stream, "an unfinished stream is the next to be sent");
    }
    daemon::Ring::Recovered again = recover_again(ring);
    require(again.ring.frames() == frames && again.unfinished == recovered.unfinished && again.lost == recovered.lost,
            "the next process finds the same");

    std::size_t pushed = 0;
    try {
        again.ring.push(test::ring_frame(254, 0, 40, daemon::Ring::Kind::close));
        ++pushed;
    } catch (const std::system_error&) {
        // Full.
    }
    require(again.ring.frames() == frames + pushed, "what has no room is not in the ring");
    const std::size_t gone = again.ring.purge([](const auto&, const auto&) { return true; });
    daemon::Ring::Recovered last = recover_again(again.ring);
    require(last.ring.frames() == frames + pushed - gone, "what was purged does not come back");
    require(!last.unfinished, "with everything purged no stream is unfinished");
}

} // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 1 || size > most_bytes) {
        return 0;
    }
    Bytes image(data + 1, data + size);
    fit(image, data[0]);
    if (is_worn_out(image)) {
        return 0;
    }
    auto recovered = daemon::Ring::recover(test::ring_memfd(image), 256 * 1024);
    if (recovered) {
        check(*recovered);
    } else {
        require(!recovered.error().message.empty(), "a refusal says why");
    }
    return 0;
}
