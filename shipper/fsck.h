// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

namespace candor::shipper {

/// What a look at the spool found, and did.
struct Findings {
    struct Finding {
        std::string file;
        std::string problem; ///< with a place
        std::string done;    ///< "cut", "set aside", "removed", or "kept"
    };
    std::vector<Finding> findings;
    std::size_t files = 0; ///< looked at
};

/// Checks every file of a spool that nobody else uses: parts up to their last whole frame (what lies behind is moved to damaged/), segments and
/// all else whole, as far as that goes without a key: form, order, signatures, transcripts. What does not hold is moved to damaged/;
/// files of a write that was interrupted are removed. `repair` false: nothing is touched, and `done` says what would be. Throws std::system_error when
/// the disk fails.
[[nodiscard]] Findings check_spool(const std::filesystem::path& directory, bool repair);

} // namespace candor::shipper
