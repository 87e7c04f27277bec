// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/printable.h"

#include <fmt/format.h>

#include <string_view>

namespace candor::refine {

/// Buffered writing to a descriptor. Not flushed by the destructor: an error must be seen.
class Output {
public:
    explicit Output(int fd) : fd_(fd) {}

    template <typename... Arguments> void print(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
        fmt::format_to(std::back_inserter(buffer_), format, std::forward<Arguments>(arguments)...);
        if (buffer_.size() >= limit) {
            flush();
        }
    }
    void write(std::string_view text) {
        buffer_.append(text);
        if (buffer_.size() >= limit) {
            flush();
        }
    }

    /// Throws std::system_error.
    void flush();

private:
    static constexpr std::size_t limit = 64 * 1024;
    int fd_;
    fmt::memory_buffer buffer_;
};

/// A line on standard error: "candor-refine: WHAT", control characters replaced.
void complain(std::string_view what);

} // namespace candor::refine
