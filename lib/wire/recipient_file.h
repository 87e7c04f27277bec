// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/error.h"
#include "wire/keys.h"

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

/// A recipient's secret key as text: 64 hexadecimal digits and a newline, or, protected by a passphrase, three lines
///   candor-recipient-key 1
///   kdf argon2id PASSES MEMORY SALT    for crypto_pwhash: passes, bytes of memory, 16 bytes in hexadecimal
///   box NONCE SEALED                   24 and 48 bytes: the key, crypto_aead_xchacha20poly1305_ietf under what
///                                      crypto_pwhash makes of the passphrase; the lines above are associated data
/// Without a passphrase nothing shows that a digit was changed: the file then holds another key, with another public half.
namespace candor::wire {

inline constexpr std::size_t max_recipient_file_bytes = 1024;
inline constexpr std::size_t max_passphrase_bytes = 1024;

/// What one try of a passphrase costs. As made: libsodium's MODERATE, in the order of a second.
struct Stretching {
    std::uint64_t passes = 3;                        ///< 1 to 16
    std::uint64_t memory = std::uint64_t{256} << 20; ///< bytes; 8 KiB to 1 GiB

    bool operator==(const Stretching&) const = default;
};

/// What a protected file holds.
struct ProtectedKey {
    Stretching stretching;
    std::array<std::uint8_t, 16> salt{};
    std::array<std::uint8_t, 24> nonce{};
    std::array<std::uint8_t, 48> sealed{};

    bool operator==(const ProtectedKey&) const = default;
};

/// Whether the text claims to be protected; what is no key at all says no.
[[nodiscard]] bool is_protected(std::string_view text) noexcept;

/// Takes exactly what format_protected() makes: one key has one form. Refusals name the line.
[[nodiscard]] std::expected<ProtectedKey, Refusal> parse_protected(std::string_view text);
[[nodiscard]] std::string format_protected(const ProtectedKey& key);

/// The text of a key, with a passphrase protected by it. It is the caller's to wipe when there is none. Throws
/// std::bad_alloc when there is not so much memory as the stretching takes.
[[nodiscard]] std::string encode_recipient_file(const RecipientKeyPair& pair,
                                                std::optional<std::string_view> passphrase,
                                                const Stretching& stretching = {});

/// Either form; a passphrase that is not needed is ignored. Refuses a wrong passphrase (or damage: one cannot be told from the
/// other), a protected key without a passphrase, and whatever else is not as above, before anything is computed.
[[nodiscard]] std::expected<RecipientKeyPair, Refusal> unlock(std::string_view text,
                                                              std::optional<std::string_view> passphrase);

} // namespace candor::wire
