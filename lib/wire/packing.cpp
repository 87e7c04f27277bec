// SPDX-License-Identifier: Apache-2.0
#include "wire/packing.h"

#include <algorithm>

namespace candor::wire {
namespace {

std::size_t zero_bytes(std::span<const std::uint8_t> word) {
    return static_cast<std::size_t>(std::ranges::count(word, std::uint8_t{0}));
}

} // namespace

std::vector<std::uint8_t> pack(std::span<const std::uint8_t> words) {
    std::vector<std::uint8_t> out;
    out.reserve(words.size() + words.size() / 128 + 16);
    std::size_t at = 0;
    while (at < words.size()) {
        const auto word = words.subspan(at, 8);
        std::uint8_t tag = 0;
        for (std::size_t i = 0; i < 8; ++i) {
            tag = static_cast<std::uint8_t>(tag | (word[i] != 0 ? 1u << i : 0u));
        }
        out.push_back(tag);
        for (const std::uint8_t byte : word) {
            if (byte != 0) {
                out.push_back(byte);
            }
        }
        at += 8;
        if (tag == 0) {
            // How many more words of zeros follow.
            std::size_t run = 0;
            while (run < 255 && at < words.size() && zero_bytes(words.subspan(at, 8)) == 8) {
                ++run;
                at += 8;
            }
            out.push_back(static_cast<std::uint8_t>(run));
        } else if (tag == 0xff) {
            // How many words follow as they are: those with fewer than two zero bytes gain nothing from a tag.
            const std::size_t begin = at;
            std::size_t run = 0;
            while (run < 255 && at < words.size() && zero_bytes(words.subspan(at, 8)) < 2) {
                ++run;
                at += 8;
            }
            out.push_back(static_cast<std::uint8_t>(run));
            out.insert(out.end(), words.begin() + static_cast<std::ptrdiff_t>(begin),
                       words.begin() + static_cast<std::ptrdiff_t>(at));
        }
    }
    return out;
}

std::optional<std::vector<std::uint8_t>> unpack(std::span<const std::uint8_t> packed, std::size_t limit) {
    std::vector<std::uint8_t> out;
    std::size_t at = 0;
    while (at < packed.size()) {
        const std::uint8_t tag = packed[at++];
        for (unsigned i = 0; i < 8; ++i) {
            if ((tag >> i & 1) == 0) {
                out.push_back(0);
                continue;
            }
            // A byte that the tag announces is never zero, but for the tag that announces all.
            if (at == packed.size() || (packed[at] == 0 && tag != 0xff)) {
                return std::nullopt;
            }
            out.push_back(packed[at++]);
        }
        if (tag == 0 || tag == 0xff) {
            if (at == packed.size()) {
                return std::nullopt;
            }
            const std::size_t run = std::size_t{packed[at++]} * 8;
            if (out.size() + run > limit || (tag == 0xff && packed.size() - at < run)) {
                return std::nullopt;
            }
            if (tag == 0) {
                out.resize(out.size() + run);
            } else {
                const auto raw = packed.subspan(at, run);
                out.insert(out.end(), raw.begin(), raw.end());
                at += run;
            }
        }
        if (out.size() > limit) {
            return std::nullopt;
        }
    }
    return out;
}

} // namespace candor::wire
