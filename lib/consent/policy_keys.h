// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "consent/policy.h"

/// The keys of policy.conf, strictly. Internal to lib/consent.
namespace candor::consent {

/// Sets and adds what the entries say, in their order; refuses with the place at the first that is of no use, and where
/// they contradict each other. What is required and missing is not its business.
[[nodiscard]] std::expected<void, Refusal> apply_entries(Policy& policy, const std::vector<IniEntry>& entries);

} // namespace candor::consent
