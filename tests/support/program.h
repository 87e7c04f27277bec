// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/unique_fd.h"

#include <sys/types.h>

#include <map>
#include <string>
#include <vector>

namespace candor::test {

using Arguments = std::vector<std::string>;
using Environment = std::map<std::string, std::string>;

struct Pipe {
    Pipe();
    UniqueFd read_end;
    UniqueFd write_end;
};

struct Result {
    int status = -1;    ///< exit status; -1 when a signal ended it
    std::string output; ///< standard output; on a terminal, both
    std::string errors;
};

/// Runs a program to its end, without a terminal. `environment` is added to the test's own.
[[nodiscard]] Result run_program(const std::string& program, const Arguments& arguments,
                                 const Environment& environment = {});

/// The same on a terminal, where `typed` is typed.
[[nodiscard]] Result run_program_on_terminal(const std::string& program, const Arguments& arguments,
                                             const Environment& environment, const std::string& typed);

/// Becomes the program, in a child. 127 when there is no such program.
[[noreturn]] void execute(const std::string& program, const Arguments& arguments, const Environment& environment);

/// Waits for a child: its exit status, or -1 when a signal ended it.
[[nodiscard]] int exit_status(pid_t pid);

/// Appends what can be read now or when it comes; false at the end (a terminal ends with EIO).
bool read_some(int fd, std::string& text);

/// The program that a variable of the environment names; meson sets it.
[[nodiscard]] std::string program_of(const char* variable);

} // namespace candor::test
