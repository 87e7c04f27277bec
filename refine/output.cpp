// SPDX-License-Identifier: Apache-2.0
#include "output.h"

#include "base/file.h"

#include <cstdio>

namespace candor::refine {

void Output::flush() {
    const std::string_view text(buffer_.data(), buffer_.size());
    write_fully(fd_, as_bytes(text));
    buffer_.clear();
}

void complain(std::string_view what) { fmt::print(stderr, "candor-refine: {}\n", printable(what)); }

} // namespace candor::refine
