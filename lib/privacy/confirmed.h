// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>

namespace candor::privacy {

/// For which times somebody has vouched that no secret was being typed. Only what lies between two vouchings of one
/// unbroken run counts: what came after the last one is not vouched for yet. Times are CLOCK_MONOTONIC in microseconds
/// and ascend. No clock. One thread.
class Confirmed {
public:
    /// It holds now; and, if it held at the last vouching and was not broken since, in between.
    void vouch(std::uint64_t now_us) {
        if (!running_) {
            runs_.push_back({now_us, now_us});
            running_ = true;
        }
        runs_.back().until_us = std::max(runs_.back().until_us, now_us);
    }

    /// It holds no longer, and it is doubtful since `doubtful_us`.
    void end(std::uint64_t doubtful_us) {
        running_ = false;
        while (!runs_.empty() && runs_.back().until_us > doubtful_us) {
            if (runs_.back().from_us >= doubtful_us) {
                runs_.pop_back();
            } else {
                runs_.back().until_us = doubtful_us;
            }
        }
    }

    [[nodiscard]] bool covers(std::uint64_t time_us) const noexcept {
        return std::any_of(runs_.begin(), runs_.end(),
                           [&](const Run& run) { return run.from_us <= time_us && time_us <= run.until_us; });
    }

    /// Times before this will not be asked about again.
    void forget_before(std::uint64_t time_us) {
        while (!runs_.empty() && runs_.front().until_us < time_us && (runs_.size() > 1 || !running_)) {
            runs_.pop_front();
        }
    }

private:
    struct Run {
        std::uint64_t from_us;
        std::uint64_t until_us;
    };
    std::deque<Run> runs_; ///< few: forget_before() goes with what is asked
    bool running_ = false;
};

} // namespace candor::privacy
