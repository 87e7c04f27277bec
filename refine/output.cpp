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

std::string printable(std::string_view text) {
    std::string safe(text);
    for (std::size_t i = 0; i < safe.size(); ++i) {
        const auto byte = static_cast<unsigned char>(safe[i]);
        const bool c1 =
            byte == 0xc2 && i + 1 < safe.size() && (static_cast<unsigned char>(safe[i + 1]) & 0xe0u) == 0x80;
        if (byte < 0x20 || byte == 0x7f || c1) {
            safe[i] = '?';
            if (c1) {
                safe.erase(i + 1, 1);
            }
        }
    }
    return safe;
}

void complain(std::string_view what) { fmt::print(stderr, "candor-refine: {}\n", printable(what)); }

} // namespace candor::refine
