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
/// nothing older or younger: what begins to wait carries the time in an extended attribute. What was begun before the machine was booted, or
/// lies on a file system without such attributes, has waited since it was written when it is first seen, as the wall clock says then.
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

    /// Writes down that a file waits from now on. Nothing where the boot is not known or the file system takes no extended
    /// attributes.
    static void begin(const std::filesystem::path& file, const Now& now = read_clock());
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
