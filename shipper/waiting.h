// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

namespace candor::shipper {

/// How long files have waited in the spool. A file that is seen for the first time has waited since it was written, as the wall clock says;
/// from then on CLOCK_BOOTTIME counts, so that a wall clock that is set while this process runs makes nothing older or younger. Set
/// between two processes, it is believed.
class Waiting {
public:
    /// CLOCK_BOOTTIME and CLOCK_REALTIME, in seconds.
    struct Now {
        std::chrono::seconds boottime{0};
        std::chrono::seconds realtime{0};
    };
    using Clock = Now (*)();

    explicit Waiting(Clock clock = &read_clock) : clock_(clock) {}

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
