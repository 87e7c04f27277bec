// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/unique_fd.h"

#include <filesystem>
#include <string>
#include <string_view>

namespace candor::ctl {

/// A file of mode 0600 that is there whole or not at all: without commit() nothing is left of it. Everything throws
/// std::system_error.
class NewFile {
public:
    /// Beside `path`, under a name of its own.
    explicit NewFile(std::filesystem::path path);
    ~NewFile();
    NewFile(const NewFile&) = delete;
    NewFile& operator=(const NewFile&) = delete;

    void write(std::string_view text);
    /// Durable under its name. `replace`: over what is there; else a file that has come meanwhile is an error.
    void commit(bool replace);

private:
    void flush();

    std::filesystem::path path_;
    std::string temporary_;
    UniqueFd fd_;
    std::string buffer_;
};

} // namespace candor::ctl
