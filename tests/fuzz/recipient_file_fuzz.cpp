// SPDX-License-Identifier: Apache-2.0
#include "fuzz/fuzz.h"

#include "wire/recipient_file.h"

#include <algorithm>

using namespace candor;
using test::require;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto locked = wire::parse_protected(text);
    if (locked) {
        require(wire::is_protected(text), "what can be unlocked claims to be protected");
        require(wire::format_protected(*locked) == text, "a protected key has one form");
        require(locked->stretching.passes >= 1 && locked->stretching.passes <= 16 &&
                    locked->stretching.memory >= 8192 && locked->stretching.memory <= (1U << 30),
                "nobody is made to compute beyond the bounds");
    } else {
        require(!locked.error().message.empty(), "a refusal says why");
    }

    // Without a passphrase nothing is computed.
    const auto plain = wire::unlock(text, std::nullopt);
    require(!plain || !wire::is_protected(text), "a protected key does not open without a passphrase");
    if (plain) {
        const auto again = wire::unlock(wire::encode_recipient_file(*plain, std::nullopt), std::nullopt);
        require(again && again->public_key == plain->public_key &&
                    std::ranges::equal(again->secret_key.bytes(), plain->secret_key.bytes()),
                "what was read can be written");
    }

    if (locked && locked->stretching.passes == 1 && locked->stretching.memory <= (64U << 10)) {
        // Chance does not make a seal.
        require(!wire::unlock(text, "a passphrase that nobody has chosen"), "a seal holds");
    } else if (!locked && wire::is_protected(text)) {
        const auto refused = wire::unlock(text, "any");
        require(!refused && refused.error().message == locked.error().message, "the form is refused first");
    }
    return 0;
}
