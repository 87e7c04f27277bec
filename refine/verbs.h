// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "output.h"
#include "segment_file.h"

#include <string>
#include <vector>

/// What candor-refine does. Each verb returns the exit status: 0, or 1 when anything was refused; what was refused goes to
/// standard error with its file and place, and the other files are still read.
namespace candor::refine {

/// Writes a new secret key to `file` (mode 0600, never over another file) and prints the line for policy.conf.
int keygen(const std::string& file, const std::string& name, Output& out);

/// Prints what can be seen without a key, and checks nothing but the form.
int inspect(const std::vector<std::string>& paths, bool json, Output& out);

/// Prints everything in the streams as JSON lines, in the order of their time.
int dump(const std::vector<std::string>& paths, const Access& access, Output& out);

struct VerifyOptions {
    bool json = false;
    bool allow_unclosed = false; ///< a stream without Close is well, if all that is there is
};
/// Checks every stream and prints a line for each.
int verify(const std::vector<std::string>& paths, const Access& access, const VerifyOptions& options, Output& out);

} // namespace candor::refine
