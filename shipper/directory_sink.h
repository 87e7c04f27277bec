// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "shipper/sink.h"

namespace candor::shipper {

/// `dir:`, a plain directory tree. Folders are made 0750, files 0640: whoever processes the lake is in its group. A file appears
/// whole or not at all, and is durable, with the names that lead to it, before it counts as stored.
class DirectorySink final : public Sink {
public:
    /// The folder itself must exist: one that a mount is missing under must not be filled by mistake.
    explicit DirectorySink(std::filesystem::path directory) : directory_(std::move(directory)) {}

    void store(const std::filesystem::path& name, std::span<const std::uint8_t> bytes, Done done) override;
    void look_for_receipts(const std::vector<wire::Id16>& tombstones,
                           std::function<void(const wire::Id16&, std::vector<std::uint8_t>)> found) override;

private:
    [[nodiscard]] std::expected<Stored, Refusal> store(const std::filesystem::path& name,
                                                       std::span<const std::uint8_t> bytes) const;
    void make_folder(const std::filesystem::path& folder) const;

    std::filesystem::path directory_;
};

} // namespace candor::shipper
