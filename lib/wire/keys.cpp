// SPDX-License-Identifier: Apache-2.0
#include "wire/keys.h"

#include "base/file.h"
#include "base/hex.h"
#include "wire/secret_file.h"

#include <sodium.h>

#include <algorithm>
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

} // namespace

void init_crypto() {
    if (sodium_init() < 0) {
        throw std::runtime_error("libsodium cannot start: no source of randomness");
    }
}

template <std::size_t N> void Secret<N>::wipe() noexcept { sodium_memzero(bytes_.data(), N); }
template class Secret<32>;
template class Secret<40>;
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

Identity Identity::from_seed(const SymmetricKey& seed) {
    Identity identity;
    crypto_sign_seed_keypair(identity.public_key_.data(), identity.secret_.data(), seed.data());
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

std::optional<RecipientKeyPair> RecipientKeyPair::from_secret(SymmetricKey secret) {
    RecipientKeyPair pair;
    pair.secret_key = std::move(secret);
    if (crypto_scalarmult_base(pair.public_key.data(), pair.secret_key.data()) != 0) {
        return std::nullopt;
    }
    return pair;
}

Identity RecipientKeyPair::signer() const {
    constexpr std::string_view context = "candor recipient signature 1";
    SymmetricKey seed;
    crypto_generichash(seed.data(), 32, reinterpret_cast<const std::uint8_t*>(context.data()), context.size(),
                       secret_key.data(), 32);
    return Identity::from_seed(seed);
}

std::expected<RecipientKeyPair, Refusal> RecipientKeyPair::load(const std::filesystem::path& path) {
    auto text = read_text(path, 256);
    if (!text) {
        return std::unexpected(std::move(text.error()));
    }
    const std::string_view digits = std::string_view(*text).substr(0, text->find('\n'));
    SymmetricKey secret;
    const bool good = digits.size() + 1 >= text->size() && from_hex_exactly(digits, secret.bytes());
    sodium_memzero(text->data(), text->size());
    if (!good) {
        return std::unexpected(Refusal{path.string() + ": expected a secret key: 64 hexadecimal digits and a newline"});
    }
    auto pair = from_secret(std::move(secret));
    if (!pair) {
        return std::unexpected(Refusal{path.string() + ": not an X25519 secret key"});
    }
    return std::move(*pair);
}

} // namespace candor::wire
