// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace candor {

/// Control characters become '?': names come from hardware and from anybody's files, and a terminal obeys escape
/// sequences. `newlines` keeps newlines and tabs.
[[nodiscard]] std::string printable(std::string_view text, bool newlines = false);

} // namespace candor
