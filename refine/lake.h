// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "wire/frame.h"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace candor::refine {

struct Found {
    std::vector<std::filesystem::path> files; ///< each file once, sorted by name within a folder
    std::vector<std::string> problems;        ///< what could not be looked at
    bool whole = true;                        ///< every path was a folder
};

/// Files as they are given; of folders, every file of a lake below them, but for LAKE/refused and LAKE/receipts. Links to folders are not followed.
[[nodiscard]] Found find_files(const std::vector<std::string>& paths);

/// The Open that a segment begins with, if it does; nothing of it is checked.
[[nodiscard]] std::optional<wire::Open> peek(const std::filesystem::path& file);

/// Orders segments by the time that their Open frames claim: runs by their first stream's wall clock, the streams of a run by the
/// monotonic clock. What has no readable Open comes last, in the order given.
[[nodiscard]] std::vector<std::filesystem::path> in_order_of_time(const std::vector<std::filesystem::path>& files);

} // namespace candor::refine
