// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "wire/keys.h"

#include <sodium.h>

namespace candor::wire {

/// BLAKE2b-256 over a stream's frames in order, each after its length as 32 little-endian bits.
class Transcript {
public:
    Transcript() { crypto_generichash_init(&state_, nullptr, 0, 32); }

    void add(std::span<const std::uint8_t> frame) {
        const auto size = static_cast<std::uint32_t>(frame.size());
        const std::array<std::uint8_t, 4> length = {
            static_cast<std::uint8_t>(size), static_cast<std::uint8_t>(size >> 8),
            static_cast<std::uint8_t>(size >> 16), static_cast<std::uint8_t>(size >> 24)};
        crypto_generichash_update(&state_, length.data(), length.size());
        crypto_generichash_update(&state_, frame.data(), frame.size());
    }

    /// The hash of what was added so far; more may follow.
    [[nodiscard]] Hash32 hash() const {
        crypto_generichash_state copy = state_;
        Hash32 out{};
        crypto_generichash_final(&copy, out.data(), out.size());
        return out;
    }

private:
    crypto_generichash_state state_;
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

inline constexpr std::string_view open_signature_context = "candor open 1";
inline constexpr std::string_view close_signature_context = "candor close 1";
inline constexpr std::string_view grant_signature_context = "candor grant 1";

} // namespace candor::wire
