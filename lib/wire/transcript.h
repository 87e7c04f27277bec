// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "wire/keys.h"

#include <sodium.h>

namespace candor::wire {

/// What every frame of a stream enters: hash = BLAKE2b-256(hash before, length as 32 little-endian bits, frame), 32 zero bytes
/// at first. Its whole state is the hash, so that a successor can go on with it.
class Transcript {
public:
    Transcript() = default;
    explicit Transcript(const Hash32& hash) : hash_(hash) {}

    void add(std::span<const std::uint8_t> frame) {
        const auto size = static_cast<std::uint32_t>(frame.size());
        const std::array<std::uint8_t, 4> length = {
            static_cast<std::uint8_t>(size), static_cast<std::uint8_t>(size >> 8),
            static_cast<std::uint8_t>(size >> 16), static_cast<std::uint8_t>(size >> 24)};
        crypto_generichash_state state;
        crypto_generichash_init(&state, nullptr, 0, hash_.size());
        crypto_generichash_update(&state, hash_.data(), hash_.size());
        crypto_generichash_update(&state, length.data(), length.size());
        crypto_generichash_update(&state, frame.data(), frame.size());
        crypto_generichash_final(&state, hash_.data(), hash_.size());
    }

    /// Of what was added so far; more may follow.
    [[nodiscard]] const Hash32& hash() const noexcept { return hash_; }

private:
    Hash32 hash_{};
};

/// Associated data of a wrapped stream key: stream, subject, epoch.
[[nodiscard]] inline std::array<std::uint8_t, 36> wrap_context(const Id16& stream, const Id16& subject,
                                                               std::uint32_t epoch) {
    std::array<std::uint8_t, 36> out{};
    std::copy(stream.begin(), stream.end(), out.begin());
    std::copy(subject.begin(), subject.end(), out.begin() + 16);
    for (std::size_t i = 0; i < 4; ++i) {
        out[32 + i] = static_cast<std::uint8_t>(epoch >> (8 * i));
    }
    return out;
}

} // namespace candor::wire
