// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/error.h"
#include "base/unique_fd.h"
#include "wire/keys.h"

#include <cstdint>
#include <expected>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// The audit log: what was decided about recording, by whom and why, in a chain that shows every change.
namespace candor::audit {

inline constexpr std::size_t max_entry_bytes = 4096;

enum class Act : std::uint8_t {
    started, ///< candord
    stopped, ///< candord
    granted,
    revoked,
    erasure_asked,
    gate_opened,
    gate_closed,
    policy_loaded,
    policy_refused,
    inhibited,
    released, ///< an inhibitor
    paused,
    resumed,
    enabled, ///< by the administrator
    disabled,
    context_registered,
    context_lost,
    denied,         ///< a call
    repaired,       ///< the log itself, at start
    stream_ended,   ///< by the successor of a candord that died
    keys_destroyed, ///< of a person, on this machine; a tombstone is on its way
    erased,         ///< the key holder's receipt came back
    data_read,      ///< keys of streams were given to the person they are of
    data_deleted,
};
[[nodiscard]] std::string_view act_name(Act act) noexcept;

/// What an entry says. No content: no key, no text that was typed, no application.
struct Entry {
    std::uint64_t number = 0; ///< from 1, without holes
    std::int64_t time = 0;    ///< seconds since 1970 UTC
    Act act = Act::started;
    std::optional<std::uint32_t> uid;     ///< who did it; nothing when candord itself did
    std::optional<std::uint32_t> subject; ///< whose recording it concerns; nothing when everybody's
    std::string detail;                   ///< reasons, level, method …: 1024 bytes of UTF-8 at most, longer is cut

    bool operator==(const Entry&) const = default;
};

/// Whether a person with this uid may see it: it is about them, done by them, or about everybody.
[[nodiscard]] bool concerns(const Entry& entry, std::uint32_t uid) noexcept;

struct Verification {
    bool intact = false;
    std::uint64_t entries = 0; ///< that hold
    std::string problem;       ///< FILE:LINE and what was expected; empty when intact
};

/// DIRECTORY/audit.log, one line of JSON for each entry, each with the hash of itself and of the entry before it, and
/// DIRECTORY/audit.head, signed by the device: how many entries there are and the hash of the last. Both mode 0600.
///
/// An entry is on disk (fdatasync), then in the head (atomic replacement), when append() returns. A crash between the two
/// leaves an entry the head does not know, or a torn line: open() takes the first into the head, cuts off the second, and
/// says so in an entry of its own. Whatever else does not hold is damage: nothing is repaired, and append() refuses.
class Log {
public:
    /// Makes the files when neither is there. Refuses a damaged log, naming the place: the caller keeps the gate closed.
    [[nodiscard]] static std::expected<Log, Refusal> open(const std::filesystem::path& directory,
                                                          const wire::Identity& identity);

    /// `number` is set here. Throws std::system_error when the disk does not take it: then nothing was logged.
    void append(Entry entry);
    [[nodiscard]] std::uint64_t entries() const noexcept { return entries_; }
    /// The last gate_opened or gate_closed that an earlier process logged: gate_opened when it died while it recorded.
    [[nodiscard]] const std::optional<Entry>& last_gate() const noexcept { return last_gate_; }
    /// Hash of the last entry, to be noted elsewhere (the journal): it shows a log and head that were rolled back together.
    [[nodiscard]] const wire::Hash32& head() const noexcept { return last_; }

    /// Up to `limit` lines after the entry `after` that `wanted` says yes to, oldest first, as they are in the file. What no
    /// longer parses is refused, naming the place.
    [[nodiscard]] std::expected<std::vector<std::string>, Refusal>
    read(std::uint64_t after, std::size_t limit, const std::function<bool(const Entry&)>& wanted) const;

private:
    Log() = default;
    void write_head_file(const std::string& text) const;
    [[nodiscard]] std::string read_head_file() const;
    /// Throws std::system_error when the files are not as they were left.
    void check_untouched() const;
    /// Makes undone what an append() that failed has written.
    void undo();

    std::filesystem::path directory_;
    const wire::Identity* identity_ = nullptr;
    UniqueFd file_;
    std::uint64_t entries_ = 0;
    std::uint64_t bytes_ = 0;
    std::optional<Entry> last_gate_;
    wire::Hash32 last_{};
    std::vector<std::uint64_t> marks_; ///< where every 64th entry begins
    std::string head_text_;            ///< as it is on disk
    std::string unsure_head_; ///< of an append() that failed and could not be undone: perhaps it is on disk instead
};

/// Reads both files and checks everything: order, numbers, chain, head, signature.
[[nodiscard]] Verification verify(const std::filesystem::path& directory, const wire::PublicKey& identity);

/// One line without its newline, for readers and fuzzers. Refuses whatever append() would not have written.
struct ChainedEntry {
    Entry entry;
    wire::Hash32 previous{};
    wire::Hash32 hash{};
};
[[nodiscard]] std::expected<ChainedEntry, Refusal> parse_entry(std::string_view line);

} // namespace candor::audit
