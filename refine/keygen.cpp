// SPDX-License-Identifier: Apache-2.0
#include "verbs.h"

#include "base/file.h"
#include "base/hex.h"

#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>

namespace candor::refine {

int keygen(const std::string& file, const std::string& name, Output& out) {
    const auto pair = wire::RecipientKeyPair::generate();
    const UniqueFd fd(::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!fd) {
        complain(file + ": " + (errno == EEXIST ? "exists already, and is kept" : std::strerror(errno)));
        return 1;
    }
    std::string text = to_hex(pair.secret_key.bytes()) + "\n";
    try {
        write_fully(fd.get(), as_bytes(text));
        sodium_memzero(text.data(), text.size());
        // The umask may have taken even the owner's bits; a key that is not durable is a key that is lost.
        if (::fchmod(fd.get(), 0600) < 0 || ::fsync(fd.get()) < 0) {
            throw_errno("sync " + file);
        }
    } catch (...) {
        sodium_memzero(text.data(), text.size());
        ::unlink(file.c_str());
        throw;
    }
    out.print("{} = {}\n", name, to_hex(pair.public_key));
    return 0;
}

} // namespace candor::refine
