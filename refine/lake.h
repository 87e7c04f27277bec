// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace candor::refine {

struct Found {
    std::vector<std::filesystem::path> files; ///< each file once, sorted by name within a folder
    std::vector<std::string> problems;        ///< what could not be looked at
};

/// Files as they are given; of folders, every segment below them. Links to folders are not followed.
[[nodiscard]] Found find_segments(const std::vector<std::string>& paths);

/// Orders segments by the time that their Open frames claim: runs by their first stream's wall clock, the streams of a run by the
/// monotonic clock. What has no readable Open comes last, in the order given.
[[nodiscard]] std::vector<std::filesystem::path> in_order_of_time(const std::vector<std::filesystem::path>& files);

} // namespace candor::refine
