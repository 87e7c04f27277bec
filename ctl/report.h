// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "answers.h"
#include "style.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// What candorctl prints of the recorder's state: text for people, JSON for programs.
namespace candor::ctl {

/// What the caller consented to, when it is the caller who is being recorded.
struct OwnConsent {
    std::string level;
    bool context_alive = false; ///< "full" needs the context helper
};

/// `now`: seconds since 1970 UTC.
/// What matters first: whether it is recorded, why not and what to do, what is in force, who decides on it; then figures.
[[nodiscard]] std::string status_text(const Status& status, const std::optional<OwnConsent>& own, std::int64_t now,
                                      const Style& style);
[[nodiscard]] std::string status_json(const Status& status, const std::optional<OwnConsent>& own);

[[nodiscard]] std::string devices_text(const Status& status, const Style& style);
[[nodiscard]] std::string devices_json(const Status& status);

/// The machine's public key, and how to enroll it. `host` is any text.
[[nodiscard]] std::string identity_text(const std::string& identity, const std::string& host);
[[nodiscard]] std::string identity_json(const std::string& identity, const std::string& host);

/// What to do about a reason; empty for one that is not known.
[[nodiscard]] std::string_view advice(std::string_view reason_name);

} // namespace candor::ctl
