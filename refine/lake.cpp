// SPDX-License-Identifier: Apache-2.0
#include "lake.h"

#include "base/file.h"
#include "wire/frame.h"
#include "wire/segment.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

namespace candor::refine {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view suffixes[] = {wire::segment_suffix, wire::note_suffix, wire::expired_suffix,
                                         wire::tombstone_suffix, wire::grant_suffix};

void walk(const fs::path& folder, std::vector<fs::path>& files, std::vector<std::string>& problems) {
    std::error_code error;
    std::vector<fs::path> folders;
    std::vector<fs::path> here;
    fs::directory_iterator entries(folder, error);
    for (; !error && entries != fs::directory_iterator(); entries.increment(error)) {
        std::error_code ignored;
        const fs::path& path = entries->path();
        if (fs::is_directory(entries->symlink_status(ignored))) {
            if (path.filename() != "refused" && path.filename() != "receipts") {
                folders.push_back(path);
            }
        } else if (std::ranges::find(suffixes, path.extension().string()) != std::end(suffixes)) {
            here.push_back(path);
        }
    }
    if (error) {
        problems.push_back(folder.string() + ": " + error.message());
    }
    std::ranges::sort(here);
    std::ranges::sort(folders);
    files.insert(files.end(), here.begin(), here.end());
    for (const fs::path& below : folders) {
        walk(below, files, problems);
    }
}

} // namespace

std::optional<wire::Open> peek(const fs::path& file) {
    const auto bytes = read_file(file, wire::max_segment_bytes);
    if (!bytes) {
        return std::nullopt;
    }
    wire::SegmentReader reader(*bytes);
    const auto message = reader.next();
    if (!message || !*message) {
        return std::nullopt;
    }
    const auto frame = wire::parse_frame(**message);
    const auto* open = frame ? std::get_if<wire::Open>(&frame->body) : nullptr;
    return open != nullptr ? std::optional(*open) : std::nullopt;
}

Found find_files(const std::vector<std::string>& paths) {
    Found found;
    std::vector<fs::path> all;
    for (const std::string& path : paths) {
        std::error_code ignored;
        if (fs::is_directory(path, ignored)) {
            walk(path, all, found.problems);
        } else {
            all.emplace_back(path);
            found.whole = false;
        }
    }
    std::set<fs::path> seen;
    for (fs::path& file : all) {
        std::error_code error;
        const fs::path real = fs::canonical(file, error);
        if (seen.insert(error ? file : real).second) {
            found.files.push_back(std::move(file));
        }
    }
    return found;
}

std::vector<fs::path> in_order_of_time(const std::vector<fs::path>& files) {
    struct Entry {
        const fs::path* file;
        wire::Open open;
    };
    std::vector<Entry> streams;
    std::vector<fs::path> unknown;
    std::map<wire::Id16, std::int64_t> begun;
    for (const fs::path& file : files) {
        const auto open = peek(file);
        if (!open) {
            unknown.push_back(file);
            continue;
        }
        const auto [at, first] = begun.emplace(open->run, open->anchor.realtime_ns);
        at->second = std::min(at->second, open->anchor.realtime_ns);
        streams.push_back({&file, *open});
    }
    std::ranges::stable_sort(streams, {}, [&](const Entry& entry) {
        return std::tuple(begun.at(entry.open.run), entry.open.run, entry.open.anchor.monotonic_ns, entry.open.stream);
    });
    std::vector<fs::path> ordered;
    for (const Entry& entry : streams) {
        ordered.push_back(*entry.file);
    }
    ordered.insert(ordered.end(), unknown.begin(), unknown.end());
    return ordered;
}

} // namespace candor::refine
