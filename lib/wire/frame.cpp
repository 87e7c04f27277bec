// SPDX-License-Identifier: Apache-2.0
#include "wire/frame.h"

#include "frame.capnp.h"
#include "wire/wire_message.h"

#include <kj/exception.h>

namespace candor::wire {
namespace {

/// Leaves parsing with a refusal; never crosses this file.
struct Refused {
    std::string message;
};

template <std::size_t N> void take(std::array<std::uint8_t, N>& out, capnp::Data::Reader in, const char* field) {
    if (in.size() != N) {
        throw Refused{std::string(field) + ": " + std::to_string(in.size()) + " bytes, expected " + std::to_string(N)};
    }
    std::copy_n(in.begin(), N, out.begin());
}

template <typename Target, typename Source> Target take_enum(Source value, Target last, const char* field) {
    if (static_cast<std::uint16_t>(value) > static_cast<std::uint16_t>(last)) {
        throw Refused{std::string(field) + ": " + std::to_string(static_cast<int>(value)) +
                      " is not known, expected 0 to " + std::to_string(static_cast<int>(last))};
    }
    return static_cast<Target>(value);
}

void check_version(std::uint16_t version, const char* field) {
    if (version != format_version) {
        throw Refused{std::string(field) + ": version " + std::to_string(version) + ", expected " +
                      std::to_string(format_version)};
    }
}

std::size_t offset_in(const AlignedMessage& message, capnp::Data::Reader field) {
    return static_cast<std::size_t>(field.begin() - message.array().asBytes().begin());
}

ClockAnchor read(proto::Clock::Reader in) {
    return {.monotonic_ns = in.getMonotonicNs(), .boottime_ns = in.getBoottimeNs(), .realtime_ns = in.getRealtimeNs()};
}

Hello read(proto::Hello::Reader in) {
    Hello out;
    out.version = in.getVersion();
    check_version(out.version, "hello.version");
    take(out.run, in.getRun(), "hello.run");
    if (in.getStream().size() != 0) {
        take(out.stream.emplace(), in.getStream(), "hello.stream");
    }
    return out;
}

Open read(proto::Open::Reader in, const AlignedMessage& message) {
    Open out;
    out.version = in.getVersion();
    check_version(out.version, "open.version");
    take(out.stream, in.getStream(), "open.stream");
    take(out.subject, in.getSubject(), "open.subject");
    out.epoch = in.getEpoch();
    take(out.grant, in.getGrant(), "open.grant");
    take(out.run, in.getRun(), "open.run");
    take(out.boot_id, in.getBootId(), "open.bootId");
    out.anchor = read(in.getAnchor());
    const auto level = privacy::parse_level({in.getLevel().begin(), in.getLevel().size()});
    if (!level) {
        throw Refused{"open.level: not known, expected counts, activity, rhythm, actions or full"};
    }
    out.level = *level;
    take(out.policy_hash, in.getPolicyHash(), "open.policyHash");
    out.consent_version = in.getConsentVersion();
    take(out.wrapped_key, in.getWrappedKey(), "open.wrappedKey");
    take(out.seal_header, in.getSealHeader(), "open.sealHeader");
    take(out.identity, in.getIdentity(), "open.identity");
    take(out.signature, in.getSignature(), "open.signature");
    out.signature_at = offset_in(message, in.getSignature());
    return out;
}

Gap read(proto::Gap::Reader in) {
    Gap out;
    out.reason = take_enum(in.getReason(), last_gap_reason, "gap.reason");
    out.from_us = in.getFromUs();
    out.to_us = in.getToUs();
    if (out.to_us < out.from_us) {
        throw Refused{"gap.toUs: before fromUs"};
    }
    if (in.getCounted()) {
        out.events = in.getEvents();
    } else if (in.getEvents() != 0) {
        throw Refused{"gap.events: not 0 in a gap that is not counted"};
    }
    out.device = in.getDevice();
    return out;
}

Close read(proto::Close::Reader in, const AlignedMessage& message) {
    Close out;
    out.reason = take_enum(in.getReason(), CloseReason::stopped, "close.reason");
    out.produced = in.getProduced();
    out.stored = in.getStored();
    out.declared = in.getDeclared();
    out.batches = in.getBatches();
    out.gaps = in.getGaps();
    take(out.transcript, in.getTranscript(), "close.transcript");
    take(out.signature, in.getSignature(), "close.signature");
    out.signature_at = offset_in(message, in.getSignature());
    return out;
}

Grant read(proto::Grant::Reader in, const AlignedMessage& message) {
    Grant out;
    take(out.id, in.getId(), "grant.id");
    take(out.subject, in.getSubject(), "grant.subject");
    out.epoch = in.getEpoch();
    const auto recipients = in.getRecipients();
    if (recipients.size() < 1 || recipients.size() > max_recipients) {
        throw Refused{"grant.recipients: " + std::to_string(recipients.size()) + ", expected 1 to " +
                      std::to_string(max_recipients)};
    }
    for (const auto recipient : recipients) {
        Recipient one;
        take(one.public_key, recipient.getPublicKey(), "grant.recipients.publicKey");
        take(one.wrapped_key, recipient.getWrappedKey(), "grant.recipients.wrappedKey");
        out.recipients.push_back(one);
    }
    take(out.identity, in.getIdentity(), "grant.identity");
    take(out.signature, in.getSignature(), "grant.signature");
    out.signature_at = offset_in(message, in.getSignature());
    return out;
}

/// Checks the message's frame around the root: one segment that is all of it.
void check_envelope(std::span<const std::uint8_t> message) {
    if (message.size() > max_frame_bytes) {
        throw Refused{"frame: " + std::to_string(message.size()) + " bytes, expected " +
                      std::to_string(max_frame_bytes) + " at most"};
    }
    if (message.size() < 16 || message.size() % 8 != 0) {
        throw Refused{"frame: " + std::to_string(message.size()) + " bytes are not a whole Cap'n Proto message"};
    }
    const auto word32 = [&](std::size_t at) {
        return static_cast<std::uint32_t>(message[at] | message[at + 1] << 8 | message[at + 2] << 16) |
               static_cast<std::uint32_t>(message[at + 3]) << 24;
    };
    if (word32(0) != 0 || std::size_t{word32(4)} * 8 + 8 != message.size()) {
        throw Refused{"frame: expected one segment of " + std::to_string(message.size() / 8 - 1) + " words"};
    }
}

Frame read_frame(std::span<const std::uint8_t> message, const AlignedMessage& aligned) {
    capnp::FlatArrayMessageReader reader(aligned.array(), reader_options());
    const auto root = reader.getRoot<proto::Frame>();
    Frame frame;
    frame.sequence = root.getSequence();
    switch (root.which()) {
    case proto::Frame::OPEN:
        frame.body = read(root.getOpen(), aligned);
        break;
    case proto::Frame::BATCH: {
        const auto sealed = root.getBatch();
        if (sealed.size() < 18 || sealed.size() > max_sealed_bytes) {
            throw Refused{"batch: " + std::to_string(sealed.size()) + " bytes, expected 18 to " +
                          std::to_string(max_sealed_bytes)};
        }
        // Borrowed from the caller's bytes, not from the aligned copy that dies with this call.
        frame.body = SealedBatch{message.subspan(offset_in(aligned, sealed), sealed.size())};
        break;
    }
    case proto::Frame::CLOCK:
        frame.body = read(root.getClock());
        break;
    case proto::Frame::GAP:
        frame.body = read(root.getGap());
        break;
    case proto::Frame::CLOSE:
        frame.body = read(root.getClose(), aligned);
        break;
    case proto::Frame::GRANT:
        frame.body = read(root.getGrant(), aligned);
        break;
    case proto::Frame::HELLO:
        frame.body = read(root.getHello());
        break;
    default:
        throw Refused{"frame: kind " + std::to_string(static_cast<int>(root.which())) +
                      " is not known, this build reads version " + std::to_string(format_version)};
    }
    return frame;
}

/// Runs a parser; what it throws for bad input becomes a refusal here and nowhere else.
template <typename Parse> auto refusing(Parse&& parse) -> std::expected<decltype(parse()), Refusal> {
    try {
        return parse();
    } catch (const Refused& refused) {
        return std::unexpected(Refusal{refused.message});
    } catch (const kj::Exception& error) {
        return std::unexpected(Refusal{"frame: not a valid message: " + std::string(error.getDescription().cStr())});
    }
}

} // namespace

std::expected<Frame, Refusal> parse_frame(std::span<const std::uint8_t> message) {
    return refusing([&] {
        check_envelope(message);
        const AlignedMessage aligned(message);
        return read_frame(message, aligned);
    });
}

std::vector<std::uint8_t> encode_batch(std::uint32_t sequence, std::span<const std::uint8_t> sealed) {
    MessageBuilder builder(sealed.size() + 32);
    auto root = builder.root<proto::Frame>();
    root.setSequence(sequence);
    root.setBatch({sealed.data(), sealed.size()});
    return builder.bytes();
}

std::vector<std::uint8_t> encode_ack(const Ack& ack) {
    MessageBuilder builder;
    auto root = builder.root<proto::Ack>();
    root.setStream(as_data(ack.stream));
    root.setSequence(ack.sequence);
    return builder.bytes();
}

std::expected<Ack, Refusal> parse_ack(std::span<const std::uint8_t> message) {
    return refusing([&] {
        check_envelope(message);
        const AlignedMessage aligned(message);
        capnp::FlatArrayMessageReader reader(aligned.array(), reader_options());
        const auto root = reader.getRoot<proto::Ack>();
        Ack ack;
        take(ack.stream, root.getStream(), "ack.stream");
        ack.sequence = root.getSequence();
        return ack;
    });
}

} // namespace candor::wire
