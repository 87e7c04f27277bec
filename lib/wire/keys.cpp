// SPDX-License-Identifier: Apache-2.0
#include "wire/keys.h"

#include "base/file.h"
#include "base/hex.h"

#include <sodium.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>

namespace candor::wire {
namespace {

static_assert(crypto_sign_SECRETKEYBYTES == 64 && crypto_sign_PUBLICKEYBYTES == 32 && crypto_sign_BYTES == 64);
static_assert(crypto_box_PUBLICKEYBYTES == 32 && crypto_box_SECRETKEYBYTES == 32);

std::vector<std::uint8_t> with_context(std::string_view context, std::span<const std::uint8_t> message) {
    std::vector<std::uint8_t> all(context.begin(), context.end());
    all.insert(all.end(), message.begin(), message.end());
    return all;
}

/// A secret file of exactly N bytes that nobody else may read; nullopt when there is none.
template <std::size_t N>
std::expected<std::optional<Secret<N>>, Refusal> load_secret(const std::filesystem::path& path) {
    struct stat status {};
    if (::lstat(path.c_str(), &status) < 0) {
        if (errno == ENOENT) {
            return std::optional<Secret<N>>();
        }
        return std::unexpected(Refusal{path.string() + ": " + std::strerror(errno)});
    }
    if ((status.st_mode & 077) != 0) {
        return std::unexpected(Refusal{path.string() + ": others may read or write it, expected mode 0600"});
    }
    auto bytes = read_file(path, N);
    if (!bytes) {
        return std::unexpected(std::move(bytes.error()));
    }
    if (bytes->size() != N) {
        return std::unexpected(
            Refusal{path.string() + ": " + std::to_string(bytes->size()) + " bytes, expected " + std::to_string(N)});
    }
    Secret<N> secret;
    std::ranges::copy(*bytes, secret.bytes().begin());
    sodium_memzero(bytes->data(), bytes->size());
    return std::optional<Secret<N>>(std::move(secret));
}

template <std::size_t N> std::expected<Secret<N>, Refusal> load_or_create_secret(const std::filesystem::path& path) {
    auto loaded = load_secret<N>(path);
    if (!loaded) {
        return std::unexpected(std::move(loaded.error()));
    }
    if (*loaded) {
        return std::move(**loaded);
    }
    Secret<N> made;
    randombytes_buf(made.data(), N);
    write_file_atomically(path, made.bytes(), 0600);
    return made;
}

} // namespace

void init_crypto() {
    if (sodium_init() < 0) {
        throw std::runtime_error("libsodium cannot start: no source of randomness");
    }
}

template <std::size_t N> void Secret<N>::wipe() noexcept { sodium_memzero(bytes_.data(), N); }
template class Secret<32>;
template class Secret<64>;

Id16 random_id() {
    Id16 id{};
    randombytes_buf(id.data(), id.size());
    return id;
}

SymmetricKey random_key() {
    SymmetricKey key;
    randombytes_buf(key.data(), 32);
    return key;
}

Identity Identity::generate() {
    Identity identity;
    crypto_sign_keypair(identity.public_key_.data(), identity.secret_.data());
    return identity;
}

std::expected<Identity, Refusal> Identity::load_or_create(const std::filesystem::path& path) {
    auto loaded = load_secret<64>(path);
    if (!loaded) {
        return std::unexpected(std::move(loaded.error()));
    }
    if (!*loaded) {
        Identity made = generate();
        write_file_atomically(path, made.secret_.bytes(), 0600);
        return made;
    }
    Identity identity;
    identity.secret_ = std::move(**loaded);
    // libsodium's secret key is the seed and the public key; a damaged file has halves that do not belong together.
    std::array<std::uint8_t, 32> seed{};
    Secret<64> again;
    crypto_sign_ed25519_sk_to_seed(seed.data(), identity.secret_.data());
    crypto_sign_seed_keypair(identity.public_key_.data(), again.data(), seed.data());
    sodium_memzero(seed.data(), seed.size());
    if (sodium_memcmp(again.data(), identity.secret_.data(), 64) != 0) {
        return std::unexpected(Refusal{path.string() + ": damaged, expected an Ed25519 key pair"});
    }
    return identity;
}

Signature Identity::sign(std::string_view context, std::span<const std::uint8_t> message) const {
    const auto all = with_context(context, message);
    Signature signature{};
    crypto_sign_detached(signature.data(), nullptr, all.data(), all.size(), secret_.data());
    return signature;
}

bool signature_holds(const PublicKey& key, std::string_view context, std::span<const std::uint8_t> message,
                     const Signature& signature) {
    const auto all = with_context(context, message);
    return crypto_sign_verify_detached(signature.data(), all.data(), all.size(), key.data()) == 0;
}

RecipientKeyPair RecipientKeyPair::generate() {
    RecipientKeyPair pair;
    crypto_box_keypair(pair.public_key.data(), pair.secret_key.data());
    return pair;
}

std::expected<RecipientKeyPair, Refusal> RecipientKeyPair::load(const std::filesystem::path& path) {
    auto text = read_text(path, 256);
    if (!text) {
        return std::unexpected(std::move(text.error()));
    }
    const std::string_view digits = std::string_view(*text).substr(0, text->find('\n'));
    RecipientKeyPair pair;
    const bool good = digits.size() + 1 >= text->size() && from_hex_exactly(digits, pair.secret_key.bytes());
    sodium_memzero(text->data(), text->size());
    if (!good) {
        return std::unexpected(Refusal{path.string() + ": expected a secret key: 64 hexadecimal digits and a newline"});
    }
    if (crypto_scalarmult_base(pair.public_key.data(), pair.secret_key.data()) != 0) {
        return std::unexpected(Refusal{path.string() + ": not an X25519 secret key"});
    }
    return pair;
}

std::expected<SubjectKeys, Refusal> load_or_create_subject(const std::filesystem::path& directory, std::uint32_t uid) {
    std::filesystem::create_directories(directory);
    std::filesystem::permissions(directory, std::filesystem::perms::owner_all);
    auto pseudonym_key = load_or_create_secret<32>(directory / "pseudonym.key");
    if (!pseudonym_key) {
        return std::unexpected(std::move(pseudonym_key.error()));
    }
    auto epoch_key = load_or_create_secret<32>(directory / ("epoch-1-" + std::to_string(uid) + ".key"));
    if (!epoch_key) {
        return std::unexpected(std::move(epoch_key.error()));
    }
    SubjectKeys keys;
    keys.epoch_key = std::move(*epoch_key);
    const std::array<std::uint8_t, 4> id = {static_cast<std::uint8_t>(uid), static_cast<std::uint8_t>(uid >> 8),
                                            static_cast<std::uint8_t>(uid >> 16), static_cast<std::uint8_t>(uid >> 24)};
    crypto_generichash(keys.subject.data(), keys.subject.size(), id.data(), id.size(), pseudonym_key->data(), 32);
    return keys;
}

} // namespace candor::wire
