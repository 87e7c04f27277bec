// SPDX-License-Identifier: Apache-2.0
#include "wire/segment.h"

#include "wire/frame.h"
#include "wire/packing.h"

#include <algorithm>
#include <stdexcept>

namespace candor::wire {
namespace {

constexpr std::uint8_t packed_message = 0;
constexpr std::uint8_t sealed_batch = 1;

// Packing adds a tag and a count to each 256 words at worst, and the first word of a run has a tag of its own.
constexpr std::size_t max_record_bytes = 1 + max_frame_bytes + max_frame_bytes / 8 + 16;

/// The sealed bytes, if they and the place tell the whole message.
std::span<const std::uint8_t> batch_at(std::span<const std::uint8_t> message, std::uint32_t place) {
    const auto frame = parse_frame(message);
    const auto* batch = frame ? std::get_if<SealedBatch>(&frame->body) : nullptr;
    return batch != nullptr && std::ranges::equal(encode_batch(place, batch->sealed), message)
               ? batch->sealed
               : std::span<const std::uint8_t>();
}

} // namespace

std::vector<std::uint8_t> encode_record(std::span<const std::uint8_t> message, std::optional<std::uint32_t> place) {
    if (message.size() % 8 != 0 || message.size() > max_frame_bytes) {
        throw std::invalid_argument("a record holds a whole frame");
    }
    const auto sealed = place ? batch_at(message, *place) : std::span<const std::uint8_t>();
    const auto body = sealed.empty() ? pack(message) : std::vector<std::uint8_t>(sealed.begin(), sealed.end());
    std::vector<std::uint8_t> record;
    record.reserve(body.size() + 4);
    std::size_t length = body.size() + 1;
    while (length >= 0x80) {
        record.push_back(static_cast<std::uint8_t>(length | 0x80));
        length >>= 7;
    }
    record.push_back(static_cast<std::uint8_t>(length));
    record.push_back(sealed.empty() ? packed_message : sealed_batch);
    // Not insert(): g++ 14 warns of an overflow there that cannot be.
    const std::size_t head = record.size();
    record.resize(head + body.size());
    std::ranges::copy(body, record.begin() + static_cast<std::ptrdiff_t>(head));
    return record;
}

std::expected<std::optional<std::vector<std::uint8_t>>, Refusal> SegmentReader::next(std::string_view magic) {
    const auto refuse = [&](const std::string& problem) {
        return std::unexpected(Refusal{"byte " + std::to_string(offset_) + ": " + problem});
    };
    if (offset_ == 0) {
        if (file_.size() < magic.size() || !std::equal(magic.begin(), magic.end(), file_.begin())) {
            return refuse("expected the magic " + std::string(magic));
        }
        offset_ = magic.size();
    }
    if (offset_ == file_.size()) {
        return std::nullopt;
    }
    std::size_t at = offset_;
    std::size_t length = 0;
    for (unsigned shift = 0;; shift += 7) {
        if (at == file_.size()) {
            return refuse("the file is cut inside a record's length");
        }
        const std::uint8_t byte = file_[at++];
        length |= std::size_t{byte & 0x7fu} << shift;
        if ((byte & 0x80) == 0) {
            if (byte == 0) {
                return refuse("a record's length is not in its shortest form");
            }
            break;
        }
        if (shift == 14) {
            return refuse("a record's length is longer than 3 bytes");
        }
    }
    if (length > max_record_bytes) {
        return refuse("a record of " + std::to_string(length) + " bytes, expected " + std::to_string(max_record_bytes) +
                      " at most");
    }
    if (file_.size() - at < length) {
        return refuse("the file is cut: a record of " + std::to_string(length) + " bytes has " +
                      std::to_string(file_.size() - at));
    }
    const auto body = file_.subspan(at + 1, length - 1);
    std::optional<std::vector<std::uint8_t>> message;
    switch (file_[at]) {
    case packed_message:
        message = unpack(body, max_frame_bytes);
        if (!message) {
            return refuse("a record that is not a packed frame");
        }
        break;
    case sealed_batch:
        if (body.empty() || body.size() > max_sealed_bytes) {
            return refuse("a sealed batch of " + std::to_string(body.size()) + " bytes, expected 1 to " +
                          std::to_string(max_sealed_bytes));
        }
        message = encode_batch(place_, body);
        break;
    default:
        return refuse("a record of kind " + std::to_string(file_[at]) + ", expected 0 or 1");
    }
    ++place_;
    offset_ = at + length;
    return message;
}

std::vector<std::uint8_t> encode_single(std::string_view magic, std::span<const std::uint8_t> message) {
    std::vector<std::uint8_t> file(magic.begin(), magic.end());
    const auto record = encode_record(message);
    file.insert(file.end(), record.begin(), record.end());
    return file;
}

std::expected<std::vector<std::uint8_t>, Refusal> read_single(std::span<const std::uint8_t> file,
                                                              std::string_view magic) {
    SegmentReader reader(file);
    auto message = reader.next(magic);
    if (!message) {
        return std::unexpected(std::move(message.error()));
    }
    if (!*message || reader.offset() != file.size()) {
        return std::unexpected(Refusal{"expected exactly one frame"});
    }
    return std::move(**message);
}

} // namespace candor::wire
