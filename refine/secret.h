// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/error.h"
#include "wire/keys.h"

#include <expected>
#include <optional>
#include <string>

namespace candor::refine {

/// Where a verb's key comes from.
struct KeySource {
    std::string file;       ///< --key
    std::string credential; ///< --credential: a name in $CREDENTIALS_DIRECTORY, as systemd's LoadCredential= makes it
    std::string passphrase_file; ///< --passphrase-file: its first line; empty: the terminal is asked
};

/// Nothing when no source is named. A passphrase is looked for only when the key takes one. Refusals name the file. Throws
/// std::system_error when the terminal fails.
[[nodiscard]] std::expected<std::optional<wire::RecipientKeyPair>, Refusal> load_key(const KeySource& source);

/// For a new key: the first line of the file, or what is typed twice at the terminal. Refuses an empty one, and when there is no terminal.
/// The caller wipes it. Throws std::system_error when the terminal fails.
[[nodiscard]] std::expected<std::string, Refusal> new_passphrase(const std::string& passphrase_file);

} // namespace candor::refine
