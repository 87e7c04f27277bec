// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

/// The adaptive probabilities that the columns of a batch are coded with. Integers only: writer and reader must agree
/// to the bit on every machine. Bits learn at 1/n first, so that ten minutes of typing are enough to learn from, and
/// logistic mixing joins several contexts, both after Mahoney, "Data Compression Explained" (StateMap, Mixer).
namespace candor::wire {

namespace logistic {

inline constexpr std::array<std::int16_t, 33> knots = {
    1,    2,    3,    6,    10,   16,   27,   45,   73,   120,  194,  310,  488,  747,  1101, 1546, 2047,
    2549, 2994, 3348, 3607, 3785, 3901, 3975, 4022, 4050, 4068, 4079, 4085, 4089, 4092, 4093, 4094};

/// 4096 / (1 + e^(-x/256)) for x in -2047..2047, between known points.
constexpr std::int32_t squash_slowly(std::int32_t x) {
    if (x > 2047) {
        return 4095;
    }
    if (x < -2047) {
        return 1;
    }
    const std::int32_t part = x & 127;
    const auto at = static_cast<std::size_t>((x >> 7) + 16);
    return (knots[at] * (128 - part) + knots[at + 1] * part + 64) >> 7;
}

inline constexpr auto squash_table = [] {
    std::array<std::int16_t, 4096> table{};
    for (std::int32_t x = -2048; x < 2048; ++x) {
        table[static_cast<std::size_t>(x + 2048)] = static_cast<std::int16_t>(squash_slowly(x));
    }
    return table;
}();

/// The inverse: ln(p / (1 - p)) * 256 for p in 1/4096.
inline constexpr auto stretch_table = [] {
    std::array<std::int16_t, 4096> table{};
    std::size_t next = 0;
    for (std::int32_t x = -2047; x <= 2047; ++x) {
        const auto p = static_cast<std::size_t>(squash_slowly(x));
        while (next <= p) {
            table[next++] = static_cast<std::int16_t>(x);
        }
    }
    while (next < table.size()) {
        table[next++] = 2047;
    }
    return table;
}();

constexpr std::int32_t squash(std::int32_t x) {
    return squash_table[static_cast<std::size_t>(std::clamp(x, -2047, 2047) + 2048)];
}
constexpr std::int32_t stretch(std::uint32_t p12) { return stretch_table[p12]; }

} // namespace logistic

/// One learnt probability: 22 bits of it, 10 bits of how often it was asked.
class Bit {
public:
    [[nodiscard]] std::uint32_t p16() const noexcept { return std::clamp(state_ >> 16, 24u, 65535u - 24u); }
    [[nodiscard]] std::uint32_t p12() const noexcept { return state_ >> 20; }

    void learn(bool bit, std::uint32_t slowest) noexcept {
        const std::uint32_t count = state_ & 1023;
        const auto target = bit ? std::int64_t{(1 << 22) - 1} : std::int64_t{0};
        const std::int64_t now = state_ >> 10;
        const std::int64_t moved = now + (((target - now) * rates[count]) >> 16);
        state_ = static_cast<std::uint32_t>(moved) << 10 | (count < slowest ? count + 1 : count);
    }

    static constexpr std::uint32_t steady = 255; ///< for what does not change much
    static constexpr std::uint32_t lively = 60;  ///< for what follows the person's mood

private:
    static constexpr auto rates = [] {
        std::array<std::int32_t, 1024> table{};
        for (std::size_t count = 0; count < table.size(); ++count) {
            table[count] = static_cast<std::int32_t>(131072 / (2 * count + 3));
        }
        return table;
    }();
    std::uint32_t state_ = 1u << 31;
};

/// Codes one bit by one context.
template <typename Coder>
[[gnu::always_inline]] inline bool code(Coder& coder, Bit& model, bool bit, std::uint32_t slowest = Bit::steady) {
    bit = coder.bit(model.p16(), bit);
    model.learn(bit, slowest);
    return bit;
}

/// Codes one bit by several contexts, weighing each by how well it has done.
template <std::size_t N> class Mixer {
public:
    template <typename Coder>
    [[gnu::always_inline]] bool code(Coder& coder, const std::array<Bit*, N>& models, bool bit,
                                     std::uint32_t slowest = Bit::steady) {
        std::array<std::int32_t, N> inputs;
        std::int64_t sum = 0;
        for (std::size_t i = 0; i < N; ++i) {
            inputs[i] = logistic::stretch(models[i]->p12());
            sum += std::int64_t{inputs[i]} * weights_[i];
        }
        const std::int32_t p =
            logistic::squash(static_cast<std::int32_t>(std::clamp<std::int64_t>(sum >> 16, -2047, 2047)));
        bit = coder.bit(static_cast<std::uint32_t>(std::clamp(p, 2, 4094)) << 4, bit);
        const std::int32_t error = ((bit ? 4095 : 0) - p) * 6;
        for (std::size_t i = 0; i < N; ++i) {
            weights_[i] = std::clamp(weights_[i] + ((inputs[i] * error + 0x200) >> 10), -(1 << 20), 1 << 20);
            models[i]->learn(bit, slowest);
        }
        return bit;
    }

private:
    static constexpr std::array<std::int32_t, N> equal() {
        std::array<std::int32_t, N> weights{};
        weights.fill(static_cast<std::int32_t>((N == 1 ? 65536 : 80000) / N));
        return weights;
    }
    std::array<std::int32_t, N> weights_ = equal();
};

/// Codes a number of `bits` bits, most significant first; `nodes` has 1 << bits.
template <typename Coder> std::uint32_t code_tree(Coder& coder, Bit* nodes, unsigned bits, std::uint32_t value) {
    Coder inner = coder; // stays in registers
    std::uint32_t node = 1;
    for (unsigned at = bits; at-- > 0;) {
        node = node << 1 | static_cast<std::uint32_t>(code(inner, nodes[node], (value >> at & 1) != 0));
    }
    coder = inner;
    return node - (1u << bits);
}

/// The same with N trees mixed.
template <std::size_t N, typename Coder>
std::uint32_t code_trees(Coder& coder, Mixer<N>* mixers, const std::array<Bit*, N>& trees, unsigned bits,
                         std::uint32_t value, std::uint32_t slowest = Bit::steady) {
    std::uint32_t node = 1;
    for (unsigned at = bits; at-- > 0;) {
        std::array<Bit*, N> models;
        for (std::size_t i = 0; i < N; ++i) {
            models[i] = trees[i] + node;
        }
        const bool bit = mixers[at].code(coder, models, (value >> at & 1) != 0, slowest);
        node = node << 1 | static_cast<std::uint32_t>(bit);
    }
    return node - (1u << bits);
}

/// Codes `bits` bits without a model.
template <typename Coder> std::uint64_t code_raw(Coder& coder, unsigned bits, std::uint64_t value) {
    std::uint64_t result = 0;
    for (unsigned left = bits; left > 0;) {
        const unsigned take = std::min(left, 16u);
        left -= take;
        result = result << take | coder.raw(static_cast<std::uint32_t>(value >> left & ((1u << take) - 1)), take);
    }
    return result;
}

} // namespace candor::wire
