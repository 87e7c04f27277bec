// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdlib>
#include <filesystem>

namespace candor::test {

/// Temporary files of what is made after it lie in memory: each durable write waits for the disk otherwise.
struct InMemory {
    InMemory() {
        if (std::filesystem::is_directory("/dev/shm")) {
            ::setenv("TMPDIR", "/dev/shm", 0);
        }
    }
};

} // namespace candor::test
