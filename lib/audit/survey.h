// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "audit/head.h"
#include "audit/log.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Reading both files: inside the library.
namespace candor::audit {

inline constexpr const char* log_name = "audit.log";
inline constexpr const char* head_name = "audit.head";

/// Where entries 1, 1 + mark_interval, 1 + 2 · mark_interval … begin is kept, so that reading a page reads no more than
/// this many entries before it.
inline constexpr std::uint64_t mark_interval = 64;

/// A file's lines, with one buffer of it in memory. Whatever is longer than an entry can be comes as a line that is not whole.
class LineReader {
public:
    struct Line {
        std::string_view text; ///< without its newline; until the next call
        bool whole = false;    ///< it had one
    };

    /// The descriptor stays the caller's; its position is not used.
    LineReader(int fd, std::uint64_t offset) : fd_(fd), offset_(offset) {}
    /// Nothing at the end, or after a line that was not whole. Throws std::system_error.
    [[nodiscard]] std::optional<Line> next();

private:
    bool fill();

    int fd_;
    std::uint64_t offset_;
    std::vector<char> buffer_;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
    bool ended_ = false;
};

/// What both files say. Without a problem the head covers all of the log but what a crash can leave behind it: one more
/// entry (`found` is then one entry further than `head`) or a torn line, never both.
struct Survey {
    Head head;            ///< what the device vouches for
    Head found;           ///< the entries that hold
    std::size_t torn = 0; ///< bytes behind them, without a newline
    std::vector<std::uint64_t> marks;
    std::optional<Entry> last_gate; ///< the last time the gate was opened or closed
    std::string problem;            ///< FILE:LINE and what was expected; empty when there is no damage
};
/// Throws std::system_error where the log cannot be read.
[[nodiscard]] Survey survey(int log, const std::filesystem::path& directory, const wire::PublicKey& identity);

} // namespace candor::audit
