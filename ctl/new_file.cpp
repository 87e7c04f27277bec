// SPDX-License-Identifier: Apache-2.0
#include "new_file.h"

#include "base/error.h"
#include "base/file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <utility>

namespace candor::ctl {
namespace {

constexpr std::size_t buffer_bytes = 64 * 1024;

} // namespace

NewFile::NewFile(std::filesystem::path path) : path_(std::move(path)), temporary_(path_.string() + ".XXXXXX") {
    fd_ = UniqueFd(::mkostemp(temporary_.data(), O_CLOEXEC)); // mode 0600
    if (!fd_) {
        throw_errno("make a file");
    }
}

NewFile::~NewFile() {
    if (!temporary_.empty()) {
        ::unlink(temporary_.c_str());
    }
}

void NewFile::write(std::string_view text) {
    buffer_ += text;
    if (buffer_.size() >= buffer_bytes) {
        flush();
    }
}

void NewFile::flush() {
    write_fully(fd_.get(), as_bytes(buffer_));
    buffer_.clear();
}

void NewFile::commit(bool replace) {
    flush();
    if (::fsync(fd_.get()) < 0) {
        throw_errno("write to the disk");
    }
    if (::renameat2(AT_FDCWD, temporary_.c_str(), AT_FDCWD, path_.c_str(), replace ? 0 : RENAME_NOREPLACE) < 0) {
        throw_errno("give the file its name");
    }
    temporary_.clear();
    sync_directory(path_.has_parent_path() ? path_.parent_path() : ".");
}

} // namespace candor::ctl
