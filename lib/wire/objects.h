// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "wire/frame.h"
#include "wire/keys.h"

#include <expected>
#include <span>
#include <vector>

/// What is signed and belongs to no stream: grants, tombstones, notes, erasure receipts (proto/frame.capnp).
namespace candor::wire {

/// The Cap'n Proto message of one frame, as it goes over the socket; max_frame_bytes at most.
using FrameBytes = std::vector<std::uint8_t>;

/// The grant frame for one subject-epoch key; throws std::invalid_argument for no recipients or more than max_recipients.
[[nodiscard]] FrameBytes make_grant(const Identity& identity, const SubjectKeys& subject,
                                    std::span<const PublicKey> recipients);
/// Grant.id for these.
[[nodiscard]] Id16 grant_id(const SubjectKeys& subject, std::span<const PublicKey> recipients);
/// The epoch key out of a grant, for one recipient. Checks the grant's id and signature. Refuses a grant that does not name
/// the recipient.
[[nodiscard]] std::expected<SymmetricKey, Refusal> open_grant(std::span<const std::uint8_t> grant_message,
                                                              const RecipientKeyPair& recipient);

/// A grant whose signature is that of the device it names, and whose id fits the rest.
[[nodiscard]] std::expected<Grant, Refusal> check_grant(std::span<const std::uint8_t> message);

/// An Open frame whose signature is that of the device it names.
[[nodiscard]] std::expected<Open, Refusal> check_open(std::span<const std::uint8_t> message);

/// A Close frame that this device has signed. Without the frames before it its transcript cannot be checked.
[[nodiscard]] std::expected<Close, Refusal> check_close(std::span<const std::uint8_t> message,
                                                        const PublicKey& identity);

/// `identity` and `signature` of the argument are set here; throws std::invalid_argument for a scope that the parser would refuse.
[[nodiscard]] FrameBytes make_tombstone(const Identity& identity, const Tombstone& tombstone);
/// Refuses what is no tombstone frame, and one that the device it names has not signed. Which devices count is the caller's to know.
[[nodiscard]] std::expected<Tombstone, Refusal> check_tombstone(std::span<const std::uint8_t> message);

/// The same for a note.
[[nodiscard]] FrameBytes make_note(const Identity& identity, const Note& note);
[[nodiscard]] std::expected<Note, Refusal> check_note(std::span<const std::uint8_t> message);

/// The receipt of an erasure, signed by the key holder: `signer` and `signature` of the argument are set here.
[[nodiscard]] std::vector<std::uint8_t> make_erasure(const Identity& signer, const Erasure& erasure);
/// Refuses what is no receipt, and one that the signer it names has not signed. Whose signature counts is the caller's to know.
[[nodiscard]] std::expected<Erasure, Refusal> check_erasure(std::span<const std::uint8_t> message);

} // namespace candor::wire
