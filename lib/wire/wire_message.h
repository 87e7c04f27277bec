// SPDX-License-Identifier: Apache-2.0
#pragma once

// Internal to lib/wire: Cap'n Proto messages as bytes. Cap'n Proto's headers are only for .cpp files.

#include "wire/keys.h"
#include "wire/wire_limits.h"

#include <capnp/message.h>
#include <capnp/serialize.h>

#include <algorithm>
#include <cstring>
#include <span>
#include <stdexcept>
#include <vector>

namespace candor::wire {

/// A builder whose first segment holds the largest frame, so that every message has one segment.
class MessageBuilder {
public:
    explicit MessageBuilder(std::size_t payload_bytes = 0)
        : message_(static_cast<unsigned>(payload_bytes / 8 + 256), capnp::AllocationStrategy::FIXED_SIZE) {}

    template <typename T> typename T::Builder root() { return message_.initRoot<T>(); }

    [[nodiscard]] std::vector<std::uint8_t> bytes() {
        const auto segments = message_.getSegmentsForOutput();
        if (segments.size() != 1) {
            throw std::logic_error("a frame took more than one segment");
        }
        const auto words = capnp::messageToFlatArray(segments);
        const auto chars = words.asBytes();
        return {chars.begin(), chars.end()};
    }

private:
    capnp::MallocMessageBuilder message_;
};

/// The words of a flat message that is exactly one segment; what is not is refused before Cap'n Proto sees it.
struct AlignedMessage {
    explicit AlignedMessage(std::span<const std::uint8_t> bytes) : words(bytes.size() / 8) {
        if (!bytes.empty()) {
            std::memcpy(words.data(), bytes.data(), words.size() * 8);
        }
    }
    [[nodiscard]] kj::ArrayPtr<const capnp::word> array() const {
        return {reinterpret_cast<const capnp::word*>(words.data()), words.size()};
    }
    std::vector<std::uint64_t> words;
};

inline capnp::ReaderOptions reader_options() {
    capnp::ReaderOptions options;
    options.traversalLimitInWords = 4 * max_frame_bytes / 8;
    options.nestingLimit = 8;
    return options;
}

template <std::size_t N> capnp::Data::Reader as_data(const std::array<std::uint8_t, N>& bytes) {
    return {bytes.data(), N};
}

} // namespace candor::wire
