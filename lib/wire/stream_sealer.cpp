// SPDX-License-Identifier: Apache-2.0
#include "wire/stream_sealer.h"

#include "frame.capnp.h"
#include "wire/transcript.h"
#include "wire/wire_message.h"

#include <sodium.h>

namespace candor::wire {
namespace {

constexpr std::uint64_t second_us = 1'000'000;

/// Signs a message whose signature field is still zero, and writes the signature into it.
FrameBytes sign_into(const Identity& identity, std::string_view context, FrameBytes message) {
    const auto parsed = parse_frame(message);
    if (!parsed) {
        throw std::logic_error("a frame of our own is refused: " + parsed.error().message);
    }
    const std::size_t at = std::visit(
        [](const auto& body) -> std::size_t {
            if constexpr (requires { body.signature_at; }) {
                return body.signature_at;
            }
            throw std::logic_error("this frame has no signature");
        },
        parsed->body);
    const Signature signature = identity.sign(context, message);
    std::ranges::copy(signature, message.begin() + static_cast<std::ptrdiff_t>(at));
    return message;
}

void write(proto::Clock::Builder out, const ClockAnchor& anchor) {
    out.setMonotonicNs(anchor.monotonic_ns);
    out.setBoottimeNs(anchor.boottime_ns);
    out.setRealtimeNs(anchor.realtime_ns);
}

} // namespace

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
    return sign_into(identity, grant_signature_context, builder.bytes());
}

FrameBytes make_hello(const Id16& run, const std::optional<Id16>& stream, std::uint32_t next_sequence) {
    MessageBuilder builder;
    auto root = builder.root<proto::Frame>();
    root.setSequence(next_sequence);
    auto hello = root.initHello();
    hello.setVersion(format_version);
    hello.setRun(as_data(run));
    if (stream) {
        hello.setStream(as_data(*stream));
    }
    return builder.bytes();
}

struct StreamSealer::State {
    const Identity* identity = nullptr;
    StreamContext context;
    Id16 stream{};
    std::array<std::uint8_t, 72> wrapped_key{};
    std::array<std::uint8_t, 24> seal_header{};
    crypto_secretstream_xchacha20poly1305_state seal{};
    Transcript transcript;
    std::uint32_t sequence = 0;
    std::size_t bytes = 0;
    std::uint64_t stored = 0;
    std::uint64_t declared = 0;
    std::uint32_t batches = 0;
    std::uint32_t gaps = 0;

    ~State() { sodium_memzero(&seal, sizeof seal); }

    FrameBytes count(FrameBytes frame) {
        if (frame.size() > max_frame_bytes) {
            throw std::logic_error("a frame longer than the limit");
        }
        transcript.add(frame);
        ++sequence;
        bytes += frame.size();
        return frame;
    }
};

StreamSealer::StreamSealer(const Identity& identity, const SymmetricKey& epoch_key, const StreamContext& context)
    : state_(std::make_unique<State>()) {
    State& s = *state_;
    s.identity = &identity;
    s.context = context;
    s.stream = random_id();
    const SymmetricKey stream_key = random_key();
    crypto_secretstream_xchacha20poly1305_init_push(&s.seal, s.seal_header.data(), stream_key.data());
    const auto bound = wrap_context(s.stream, context.subject, context.epoch);
    randombytes_buf(s.wrapped_key.data(), 24);
    crypto_aead_xchacha20poly1305_ietf_encrypt(s.wrapped_key.data() + 24, nullptr, stream_key.data(), 32, bound.data(),
                                               bound.size(), nullptr, s.wrapped_key.data(), epoch_key.data());
}

StreamSealer::~StreamSealer() = default;
StreamSealer::StreamSealer(StreamSealer&&) noexcept = default;
StreamSealer& StreamSealer::operator=(StreamSealer&&) noexcept = default;

const Id16& StreamSealer::stream() const noexcept { return state_->stream; }
std::uint32_t StreamSealer::next_sequence() const noexcept { return state_->sequence; }
std::size_t StreamSealer::bytes() const noexcept { return state_->bytes; }

FrameBytes StreamSealer::open() {
    State& s = *state_;
    MessageBuilder builder;
    auto open = builder.root<proto::Frame>().initOpen();
    open.setVersion(format_version);
    open.setStream(as_data(s.stream));
    open.setSubject(as_data(s.context.subject));
    open.setEpoch(s.context.epoch);
    open.setGrant(as_data(s.context.grant));
    open.setRun(as_data(s.context.run));
    open.setBootId(as_data(s.context.boot_id));
    write(open.initAnchor(), s.context.anchor);
    open.setLevel(std::string(privacy::level_name(s.context.level)));
    open.setPolicyHash(as_data(s.context.policy_hash));
    open.setConsentVersion(s.context.consent_version);
    open.setWrappedKey(as_data(s.wrapped_key));
    open.setSealHeader(as_data(s.seal_header));
    open.setIdentity(as_data(s.identity->public_key()));
    open.setSignature(as_data(Signature{}));
    return s.count(sign_into(*s.identity, open_signature_context, builder.bytes()));
}

FrameBytes StreamSealer::batch(std::span<const std::uint8_t> plaintext, std::uint64_t events) {
    State& s = *state_;
    if (plaintext.empty() || plaintext.size() > max_plaintext_bytes) {
        throw std::invalid_argument("a batch of " + std::to_string(plaintext.size()) + " bytes");
    }
    std::vector<std::uint8_t> sealed(plaintext.size() + crypto_secretstream_xchacha20poly1305_ABYTES);
    const Hash32 before = s.transcript.hash();
    crypto_secretstream_xchacha20poly1305_push(&s.seal, sealed.data(), nullptr, plaintext.data(), plaintext.size(),
                                               before.data(), before.size(), 0);
    ++s.batches;
    s.stored += events;
    return s.count(encode_batch(s.sequence, sealed));
}

FrameBytes StreamSealer::clock(const ClockAnchor& anchor) {
    MessageBuilder builder;
    auto root = builder.root<proto::Frame>();
    root.setSequence(state_->sequence);
    write(root.initClock(), anchor);
    return state_->count(builder.bytes());
}

FrameBytes StreamSealer::gap(const Gap& gap) {
    State& s = *state_;
    MessageBuilder builder;
    auto root = builder.root<proto::Frame>();
    root.setSequence(s.sequence);
    auto out = root.initGap();
    out.setReason(static_cast<proto::Gap::Reason>(gap.reason));
    out.setFromUs(gap.from_us / second_us * second_us);
    out.setToUs((std::max(gap.from_us, gap.to_us) + second_us - 1) / second_us * second_us);
    out.setCounted(gap.events.has_value());
    out.setEvents(gap.events.value_or(0));
    out.setDevice(gap.device);
    ++s.gaps;
    s.declared += gap.events.value_or(0);
    return s.count(builder.bytes());
}

FrameBytes StreamSealer::close(CloseReason reason, std::uint64_t produced) {
    State& s = *state_;
    MessageBuilder builder;
    auto root = builder.root<proto::Frame>();
    root.setSequence(s.sequence);
    auto close = root.initClose();
    close.setReason(static_cast<proto::Close::Reason>(reason));
    close.setProduced(produced);
    close.setStored(s.stored);
    close.setDeclared(s.declared);
    close.setBatches(s.batches);
    close.setGaps(s.gaps);
    close.setTranscript(as_data(s.transcript.hash()));
    close.setSignature(as_data(Signature{}));
    FrameBytes frame = s.count(sign_into(*s.identity, close_signature_context, builder.bytes()));
    sodium_memzero(&s.seal, sizeof s.seal);
    return frame;
}

} // namespace candor::wire
