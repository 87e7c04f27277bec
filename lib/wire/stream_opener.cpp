// SPDX-License-Identifier: Apache-2.0
#include "wire/stream_opener.h"

#include "wire/signing.h"
#include "wire/transcript.h"

#include <sodium.h>

#include <algorithm>

namespace candor::wire {
namespace {

std::unexpected<Refusal> refuse(std::string message) { return std::unexpected(Refusal{std::move(message)}); }

} // namespace

struct StreamOpener::State {
    std::optional<SymmetricKey> epoch_key;
    std::optional<SymmetricKey> key; ///< of the stream
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

std::expected<SymmetricKey, Refusal> stream_key(const Open& open, const SymmetricKey& epoch_key) {
    const auto bound = wrap_context(open.stream, open.subject, open.epoch);
    SymmetricKey key;
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(key.data(), nullptr, nullptr, open.wrapped_key.data() + 24, 48,
                                                   bound.data(), bound.size(), open.wrapped_key.data(),
                                                   epoch_key.data()) != 0) {
        return refuse("open.wrappedKey: does not open with this epoch key");
    }
    return key;
}

StreamOpener::StreamOpener() : state_(std::make_unique<State>()) {}
StreamOpener::StreamOpener(SymmetricKey epoch_key) : StreamOpener() { state_->epoch_key = std::move(epoch_key); }
StreamOpener StreamOpener::with_stream_key(SymmetricKey stream_key) {
    StreamOpener opener;
    opener.state_->key = std::move(stream_key);
    return opener;
}
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
        auto found = stream_key(frame, *epoch_key);
        if (!found) {
            return std::move(found.error().message);
        }
        key = std::move(*found);
    }
    if (key) {
        if (crypto_secretstream_xchacha20poly1305_init_pull(&seal, frame.seal_header.data(), key->data()) != 0) {
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
    if (key && frame.stored != events) {
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
        if (key) {
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
