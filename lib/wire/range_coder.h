// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

/// A binary range coder with 64-bit state that moves 32 bits at a time. The writer ends with the value of the final
/// interval that has the most trailing zeros, and drops zero bytes at the end; the reader takes bytes past the end as
/// zeros and can tell whether what it read is exactly what the writer would have written.
///
/// Both sides have the same members, so one model written as a template does both directions: `bit = coder.bit(p,
/// bit)`.
namespace candor::wire {

class RangeEncoder {
public:
    static constexpr bool encodes = true;

    /// Writes into `out`, from its start. What does not fit is dropped and overflowed() turns true.
    explicit RangeEncoder(std::span<std::uint8_t> out) noexcept : out_(out) {}

    /// `p1`: the probability of a one in 1/65536, from 1 to 65535.
    bool bit(std::uint32_t p1, bool value) noexcept {
        // Without a branch on the value: nothing is harder to predict.
        const std::uint64_t bound = (range_ >> 16) * p1;
        add(value ? 0 : bound);
        range_ = value ? bound : range_ - bound;
        normalise();
        return value;
    }

    /// `count` equally likely bits, 32 at most.
    std::uint32_t raw(std::uint32_t value, unsigned count) noexcept {
        range_ >>= count;
        add(range_ * value);
        normalise();
        return value;
    }

    /// Ends the code; returns its length without trailing zero bytes.
    [[nodiscard]] std::size_t finish() noexcept;
    [[nodiscard]] bool overflowed() const noexcept { return overflowed_; }

private:
    void add(std::uint64_t amount) noexcept {
        low_ += amount;
        if (low_ < amount) {
            carry();
        }
    }
    void normalise() noexcept {
        if (range_ < (1ull << 32)) {
            put(static_cast<std::uint32_t>(low_ >> 32));
            low_ <<= 32;
            range_ <<= 32;
        }
    }
    void put(std::uint32_t word) noexcept {
        if (out_.size() - length_ < 4) {
            overflowed_ = true;
            return;
        }
        word = __builtin_bswap32(word);
        std::memcpy(out_.data() + length_, &word, 4);
        length_ += 4;
    }
    void carry() noexcept;

    std::span<std::uint8_t> out_;
    std::size_t length_ = 0;
    std::uint64_t low_ = 0;
    std::uint64_t range_ = ~0ull;
    bool overflowed_ = false;
};

class RangeDecoder {
public:
    static constexpr bool encodes = false;

    explicit RangeDecoder(std::span<const std::uint8_t> in) noexcept : in_(in) {
        offset_ = static_cast<std::uint64_t>(next()) << 32;
        offset_ |= next();
    }

    bool bit(std::uint32_t p1, bool) noexcept {
        const std::uint64_t bound = (range_ >> 16) * p1;
        const bool value = offset_ < bound;
        const std::uint64_t skipped = value ? 0 : bound;
        offset_ -= skipped;
        low_ += skipped;
        range_ = value ? bound : range_ - bound;
        normalise();
        return value;
    }

    std::uint32_t raw(std::uint32_t, unsigned count) noexcept {
        range_ >>= count;
        std::uint64_t value = offset_ / range_;
        // Only a code that no writer made reaches past the last value.
        if (value >> count != 0) {
            value = (1ull << count) - 1;
            damaged_ = true;
        }
        offset_ -= value * range_;
        low_ += value * range_;
        normalise();
        return static_cast<std::uint32_t>(value);
    }

    /// Whether the bytes are what RangeEncoder::finish() leaves after these symbols, followed by zeros alone.
    [[nodiscard]] bool ends_as_written() const noexcept;
    /// Whether the code left its interval, which no writer's does.
    [[nodiscard]] bool damaged() const noexcept { return damaged_; }

private:
    void normalise() noexcept {
        if (range_ < (1ull << 32)) {
            range_ <<= 32;
            low_ <<= 32;
            offset_ = (offset_ << 32) | next();
        }
    }
    std::uint32_t next() noexcept {
        if (in_.size() - position_ >= 4) {
            std::uint32_t word = 0;
            std::memcpy(&word, in_.data() + position_, 4);
            position_ += 4;
            return __builtin_bswap32(word);
        }
        std::uint32_t word = 0;
        for (int shift = 24; shift >= 0 && position_ < in_.size(); shift -= 8) {
            word |= static_cast<std::uint32_t>(in_[position_++]) << shift;
        }
        return word;
    }

    std::span<const std::uint8_t> in_;
    std::size_t position_ = 0;
    std::uint64_t offset_ = 0; ///< of the code within the interval
    std::uint64_t low_ = 0;    ///< the interval's start, modulo 2^64
    std::uint64_t range_ = ~0ull;
    bool damaged_ = false;
};

} // namespace candor::wire
