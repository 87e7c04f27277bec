// SPDX-License-Identifier: Apache-2.0
#include "shipper/directory_sink.h"

#include "base/file.h"
#include "base/hex.h"
#include "wire/segment.h"

#include <sys/stat.h>

#include <algorithm>

namespace candor::shipper {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view grants_folder = "grants";

/// https://bford.info/cachedir/: backup programs that know the mark leave the folder out. A grant that is in no backup is one that an
/// erasure reaches.
constexpr std::string_view no_backup =
    "Signature: 8a477f597d28d172789f06886806bc55\n"
    "# Keys of recordings. They must be in no backup, or erasing them erases nothing.\n";

bool begins_with(std::span<const std::uint8_t> all, std::span<const std::uint8_t> beginning) {
    return all.size() >= beginning.size() && std::ranges::equal(all.first(beginning.size()), beginning);
}

} // namespace

void DirectorySink::make_folder(const fs::path& folder) const {
    if (folder.empty() || folder == ".") {
        return;
    }
    make_folder(folder.parent_path());
    const fs::path path = directory_ / folder;
    if (::mkdir(path.c_str(), 0750) < 0) {
        if (errno != EEXIST) {
            throw_errno("make " + path.string());
        }
        return;
    }
    sync_directory(path.parent_path());
    if (folder == grants_folder) {
        write_file_atomically(path / "CACHEDIR.TAG", as_bytes(no_backup), 0640);
    }
}

std::expected<Sink::Stored, Refusal> DirectorySink::store(const fs::path& name,
                                                          std::span<const std::uint8_t> bytes) const {
    const fs::path path = directory_ / name;
    std::error_code error;
    if (!fs::is_directory(directory_, error)) {
        return std::unexpected(Refusal{directory_.string() + ": " + (error ? error.message() : "not a folder")});
    }
    try {
        make_folder(name.parent_path());
        if (fs::exists(fs::symlink_status(path, error))) {
            // A key is sealed anew each time a grant is made, so two of the same name differ and are as good as each other.
            const auto there = read_file(path, wire::max_segment_bytes);
            const bool same = there && std::ranges::equal(*there, bytes);
            // So do two notes of one stream, which two starts after it wrote.
            if (same || path.extension() == wire::grant_suffix || path.extension() == wire::note_suffix) {
                // Whoever put it there may have died before it was durable.
                sync_directory(path.parent_path());
                return Stored::durably;
            }
            if (!there || !begins_with(bytes, *there)) {
                return Stored::conflict;
            }
        }
        write_file_atomically(path, bytes, 0640);
    } catch (const std::system_error& failure) {
        return std::unexpected(Refusal{failure.what()});
    }
    return Stored::durably;
}

void DirectorySink::store(const fs::path& name, std::span<const std::uint8_t> bytes, Done done) {
    done(store(name, bytes));
}

void DirectorySink::look_for_receipts(const std::vector<wire::Id16>& tombstones,
                                      std::function<void(const wire::Id16&, std::vector<std::uint8_t>)> found) {
    for (const wire::Id16& tombstone : tombstones) {
        const fs::path path = directory_ / "receipts" / (to_hex(tombstone) + std::string(wire::receipt_suffix));
        if (auto bytes = read_file(path, wire::max_erasure_bytes)) {
            found(tombstone, std::move(*bytes));
        }
    }
}

} // namespace candor::shipper
