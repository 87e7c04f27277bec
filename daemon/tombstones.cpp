// SPDX-License-Identifier: Apache-2.0
#include "daemon/tombstones.h"

#include "base/file.h"
#include "base/hex.h"
#include "wire/segment.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>

namespace candor::daemon {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t max_file_bytes = 2 * wire::max_frame_bytes;

std::expected<Tombstones::Pending, Refusal> read(const fs::path& path, const wire::PublicKey& identity) {
    const auto refuse = [&](const std::string& why) { return std::unexpected(Refusal{path.string() + ": " + why}); };
    Tombstones::Pending pending;
    const std::string name = path.filename().string();
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pending.uid);
    if (error != std::errc{} || *end != '-') {
        return refuse("expected a name that begins with a uid");
    }
    const auto file = read_file(path, max_file_bytes);
    if (!file) {
        return std::unexpected(file.error());
    }
    auto message = wire::read_single(*file, wire::tombstone_magic);
    if (!message) {
        return refuse(message.error().message);
    }
    auto tombstone = wire::check_tombstone(*message);
    if (!tombstone) {
        return refuse(tombstone.error().message);
    }
    if (tombstone->identity != identity) {
        return refuse("signed by another device");
    }
    pending.tombstone = std::move(*tombstone);
    pending.message = std::move(*message);
    return pending;
}

} // namespace

Tombstones::Tombstones(fs::path directory, const wire::Identity& identity)
    : directory_(std::move(directory)), identity_(identity) {
    std::error_code none;
    for (const fs::directory_entry& entry : fs::directory_iterator(directory_, none)) {
        if (entry.path().extension() != wire::tombstone_suffix) {
            continue;
        }
        auto found = read(entry.path(), identity_.public_key());
        if (found) {
            pending_.push_back(std::move(*found));
        } else {
            problems_.push_back(found.error().message);
        }
    }
}

fs::path Tombstones::path_of(const Pending& pending) const {
    return directory_ /
           (std::to_string(pending.uid) + "-" + to_hex(pending.tombstone.id) + std::string(wire::tombstone_suffix));
}

const Tombstones::Pending& Tombstones::add(std::uint32_t uid, const wire::Tombstone& tombstone) {
    Pending pending{uid, tombstone, wire::make_tombstone(identity_, tombstone)};
    pending.tombstone.identity = identity_.public_key();
    pending_.push_back(std::move(pending));
    const Pending& added = pending_.back();
    if (::mkdir(directory_.c_str(), 0700) == 0) {
        sync_directory(directory_.parent_path());
    } else if (errno != EEXIST) {
        throw_errno("make " + directory_.string());
    }
    write_file_atomically(path_of(added), wire::encode_single(wire::tombstone_magic, added.message), 0600);
    return added;
}

void Tombstones::remove(const wire::Id16& id) {
    const auto found = std::ranges::find_if(pending_, [&](const Pending& each) { return each.tombstone.id == id; });
    if (found == pending_.end()) {
        return;
    }
    const fs::path path = path_of(*found);
    pending_.erase(found);
    if (::unlink(path.c_str()) < 0 && errno != ENOENT) {
        throw_errno("remove " + path.string());
    }
}

} // namespace candor::daemon
