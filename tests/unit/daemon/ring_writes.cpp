// SPDX-License-Identifier: Apache-2.0
#include "ring_writes.h"

#include <sys/types.h>

#include <cerrno>

namespace {

candor::test::WriteLog* active = nullptr;

} // namespace

extern "C" {
ssize_t __real_pwrite64(int fd, const void* bytes, size_t size, off_t at);
ssize_t __wrap_pwrite64(int fd, const void* bytes, size_t size, off_t at);
int __real_fallocate64(int fd, int mode, off_t at, off_t size);
int __wrap_fallocate64(int fd, int mode, off_t at, off_t size);

ssize_t __wrap_pwrite64(int fd, const void* bytes, size_t size, off_t at) {
    if (active != nullptr) {
        if (active->memory_for == 0) {
            errno = ENOSPC;
            return -1;
        }
        --active->memory_for;
        const auto* begin = static_cast<const std::uint8_t*>(bytes);
        active->writes.push_back({static_cast<std::size_t>(at), {begin, begin + size}});
    }
    return __real_pwrite64(fd, bytes, size, at);
}

int __wrap_fallocate64(int fd, int mode, off_t at, off_t size) {
    if (active != nullptr) {
        active->writes.push_back({static_cast<std::size_t>(at), candor::test::Bytes(static_cast<std::size_t>(size))});
    }
    return __real_fallocate64(fd, mode, at, size);
}
}

namespace candor::test {

WriteLog::WriteLog() { active = this; }
WriteLog::~WriteLog() { active = nullptr; }

} // namespace candor::test
