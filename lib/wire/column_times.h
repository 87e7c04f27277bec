// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "wire/column_models.h"

namespace candor::wire {

/// What a packet does, as far as its time depends on it.
enum class PacketKind : std::uint8_t { motion, press, release, repeat, other_key };
inline constexpr std::size_t packet_kinds = 5;

/// The column of times, as the distance in microseconds to the device's packet before: its width, then the bits below
/// the top one. Devices that report on their own clock (motion, autorepeat) have all bits modelled: their few hundred
/// different distances come again and again. Of what hands do, the low bits are noise.
class TimeColumn {
public:
    struct Context {
        PacketKind kind = PacketKind::motion;
        std::uint64_t before = 0;  ///< the distance before this one
        std::uint64_t earlier = 0; ///< and the one before that
        std::uint64_t held = 0;    ///< of a release: how long the key had been down at the device's last packet
        std::uint32_t keys = 0;    ///< keys held after this packet, 3 at most
        std::uint32_t key = 0;     ///< the key's number in the dictionary
    };

    /// Codes `time` against `last`; false when a decoder found a time no writer makes.
    template <typename Coder>
    bool code_time(Coder& coder, const Context& context, std::uint64_t last, std::uint64_t& time) {
        const bool backwards = time < last;
        const std::uint64_t given = backwards ? last - time : time - last;
        const std::uint32_t given_width = static_cast<std::uint32_t>(std::bit_width(given)) + (backwards ? 64u : 0u);
        const bool clockwork = context.kind == PacketKind::motion || context.kind == PacketKind::repeat;

        std::uint32_t width =
            clockwork ? clockwork_width(coder, context, given_width) : hand_width(coder, context, given_width);
        if (width > 128) {
            return false;
        }
        const bool back = width > 64;
        if (back) {
            width -= 64;
        }
        std::uint64_t distance = width == 0 ? 0 : 1;
        if (width > 1) {
            distance =
                clockwork ? clockwork_bits(coder, context, width, given) : hand_bits(coder, context, width, given);
        }
        if (back ? distance > last : distance > ~last) {
            return false;
        }
        time = back ? last - distance : last + distance;
        return true;
    }

private:
    static std::uint32_t half_octave(std::uint64_t distance) {
        const auto width = static_cast<std::uint32_t>(std::bit_width(distance));
        return std::min(width < 2 ? width : width * 2 + static_cast<std::uint32_t>(distance >> (width - 2) & 1), 47u);
    }

    template <typename Coder> std::uint32_t clockwork_width(Coder& coder, const Context& context, std::uint32_t width) {
        const auto before = static_cast<std::uint32_t>(std::bit_width(context.before));
        const auto earlier = static_cast<std::uint32_t>(std::bit_width(context.earlier));
        const std::size_t repeat = context.kind == PacketKind::repeat ? 1 : 0;
        auto& again = same_width_[(repeat * 65 + before) * 2 + (before == earlier ? 1 : 0)];
        if (code(coder, again, width == before)) {
            return before;
        }
        width = code_tree(coder, clockwork_widths_[repeat].data(), 8, width);
        return width == before ? 255 : width;
    }

    template <typename Coder> std::uint32_t hand_width(Coder& coder, const Context& context, std::uint32_t width) {
        const std::size_t kind = static_cast<std::size_t>(context.kind) - 1;
        const bool usual = width >= least_usual && width < least_usual + rare;
        const std::uint32_t step =
            code_trees<3>(coder, width_mixers_[kind].data(),
                          {hand_by_before_[kind * 48 + half_octave(context.before)].data(),
                           hand_by_held_[(kind * 4 + context.keys) * 48 + half_octave(context.held)].data(),
                           hand_by_key_[kind * 256 + (context.key & 255)].data()},
                          4, usual ? width - least_usual : rare);
        if (step != rare) {
            return least_usual + step;
        }
        width = code_tree(coder, hand_rare_[kind].data(), 8, width);
        return width >= least_usual && width < least_usual + rare ? 255 : width;
    }

    template <typename Coder>
    std::uint64_t clockwork_bits(Coder& coder, const Context& context, std::uint32_t width, std::uint64_t given) {
        const unsigned modelled = std::min(width - 1, width <= 16 ? 12u : 6u);
        const unsigned plain = width - 1 - modelled;
        const std::uint32_t wanted = static_cast<std::uint32_t>(given >> plain) & ((1u << modelled) - 1);
        Bit* tree = clockwork_.data() + (width <= 13 ? std::size_t{1} << (width - 1) : 8192 + (width - 14) * 4096u);
        if (width > 16) {
            tree = clockwork_.data() + 8192 + 3 * 4096 + (width - 17) * 64u;
        }
        (void)context;
        const std::uint32_t top = code_tree(coder, tree, modelled, wanted);
        const std::uint64_t distance = std::uint64_t{1} << modelled | top;
        return distance << plain | code_raw(coder, plain, given);
    }

    template <typename Coder>
    std::uint64_t hand_bits(Coder& coder, const Context& context, std::uint32_t width, std::uint64_t given) {
        const std::size_t kind = static_cast<std::size_t>(context.kind) - 1;
        const unsigned modelled = std::min(width - 1, 4u);
        const unsigned plain = width - 1 - modelled;
        const std::uint32_t wanted = static_cast<std::uint32_t>(given >> plain) & ((1u << modelled) - 1);
        const std::uint32_t row = std::min(width, 31u);
        const std::uint32_t top = code_trees<2>(
            coder, bit_mixers_[kind].data(),
            {hand_bits_[kind * 32 + row].data(),
             hand_bits_by_held_[(kind * 32 + row) * 16 + std::min(half_octave(context.held), 47u) / 3].data()},
            modelled, wanted);
        return (std::uint64_t{1} << modelled | top) << plain | code_raw(coder, plain, given);
    }

    using Tree8 = std::array<Bit, 256>;
    using Tree4 = std::array<Bit, 16>;
    static constexpr std::size_t hand_kinds = packet_kinds - 1;
    static constexpr std::uint32_t least_usual = 9; ///< from 256 us
    static constexpr std::uint32_t rare = 15;       ///< up to 8 s
    std::array<Bit, 2 * 65 * 2> same_width_;
    std::array<Tree8, 2> clockwork_widths_;
    std::array<Bit, 8192 + 3 * 4096 + 48 * 64> clockwork_;
    std::array<Tree4, hand_kinds * 48> hand_by_before_;
    std::array<Tree4, hand_kinds * 4 * 48> hand_by_held_;
    std::array<Tree4, hand_kinds * 256> hand_by_key_;
    std::array<Tree8, hand_kinds> hand_rare_;
    std::array<std::array<Mixer<3>, 4>, hand_kinds> width_mixers_;
    std::array<Tree4, hand_kinds * 32> hand_bits_;
    std::array<Tree4, hand_kinds * 32 * 16> hand_bits_by_held_;
    std::array<std::array<Mixer<2>, 4>, hand_kinds> bit_mixers_;
};

} // namespace candor::wire
