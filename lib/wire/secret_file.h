// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/error.h"
#include "wire/keys.h"

#include <expected>
#include <filesystem>
#include <optional>

/// Internal to lib/wire: secrets in files that nobody else may read.
namespace candor::wire {

/// A secret file of exactly N bytes of mode 0600; nothing when there is none.
template <std::size_t N>
[[nodiscard]] std::expected<std::optional<Secret<N>>, Refusal> load_secret(const std::filesystem::path& path);
extern template std::expected<std::optional<Secret<32>>, Refusal> load_secret<32>(const std::filesystem::path&);
extern template std::expected<std::optional<Secret<40>>, Refusal> load_secret<40>(const std::filesystem::path&);
extern template std::expected<std::optional<Secret<64>>, Refusal> load_secret<64>(const std::filesystem::path&);

/// Overwrites a file in place and removes it. Throws std::system_error; a file that is not there is fine.
void destroy_secret(const std::filesystem::path& path);

} // namespace candor::wire
