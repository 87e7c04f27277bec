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
    out.number = in.getNumber();
    out.embargo = std::chrono::seconds(in.getEmbargoSeconds());
    if (out.epoch == 0 || out.number == 0) {
        throw Refused{"open: an epoch and a number are counted from 1"};
    }
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
    out.reason = take_enum(in.getReason(), last_close_reason, "close.reason");
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

Tombstone read(proto::Tombstone::Reader in, const AlignedMessage& message) {
    Tombstone out;
    take(out.id, in.getId(), "tombstone.id");
    take(out.subject, in.getSubject(), "tombstone.subject");
    out.last_epoch = in.getLastEpoch();
    const auto streams = in.getStreams();
    if (streams.size() > max_tombstone_streams || (streams.size() == 0) == (out.last_epoch == 0)) {
        throw Refused{"tombstone: epoch " + std::to_string(out.last_epoch) + " and " + std::to_string(streams.size()) +
                      " streams, expected an epoch or 1 to " + std::to_string(max_tombstone_streams) + " streams"};
    }
    for (const auto stream : streams) {
        StreamRef one;
        take(one.stream, stream.getStream(), "tombstone.streams.stream");
        one.epoch = stream.getEpoch();
        one.number = stream.getNumber();
        if (one.epoch == 0 || one.number == 0) {
            throw Refused{"tombstone.streams: an epoch and a number are counted from 1"};
        }
        out.streams.push_back(one);
    }
    out.reason = take_enum(in.getReason(), TombstoneReason::deleted, "tombstone.reason");
    out.requested_ns = in.getRequestedNs();
    take(out.identity, in.getIdentity(), "tombstone.identity");
    take(out.signature, in.getSignature(), "tombstone.signature");
    out.signature_at = offset_in(message, in.getSignature());
    return out;
}

Note read(proto::Note::Reader in, const AlignedMessage& message) {
    Note out;
    take(out.stream, in.getStream(), "note.stream");
    take(out.subject, in.getSubject(), "note.subject");
    out.epoch = in.getEpoch();
    out.number = in.getNumber();
    if (out.epoch == 0 || out.number == 0) {
        throw Refused{"note: an epoch and a number are counted from 1"};
    }
    out.noticed_ns = in.getNoticedNs();
    take(out.identity, in.getIdentity(), "note.identity");
    take(out.signature, in.getSignature(), "note.signature");
    out.signature_at = offset_in(message, in.getSignature());
    return out;
}

Ack read(proto::Ack::Reader in) {
    Ack out;
    take(out.stream, in.getStream(), "ack.stream");
    out.sequence = in.getSequence();
    return out;
}

/// It is shown on terminals and goes over D-Bus.
bool is_plain(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
}

Report read(proto::Report::Reader in) {
    Report out;
    out.state = take_enum(in.getState(), ShippingState::refusing, "report.state");
    if (in.getProblem().size() > max_problem_bytes) {
        throw Refused{"report.problem: " + std::to_string(in.getProblem().size()) + " bytes, expected " +
                      std::to_string(max_problem_bytes) + " at most"};
    }
    out.problem = std::string(in.getProblem().begin(), in.getProblem().size());
    if (!is_plain(out.problem)) {
        throw Refused{"report.problem: expected ASCII without control characters"};
    }
    out.spool_bytes = in.getSpoolBytes();
    out.spool_bound = in.getSpoolBound();
    out.waiting = in.getWaiting();
    out.oldest_ns = in.getOldestNs();
    out.delivered = in.getDelivered();
    out.sink_errors = in.getSinkErrors();
    return out;
}

Erasure read(proto::Erasure::Reader in, const AlignedMessage& message) {
    if (in.getVersion() != 1) {
        throw Refused{"erasure.version: " + std::to_string(in.getVersion()) + ", expected 1"};
    }
    Erasure out;
    take(out.tombstone, in.getTombstone(), "erasure.tombstone");
    take(out.subject, in.getSubject(), "erasure.subject");
    take(out.identity, in.getIdentity(), "erasure.identity");
    out.segments = in.getSegments();
    out.grants = in.getGrants();
    out.bytes = in.getBytes();
    out.completed_ns = in.getCompletedNs();
    take(out.signer, in.getSigner(), "erasure.signer");
    take(out.signature, in.getSignature(), "erasure.signature");
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
    case proto::Frame::TOMBSTONE:
        frame.body = read(root.getTombstone(), aligned);
        break;
    case proto::Frame::NOTE:
        frame.body = read(root.getNote(), aligned);
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

std::vector<std::uint8_t> encode_reply(const Reply& reply) {
    MessageBuilder builder(max_erasure_bytes);
    auto root = builder.root<proto::Reply>();
    if (const auto* ack = std::get_if<Ack>(&reply)) {
        auto out = root.initAck();
        out.setStream(as_data(ack->stream));
        out.setSequence(ack->sequence);
    } else if (const auto* report = std::get_if<Report>(&reply)) {
        auto out = root.initReport();
        out.setState(static_cast<proto::Report::State>(report->state));
        std::string problem = report->problem.substr(0, max_problem_bytes);
        std::ranges::replace_if(
            problem,
            [](char c) {
                return !is_plain({&c, 1});
            },
            '?');
        out.setProblem(problem);
        out.setSpoolBytes(report->spool_bytes);
        out.setSpoolBound(report->spool_bound);
        out.setWaiting(report->waiting);
        out.setOldestNs(report->oldest_ns);
        out.setDelivered(report->delivered);
        out.setSinkErrors(report->sink_errors);
    } else {
        const auto& erasure = std::get<ErasureMessage>(reply).bytes;
        if (erasure.size() > max_erasure_bytes) {
            throw std::invalid_argument("an erasure receipt of " + std::to_string(erasure.size()) + " bytes");
        }
        root.setErasure({erasure.data(), erasure.size()});
    }
    return builder.bytes();
}

std::expected<Reply, Refusal> parse_reply(std::span<const std::uint8_t> message) {
    return refusing([&]() -> Reply {
        check_envelope(message);
        const AlignedMessage aligned(message);
        capnp::FlatArrayMessageReader reader(aligned.array(), reader_options());
        const auto root = reader.getRoot<proto::Reply>();
        switch (root.which()) {
        case proto::Reply::ACK:
            return read(root.getAck());
        case proto::Reply::REPORT:
            return read(root.getReport());
        case proto::Reply::ERASURE: {
            const auto bytes = root.getErasure();
            if (bytes.size() > max_erasure_bytes) {
                throw Refused{"erasure: " + std::to_string(bytes.size()) + " bytes, expected " +
                              std::to_string(max_erasure_bytes) + " at most"};
            }
            return ErasureMessage{{bytes.begin(), bytes.end()}};
        }
        default:
            throw Refused{"reply: kind " + std::to_string(static_cast<int>(root.which())) + " is not known"};
        }
    });
}

std::expected<Erasure, Refusal> parse_erasure(std::span<const std::uint8_t> message) {
    return refusing([&] {
        check_envelope(message);
        const AlignedMessage aligned(message);
        capnp::FlatArrayMessageReader reader(aligned.array(), reader_options());
        return read(reader.getRoot<proto::Erasure>(), aligned);
    });
}

bool Tombstone::covers(const Id16& stream, std::uint32_t epoch) const noexcept {
    return epoch <= last_epoch || std::ranges::find(streams, stream, &StreamRef::stream) != streams.end();
}

std::string_view gap_reason_name(GapReason reason) noexcept {
    constexpr std::array<std::string_view, 12> names = {
        "dropped_by_kernel", "ring_full",       "device_gone", "damaged",
        "quarantined",       "inhibited",       "locked",      "paused",
        "withdrawn",         "quarantine_full", "crash",       "state_failed"};
    static_assert(static_cast<std::size_t>(last_gap_reason) + 1 == names.size());
    return names[static_cast<std::size_t>(reason)];
}

std::string_view close_reason_name(CloseReason reason) noexcept {
    constexpr std::array<std::string_view, 4> names = {"rotated", "gate_closed", "stopped", "crashed"};
    static_assert(static_cast<std::size_t>(last_close_reason) + 1 == names.size());
    return names[static_cast<std::size_t>(reason)];
}

std::string_view shipping_state_name(ShippingState state) noexcept {
    constexpr std::array<std::string_view, 3> names = {"shipping", "stalled", "refusing"};
    return names[static_cast<std::size_t>(state)];
}

} // namespace candor::wire
