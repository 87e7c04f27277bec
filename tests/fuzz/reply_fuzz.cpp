// SPDX-License-Identifier: Apache-2.0
#include "fuzz/fuzz.h"

#include "wire/frame.h"

#include <algorithm>

using namespace candor;
using test::require;

namespace {

bool same(const wire::Reply& a, const wire::Reply& b) {
    if (const auto* ack = std::get_if<wire::Ack>(&a)) {
        const auto* other = std::get_if<wire::Ack>(&b);
        return other != nullptr && other->stream == ack->stream && other->sequence == ack->sequence;
    }
    if (const auto* report = std::get_if<wire::Report>(&a)) {
        const auto* other = std::get_if<wire::Report>(&b);
        return other != nullptr && *other == *report;
    }
    const auto* other = std::get_if<wire::ErasureMessage>(&b);
    return other != nullptr && other->bytes == std::get<wire::ErasureMessage>(a).bytes;
}

} // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto reply = wire::parse_reply({data, size});
    if (!reply) {
        require(!reply.error().message.empty(), "a refusal says why");
        return 0;
    }
    if (const auto* report = std::get_if<wire::Report>(&*reply)) {
        require(!wire::shipping_state_name(report->state).empty(), "a state has a name");
        require(report->problem.size() <= wire::max_problem_bytes, "a problem keeps the limit");
        require(std::ranges::all_of(report->problem, [](char c) { return c >= ' ' && c <= '~'; }),
                "a problem can be shown anywhere");
    }
    if (const auto* erasure = std::get_if<wire::ErasureMessage>(&*reply)) {
        require(erasure->bytes.size() <= wire::max_erasure_bytes, "a receipt keeps the limit");
    }
    const auto again = wire::parse_reply(wire::encode_reply(*reply));
    require(again && same(*reply, *again), "what was read can be written");
    return 0;
}
