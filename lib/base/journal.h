// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

/// The journal of the binaries (the libraries never log). Without a journal, messages go to standard error. Never pass
/// anything that was typed, a code, or the time of a single event.
namespace candor::journal {

/// An additional field; the name in capitals, as journald wants it.
struct Field {
    std::string_view name;
    std::string value;
};

void info(std::string_view message, std::initializer_list<Field> fields = {});
void warning(std::string_view message, std::initializer_list<Field> fields = {});
void error(std::string_view message, std::initializer_list<Field> fields = {});

} // namespace candor::journal
