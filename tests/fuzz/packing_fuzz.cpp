// SPDX-License-Identifier: Apache-2.0
#include "fuzz/fuzz.h"

#include "wire/packing.h"
#include "wire/wire_limits.h"

#include <algorithm>

using namespace candor;
using test::require;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::span<const std::uint8_t> bytes(data, size);
    if (const auto words = wire::unpack(bytes, wire::max_frame_bytes)) {
        require(words->size() % 8 == 0, "what unpacks is whole words");
        require(words->size() <= wire::max_frame_bytes, "what unpacks keeps the limit");
        require(wire::unpack(wire::pack(*words), words->size()) == words, "what unpacks can be packed");
        require(words->empty() || !wire::unpack(bytes, words->size() - 1), "one byte less is too little room");
    }
    const auto words = bytes.first(size / 8 * 8);
    const auto packed = wire::pack(words);
    require(packed.size() <= words.size() + words.size() / 8 + 16, "packing adds little at worst");
    const auto again = wire::unpack(packed, words.size());
    require(again && std::ranges::equal(*again, words), "what was packed unpacks to the same");
    return 0;
}
