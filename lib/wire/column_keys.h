// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "wire/column_models.h"

#include <linux/input-event-codes.h>

#include <algorithm>
#include <array>

namespace candor::wire {

/// The keys a device holds down, oldest first, and what it did last.
struct KeyState {
    struct Held {
        std::uint16_t code = 0;
        std::uint64_t since_us = 0;
    };
    static constexpr std::size_t max_held = 8;

    std::array<Held, max_held> held{};
    std::uint8_t count = 0;
    std::uint8_t action = 0; ///< value of the last key event, 3 for an unusual one
    std::uint8_t last = 0;   ///< numbers of the last pressed keys
    std::uint8_t before = 0;

    [[nodiscard]] std::size_t find(std::uint16_t code) const noexcept {
        std::size_t at = 0;
        while (at < count && held[at].code != code) {
            ++at;
        }
        return at;
    }
    void press(std::uint16_t code, std::uint64_t now_us) noexcept {
        if (count < max_held && find(code) == count) {
            held[count++] = {code, now_us};
        }
    }
    void stamp(std::uint16_t code, std::uint64_t now_us) noexcept {
        const std::size_t at = find(code);
        if (at < count) {
            held[at].since_us = now_us;
        }
    }
    void release(std::uint16_t code) noexcept {
        const std::size_t at = find(code);
        if (at < count) {
            std::copy(held.begin() + static_cast<std::ptrdiff_t>(at) + 1, held.begin() + count,
                      held.begin() + static_cast<std::ptrdiff_t>(at));
            --count;
        }
    }
};

/// The keys that have numbers from the start: those that people press most first, then the others in the order of their codes, to
/// 127, then the buttons of mice. A number that told in which order keys were first pressed would be a trace of what was typed,
/// in the memory of whoever writes the stream.
[[nodiscard]] constexpr auto numbered_keys() {
    constexpr std::array<std::uint16_t, 16> common = {KEY_SPACE, KEY_E,         KEY_T, KEY_A,        KEY_O, KEY_I,
                                                      KEY_N,     KEY_S,         KEY_R, KEY_H,        KEY_L, KEY_D,
                                                      KEY_U,     KEY_BACKSPACE, KEY_C, KEY_LEFTSHIFT};
    std::array<std::uint16_t, 127 + 8> keys{};
    auto end = std::copy(common.begin(), common.end(), keys.begin());
    for (std::uint16_t code = 1; code <= 127; ++code) {
        if (std::find(common.begin(), common.end(), code) == common.end()) {
            *end++ = code;
        }
    }
    for (std::uint16_t code = BTN_LEFT; code <= BTN_TASK; ++code) {
        *end++ = code;
    }
    return keys;
}

/// The columns of key values and key codes. Keys have the numbers of numbered_keys(); others get theirs in the order in which the
/// stream first sees them (255 in all; a later one is spelled out each time). A release says which of the held keys.
class KeyColumn {
public:
    KeyColumn() noexcept {
        for (const std::uint16_t code : numbered_keys()) {
            add(code);
        }
    }

    /// Codes one EV_KEY event; false when a decoder found what no writer makes. `number` is the key's in the
    /// dictionary.
    template <typename Coder>
    bool code_key(Coder& coder, const KeyState& keys, std::uint16_t& code_, std::int32_t& value, std::uint8_t& number) {
        const std::uint32_t few = std::min<std::uint32_t>(keys.count, 3);
        const std::uint32_t given = value >= 0 && value <= 2 ? static_cast<std::uint32_t>(value) : 3;
        auto& actions = actions_[(few * 4 + keys.action) * 16 + std::min<std::uint32_t>(keys.last, 15)];
        auto& plain = plain_actions_[few * 4 + keys.action];
        const std::uint32_t action =
            code_trees<2>(coder, action_mixers_.data(), {actions.data(), plain.data()}, 2, given);
        if (action == 3) {
            value = static_cast<std::int32_t>(
                static_cast<std::uint32_t>(code_raw(coder, 32, static_cast<std::uint32_t>(value))));
            if (value >= 0 && value <= 2) {
                return false;
            }
        } else {
            value = static_cast<std::int32_t>(action);
        }
        if (action == 0 || action == 2) {
            const std::size_t found = Coder::encodes ? keys.find(code_) : 0;
            if (code(coder, known_[action + (keys.count == 0 ? 1 : 0)], found < keys.count)) {
                if (keys.count == 0) {
                    return false;
                }
                std::size_t at = 0;
                for (; at + 1 < keys.count; ++at) {
                    auto& model = which_[(action / 2 * 9 + keys.count) * 8 + at];
                    if (code(coder, model[action == 0 ? keys.action : 0], at == found)) {
                        break;
                    }
                }
                code_ = keys.held[at].code;
                number = numbers_[code_ % numbers_.size()];
                return true;
            }
            return spell(coder, keys, code_, number) && (Coder::encodes || keys.find(code_) == keys.count);
        }
        return spell(coder, keys, code_, number);
    }

private:
    static constexpr std::uint32_t unnumbered = 255;
    static constexpr std::size_t hash_bits = 13;

    template <typename Coder>
    bool spell(Coder& coder, const KeyState& keys, std::uint16_t& code_, std::uint8_t& number) {
        std::uint32_t given = unnumbered;
        if constexpr (Coder::encodes) {
            given = find(code_);
        }
        const std::array<std::size_t, 2> contexts = {keys.last * 0x9e3779b1u,
                                                     (keys.before * 256u + keys.last + 1u) * 0x85ebca6bu};
        std::uint32_t node = 1;
        for (unsigned at = 8; at-- > 0;) {
            const auto slot = [&](std::size_t context) {
                return ((context + node * 0xc2b2ae35u) >> 7) & ((1u << hash_bits) - 1);
            };
            const bool bit =
                mixers_[at].code(coder, {&order0_[node], &order1_[slot(contexts[0])], &order2_[slot(contexts[1])]},
                                 (given >> at & 1) != 0);
            node = node << 1 | static_cast<std::uint32_t>(bit);
        }
        const std::uint32_t found = node - 256;
        if (found != unnumbered) {
            if (found >= dictionary_size_) {
                return false;
            }
            code_ = dictionary_[found];
            number = static_cast<std::uint8_t>(found);
            return true;
        }
        const std::uint32_t high = code_tree(coder, high_.data(), 8, code_ >> 8u);
        const std::uint32_t low = code_tree(coder, low_.data(), 8, code_ & 255u);
        code_ = static_cast<std::uint16_t>(high << 8 | low);
        if (!Coder::encodes && find(code_) != unnumbered) {
            return false;
        }
        number = unnumbered;
        if (dictionary_size_ < unnumbered) {
            number = add(code_);
        }
        return true;
    }

    std::uint8_t add(std::uint16_t code_) noexcept {
        const std::uint8_t number = dictionary_size_++;
        dictionary_[number] = code_;
        numbers_[code_ % numbers_.size()] = number;
        return number;
    }

    [[nodiscard]] std::uint32_t find(std::uint16_t code_) const noexcept {
        // Usually where the table says; two codes may share a place in it.
        const std::uint8_t likely = numbers_[code_ % numbers_.size()];
        if (likely < dictionary_size_ && dictionary_[likely] == code_) {
            return likely;
        }
        const auto end = dictionary_.begin() + dictionary_size_;
        const auto at = std::find(dictionary_.begin(), end, code_);
        return at == end ? unnumbered : static_cast<std::uint32_t>(at - dictionary_.begin());
    }

    std::array<std::uint16_t, 255> dictionary_{};
    std::uint8_t dictionary_size_ = 0;
    std::array<std::uint8_t, 1024> numbers_{};
    std::array<std::array<Bit, 4>, 4 * 4 * 16> actions_;
    std::array<std::array<Bit, 4>, 4 * 4> plain_actions_;
    std::array<Mixer<2>, 2> action_mixers_;
    std::array<Bit, 4> known_;
    std::array<std::array<Bit, 4>, 2 * 9 * 8> which_;
    std::array<Bit, 256> order0_;
    std::array<Bit, 1 << hash_bits> order1_;
    std::array<Bit, 1 << hash_bits> order2_;
    std::array<Mixer<3>, 8> mixers_;
    std::array<Bit, 256> high_;
    std::array<Bit, 256> low_;
};

} // namespace candor::wire
