// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "audit/log.h"

#include <cstdint>
#include <expected>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace candor::daemon {

/// The audit log as the daemon keeps it: what cannot be logged is remembered as a problem, which keeps the gate closed until an
/// entry could be written again.
///
/// Bound: calls denied to one uid for one method are one entry a minute, which says how many there were; at most 256 pairs are
/// told apart, the rest shares one.
class AuditTrail {
public:
    AuditTrail(std::filesystem::path directory, const wire::Identity& identity);

    /// False when the disk did not take it.
    bool note(audit::Act act, std::optional<std::uint32_t> uid, std::optional<std::uint32_t> subject,
              std::string detail = {});
    void denied(std::uint32_t uid, std::string_view method);

    /// Where the disk took nothing: tries again, with an entry that says so. A log that was refused at the start stays refused.
    void retry();

    /// Empty while what happens can be logged.
    [[nodiscard]] const std::string& problem() const noexcept { return problem_; }

    /// The entry by which an earlier process began to record what it never said to have ended: it died meanwhile.
    [[nodiscard]] std::optional<audit::Entry> died_recording() const;

    /// As audit::Log::read; `uid`: only what concerns them.
    [[nodiscard]] std::expected<std::vector<std::string>, Refusal> read(std::uint64_t after, std::size_t limit,
                                                                        std::optional<std::uint32_t> uid) const;
    /// Reads it all; an answer holds for ten seconds, so that asking again and again does not hold up the loop.
    [[nodiscard]] audit::Verification verify();

private:
    struct Denials {
        std::int64_t last = 0;
        std::uint64_t unlogged = 0;
    };

    void open();

    std::filesystem::path directory_;
    const wire::Identity& identity_;
    std::optional<audit::Log> log_;
    std::string problem_;
    std::optional<audit::Verification> verified_;
    std::uint64_t verified_us_ = 0;
    std::map<std::pair<std::uint32_t, std::string>, Denials> denials_;
};

} // namespace candor::daemon
