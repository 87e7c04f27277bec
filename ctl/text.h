// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "style.h"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// The building blocks of what is printed.
namespace candor::ctl {

using Json = nlohmann::ordered_json;

/// Readable ASCII, with a newline at the end. What is not UTF-8 is replaced.
[[nodiscard]] std::string dump(const Json& json);

/// "Name:       value", the value in a column of its own.
[[nodiscard]] std::string line(std::string_view name, std::string_view value);

/// Columns as wide as they need, two blanks apart; the first row is the heading. The cells must be printable.
[[nodiscard]] std::string table(const std::vector<std::vector<std::string>>& rows, const Style& style);

/// "512 B", "12.3 MiB", "1 GiB".
[[nodiscard]] std::string size_text(std::uint64_t bytes);

/// Asks on the terminal; anything but a yes is none.
[[nodiscard]] bool confirm(std::string_view question);

/// The user's name, "uid 1000" when there is none.
[[nodiscard]] std::string user_name(std::uint32_t uid);

} // namespace candor::ctl
