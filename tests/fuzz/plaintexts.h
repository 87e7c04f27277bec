// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

namespace candor::test {

/// An input that stands for a stream's plaintexts: each after its length in two bytes, little-endian; the last may be cut.
inline std::vector<std::span<const std::uint8_t>> split_plaintexts(std::span<const std::uint8_t> input) {
    std::vector<std::span<const std::uint8_t>> result;
    while (input.size() > 2) {
        const std::size_t length = std::min(input[0] + std::size_t{256} * input[1], input.size() - 2);
        result.push_back(input.subspan(2, length));
        input = input.subspan(2 + length);
    }
    return result;
}

inline void join_plaintext(std::vector<std::uint8_t>& input, std::span<const std::uint8_t> plaintext) {
    input.push_back(static_cast<std::uint8_t>(plaintext.size()));
    input.push_back(static_cast<std::uint8_t>(plaintext.size() >> 8));
    input.insert(input.end(), plaintext.begin(), plaintext.end());
}

} // namespace candor::test
