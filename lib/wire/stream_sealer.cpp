// SPDX-License-Identifier: Apache-2.0
#include "wire/stream_sealer.h"

#include "base/clock.h"
#include "frame.capnp.h"
#include "wire/signing.h"
#include "wire/transcript.h"
#include "wire/wire_message.h"

#include <sodium.h>

namespace candor::wire {
namespace {

constexpr std::uint64_t second_us = 1'000'000;

void write(proto::Clock::Builder out, const ClockAnchor& anchor) {
    out.setMonotonicNs(anchor.monotonic_ns);
    out.setBoottimeNs(anchor.boottime_ns);
    out.setRealtimeNs(anchor.realtime_ns);
}

/// Moves `progress` on over a frame.
void enter(StreamProgress& progress, std::span<const std::uint8_t> frame, std::uint64_t now_us) {
    if (frame.size() > max_frame_bytes) {
        throw std::logic_error("a frame longer than the limit");
    }
    Transcript transcript(progress.transcript);
    transcript.add(frame);
    progress.transcript = transcript.hash();
    progress.sealed_us = now_us / second_us * second_us;
    ++progress.next_sequence;
}

/// A Gap's message is a little shorter.
constexpr std::size_t max_gap_bytes = 80;

FrameBytes write_gap(StreamProgress& progress, const Gap& gap, std::uint64_t now_us) {
    MessageBuilder builder;
    auto root = builder.root<proto::Frame>();
    root.setSequence(progress.next_sequence);
    auto out = root.initGap();
    out.setReason(static_cast<proto::Gap::Reason>(gap.reason));
    out.setFromUs(gap.from_us / second_us * second_us);
    out.setToUs((std::max(gap.from_us, gap.to_us) + second_us - 1) / second_us * second_us);
    out.setCounted(gap.events.has_value());
    out.setEvents(gap.events.value_or(0));
    out.setDevice(gap.device);
    ++progress.gaps;
    progress.declared += gap.events.value_or(0);
    FrameBytes frame = builder.bytes();
    enter(progress, frame, now_us);
    return frame;
}

FrameBytes write_close(const Identity& identity, StreamProgress& progress, CloseReason reason, std::uint64_t produced,
                       std::uint64_t now_us) {
    MessageBuilder builder;
    auto root = builder.root<proto::Frame>();
    root.setSequence(progress.next_sequence);
    auto close = root.initClose();
    close.setReason(static_cast<proto::Close::Reason>(reason));
    close.setProduced(produced);
    close.setStored(progress.stored);
    close.setDeclared(progress.declared);
    close.setBatches(progress.batches);
    close.setGaps(progress.gaps);
    close.setTranscript(as_data(progress.transcript));
    close.setSignature(as_data(Signature{}));
    FrameBytes frame = sign_frame(identity, close_signature_context, builder.bytes());
    progress.closed = true;
    enter(progress, frame, now_us);
    return frame;
}

} // namespace

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
    std::array<std::uint8_t, 72> wrapped_key{};
    std::array<std::uint8_t, 24> seal_header{};
    crypto_secretstream_xchacha20poly1305_state seal{};
    StreamProgress progress;
    std::size_t bytes = 0;

    ~State() { sodium_memzero(&seal, sizeof seal); }

    FrameBytes count(FrameBytes frame) {
        bytes += frame.size();
        enter(progress, frame, monotonic_us());
        return frame;
    }
};

StreamSealer::StreamSealer(const Identity& identity, const SymmetricKey& epoch_key, const StreamContext& context)
    : state_(std::make_unique<State>()) {
    State& s = *state_;
    s.identity = &identity;
    s.context = context;
    s.progress.stream = random_id();
    s.progress.subject = context.subject;
    s.progress.epoch = context.epoch;
    s.progress.number = context.number;
    const SymmetricKey stream_key = random_key();
    crypto_secretstream_xchacha20poly1305_init_push(&s.seal, s.seal_header.data(), stream_key.data());
    const auto bound = wrap_context(s.progress.stream, context.subject, context.epoch);
    randombytes_buf(s.wrapped_key.data(), 24);
    crypto_aead_xchacha20poly1305_ietf_encrypt(s.wrapped_key.data() + 24, nullptr, stream_key.data(), 32, bound.data(),
                                               bound.size(), nullptr, s.wrapped_key.data(), epoch_key.data());
}

StreamSealer::~StreamSealer() = default;
StreamSealer::StreamSealer(StreamSealer&&) noexcept = default;
StreamSealer& StreamSealer::operator=(StreamSealer&&) noexcept = default;

const Id16& StreamSealer::stream() const noexcept { return state_->progress.stream; }
std::uint32_t StreamSealer::next_sequence() const noexcept { return state_->progress.next_sequence; }
const StreamProgress& StreamSealer::progress() const noexcept { return state_->progress; }
std::size_t StreamSealer::bytes() const noexcept { return state_->bytes; }

FrameBytes StreamSealer::open() {
    State& s = *state_;
    MessageBuilder builder;
    auto open = builder.root<proto::Frame>().initOpen();
    open.setVersion(format_version);
    open.setStream(as_data(s.progress.stream));
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
    open.setNumber(s.context.number);
    open.setEmbargoSeconds(static_cast<std::uint32_t>(s.context.embargo.count()));
    return s.count(sign_frame(*s.identity, open_signature_context, builder.bytes()));
}

FrameBytes StreamSealer::batch(std::span<const std::uint8_t> plaintext, std::uint64_t events) {
    State& s = *state_;
    if (plaintext.empty() || plaintext.size() > max_plaintext_bytes) {
        throw std::invalid_argument("a batch of " + std::to_string(plaintext.size()) + " bytes");
    }
    std::vector<std::uint8_t> sealed(plaintext.size() + crypto_secretstream_xchacha20poly1305_ABYTES);
    const Hash32 before = s.progress.transcript;
    crypto_secretstream_xchacha20poly1305_push(&s.seal, sealed.data(), nullptr, plaintext.data(), plaintext.size(),
                                               before.data(), before.size(), 0);
    ++s.progress.batches;
    s.progress.stored += events;
    return s.count(encode_batch(s.progress.next_sequence, sealed));
}

FrameBytes StreamSealer::clock(const ClockAnchor& anchor) {
    MessageBuilder builder;
    auto root = builder.root<proto::Frame>();
    root.setSequence(state_->progress.next_sequence);
    write(root.initClock(), anchor);
    return state_->count(builder.bytes());
}

FrameBytes StreamSealer::gap(const Gap& gap) {
    State& s = *state_;
    s.bytes += max_gap_bytes;
    return write_gap(s.progress, gap, monotonic_us());
}

FrameBytes StreamSealer::close(CloseReason reason, std::uint64_t produced) {
    State& s = *state_;
    FrameBytes frame = write_close(*s.identity, s.progress, reason, produced, monotonic_us());
    sodium_memzero(&s.seal, sizeof s.seal);
    return frame;
}

CrashedEnd end_crashed_stream(const Identity& identity, const StreamProgress& progress, std::uint64_t now_us) {
    if (progress.closed) {
        throw std::logic_error("a stream that is closed has its end");
    }
    CrashedEnd end;
    StreamProgress at = progress;
    end.gap = write_gap(at, {GapReason::crash, progress.sealed_us, now_us, std::nullopt, all_devices}, now_us);
    end.after_gap = at;
    end.close = write_close(identity, at, CloseReason::crashed, at.stored + at.declared, now_us);
    end.after_close = at;
    return end;
}

} // namespace candor::wire
