// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace candor::test {

using Bytes = std::vector<std::uint8_t>;

/// One thing that was done to a folder's files, below it by path. The linker leads the calls of the code under test here
/// (`--wrap`, see meson.build); nothing is synced in truth.
struct DiskOperation {
    enum class Kind { create, write, truncate, sync_file, sync_folder, make_folder, rename, remove };
    Kind kind = Kind::create;
    std::string path;
    std::string to;         ///< of a rename
    Bytes bytes;            ///< of a write
    std::size_t offset = 0; ///< of a write; the size of a truncation
};

/// Writes down what is done below a folder while it lives. One at a time.
class DiskRecording {
public:
    explicit DiskRecording(std::filesystem::path folder);
    ~DiskRecording();
    DiskRecording(const DiskRecording&) = delete;
    DiskRecording& operator=(const DiskRecording&) = delete;

    [[nodiscard]] const std::vector<DiskOperation>& operations() const noexcept { return operations_; }

private:
    friend struct DiskWraps;
    std::filesystem::path folder_;
    std::vector<DiskOperation> operations_;
};

/// What a file system may hold after the power went, having promised no more than POSIX does: a file's bytes are as at its last fsync, or
/// any later version, the last write torn; names of a folder as at the folder's last fsync, or with any number of the later changes, in order.
class ModelDisk {
public:
    void apply(const DiskOperation& operation);

    /// Asked for each thing that may have become durable or not: how many of `later` versions did, 0 to `later`.
    using Luck = std::function<std::size_t(std::size_t later)>;
    /// What is there after a crash, as {path: bytes}, and the folders.
    struct Left {
        std::map<std::string, Bytes> files;
        std::set<std::string> folders;
        /// Writes it to a folder that exists.
        void put(const std::filesystem::path& folder) const;
    };
    [[nodiscard]] Left crash(const Luck& luck) const;

private:
    struct File {
        std::vector<Bytes> versions{{}}; ///< the first is durable
    };
    using Names = std::map<std::string, std::size_t>; ///< path, file
    struct Change {
        std::string folder;
        DiskOperation operation;
        std::size_t file = 0;
    };
    static void change(Names& names, std::set<std::string>& folders, const Change& change);

    std::vector<File> files_;
    Names now_, durable_;
    std::set<std::string> folders_now_, folders_durable_;
    std::vector<Change> pending_; ///< not durable, in order
};

} // namespace candor::test
