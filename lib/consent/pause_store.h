// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.h"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>

namespace candor::consent {

/// As much as a person can ask for; a file that says more is damaged.
inline constexpr std::chrono::seconds longest_pause = std::chrono::days(366);

/// A person's pause, and whether it still holds.
struct Pause {
    bool holds = false;
    std::int64_t until = 0; ///< seconds since 1970 UTC, as far as the wall clock is right; 0 when damaged or over
    std::string problem;    ///< why the file is damaged: then it holds until resumed
};

/// DIR/UID.json, mode 0600, one for each person who has paused. Within the boot in which it began a pause is measured on
/// CLOCK_BOOTTIME, so that setting the wall clock does not shorten it; after a restart of the machine by the wall clock.
class PauseStore {
public:
    /// `directory` is made (0700) when it is missing; its parent must exist.
    explicit PauseStore(std::filesystem::path directory);

    [[nodiscard]] Pause read(std::uint32_t uid, const ClockAnchor& now, const BootId& boot) const;
    /// Replaces an earlier one. `duration`: 1 second to longest_pause. Throws std::system_error when it cannot be written:
    /// the earlier one, or none, stands then.
    Pause begin(std::uint32_t uid, std::chrono::seconds duration, const ClockAnchor& now, const BootId& boot);
    /// Throws std::system_error when it cannot be removed: it stands then.
    void end(std::uint32_t uid);

private:
    [[nodiscard]] std::filesystem::path path_of(std::uint32_t uid) const;

    std::filesystem::path directory_;
};

} // namespace candor::consent
