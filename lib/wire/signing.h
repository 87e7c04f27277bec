// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "wire/frame.h"
#include "wire/keys.h"

#include <algorithm>
#include <string_view>
#include <vector>

/// Internal to lib/wire: signatures inside the messages that they sign.
namespace candor::wire {

inline constexpr std::string_view open_signature_context = "candor open 1";
inline constexpr std::string_view close_signature_context = "candor close 1";
inline constexpr std::string_view grant_signature_context = "candor grant 1";
inline constexpr std::string_view tombstone_signature_context = "candor tombstone 1";
inline constexpr std::string_view note_signature_context = "candor note 1";
inline constexpr std::string_view erasure_signature_context = "candor erasure 1";

/// Signs a message whose signature field, at `at`, is still zero, and writes the signature into it.
[[nodiscard]] inline std::vector<std::uint8_t> sign_at(std::size_t at, const Identity& identity,
                                                       std::string_view context, std::vector<std::uint8_t> message) {
    const Signature signature = identity.sign(context, message);
    std::ranges::copy(signature, message.begin() + static_cast<std::ptrdiff_t>(at));
    return message;
}

/// sign_at() for a frame.
[[nodiscard]] std::vector<std::uint8_t> sign_frame(const Identity& identity, std::string_view context,
                                                   std::vector<std::uint8_t> message);

/// Whether `body`, which was parsed from `message`, is signed by `identity`.
template <typename Body>
[[nodiscard]] bool signature_of_holds(const PublicKey& identity, std::string_view context,
                                      std::span<const std::uint8_t> message, const Body& body) {
    std::vector<std::uint8_t> unsigned_message(message.begin(), message.end());
    std::fill_n(unsigned_message.begin() + static_cast<std::ptrdiff_t>(body.signature_at), body.signature.size(),
                std::uint8_t{0});
    return signature_holds(identity, context, unsigned_message, body.signature);
}

} // namespace candor::wire
