// SPDX-License-Identifier: Apache-2.0
#include "fuzz/fuzz.h"
#include "fuzz/plaintexts.h"

#include "wire/batch_codec.h"
#include "wire/wire_limits.h"

using namespace candor;
using test::require;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    wire::BatchDecoder decoder;
    wire::BatchEncoder encoder;
    bool in_step = true;
    for (const auto plaintext : test::split_plaintexts({data, size})) {
        const auto batch = decoder.decode(plaintext);
        if (!batch) {
            require(!decoder.decode(plaintext), "a decoder that refused is spent");
            return 0;
        }
        require(batch->packets.events() <= wire::max_batch_events, "a batch keeps its limit of events");
        require(batch->devices.size() <= wire::max_batch_devices, "a batch keeps its limit of devices");
        batch->packets.for_each([](const input::Packet& packet) {
            require(!packet.events.empty() && packet.events.size() <= wire::max_packet_events,
                    "a packet keeps its limit of events");
        });
        const bool stored = (plaintext[0] & 0x20) != 0;
        const auto again = encoder.encode(*batch);
        require(again.size() <= wire::max_plaintext_bytes, "what was decoded can be encoded");
        // What is stored may be what the columns could hold too: the two models part there.
        in_step = in_step && !stored;
        if (in_step) {
            require(std::equal(again.begin(), again.end(), plaintext.begin(), plaintext.end()),
                    "what was decoded encodes to the same bytes");
        }
    }
    return 0;
}
