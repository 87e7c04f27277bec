// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cerrno>
#include <string>
#include <system_error>

namespace candor {

/// A fault from a call that sets errno: `throw_errno("open " + path)`.
[[noreturn]] inline void throw_errno(const std::string& what, int error = errno) {
    throw std::system_error(error, std::generic_category(), what);
}

/// For calls that return a negative errno, as systemd's do; passes a good result on.
inline int check(int result, const char* what) {
    if (result < 0) {
        throw_errno(what, -result);
    }
    return result;
}

/// Something from outside was refused; `message` names the place and what was expected there.
struct Refusal {
    std::string message;
};

} // namespace candor
