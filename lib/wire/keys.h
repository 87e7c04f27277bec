// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/error.h"

#include <array>
#include <cstdint>
#include <expected>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace candor::wire {

/// Must be called before anything else here; idempotent. Throws std::runtime_error without a source of randomness.
void init_crypto();

/// N secret bytes that are wiped when they die, and never copied.
template <std::size_t N> class Secret {
public:
    Secret() noexcept = default;
    Secret(Secret&& other) noexcept : bytes_(other.bytes_) { other.wipe(); }
    Secret& operator=(Secret&& other) noexcept {
        if (this != &other) {
            bytes_ = other.bytes_;
            other.wipe();
        }
        return *this;
    }
    Secret(const Secret&) = delete;
    Secret& operator=(const Secret&) = delete;
    ~Secret() { wipe(); }

    [[nodiscard]] std::span<std::uint8_t, N> bytes() noexcept { return bytes_; }
    [[nodiscard]] std::span<const std::uint8_t, N> bytes() const noexcept { return bytes_; }
    [[nodiscard]] const std::uint8_t* data() const noexcept { return bytes_.data(); }
    [[nodiscard]] std::uint8_t* data() noexcept { return bytes_.data(); }

private:
    void wipe() noexcept;
    std::array<std::uint8_t, N> bytes_{};
};

using Id16 = std::array<std::uint8_t, 16>;      ///< stream, subject, run, grant
using PublicKey = std::array<std::uint8_t, 32>; ///< Ed25519 or X25519
using Hash32 = std::array<std::uint8_t, 32>;
using Signature = std::array<std::uint8_t, 64>;
using SymmetricKey = Secret<32>;

[[nodiscard]] Id16 random_id();
[[nodiscard]] SymmetricKey random_key();

/// The device's Ed25519 key pair. Made at the first start, kept in a file of mode 0600 (64 secret bytes).
class Identity {
public:
    /// Loads `path`, or makes it when it does not exist. A damaged or too open file is refused, never replaced.
    [[nodiscard]] static std::expected<Identity, Refusal> load_or_create(const std::filesystem::path& path);
    [[nodiscard]] static Identity generate();
    /// The pair that follows from a seed.
    [[nodiscard]] static Identity from_seed(const SymmetricKey& seed);

    /// Without a key; to be assigned to.
    Identity() noexcept = default;

    [[nodiscard]] const PublicKey& public_key() const noexcept { return public_key_; }
    /// Signs `context` followed by `message`.
    [[nodiscard]] Signature sign(std::string_view context, std::span<const std::uint8_t> message) const;

private:
    Secret<64> secret_;
    PublicKey public_key_{};
};

[[nodiscard]] bool signature_holds(const PublicKey& key, std::string_view context,
                                   std::span<const std::uint8_t> message, const Signature& signature);

/// A recipient's X25519 pair: the one thing that opens segments. Text form of the secret: 64 hex digits and a newline.
struct RecipientKeyPair {
    PublicKey public_key{};
    SymmetricKey secret_key;

    [[nodiscard]] static RecipientKeyPair generate();
    /// The pair of a secret key; nothing when it is not one.
    [[nodiscard]] static std::optional<RecipientKeyPair> from_secret(SymmetricKey secret);
    /// What signs the receipts of erasures: Ed25519 of the seed BLAKE2b-256("candor recipient signature 1") keyed by the secret key.
    [[nodiscard]] Identity signer() const;
    /// Reads the text form; the public half is computed. Refuses anything else, naming the path.
    [[nodiscard]] static std::expected<RecipientKeyPair, Refusal> load(const std::filesystem::path& path);
};

/// By what one person's streams are sealed (subject_store.h).
struct SubjectKeys {
    Id16 subject{};
    std::uint32_t epoch = 1; ///< from 1
    SymmetricKey epoch_key;
};

} // namespace candor::wire
