// SPDX-License-Identifier: Apache-2.0
#include "wire/keys.h"

#include "base/file.h"
#include "base/hex.h"
#include "support/catch.h"
#include "support/temporary_directory.h"

#include <algorithm>

#include <sys/stat.h>

using namespace candor;
using namespace candor::wire;

TEST_CASE("the device keeps its identity from one start to the next, readable by itself alone") {
    init_crypto();
    const test::TemporaryDirectory directory;
    const auto path = directory / "identity.key";
    const auto first = Identity::load_or_create(path);
    const auto second = Identity::load_or_create(path);
    REQUIRE(first.has_value());
    REQUIRE(second.has_value());
    CHECK(first->public_key() == second->public_key());
    struct stat status {};
    REQUIRE(::stat(path.c_str(), &status) == 0);
    CHECK((status.st_mode & 07777) == 0600);
    const std::vector<std::uint8_t> message{1, 2, 3};
    const Signature signature = first->sign("context", message);
    CHECK(signature_holds(second->public_key(), "context", message, signature));
    CHECK_FALSE(signature_holds(second->public_key(), "other", message, signature));
}

TEST_CASE("a damaged, short or open identity is refused and left as it is") {
    init_crypto();
    const test::TemporaryDirectory directory;
    const auto path = directory / "identity.key";
    REQUIRE(Identity::load_or_create(path).has_value());
    auto bytes = *read_file(path, 100);
    bytes[40] ^= 1;
    write_file_atomically(path, bytes, 0600);
    CHECK(Identity::load_or_create(path).error().message == path.string() + ": damaged, expected an Ed25519 key pair");
    CHECK(*read_file(path, 100) == bytes);
    write_file_atomically(path, std::span(bytes).first(63), 0600);
    CHECK(Identity::load_or_create(path).error().message == path.string() + ": 63 bytes, expected 64");
    write_file_atomically(path, bytes, 0644);
    CHECK(Identity::load_or_create(path).error().message ==
          path.string() + ": others may read or write it, expected mode 0600");
}

TEST_CASE("a recipient's secret key is read from its text form and nothing else") {
    init_crypto();
    const test::TemporaryDirectory directory;
    const auto pair = RecipientKeyPair::generate();
    const auto text = to_hex(pair.secret_key.bytes());
    const auto load = [&](const std::string& content) {
        write_file_atomically(directory / "key", as_bytes(content), 0600);
        return RecipientKeyPair::load(directory / "key");
    };
    CHECK(load(text + "\n")->public_key == pair.public_key);
    CHECK(load(text)->public_key == pair.public_key);
    for (const auto& bad : {text.substr(1), text + "00", text + "\nmore", std::string(), std::string(64, 'x')}) {
        CHECK_FALSE(load(bad).has_value());
    }
}
