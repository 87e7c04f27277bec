// SPDX-License-Identifier: Apache-2.0
#include "wire/recipient_file.h"

#include "base/file.h"
#include "base/hex.h"
#include "support/catch.h"
#include "support/temporary_directory.h"

#include <algorithm>

using namespace candor;
using namespace candor::wire;

namespace {

/// Tries take no time.
constexpr Stretching cheap{1, 8192};
constexpr std::string_view passphrase = "correct horse";

RecipientKeyPair make_pair() {
    init_crypto();
    return RecipientKeyPair::generate();
}

bool same(const RecipientKeyPair& a, const RecipientKeyPair& b) {
    return std::ranges::equal(a.secret_key.bytes(), b.secret_key.bytes()) && a.public_key == b.public_key;
}

std::string with(std::string text, const std::string& what, const std::string& instead) {
    const std::size_t at = text.find(what);
    REQUIRE(at != std::string::npos);
    return text.replace(at, what.size(), instead);
}

std::string refusal_of(const std::string& text, std::optional<std::string_view> given = passphrase) {
    const auto pair = unlock(text, given);
    return pair ? "opened" : pair.error().message;
}

} // namespace

TEST_CASE("a secret key without a passphrase is 64 digits and a newline, as RecipientKeyPair::load reads it") {
    const auto pair = make_pair();
    const std::string text = encode_recipient_file(pair, std::nullopt);
    CHECK(text == to_hex(pair.secret_key.bytes()) + "\n");
    CHECK_FALSE(is_protected(text));
    CHECK(same(unlock(text, std::nullopt).value(), pair));
    CHECK(same(unlock(text, passphrase).value(), pair));
    const test::TemporaryDirectory folder;
    write_file_atomically(folder / "key", as_bytes(text), 0600);
    CHECK(same(RecipientKeyPair::load(folder / "key").value(), pair));
}

TEST_CASE("what is not a plain key is refused") {
    const std::string text = encode_recipient_file(make_pair(), std::nullopt);
    const std::string digits = text.substr(0, 64);
    for (const std::string& bad :
         {std::string(), std::string("\n"), digits, digits.substr(1) + "\n", digits + "0\n", digits + "\n\n",
          digits + "\r\n", " " + digits + "\n", digits.substr(0, 63) + "g\n",
          digits.substr(0, 63) + std::string(1, '\0') + "\n", digits.substr(0, 62) + " \n\n"}) {
        INFO(bad);
        CHECK(refusal_of(bad, std::nullopt) ==
              "expected a secret key: 64 hexadecimal digits and a newline, or what keygen protected");
    }
}

TEST_CASE("a protected key opens with its passphrase alone") {
    const auto pair = make_pair();
    const std::string text = encode_recipient_file(pair, passphrase, cheap);
    CHECK(is_protected(text));
    CHECK(text.size() <= max_recipient_file_bytes);
    CHECK(text.starts_with("candor-recipient-key 1\nkdf argon2id 1 8192 "));
    CHECK(text.find(to_hex(pair.secret_key.bytes())) == std::string::npos);
    CHECK(same(unlock(text, passphrase).value(), pair));
    for (const std::string_view wrong : {"", "correct hors", "correct horse ", "Correct horse"}) {
        CHECK(refusal_of(text, wrong) == "the passphrase is wrong, or the file is damaged");
    }
    CHECK(refusal_of(text, std::nullopt) == "a passphrase protects it, and none is given");
}

TEST_CASE("a passphrase may be of any bytes and length, even of none") {
    const auto pair = make_pair();
    const std::string zeros(3, '\0');
    const std::string longest(max_passphrase_bytes, 'x');
    for (const std::string_view text :
         {std::string_view(), std::string_view("pässwörd"), std::string_view(zeros), std::string_view(longest)}) {
        CHECK(same(unlock(encode_recipient_file(pair, text, cheap), text).value(), pair));
    }
    CHECK_FALSE(unlock(encode_recipient_file(pair, std::string_view(zeros), cheap), "").has_value());
}

TEST_CASE("by itself a passphrase is stretched as libsodium's MODERATE says") {
    const auto pair = make_pair();
    const std::string text = encode_recipient_file(pair, passphrase);
    CHECK(text.find("\nkdf argon2id 3 268435456 ") != std::string::npos);
    CHECK(same(unlock(text, passphrase).value(), pair));
}

TEST_CASE("the same key and passphrase make a different file each time") {
    const auto pair = make_pair();
    const auto first = parse_protected(encode_recipient_file(pair, passphrase, cheap)).value();
    const auto second = parse_protected(encode_recipient_file(pair, passphrase, cheap)).value();
    CHECK(first.salt != second.salt);
    CHECK(first.nonce != second.nonce);
    CHECK(first.sealed != second.sealed);
}

TEST_CASE("limits out of bounds are refused before anything is computed") {
    const std::string text = encode_recipient_file(make_pair(), passphrase, cheap);
    for (const std::string limits :
         {"0 8192", "17 8192", "1 8191", "1 0", "1 1073741825", "1 18446744073709551615", "4294967296 8192"}) {
        INFO(limits);
        CHECK(refusal_of(with(text, "1 8192", limits)) == "line 2: expected 1 to 16 passes over 8192 bytes to 1 GiB");
    }
    CHECK(parse_protected(with(text, "1 8192", "16 1073741824")).has_value());
}

TEST_CASE("a protected key has one form, and what else is refused names its line") {
    const std::string text = encode_recipient_file(make_pair(), passphrase, cheap);
    const std::string kdf =
        "line 2: expected 'kdf argon2id', passes, bytes of memory, and 16 bytes of salt in hexadecimal";
    const std::string box = "line 3: expected 'box', then 24 and 48 bytes in hexadecimal";
    const std::string exact = "expected a key exactly as keygen writes it";
    CHECK(refusal_of(with(text, "key 1", "key 12")) == "line 1: expected 'candor-recipient-key 1'");
    CHECK(refusal_of(with(text, "key 1\n", "key 1\r\n")) == "line 1: expected 'candor-recipient-key 1'");
    for (const std::string bad : {"argon2i 1 8192 ", "argon2id  1 8192 ", "argon2id 1  8192 ", "argon2id -1 8192 ",
                                  "argon2id +1 8192 ", "argon2id 1 8192  ", "argon2id 1 8k ", "argon2id 1 8192 0 ",
                                  "argon2id 1 18446744073709551616 ", "argon2id 1 ", "argon2id "}) {
        INFO(bad);
        CHECK(refusal_of(with(text, "argon2id 1 8192 ", bad)) == kdf);
    }
    CHECK(refusal_of(with(text, "box ", "")) == box);
    CHECK(refusal_of(with(text, "box ", "box  ")) == box);
    CHECK(refusal_of(with(text, "box ", "box 00")) == box);
    CHECK(refusal_of(with(text, "\nbox", "\n\nbox")) == box);
    CHECK(refusal_of(with(text, " 1 8192", " 01 8192")) == exact);
    CHECK(refusal_of(with(text, " 1 8192", " 1 08192")) == exact);
    CHECK(refusal_of(text + "\n") == exact);
    CHECK(refusal_of(text + "more") == exact);
    CHECK(refusal_of(text.substr(0, text.size() - 1)) == exact);
}

TEST_CASE("a protected key that is cut anywhere is refused") {
    const std::string text = encode_recipient_file(make_pair(), passphrase, cheap);
    for (std::size_t size = 0; size < text.size(); ++size) {
        INFO(size);
        CHECK_FALSE(unlock(text.substr(0, size), passphrase).has_value());
    }
}

TEST_CASE("every flipped bit of a protected key is refused, with a reason") {
    const std::string text = encode_recipient_file(make_pair(), passphrase, cheap);
    for (std::size_t bit = 0; bit < text.size() * 8; ++bit) {
        std::string flipped = text;
        flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
        const auto pair = unlock(flipped, passphrase);
        INFO("bit " << bit << ": " << flipped);
        REQUIRE_FALSE(pair.has_value());
        REQUIRE_FALSE(pair.error().message.empty());
    }
}
