// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "audit/log.h"

/// The text of an entry: inside the library and its tests.
namespace candor::audit {

inline constexpr std::size_t max_detail_bytes = 1024;

/// What is kept of a detail: sound UTF-8 without control characters, at most max_detail_bytes, cut between characters.
[[nodiscard]] std::string fit_detail(std::string_view detail);

/// The entry with its place in the chain. Its detail must fit.
[[nodiscard]] ChainedEntry chain(Entry entry, const wire::Hash32& previous);

/// The line, without its newline.
[[nodiscard]] std::string write_entry(const ChainedEntry& chained);

} // namespace candor::audit
