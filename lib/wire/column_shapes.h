// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "input/packet.h"
#include "wire/column_models.h"

#include <span>
#include <vector>

namespace candor::wire {

inline constexpr std::uint16_t type_syn = 0;
inline constexpr std::uint16_t type_key = 1;
inline constexpr std::uint16_t type_rel = 2;
inline constexpr std::uint16_t type_abs = 3;
inline constexpr std::uint16_t type_msc = 4;

/// The column of shapes. A shape is what a packet's events are without what varies: type and code of each, for keys the
/// type alone (which key has its own column), for EV_SYN the value too (it hardly ever is not 0).
class ShapeColumn {
public:
    static constexpr std::size_t max_shapes = 255;
    static constexpr std::size_t max_shape_events = 24;
    static constexpr std::uint32_t spelled = 255;

    ShapeColumn() {
        first_.reserve(max_shapes + 1);
        first_.push_back(0);
        elements_.reserve(256);
    }

    /// `one`, `two`: shapes of the device's last two packets; `moving`: 0 to 15, how fast its pointer went. Codes the
    /// events' types and codes (for keys the type); returns the shape's number, or -1 when a decoder found no such
    /// shape.
    template <typename Coder>
    int code_shape(Coder& coder, std::uint32_t one, std::uint32_t two, std::uint32_t moving,
                   std::span<input::Event> events, std::uint32_t& count) {
        std::uint32_t given = spelled;
        if constexpr (Coder::encodes) {
            given = find(events.first(count), one);
        }
        const std::uint32_t a = std::min(one, 7u);
        auto& by_shapes = by_shapes_[a * 8 + std::min(two, 7u)];
        auto& by_motion = by_motion_[a * 16 + moving];
        for (std::uint32_t shape = 0; shape < unary; ++shape) {
            if (mixers_[shape].code(coder, {&by_shapes[shape], &by_motion[shape]}, shape == given)) {
                return take(shape, events, count);
            }
        }
        const std::uint32_t shape = code_tree(coder, tree_.data(), 8, given);
        if (shape != spelled) {
            return shape < unary ? -1 : take(shape, events, count);
        }
        return spell(coder, events, count);
    }

private:
    static constexpr std::uint32_t unary = 6;

    static input::Event element(const input::Event& event) noexcept {
        switch (event.type) {
        case type_key:
            return {type_key, 0, 0};
        case type_syn:
            return event;
        default:
            return {event.type, event.code, 0};
        }
    }

    [[nodiscard]] std::uint32_t size() const noexcept { return static_cast<std::uint32_t>(first_.size() - 1); }

    [[nodiscard]] bool is(std::uint32_t shape, std::span<const input::Event> events) const noexcept {
        const std::uint32_t first = first_[shape];
        if (first_[shape + 1] - first != events.size()) {
            return false;
        }
        for (std::size_t i = 0; i < events.size(); ++i) {
            if (element(events[i]) != elements_[first + i]) {
                return false;
            }
        }
        return true;
    }

    [[nodiscard]] std::uint32_t find(std::span<const input::Event> events, std::uint32_t likely) const noexcept {
        if (events.size() > max_shape_events) {
            return spelled;
        }
        if (likely < size() && is(likely, events)) {
            return likely;
        }
        for (std::uint32_t shape = 0; shape < size(); ++shape) {
            if (is(shape, events)) {
                return shape;
            }
        }
        return spelled;
    }

    int take(std::uint32_t shape, std::span<input::Event> events, std::uint32_t& count) const {
        if (shape >= size()) {
            return -1;
        }
        return take_known(shape, events, count);
    }
    int take_known(std::uint32_t shape, std::span<input::Event> events, std::uint32_t& count) const {
        const std::uint32_t first = first_[shape];
        const std::uint32_t length = first_[shape + 1] - first;
        if (count != length) { // only a decoder comes with no events of its own
            std::copy_n(elements_.begin() + first, length, events.begin());
            count = length;
        }
        return static_cast<int>(shape);
    }

    template <typename Coder> int spell(Coder& coder, std::span<input::Event> events, std::uint32_t& count) {
        std::uint32_t length = code_tree(coder, lengths_.data(), 6, std::min(count, 63u));
        if (length == 63) {
            length = static_cast<std::uint32_t>(code_raw(coder, 10, count - 1)) + 1;
            if (length < 63) {
                return -1;
            }
        }
        if (length == 0) {
            return -1;
        }
        count = length;
        for (input::Event& event : events.first(length)) {
            event.type = static_cast<std::uint16_t>(code_number16(coder, types_, event.type));
            if (event.type == type_key) {
                continue;
            }
            event.code = static_cast<std::uint16_t>(code_number16(coder, codes_, event.code));
            if (event.type == type_syn) {
                if (code(coder, syn_zero_, event.value == 0)) {
                    event.value = 0;
                } else {
                    const auto bits = code_raw(coder, 32, static_cast<std::uint32_t>(event.value));
                    event.value = static_cast<std::int32_t>(static_cast<std::uint32_t>(bits));
                    if (event.value == 0) {
                        return -1;
                    }
                }
            }
        }
        if (!Coder::encodes && find(events.first(length), 0) != spelled) {
            return -1;
        }
        if (length <= max_shape_events && size() < max_shapes) {
            for (const input::Event& event : events.first(length)) {
                elements_.push_back(element(event));
            }
            first_.push_back(static_cast<std::uint32_t>(elements_.size()));
            return static_cast<int>(size() - 1);
        }
        return static_cast<int>(spelled);
    }

    struct Number16 {
        std::array<Bit, 256> high;
        std::array<Bit, 256> low;
    };
    template <typename Coder> static std::uint32_t code_number16(Coder& coder, Number16& models, std::uint32_t value) {
        const std::uint32_t high = code_tree(coder, models.high.data(), 8, value >> 8);
        return high << 8 | code_tree(coder, models.low.data(), 8, value & 255);
    }

    std::vector<input::Event> elements_; ///< of all shapes, one after the other
    std::vector<std::uint32_t> first_;   ///< where each begins, and the end
    std::array<std::array<Bit, unary>, 64> by_shapes_;
    std::array<std::array<Bit, unary>, 8 * 16> by_motion_;
    std::array<Mixer<2>, unary> mixers_;
    std::array<Bit, 256> tree_;
    std::array<Bit, 64> lengths_;
    Number16 types_;
    Number16 codes_;
    Bit syn_zero_;
};

} // namespace candor::wire
