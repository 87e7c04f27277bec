// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/error.h"

#include <cstdint>
#include <expected>
#include <filesystem>
#include <span>

namespace candor::shipper {

/// Where finished segments and grants go.
class Sink {
public:
    Sink() = default;
    Sink(const Sink&) = delete;
    Sink& operator=(const Sink&) = delete;
    virtual ~Sink() = default;

    /// Stores `bytes` under `name` (SUBJECT/STREAM.candor or SUBJECT/GRANT.grant). Durable when it returns; storing the
    /// same again changes nothing. A refusal is worth another try later.
    [[nodiscard]] virtual std::expected<void, Refusal> store(const std::filesystem::path& name,
                                                             std::span<const std::uint8_t> bytes) = 0;
};

} // namespace candor::shipper
