// SPDX-License-Identifier: Apache-2.0
#include "fuzz/fuzz.h"

#include "wire/frame.h"

#include <algorithm>

using namespace candor;
using test::require;

namespace {

template <typename Body> void check_signature(const wire::Frame& frame, std::span<const std::uint8_t> message) {
    if (const auto* body = std::get_if<Body>(&frame.body)) {
        require(body->signature_at <= message.size() && message.size() - body->signature_at >= body->signature.size(),
                "the signature lies within the message");
        require(std::equal(body->signature.begin(), body->signature.end(),
                           message.begin() + static_cast<std::ptrdiff_t>(body->signature_at)),
                "the signature lies where it is said to");
    }
}

} // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::span<const std::uint8_t> message(data, size);
    const auto frame = wire::parse_frame(message);
    if (!frame) {
        require(!frame.error().message.empty(), "a refusal says why");
        return 0;
    }
    require(size <= wire::max_frame_bytes, "a frame keeps the limit");
    check_signature<wire::Open>(*frame, message);
    check_signature<wire::Close>(*frame, message);
    check_signature<wire::Grant>(*frame, message);
    check_signature<wire::Tombstone>(*frame, message);
    check_signature<wire::Note>(*frame, message);
    if (const auto* batch = std::get_if<wire::SealedBatch>(&frame->body)) {
        require(batch->sealed.data() >= data && batch->sealed.data() + batch->sealed.size() <= data + size,
                "sealed bytes are borrowed from the message");
    }
    if (const auto* gap = std::get_if<wire::Gap>(&frame->body)) {
        require(gap->from_us <= gap->to_us, "a gap does not end before it begins");
        require(!wire::gap_reason_name(gap->reason).empty(), "a gap's reason has a name");
    }
    if (const auto* close = std::get_if<wire::Close>(&frame->body)) {
        require(!wire::close_reason_name(close->reason).empty(), "a Close's reason has a name");
    }
    if (const auto* open = std::get_if<wire::Open>(&frame->body)) {
        require(open->epoch != 0 && open->number != 0, "a stream is counted from 1");
    }
    if (const auto* grant = std::get_if<wire::Grant>(&frame->body)) {
        require(!grant->recipients.empty() && grant->recipients.size() <= wire::max_recipients,
                "a grant has recipients, within the limit");
    }
    return 0;
}
