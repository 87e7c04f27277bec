// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "client.h"

#include <string>
#include <string_view>

/// What candorctl prints: text for people, JSON for programs. Pure.
namespace candor::ctl {

[[nodiscard]] std::string status_text(const Status& status);
[[nodiscard]] std::string status_json(const Status& status);

[[nodiscard]] std::string devices_text(const Status& status);
[[nodiscard]] std::string devices_json(const Status& status);

[[nodiscard]] std::string receipt_text(const OwnReceipt& receipt);
[[nodiscard]] std::string receipt_json(const OwnReceipt& receipt);

/// What to do about a reason; empty for one that is not known.
[[nodiscard]] std::string_view advice(std::string_view reason_name);

} // namespace candor::ctl
