// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/clock.h"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

namespace candor::shipper {

/// How long files have waited in the spool. CLOCK_BOOTTIME counts, also over restarts of the shipper, so that a wall clock that is set makes
/// nothing older or younger: what begins to wait carries the time in an extended attribute. What an earlier process left has waited since
/// it was written when it is first seen, as the wall clock says then, if the machine was booted meanwhile or the file system has no such
/// attributes.
class Waiting {
public:
    /// CLOCK_BOOTTIME and CLOCK_REALTIME, in seconds, and which boot it is; all zero where that is not known.
    struct Now {
        std::chrono::seconds boottime{0};
        std::chrono::seconds realtime{0};
        BootId boot{};
    };
    using Clock = Now (*)();

    explicit Waiting(Clock clock = &read_clock) : clock_(clock) {}

    /// A file waits from now on.
    void begin(const std::filesystem::path& file);
    [[nodiscard]] std::chrono::seconds of(const std::filesystem::path& file);
    /// Forgets files that are not there any more.
    void forget_others(const std::map<std::string, bool>& there);

    [[nodiscard]] static Now read_clock();

private:
    struct Seen {
        std::chrono::seconds boottime{0};
        std::chrono::seconds waited{0};
    };
    Clock clock_;
    std::map<std::string, Seen> seen_; ///< by file name
};

} // namespace candor::shipper
