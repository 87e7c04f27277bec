// SPDX-License-Identifier: Apache-2.0
#include "fuzz/fuzz.h"
#include "fuzz/fuzz_keys.h"

#include "wire/objects.h"
#include "wire/segment.h"

using namespace candor;
using test::require;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const wire::RecipientKeyPair recipient = test::fixed_recipient();
    const auto message = wire::read_single({data, size}, wire::grant_magic);
    if (!message) {
        require(!message.error().message.empty(), "a refusal says why");
        return 0;
    }
    require(message->size() <= wire::max_frame_bytes, "a grant keeps the limit of a frame");
    if (const auto key = wire::open_grant(*message, recipient)) {
        require(wire::parse_frame(*message).has_value(), "what opens can be read");
    }
    return 0;
}
