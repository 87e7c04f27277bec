// SPDX-License-Identifier: Apache-2.0
#include "unit/shipper/recorded_disk.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdarg>
#include <fstream>
#include <stdexcept>

namespace candor::test {
namespace {

namespace fs = std::filesystem;
using Kind = DiskOperation::Kind;

DiskRecording* recording = nullptr;

bool reachable(const fs::path& path, const std::set<std::string>& folders) {
    const fs::path parent = path.parent_path();
    return parent.empty() || (folders.contains(parent.string()) && reachable(parent, folders));
}

} // namespace

DiskRecording::DiskRecording(fs::path folder) : folder_(std::move(folder)) { recording = this; }
DiskRecording::~DiskRecording() { recording = nullptr; }

/// What the wrapped calls report.
struct DiskWraps {
    static std::string below(const fs::path& path) {
        if (recording == nullptr) {
            return {};
        }
        const std::string folder = recording->folder_.string(), name = path.lexically_normal().string();
        return name == folder ? "." : name.starts_with(folder + "/") ? name.substr(folder.size() + 1) : "";
    }
    static fs::path path_of(int fd) {
        std::error_code error;
        return fs::read_symlink("/proc/self/fd/" + std::to_string(fd), error);
    }
    static void add(DiskOperation operation) {
        if (recording != nullptr && !operation.path.empty()) {
            recording->operations_.push_back(std::move(operation));
        }
    }
    static int sync(int fd) {
        struct stat status {};
        const bool folder = ::fstat(fd, &status) == 0 && S_ISDIR(status.st_mode);
        add({folder ? Kind::sync_folder : Kind::sync_file, below(path_of(fd)), {}, {}, 0});
        return 0;
    }
};

void ModelDisk::change(Names& names, std::set<std::string>& folders, const Change& change) {
    const DiskOperation& operation = change.operation;
    switch (operation.kind) {
    case Kind::create:
        names[operation.path] = change.file;
        break;
    case Kind::make_folder:
        folders.insert(operation.path);
        break;
    case Kind::rename:
        names.erase(operation.path);
        names[operation.to] = change.file;
        break;
    case Kind::remove:
        names.erase(operation.path);
        break;
    default:
        throw std::logic_error("not a change of names");
    }
}

void ModelDisk::apply(const DiskOperation& operation) {
    const auto folder = [](const std::string& path) {
        const std::string parent = fs::path(path).parent_path().string();
        return parent.empty() ? std::string(".") : parent;
    };
    switch (operation.kind) {
    case Kind::write:
    case Kind::truncate: {
        auto& versions = files_.at(now_.at(operation.path)).versions;
        Bytes next = versions.back();
        next.resize(operation.kind == Kind::truncate
                        ? operation.offset
                        : std::max(next.size(), operation.offset + operation.bytes.size()));
        std::ranges::copy(operation.bytes, next.begin() + static_cast<std::ptrdiff_t>(operation.offset));
        versions.push_back(std::move(next));
        break;
    }
    case Kind::sync_file: {
        auto& versions = files_.at(now_.at(operation.path)).versions;
        versions.erase(versions.begin(), versions.end() - 1);
        break;
    }
    case Kind::sync_folder: {
        for (const Change& each : pending_) {
            if (each.folder == operation.path) {
                change(durable_, folders_durable_, each);
            }
        }
        std::erase_if(pending_, [&](const Change& each) { return each.folder == operation.path; });
        break;
    }
    default: {
        Change next{folder(operation.kind == Kind::rename ? operation.to : operation.path), operation, 0};
        if (operation.kind == Kind::rename && folder(operation.path) != next.folder) {
            throw std::logic_error("a rename from one folder to another is not modelled");
        }
        if (operation.kind == Kind::create) {
            next.file = files_.size();
            files_.emplace_back();
        } else if (operation.kind == Kind::rename) {
            next.file = now_.at(operation.path);
        }
        change(now_, folders_now_, next);
        pending_.push_back(std::move(next));
    }
    }
}

ModelDisk::Left ModelDisk::crash(const Luck& luck) const {
    Names names = durable_;
    Left left;
    left.folders = folders_durable_;
    std::map<std::string, std::size_t> survive;
    for (const Change& each : pending_) {
        survive.try_emplace(each.folder, 0).first->second++;
    }
    for (auto& [folder, changes] : survive) {
        changes = luck(changes);
    }
    for (const Change& each : pending_) {
        if (survive[each.folder] > 0) {
            --survive[each.folder];
            change(names, left.folders, each);
        }
    }
    for (const auto& [path, file] : names) {
        if (!reachable(path, left.folders)) {
            continue; // a folder above it is gone
        }
        const auto& versions = files_[file].versions;
        const std::size_t version = luck(versions.size() - 1);
        Bytes bytes = versions[version];
        if (version + 1 < versions.size() && versions[version + 1].size() > bytes.size()) {
            // The next write is torn.
            const std::size_t more = luck(versions[version + 1].size() - bytes.size());
            bytes.insert(bytes.end(), versions[version + 1].begin() + static_cast<std::ptrdiff_t>(bytes.size()),
                         versions[version + 1].begin() + static_cast<std::ptrdiff_t>(bytes.size() + more));
        }
        left.files[path] = std::move(bytes);
    }
    return left;
}

void ModelDisk::Left::put(const fs::path& folder) const {
    for (const std::string& path : folders) {
        fs::create_directories(folder / path);
    }
    for (const auto& [path, bytes] : files) {
        std::ofstream(folder / path, std::ios::binary)
            .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    }
}

} // namespace candor::test

// The calls of everything that is linked into this program, by the names that they have with large files.
using candor::test::DiskWraps;
using Kind = candor::test::DiskOperation::Kind;

extern "C" {

int __real_open64(const char* path, int flags, ...);
int __real_mkostemp64(char* path, int flags);
ssize_t __real_write(int fd, const void* bytes, size_t size);
int __real_ftruncate64(int fd, off_t size);
int __real_mkdir(const char* path, mode_t mode);
int __real_rename(const char* from, const char* to);
int __real_unlink(const char* path);

int __wrap_open64(const char* path, int flags, ...) {
    mode_t mode = 0;
    if ((flags & O_CREAT) != 0) {
        va_list arguments;
        va_start(arguments, flags);
        mode = va_arg(arguments, mode_t);
        va_end(arguments);
    }
    struct stat status {};
    const bool is_new = (flags & O_CREAT) != 0 && ::stat(path, &status) < 0;
    const int fd = __real_open64(path, flags, mode);
    if (fd >= 0 && is_new) {
        DiskWraps::add({Kind::create, DiskWraps::below(path), {}, {}, 0});
    }
    return fd;
}

int __wrap_mkostemp64(char* path, int flags) {
    const int fd = __real_mkostemp64(path, flags);
    if (fd >= 0) {
        DiskWraps::add({Kind::create, DiskWraps::below(path), {}, {}, 0});
    }
    return fd;
}

ssize_t __wrap_write(int fd, const void* bytes, size_t size) {
    const off_t offset = ::lseek(fd, 0, SEEK_CUR);
    const ssize_t n = __real_write(fd, bytes, size);
    if (n > 0 && offset >= 0) {
        const auto* begin = static_cast<const std::uint8_t*>(bytes);
        DiskWraps::add({Kind::write,
                        DiskWraps::below(DiskWraps::path_of(fd)),
                        {},
                        {begin, begin + n},
                        static_cast<std::size_t>(offset)});
    }
    return n;
}

int __wrap_ftruncate64(int fd, off_t size) {
    const int result = __real_ftruncate64(fd, size);
    if (result == 0) {
        DiskWraps::add(
            {Kind::truncate, DiskWraps::below(DiskWraps::path_of(fd)), {}, {}, static_cast<std::size_t>(size)});
    }
    return result;
}

int __wrap_fsync(int fd) { return DiskWraps::sync(fd); }
int __wrap_fdatasync(int fd) { return DiskWraps::sync(fd); }

int __wrap_mkdir(const char* path, mode_t mode) {
    const int result = __real_mkdir(path, mode);
    if (result == 0) {
        DiskWraps::add({Kind::make_folder, DiskWraps::below(path), {}, {}, 0});
    }
    return result;
}

int __wrap_rename(const char* from, const char* to) {
    const int result = __real_rename(from, to);
    if (result == 0) {
        DiskWraps::add({Kind::rename, DiskWraps::below(from), DiskWraps::below(to), {}, 0});
    }
    return result;
}

int __wrap_unlink(const char* path) {
    const int result = __real_unlink(path);
    if (result == 0) {
        DiskWraps::add({Kind::remove, DiskWraps::below(path), {}, {}, 0});
    }
    return result;
}
}
