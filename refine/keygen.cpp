// SPDX-License-Identifier: Apache-2.0
#include "verbs.h"

#include "base/file.h"
#include "base/hex.h"
#include "wire/recipient_file.h"

#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace candor::refine {
namespace {

/// The text of a secret key, wiped when it dies.
struct KeyText {
    std::string text;

    ~KeyText() { sodium_memzero(text.data(), text.size()); }
};

} // namespace

int keygen(const std::string& file, const std::string& name, const std::optional<std::string>& passphrase,
           Output& out) {
    const auto pair = wire::RecipientKeyPair::generate();
    // The slow part first: who interrupts it leaves no empty file behind.
    const KeyText key{wire::encode_recipient_file(pair, passphrase)};
    const UniqueFd fd(::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!fd) {
        complain(file + ": " + (errno == EEXIST ? "exists already, and is kept" : std::strerror(errno)));
        return 1;
    }
    try {
        write_fully(fd.get(), as_bytes(key.text));
        // The umask may have taken even the owner's bits; a key that is not durable is a key that is lost.
        if (::fchmod(fd.get(), 0600) < 0 || ::fsync(fd.get()) < 0) {
            throw_errno("sync " + file);
        }
        const auto folder = std::filesystem::path(file).parent_path();
        sync_directory(folder.empty() ? "." : folder);
    } catch (...) {
        ::unlink(file.c_str());
        throw;
    }
    out.print("{} = {} {}\n", name, to_hex(pair.public_key), to_hex(pair.signer().public_key()));
    return 0;
}

} // namespace candor::refine
