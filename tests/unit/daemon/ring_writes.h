// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "ring_fixture.h"

/// What the ring does to its memfd, write by write. The program is linked so that its pwrite and fallocate pass by here.
namespace candor::test {

struct Write {
    std::size_t at = 0;
    Bytes bytes; ///< zeros where memory was given back

    /// Only the first `count` of the bytes, as a process that dies within it would leave it.
    void apply(Bytes& image, std::size_t count) const {
        std::copy_n(bytes.begin(), count, image.begin() + static_cast<std::ptrdiff_t>(at));
    }
};

/// Collects the writes while it lives. One at a time.
class WriteLog {
public:
    WriteLog();
    ~WriteLog();
    WriteLog(const WriteLog&) = delete;
    WriteLog& operator=(const WriteLog&) = delete;

    std::vector<Write> writes;
    /// As many writes find memory; to those after it the kernel says ENOSPC. Memory is still given back.
    std::size_t memory_for = SIZE_MAX;
};

} // namespace candor::test
