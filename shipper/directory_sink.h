// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "shipper/sink.h"

namespace candor::shipper {

/// `dir:`, a plain directory tree. Folders are made 0750, files 0640: whoever processes the lake is in its group.
class DirectorySink final : public Sink {
public:
    /// The folder itself must exist: one that a mount is missing under must not be filled by mistake.
    explicit DirectorySink(std::filesystem::path directory) : directory_(std::move(directory)) {}

    std::expected<void, Refusal> store(const std::filesystem::path& name, std::span<const std::uint8_t> bytes) override;

private:
    std::filesystem::path directory_;
};

} // namespace candor::shipper
