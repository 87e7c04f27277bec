// SPDX-License-Identifier: Apache-2.0
#include "base/hex.h"

#include "support/catch.h"

#include <array>

using namespace candor;

TEST_CASE("hexadecimal text comes back as the bytes it was made from") {
    std::vector<std::uint8_t> all(256);
    for (std::size_t i = 0; i < all.size(); ++i) {
        all[i] = static_cast<std::uint8_t>(i);
    }
    const std::string text = to_hex(all);
    CHECK(text.substr(0, 8) == "00010203");
    CHECK(from_hex(text) == all);
    CHECK(from_hex("aAfF") == std::vector<std::uint8_t>{0xaa, 0xff});
}

TEST_CASE("anything but pairs of hexadecimal digits is refused") {
    for (const char* text : {"0", "0g", "0x12", " 00", "00\n", "zz"}) {
        CHECK_FALSE(from_hex(text).has_value());
    }
}

TEST_CASE("a wrong length leaves the output untouched") {
    std::array<std::uint8_t, 2> out{1, 2};
    CHECK_FALSE(from_hex_exactly("aabbcc", out));
    CHECK_FALSE(from_hex_exactly("aa", out));
    CHECK(out == std::array<std::uint8_t, 2>{1, 2});
    CHECK(from_hex_exactly("aabb", out));
    CHECK(out == std::array<std::uint8_t, 2>{0xaa, 0xbb});
}
