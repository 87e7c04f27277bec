// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "answers.h"

#include <cstdint>
#include <optional>
#include <string>

/// The caller's own receipt, for people and for programs.
namespace candor::ctl {

/// What a grant says; nothing for anything else.
struct Terms {
    std::string level;
    std::int64_t until = 0; ///< seconds since 1970 UTC
};
[[nodiscard]] std::optional<Terms> terms_of(const std::string& receipt_json);

[[nodiscard]] std::string receipt_text(const OwnReceipt& receipt);
[[nodiscard]] std::string receipt_json(const OwnReceipt& receipt);

} // namespace candor::ctl
