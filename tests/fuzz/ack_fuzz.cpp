// SPDX-License-Identifier: Apache-2.0
#include "fuzz/fuzz.h"

#include "wire/frame.h"

using namespace candor;
using test::require;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto ack = wire::parse_ack({data, size});
    if (!ack) {
        require(!ack.error().message.empty(), "a refusal says why");
        return 0;
    }
    const auto again = wire::parse_ack(wire::encode_ack(*ack));
    require(again && again->stream == ack->stream && again->sequence == ack->sequence, "what was read can be written");
    return 0;
}
