// SPDX-License-Identifier: Apache-2.0
#include "fuzz/fuzz_keys.h"
#include "fuzz/read_segment.h"

using namespace candor;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const bool ready = (wire::init_crypto(), true);
    static_cast<void>(ready);
    test::read_segment({data, size}, wire::StreamOpener(test::fixed_epoch_key()));
    return 0;
}
