// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "output.h"
#include "segment_file.h"

#include <optional>
#include <string>
#include <vector>

/// What candor-refine does. Each verb returns the exit status: 0, or 1 when anything was refused; what was refused goes to
/// standard error with its file and place, and the other files are still read.
namespace candor::refine {

/// Writes a new secret key to `file` (mode 0600, never over another file), protected by the passphrase if there is one, and prints the line
/// for policy.conf.
int keygen(const std::string& file, const std::string& name, const std::optional<std::string>& passphrase, Output& out);

struct EnrolOptions {
    std::string devices; ///< the file of enrolled devices; empty: the default one
    std::string name;
    std::string identity; ///< 64 hexadecimal digits; empty with `list`
    bool list = false;
    bool remove = false;
};
/// Adds a device whose recordings are accepted, removes one, or lists them.
int enrol(const EnrolOptions& options, Output& out);

/// Prints what can be seen without a key, and checks nothing but the form.
int inspect(const std::vector<std::string>& paths, bool json, Output& out);

/// Honours the tombstones of the lakes, unless `read_only`, then prints everything in the streams as JSON lines, in the order of their time.
int dump(const std::vector<std::string>& paths, const Access& access, bool read_only, Output& out);

/// Destroys what tombstones cover, and writes the receipts.
int erase(const std::vector<std::string>& paths, const Access& access, Output& out);

struct VerifyOptions {
    bool json = false;
    bool allow_unclosed = false; ///< a stream without Close is well, if all that is there is
    std::string device;          ///< this device alone: 64 hexadecimal digits
    std::string stream;          ///< this stream alone: 32
};
/// Checks every stream and prints a line for each, then the account of each device and person, and of all. Changes nothing.
int verify(const std::vector<std::string>& paths, const Access& access, const VerifyOptions& options, Output& out);

} // namespace candor::refine
