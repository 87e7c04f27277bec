// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/error.h"

#include <cstddef>
#include <expected>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace candor {

/// One `Key=Value` line of a configuration file, with the place to name in an error.
struct IniEntry {
    std::string file;
    std::size_t line = 0;
    std::string section;
    std::string key;
    std::string value; ///< blanks around it are cut; everything else is kept, '#', ';' and quotes too

    /// `FILE:LINE: [SECTION] KEY: problem`
    [[nodiscard]] Refusal refuse(std::string_view problem) const;
};

inline constexpr std::size_t max_config_bytes = 64 * 1024;

/// Parses systemd-style INI strictly: `[Section]`, `Key=Value`, blank lines, and comment lines that begin with '#' or ';'.
/// No continuation lines, no quotes, no inline comments. UTF-8 without control characters. Refuses anything else, as
/// `FILE:LINE: what was found, what was expected`. Repeated keys are kept in order; what they mean is the caller's.
/// (inih, the packaged parser, cuts lines at 200 bytes and strips what looks like a comment inside a value.)
[[nodiscard]] std::expected<std::vector<IniEntry>, Refusal> parse_ini(std::string_view text, const std::string& file);

/// `path`, then the `*.conf` of `path + ".d"` in the order of their names. A missing `path` is no entries; anything else
/// that cannot be read is refused.
[[nodiscard]] std::expected<std::vector<IniEntry>, Refusal> read_ini_with_drop_ins(const std::filesystem::path& path);

} // namespace candor
