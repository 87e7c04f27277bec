// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/error.h"
#include "base/ini.h"

#include <cstdint>
#include <expected>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// The types of configuration values, strictly. Internal to lib/consent.
namespace candor::consent {

template <typename T> using Parsed = std::expected<T, Refusal>;

/// "yes" or "no".
[[nodiscard]] Parsed<bool> parse_yes_no(const IniEntry& entry);

/// Decimal digits only, within [least, most].
[[nodiscard]] Parsed<std::uint64_t> parse_number(const IniEntry& entry, std::uint64_t least, std::uint64_t most);

/// Decimal digits and an optional K, M or G (powers of 1024), within [least, most] bytes; `range` names them.
[[nodiscard]] Parsed<std::uint64_t> parse_size(const IniEntry& entry, std::uint64_t least, std::uint64_t most,
                                               std::string_view range);

/// 1 to `limit` bytes of UTF-8 without control characters.
[[nodiscard]] Parsed<std::string> parse_line(const IniEntry& entry, std::size_t limit);

/// An absolute path without "." and "..", at most 1024 bytes.
[[nodiscard]] Parsed<std::string> parse_absolute_path(const IniEntry& entry, std::string_view text);

[[nodiscard]] bool is_utf8(std::string_view text);

/// Refuses a key that one file says twice.
class OncePerFile {
public:
    [[nodiscard]] std::expected<void, Refusal> see(const IniEntry& entry);

private:
    std::map<std::pair<std::string, std::string>, std::pair<std::string, std::size_t>> last_;
};

} // namespace candor::consent
