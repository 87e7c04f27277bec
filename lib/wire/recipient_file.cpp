// SPDX-License-Identifier: Apache-2.0
#include "wire/recipient_file.h"

#include "base/hex.h"

#include <sodium.h>

#include <charconv>
#include <new>

namespace candor::wire {
namespace {

constexpr std::string_view first_line = "candor-recipient-key 1";
constexpr std::uint64_t most_passes = 16;
constexpr std::uint64_t least_memory = std::uint64_t{8} << 10;
constexpr std::uint64_t most_memory = std::uint64_t{1} << 30;

static_assert(crypto_pwhash_SALTBYTES == 16 && crypto_aead_xchacha20poly1305_ietf_NPUBBYTES == 24 &&
              crypto_aead_xchacha20poly1305_ietf_ABYTES == 16 && crypto_aead_xchacha20poly1305_ietf_KEYBYTES == 32);
static_assert(Stretching().passes == crypto_pwhash_argon2id_OPSLIMIT_MODERATE &&
              Stretching().memory == crypto_pwhash_argon2id_MEMLIMIT_MODERATE);
static_assert(least_memory >= crypto_pwhash_argon2id_MEMLIMIT_MIN);

std::unexpected<Refusal> refuse(const char* what) { return std::unexpected(Refusal{what}); }

bool within_bounds(const Stretching& stretching) noexcept {
    return stretching.passes >= 1 && stretching.passes <= most_passes && stretching.memory >= least_memory &&
           stretching.memory <= most_memory;
}

/// The lines that are authenticated but not secret.
std::string head_of(const ProtectedKey& key) {
    return std::string(first_line) + "\nkdf argon2id " + std::to_string(key.stretching.passes) + " " +
           std::to_string(key.stretching.memory) + " " + to_hex(key.salt) + "\n";
}

/// Nothing when there is not so much memory.
std::optional<SymmetricKey> stretch(std::string_view passphrase, const ProtectedKey& how) {
    SymmetricKey key;
    // crypto_pwhash takes no null pointer, not even of nothing.
    const char* const text = passphrase.empty() ? "" : passphrase.data();
    if (crypto_pwhash(key.data(), 32, text, passphrase.size(), how.salt.data(), how.stretching.passes,
                      static_cast<std::size_t>(how.stretching.memory), crypto_pwhash_ALG_ARGON2ID13) != 0) {
        return std::nullopt;
    }
    return key;
}

/// Takes `word` off the front, if it is there.
bool skip(std::string_view& text, std::string_view word) {
    const bool there = text.starts_with(word);
    text.remove_prefix(there ? word.size() : 0);
    return there;
}

/// Takes what is before `end` off the front, and `end`; everything without one.
std::string_view take(std::string_view& text, char end) {
    const std::string_view word = text.substr(0, text.find(end));
    text.remove_prefix(std::min(word.size() + 1, text.size()));
    return word;
}

bool take_number(std::string_view& text, std::uint64_t& number) {
    const std::string_view word = take(text, ' ');
    const char* const last = word.data() + word.size();
    const auto [end, error] = std::from_chars(word.data(), last, number);
    return error == std::errc{} && end == last;
}

/// Without a copy of a secret key's digits anywhere else.
bool read_digits(std::string_view digits, SymmetricKey& key) {
    std::size_t length = 0;
    return sodium_hex2bin(key.data(), 32, digits.data(), digits.size(), nullptr, &length, nullptr) == 0 && length == 32;
}

std::expected<RecipientKeyPair, Refusal> pair_of(SymmetricKey secret) {
    auto pair = RecipientKeyPair::from_secret(std::move(secret));
    if (!pair) {
        return refuse("not an X25519 secret key");
    }
    return std::move(*pair);
}

} // namespace

bool is_protected(std::string_view text) noexcept { return text.starts_with(first_line); }

std::string format_protected(const ProtectedKey& key) {
    return head_of(key) + "box " + to_hex(key.nonce) + " " + to_hex(key.sealed) + "\n";
}

std::expected<ProtectedKey, Refusal> parse_protected(std::string_view text) {
    std::string_view rest = text;
    if (take(rest, '\n') != first_line) {
        return refuse("line 1: expected 'candor-recipient-key 1'");
    }
    ProtectedKey key;
    std::string_view kdf = take(rest, '\n');
    if (!skip(kdf, "kdf argon2id ") || !take_number(kdf, key.stretching.passes) ||
        !take_number(kdf, key.stretching.memory) || !from_hex_exactly(kdf, key.salt)) {
        return refuse("line 2: expected 'kdf argon2id', passes, bytes of memory, and 16 bytes of salt in hexadecimal");
    }
    if (!within_bounds(key.stretching)) {
        return refuse("line 2: expected 1 to 16 passes over 8192 bytes to 1 GiB");
    }
    std::string_view box = take(rest, '\n');
    if (!skip(box, "box ") || !from_hex_exactly(take(box, ' '), key.nonce) || !from_hex_exactly(box, key.sealed)) {
        return refuse("line 3: expected 'box', then 24 and 48 bytes in hexadecimal");
    }
    // Other cases of digits, zeros before numbers, something behind the end, or no newline there.
    if (format_protected(key) != text) {
        return refuse("expected a key exactly as keygen writes it");
    }
    return key;
}

std::string encode_recipient_file(const RecipientKeyPair& pair, std::optional<std::string_view> passphrase,
                                  const Stretching& stretching) {
    if (!passphrase) {
        std::string text(65, '\0');
        sodium_bin2hex(text.data(), text.size(), pair.secret_key.data(), 32);
        text.back() = '\n';
        return text;
    }
    ProtectedKey made;
    made.stretching = stretching;
    randombytes_buf(made.salt.data(), made.salt.size());
    randombytes_buf(made.nonce.data(), made.nonce.size());
    const auto key = stretch(*passphrase, made);
    if (!key) {
        throw std::bad_alloc();
    }
    const std::string head = head_of(made);
    crypto_aead_xchacha20poly1305_ietf_encrypt(made.sealed.data(), nullptr, pair.secret_key.data(), 32,
                                               reinterpret_cast<const std::uint8_t*>(head.data()), head.size(), nullptr,
                                               made.nonce.data(), key->data());
    return format_protected(made);
}

std::expected<RecipientKeyPair, Refusal> unlock(std::string_view text, std::optional<std::string_view> passphrase) {
    SymmetricKey secret;
    if (!is_protected(text)) {
        if (text.size() != 65 || text.back() != '\n' || !read_digits(text.substr(0, 64), secret)) {
            return refuse("expected a secret key: 64 hexadecimal digits and a newline, or what keygen protected");
        }
        return pair_of(std::move(secret));
    }
    const auto locked = parse_protected(text);
    if (!locked) {
        return std::unexpected(locked.error());
    }
    if (!passphrase) {
        return refuse("a passphrase protects it, and none is given");
    }
    const auto key = stretch(*passphrase, *locked);
    if (!key) {
        return std::unexpected(Refusal{"opening it takes " + std::to_string(locked->stretching.memory) +
                                       " bytes of memory, which are not there"});
    }
    const std::string head = head_of(*locked);
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(
            secret.data(), nullptr, nullptr, locked->sealed.data(), locked->sealed.size(),
            reinterpret_cast<const std::uint8_t*>(head.data()), head.size(), locked->nonce.data(), key->data()) != 0) {
        return refuse("the passphrase is wrong, or the file is damaged");
    }
    return pair_of(std::move(secret));
}

} // namespace candor::wire
