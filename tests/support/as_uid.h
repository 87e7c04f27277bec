// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/error.h"

#include <sys/syscall.h>
#include <unistd.h>

namespace candor::test {

/// While it lives, this thread has another effective uid: sockets that it connects show that one to their peers. The raw call,
/// because glibc's would change every thread of the process. Another uid than one's own takes root.
class AsUid {
public:
    explicit AsUid(uid_t uid) : before_(::geteuid()) { become(uid); }
    ~AsUid() { ::syscall(SYS_setresuid, -1, before_, -1); }
    AsUid(const AsUid&) = delete;
    AsUid& operator=(const AsUid&) = delete;

private:
    static void become(uid_t uid) {
        if (::syscall(SYS_setresuid, -1, uid, -1) < 0) {
            throw_errno("become uid " + std::to_string(uid));
        }
    }
    uid_t before_;
};

} // namespace candor::test
