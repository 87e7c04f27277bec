// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "wire/column_models.h"

#include <cstdlib>

namespace candor::wire {

/// How wide |value| is, in the 12 steps that separate hand movements best.
inline std::uint32_t magnitude_step(std::int32_t value) noexcept {
    const std::uint32_t size = value < 0 ? 0u - static_cast<std::uint32_t>(value) : static_cast<std::uint32_t>(value);
    if (size < 5) {
        return size;
    }
    constexpr std::array<std::uint32_t, 6> steps = {6, 9, 13, 20, 35, 70};
    std::uint32_t step = 5;
    for (const std::uint32_t top : steps) {
        step += static_cast<std::uint32_t>(size > top);
    }
    return step;
}
inline constexpr std::size_t magnitude_steps = 12;

inline std::uint32_t sign_of(std::int32_t value) noexcept { return value == 0 ? 0 : value < 0 ? 1 : 2; }

/// The column of values: width in unary, sign, then the bits below the top one.
class ValueColumn {
public:
    /// What the models know of an axis before the next value. `axis`: 0 and 1 pointer motion, else 2 to 15.
    struct Context {
        std::uint32_t axis = 2;
        std::int32_t last = 0;
        std::int32_t before = 0;
        std::int32_t other = 0; ///< newest value of the other pointer axis
        std::int32_t other_before = 0;
    };

    /// Codes `value`; false when a decoder found a magnitude beyond 32 bits signed.
    template <typename Coder> bool code_value(Coder& coder, const Context& context, std::int32_t& value) {
        const std::uint32_t axis = context.axis;
        const std::uint32_t last = magnitude_step(context.last);
        const std::uint32_t before = magnitude_step(context.before);
        const std::uint32_t other = magnitude_step(context.other);
        const bool motion = axis < 2;
        auto& history =
            motion ? motion_history_[(axis * 12 + last) * 12 + before] : other_history_[(axis - 2) * 12 + last];
        auto& across =
            motion ? motion_across_[(axis * 12 + last) * 12 + other] : other_across_[(axis - 2) * 12 + before];
        auto* mixers = width_mixers_.data() + (motion ? axis : 2) * top_node;

        const std::uint32_t given =
            value < 0 ? 0u - static_cast<std::uint32_t>(value) : static_cast<std::uint32_t>(value);
        const auto given_width = static_cast<std::uint32_t>(std::bit_width(given));
        std::uint32_t width = 0;
        while (width < 32) {
            const std::size_t node = std::min<std::size_t>(width, top_node - 1);
            if (!mixers[node].code(coder, {&history[node], &across[node]}, width < given_width, Bit::steady)) {
                break;
            }
            ++width;
        }
        if (width == 0) {
            value = 0;
            return true;
        }
        const std::uint32_t kind = motion ? axis : 2;
        auto& sign = signs_[((kind * 3 + sign_of(context.last)) * 3 + sign_of(context.before)) * 12 +
                            std::min(last, 3u) * 3 + (motion ? sign_of(context.other) : 0)];
        const bool negative = code(coder, sign, value < 0);
        std::uint32_t size = 1;
        if (width > 1) {
            const unsigned modelled = std::min(width - 1, 4u);
            const unsigned plain = width - 1 - modelled;
            auto* below = mantissas_[(kind * 33 + width) * 4 + std::min(last / 3, 3u)].data();
            size = 1u << modelled | code_tree(coder, below, modelled, given >> plain & ((1u << modelled) - 1));
            size = static_cast<std::uint32_t>(std::uint64_t{size} << plain | code_raw(coder, plain, given));
        }
        if (size > 0x7fffffffu + static_cast<std::uint32_t>(negative)) {
            return false;
        }
        value = static_cast<std::int32_t>(negative ? 0u - size : size);
        return true;
    }

private:
    static constexpr std::size_t top_node = 16;
    using Row = std::array<Bit, top_node>;
    std::array<Row, 2 * 144> motion_history_;
    std::array<Row, 2 * 144> motion_across_;
    std::array<Row, 14 * 12> other_history_;
    std::array<Row, 14 * 12> other_across_;
    std::array<Mixer<2>, 3 * top_node> width_mixers_;
    std::array<Bit, 3 * 9 * 12> signs_;
    std::array<std::array<Bit, 16>, 3 * 33 * 4> mantissas_;
};

} // namespace candor::wire
