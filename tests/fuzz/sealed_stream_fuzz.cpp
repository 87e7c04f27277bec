// SPDX-License-Identifier: Apache-2.0
#include "fuzz/fuzz_keys.h"
#include "fuzz/plaintexts.h"
#include "fuzz/read_segment.h"

#include "wire/stream_sealer.h"

// No mutation gets past a seal or a signature. So here a device that is enrolled and lies seals what the fuzzer made up:
// behind the seal the opener must hold its own too.
using namespace candor;
using test::require;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const wire::Identity identity = (wire::init_crypto(), wire::Identity::generate());
    static const wire::SymmetricKey epoch_key = test::fixed_epoch_key();
    wire::StreamSealer sealer(identity, epoch_key, {});
    wire::StreamOpener opener(test::fixed_epoch_key());
    wire::BatchDecoder alone;
    require(opener.next(sealer.open()).has_value(), "an Open of the sealer is read");
    for (const auto plaintext : test::split_plaintexts({data, size})) {
        if (plaintext.empty() || plaintext.size() > wire::max_plaintext_bytes) {
            continue;
        }
        const auto frame = sealer.batch(plaintext, 0);
        const auto item = opener.next(frame);
        const auto batch = alone.decode(plaintext);
        require(item.has_value() == batch.has_value(), "the seal changes nothing of what is accepted");
        if (!item) {
            require(!opener.next(sealer.close(wire::CloseReason::stopped, 0)), "a stream that was refused stays so");
            return 0;
        }
        require(item->batch && item->batch->packets.events() == batch->packets.events(),
                "the seal changes nothing of what is read");
    }
    // It was told of no events.
    const bool counted = opener.events() == 0;
    if (size % 2 == 0) {
        require(opener.next(sealer.close(wire::CloseReason::stopped, 0)).has_value() == counted,
                "a Close that miscounts is refused");
        return 0;
    }
    const auto end = wire::end_crashed_stream(identity, sealer.progress(), monotonic_us());
    require(opener.next(end.gap).has_value(), "a successor's gap is read");
    require(opener.next(end.close).has_value() == counted, "a successor's Close that miscounts is refused");
    return 0;
}
