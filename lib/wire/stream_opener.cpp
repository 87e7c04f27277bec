// SPDX-License-Identifier: Apache-2.0
#include "wire/stream_opener.h"

#include "wire/stream_sealer.h"
#include "wire/transcript.h"

#include <sodium.h>

#include <algorithm>

namespace candor::wire {
namespace {

std::unexpected<Refusal> refuse(std::string message) { return std::unexpected(Refusal{std::move(message)}); }

template <typename Body>
bool signature_of_holds(const PublicKey& identity, std::string_view context, std::span<const std::uint8_t> message,
                        const Body& body) {
    std::vector<std::uint8_t> unsigned_message(message.begin(), message.end());
    std::fill_n(unsigned_message.begin() + static_cast<std::ptrdiff_t>(body.signature_at), body.signature.size(),
                std::uint8_t{0});
    return signature_holds(identity, context, unsigned_message, body.signature);
}

} // namespace

std::expected<SymmetricKey, Refusal> open_grant(std::span<const std::uint8_t> grant_message,
                                                const RecipientKeyPair& recipient) {
    const auto frame = parse_frame(grant_message);
    if (!frame) {
        return std::unexpected(frame.error());
    }
    const auto* grant = std::get_if<Grant>(&frame->body);
    if (grant == nullptr) {
        return refuse("expected a grant");
    }
    if (!signature_of_holds(grant->identity, grant_signature_context, grant_message, *grant)) {
        return refuse("grant.signature: not that of the device it names");
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

struct StreamOpener::State {
    std::optional<SymmetricKey> epoch_key;
    std::optional<Open> open;
    std::optional<Close> close;
    Transcript transcript;
    crypto_secretstream_xchacha20poly1305_state seal{};
    std::optional<BatchDecoder> decoder; ///< with a key: it is large
    std::uint32_t sequence = 0;
    std::uint64_t events = 0;
    std::uint64_t declared = 0;
    std::uint32_t batches = 0;
    std::uint32_t gaps = 0;
    bool spent = false;

    ~State() { sodium_memzero(&seal, sizeof seal); }

    std::expected<Item, Refusal> take(std::span<const std::uint8_t> message);
    std::optional<std::string> begin(const Open& frame, std::span<const std::uint8_t> message);
    std::optional<std::string> end(const Close& frame, std::span<const std::uint8_t> message);
    std::expected<Batch, Refusal> unseal(std::span<const std::uint8_t> sealed);
};

StreamOpener::StreamOpener() : state_(std::make_unique<State>()) {}
StreamOpener::StreamOpener(SymmetricKey epoch_key) : StreamOpener() { state_->epoch_key = std::move(epoch_key); }
StreamOpener::~StreamOpener() = default;
StreamOpener::StreamOpener(StreamOpener&&) noexcept = default;
StreamOpener& StreamOpener::operator=(StreamOpener&&) noexcept = default;

const std::optional<Open>& StreamOpener::open() const noexcept { return state_->open; }
const std::optional<Close>& StreamOpener::close() const noexcept { return state_->close; }
std::uint64_t StreamOpener::events() const noexcept { return state_->events; }

std::optional<std::string> StreamOpener::State::begin(const Open& frame, std::span<const std::uint8_t> message) {
    if (!signature_of_holds(frame.identity, open_signature_context, message, frame)) {
        return "open.signature: not that of the device it names";
    }
    if (epoch_key) {
        const auto bound = wrap_context(frame.stream, frame.subject, frame.epoch);
        SymmetricKey stream_key;
        if (crypto_aead_xchacha20poly1305_ietf_decrypt(stream_key.data(), nullptr, nullptr,
                                                       frame.wrapped_key.data() + 24, 48, bound.data(), bound.size(),
                                                       frame.wrapped_key.data(), epoch_key->data()) != 0) {
            return "open.wrappedKey: does not open with this epoch key";
        }
        if (crypto_secretstream_xchacha20poly1305_init_pull(&seal, frame.seal_header.data(), stream_key.data()) != 0) {
            return "open.sealHeader: not valid";
        }
        decoder.emplace();
    }
    open = frame;
    return std::nullopt;
}

std::optional<std::string> StreamOpener::State::end(const Close& frame, std::span<const std::uint8_t> message) {
    if (frame.transcript != transcript.hash()) {
        return "close.transcript: the frames before it are not those that were sealed";
    }
    if (!signature_of_holds(open->identity, close_signature_context, message, frame)) {
        return "close.signature: not that of the device that opened the stream";
    }
    if (frame.batches != batches || frame.gaps != gaps || frame.declared != declared) {
        return "close: its counts are not those of the frames before it";
    }
    if (epoch_key && frame.stored != events) {
        return "close.stored: " + std::to_string(frame.stored) + ", but the batches hold " + std::to_string(events);
    }
    if (frame.produced != frame.stored + frame.declared) {
        return "close.produced: " + std::to_string(frame.produced) + ", expected stored " +
               std::to_string(frame.stored) + " + declared " + std::to_string(frame.declared);
    }
    close = frame;
    return std::nullopt;
}

std::expected<Batch, Refusal> StreamOpener::State::unseal(std::span<const std::uint8_t> sealed) {
    std::vector<std::uint8_t> plaintext(sealed.size() - crypto_secretstream_xchacha20poly1305_ABYTES);
    const Hash32 before = transcript.hash();
    unsigned char tag = 0;
    if (crypto_secretstream_xchacha20poly1305_pull(&seal, plaintext.data(), nullptr, &tag, sealed.data(), sealed.size(),
                                                   before.data(), before.size()) != 0 ||
        tag != 0) {
        return refuse("batch: the seal is broken, or a frame before it was changed");
    }
    auto batch = decoder->decode(plaintext);
    sodium_memzero(plaintext.data(), plaintext.size());
    return batch;
}

std::expected<StreamOpener::Item, Refusal> StreamOpener::State::take(std::span<const std::uint8_t> message) {
    auto frame = parse_frame(message);
    if (!frame) {
        return std::unexpected(std::move(frame.error()));
    }
    Item item{std::move(*frame), std::nullopt};
    if (close) {
        return refuse("a frame after Close");
    }
    if (item.frame.sequence != sequence) {
        return refuse("sequence " + std::to_string(item.frame.sequence) + ", expected " + std::to_string(sequence));
    }
    std::optional<std::string> problem;
    if (const auto* first = std::get_if<Open>(&item.frame.body)) {
        problem = open ? "a second Open" : begin(*first, message);
    } else if (!open) {
        problem = "the first frame is not Open";
    } else if (const auto* sealed = std::get_if<SealedBatch>(&item.frame.body)) {
        ++batches;
        if (epoch_key) {
            auto batch = unseal(sealed->sealed);
            if (!batch) {
                return std::unexpected(std::move(batch.error()));
            }
            events += batch->packets.events();
            item.batch = std::move(*batch);
        }
    } else if (const auto* gap = std::get_if<Gap>(&item.frame.body)) {
        ++gaps;
        declared += gap->events.value_or(0);
    } else if (const auto* last = std::get_if<Close>(&item.frame.body)) {
        problem = end(*last, message);
    } else if (!std::holds_alternative<ClockAnchor>(item.frame.body)) {
        problem = "a frame that does not belong into a stream";
    }
    if (problem) {
        return refuse(*problem);
    }
    transcript.add(message);
    ++sequence;
    return item;
}

std::expected<StreamOpener::Item, Refusal> StreamOpener::next(std::span<const std::uint8_t> message) {
    State& s = *state_;
    if (s.spent) {
        return refuse("an earlier frame of this stream was refused");
    }
    auto item = s.take(message);
    if (!item) {
        s.spent = true;
        return refuse("frame " + std::to_string(s.sequence) + ": " + item.error().message);
    }
    return item;
}

} // namespace candor::wire
