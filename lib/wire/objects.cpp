// SPDX-License-Identifier: Apache-2.0
#include "wire/objects.h"

#include "frame.capnp.h"
#include "wire/signing.h"
#include "wire/transcript.h"
#include "wire/wire_message.h"

#include <sodium.h>

namespace candor::wire {
namespace {

std::unexpected<Refusal> refuse(std::string message) { return std::unexpected(Refusal{std::move(message)}); }

/// The frame's body of one kind, its signature checked against the device it names.
template <typename Body>
std::expected<Body, Refusal> check_signed(std::span<const std::uint8_t> message, std::string_view context,
                                          const std::string& kind) {
    auto frame = parse_frame(message);
    if (!frame) {
        return std::unexpected(std::move(frame.error()));
    }
    auto* body = std::get_if<Body>(&frame->body);
    if (body == nullptr) {
        return refuse("expected a " + kind);
    }
    if (!signature_of_holds(body->identity, context, message, *body)) {
        return refuse(kind + ".signature: not that of the device it names");
    }
    return std::move(*body);
}

} // namespace

FrameBytes sign_frame(const Identity& identity, std::string_view context, FrameBytes message) {
    const auto parsed = parse_frame(message);
    if (!parsed) {
        throw std::invalid_argument("a frame of our own is refused: " + parsed.error().message);
    }
    const std::size_t at = std::visit(
        [](const auto& body) -> std::size_t {
            if constexpr (requires { body.signature_at; }) {
                return body.signature_at;
            }
            throw std::logic_error("this frame has no signature");
        },
        parsed->body);
    return sign_at(at, identity, context, std::move(message));
}

Id16 grant_id(const SubjectKeys& subject, std::span<const PublicKey> recipients) {
    crypto_generichash_state state;
    Id16 id{};
    crypto_generichash_init(&state, nullptr, 0, id.size());
    const auto context = wrap_context({}, subject.subject, subject.epoch);
    crypto_generichash_update(&state, context.data() + 16, context.size() - 16);
    for (const PublicKey& recipient : recipients) {
        crypto_generichash_update(&state, recipient.data(), recipient.size());
    }
    crypto_generichash_final(&state, id.data(), id.size());
    return id;
}

FrameBytes make_grant(const Identity& identity, const SubjectKeys& subject, std::span<const PublicKey> recipients) {
    if (recipients.empty() || recipients.size() > max_recipients) {
        throw std::invalid_argument("a grant needs 1 to " + std::to_string(max_recipients) + " recipients");
    }
    MessageBuilder builder(recipients.size() * 160);
    auto grant = builder.root<proto::Frame>().initGrant();
    grant.setId(as_data(grant_id(subject, recipients)));
    grant.setSubject(as_data(subject.subject));
    grant.setEpoch(subject.epoch);
    auto list = grant.initRecipients(static_cast<unsigned>(recipients.size()));
    for (unsigned i = 0; i < list.size(); ++i) {
        std::array<std::uint8_t, 32 + crypto_box_SEALBYTES> wrapped{};
        if (crypto_box_seal(wrapped.data(), subject.epoch_key.data(), 32, recipients[i].data()) != 0) {
            throw std::invalid_argument("a recipient's public key is not usable");
        }
        list[i].setPublicKey(as_data(recipients[i]));
        list[i].setWrappedKey(as_data(wrapped));
    }
    grant.setIdentity(as_data(identity.public_key()));
    grant.setSignature(as_data(Signature{}));
    return sign_frame(identity, grant_signature_context, builder.bytes());
}

std::expected<Grant, Refusal> check_grant(std::span<const std::uint8_t> message) {
    auto grant = check_signed<Grant>(message, grant_signature_context, "grant");
    if (!grant) {
        return grant;
    }
    SubjectKeys named;
    named.subject = grant->subject;
    named.epoch = grant->epoch;
    std::vector<PublicKey> recipients;
    for (const Recipient& one : grant->recipients) {
        recipients.push_back(one.public_key);
    }
    if (grant_id(named, recipients) != grant->id) {
        return refuse("grant.id: does not fit the subject, epoch and recipients");
    }
    return grant;
}

std::expected<SymmetricKey, Refusal> open_grant(std::span<const std::uint8_t> grant_message,
                                                const RecipientKeyPair& recipient) {
    const auto grant = check_grant(grant_message);
    if (!grant) {
        return std::unexpected(grant.error());
    }
    for (const Recipient& one : grant->recipients) {
        if (one.public_key != recipient.public_key) {
            continue;
        }
        SymmetricKey key;
        if (crypto_box_seal_open(key.data(), one.wrapped_key.data(), one.wrapped_key.size(),
                                 recipient.public_key.data(), recipient.secret_key.data()) != 0) {
            return refuse("grant: the wrapped key for this recipient is damaged");
        }
        return key;
    }
    return refuse("grant: none of its " + std::to_string(grant->recipients.size()) + " recipients has this key");
}

std::expected<Open, Refusal> check_open(std::span<const std::uint8_t> message) {
    return check_signed<Open>(message, open_signature_context, "open");
}

std::expected<Close, Refusal> check_close(std::span<const std::uint8_t> message, const PublicKey& identity) {
    auto frame = parse_frame(message);
    if (!frame) {
        return std::unexpected(std::move(frame.error()));
    }
    const auto* close = std::get_if<Close>(&frame->body);
    if (close == nullptr) {
        return refuse("expected a Close");
    }
    if (!signature_of_holds(identity, close_signature_context, message, *close)) {
        return refuse("close.signature: not that of the device that opened the stream");
    }
    return *close;
}

FrameBytes make_tombstone(const Identity& identity, const Tombstone& tombstone) {
    MessageBuilder builder(tombstone.streams.size() * 64);
    auto out = builder.root<proto::Frame>().initTombstone();
    out.setId(as_data(tombstone.id));
    out.setSubject(as_data(tombstone.subject));
    out.setLastEpoch(tombstone.last_epoch);
    auto streams = out.initStreams(static_cast<unsigned>(tombstone.streams.size()));
    for (unsigned i = 0; i < streams.size(); ++i) {
        streams[i].setStream(as_data(tombstone.streams[i].stream));
        streams[i].setEpoch(tombstone.streams[i].epoch);
        streams[i].setNumber(tombstone.streams[i].number);
    }
    out.setReason(static_cast<proto::Tombstone::Reason>(tombstone.reason));
    out.setRequestedNs(tombstone.requested_ns);
    out.setIdentity(as_data(identity.public_key()));
    out.setSignature(as_data(Signature{}));
    return sign_frame(identity, tombstone_signature_context, builder.bytes());
}

std::expected<Tombstone, Refusal> check_tombstone(std::span<const std::uint8_t> message) {
    return check_signed<Tombstone>(message, tombstone_signature_context, "tombstone");
}

FrameBytes make_note(const Identity& identity, const Note& note) {
    MessageBuilder builder;
    auto out = builder.root<proto::Frame>().initNote();
    out.setStream(as_data(note.stream));
    out.setSubject(as_data(note.subject));
    out.setEpoch(note.epoch);
    out.setNumber(note.number);
    out.setNoticedNs(note.noticed_ns);
    out.setIdentity(as_data(identity.public_key()));
    out.setSignature(as_data(Signature{}));
    return sign_frame(identity, note_signature_context, builder.bytes());
}

std::expected<Note, Refusal> check_note(std::span<const std::uint8_t> message) {
    return check_signed<Note>(message, note_signature_context, "note");
}

std::vector<std::uint8_t> make_erasure(const Identity& signer, const Erasure& erasure) {
    MessageBuilder builder;
    auto out = builder.root<proto::Erasure>();
    out.setVersion(1);
    out.setTombstone(as_data(erasure.tombstone));
    out.setSubject(as_data(erasure.subject));
    out.setIdentity(as_data(erasure.identity));
    out.setSegments(erasure.segments);
    out.setGrants(erasure.grants);
    out.setBytes(erasure.bytes);
    out.setCompletedNs(erasure.completed_ns);
    out.setSigner(as_data(signer.public_key()));
    out.setSignature(as_data(Signature{}));
    auto message = builder.bytes();
    const auto parsed = parse_erasure(message);
    if (!parsed) {
        throw std::logic_error("a receipt of our own is refused: " + parsed.error().message);
    }
    return sign_at(parsed->signature_at, signer, erasure_signature_context, std::move(message));
}

std::expected<Erasure, Refusal> check_erasure(std::span<const std::uint8_t> message) {
    auto erasure = parse_erasure(message);
    if (erasure && !signature_of_holds(erasure->signer, erasure_signature_context, message, *erasure)) {
        return refuse("erasure.signature: not that of the signer it names");
    }
    return erasure;
}

} // namespace candor::wire
