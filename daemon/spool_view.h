// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/error.h"
#include "base/unique_fd.h"
#include "wire/frame.h"

#include <sys/types.h>

#include <cstdint>
#include <expected>
#include <filesystem>
#include <string>
#include <vector>

namespace candor::daemon {

/// What the shipper holds and has not shipped, as candord sees it: it only reads. Nothing in that folder is trusted: of each file the Open frame is
/// read, whose signature must be this device's, and a file that is not the shipper's own is passed over.
class SpoolView {
public:
    struct Stream {
        wire::Open open;
        std::int64_t from = 0; ///< seconds since 1970 UTC
        std::int64_t to = 0;   ///< when the file last grew
        std::uint64_t bytes = 0;
        bool ended = false; ///< nothing will be added
        std::filesystem::path file;

        /// Both ends counted; `last` 0: no end.
        [[nodiscard]] bool touches(std::int64_t first, std::int64_t last) const noexcept {
            return to >= first && (last == 0 || from <= last);
        }
    };

    /// `owner`: the shipper's uid.
    SpoolView(std::filesystem::path directory, uid_t owner, const wire::PublicKey& identity);

    /// All streams, by time. A folder that cannot be read is refused; in order of a few milliseconds for a thousand streams.
    [[nodiscard]] std::expected<std::vector<Stream>, Refusal> list() const;
    [[nodiscard]] std::expected<UniqueFd, Refusal> open(const Stream& stream) const;

private:
    [[nodiscard]] std::expected<UniqueFd, Refusal> open_file(const std::filesystem::path& file) const;
    [[nodiscard]] std::expected<Stream, Refusal> look_at(const std::filesystem::path& file) const;

    std::filesystem::path directory_;
    uid_t owner_;
    wire::PublicKey identity_;
};

} // namespace candor::daemon
