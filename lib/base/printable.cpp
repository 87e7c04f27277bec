// SPDX-License-Identifier: Apache-2.0
#include "base/printable.h"

namespace candor {

std::string printable(std::string_view text, bool newlines) {
    std::string safe(text);
    for (std::size_t i = 0; i < safe.size(); ++i) {
        const auto byte = static_cast<unsigned char>(safe[i]);
        const bool kept = newlines && (byte == '\n' || byte == '\t');
        const bool c1 =
            byte == 0xc2 && i + 1 < safe.size() && (static_cast<unsigned char>(safe[i + 1]) & 0xe0u) == 0x80;
        if ((byte < 0x20 && !kept) || byte == 0x7f || c1) {
            safe[i] = '?';
            if (c1) {
                safe.erase(i + 1, 1);
            }
        }
    }
    return safe;
}

} // namespace candor
