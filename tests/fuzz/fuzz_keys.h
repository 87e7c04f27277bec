// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "wire/keys.h"

#include <sodium.h>

#include <algorithm>

/// Keys that the kept corpus was made with. They protect nothing.
namespace candor::test {

inline wire::SymmetricKey fixed_epoch_key() {
    wire::SymmetricKey key;
    std::ranges::fill(key.bytes(), std::uint8_t{0x42});
    return key;
}

inline wire::RecipientKeyPair fixed_recipient() {
    wire::init_crypto();
    wire::RecipientKeyPair pair;
    std::ranges::fill(pair.secret_key.bytes(), std::uint8_t{0x24});
    crypto_scalarmult_base(pair.public_key.data(), pair.secret_key.data());
    return pair;
}

} // namespace candor::test
