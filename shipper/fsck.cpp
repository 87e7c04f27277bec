// SPDX-License-Identifier: Apache-2.0
#include "shipper/fsck.h"

#include "base/file.h"
#include "base/hex.h"
#include "shipper/partial_segment.h"
#include "shipper/spool_files.h"
#include "wire/segment.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <optional>

namespace candor::shipper {
namespace {

namespace fs = std::filesystem;

/// What is wrong with a segment, as far as that shows without a key.
std::optional<std::string> problem_of_segment(std::span<const std::uint8_t> bytes) {
    wire::SegmentReader reader(bytes);
    wire::StreamOpener opener;
    for (;;) {
        const std::size_t begin = std::max(reader.offset(), wire::segment_magic.size());
        const auto message = reader.next();
        if (!message) {
            return message.error().message;
        }
        if (!*message) {
            return opener.open() ? std::nullopt
                                 : std::optional("byte " + std::to_string(begin) + ": the file ends, expected an Open");
        }
        if (const auto item = opener.next(**message); !item) {
            return "byte " + std::to_string(begin) + ": " + item.error().message;
        }
    }
}

template <typename Check>
std::optional<std::string> problem_of_single(std::span<const std::uint8_t> bytes, std::string_view magic,
                                             Check&& check) {
    const auto message = wire::read_single(bytes, magic);
    if (!message) {
        return message.error().message;
    }
    const auto checked = check(*message);
    return checked ? std::nullopt : std::optional(checked.error().message);
}

std::optional<std::string> problem_of(const fs::path& file) {
    const auto bytes = read_file(file, wire::max_segment_bytes);
    if (!bytes) {
        return bytes.error().message;
    }
    const std::string suffix = file.extension().string();
    std::optional<std::string> problem;
    if (suffix == wire::segment_suffix) {
        problem = problem_of_segment(*bytes);
    } else if (suffix == wire::grant_suffix) {
        problem = problem_of_single(*bytes, wire::grant_magic, &wire::check_grant);
    } else if (suffix == wire::note_suffix) {
        problem = problem_of_single(*bytes, wire::note_magic, &wire::check_note);
    } else if (suffix == wire::expired_suffix) {
        const auto head = read_head(*bytes, suffix);
        problem = head ? std::nullopt : std::optional(head.error().message);
    } else {
        problem = problem_of_single(*bytes, wire::tombstone_magic, &wire::check_tombstone);
    }
    const auto head = problem ? std::unexpected(Refusal{}) : read_head(*bytes, suffix);
    if (head && to_hex(head->id) != file.stem().string()) {
        return "its name is of another than it holds, expected " + to_hex(head->id);
    }
    return problem;
}

/// "NAME.SUFFIX.abcDEF", as a write that was interrupted leaves it.
bool is_unfinished(const fs::path& file) {
    const std::string extension = file.extension().string();
    const std::string inner = file.stem().extension().string();
    return extension.size() == 7 && !inner.empty() &&
           std::ranges::all_of(extension.substr(1), [](unsigned char c) { return std::isalnum(c) != 0; });
}

class Check {
public:
    Check(const fs::path& directory, bool repair) : directory_(directory), repair_(repair) {}

    void look_at(const fs::path& file) {
        const std::string suffix = file.extension().string();
        constexpr std::string_view whole[] = {wire::segment_suffix, wire::grant_suffix,     wire::note_suffix,
                                              wire::expired_suffix, wire::tombstone_suffix, sent_suffix};
        ++found.files;
        if (suffix == wire::part_suffix) {
            look_at_part(file);
        } else if (std::ranges::find(whole, suffix) != std::end(whole)) {
            if (const auto problem = problem_of(file)) {
                add(file, *problem, "set aside");
                if (repair_) {
                    set_aside(file);
                }
            }
        } else if (is_unfinished(file) || file.filename() == "probe") {
            add(file, "a write that was interrupted", "removed");
            if (repair_ && ::unlink(file.c_str()) < 0) {
                throw_errno("remove " + file.string());
            }
        } else if (file.filename() != "lock" && suffix != done_suffix) {
            add(file, "not a file of the spool", "kept");
        }
    }

    Findings found;

private:
    void add(const fs::path& file, const std::string& problem, const std::string& done) {
        found.findings.push_back({file.filename().string(), problem, done});
    }

    fs::path damaged() const {
        const fs::path folder = directory_ / "damaged";
        if (::mkdir(folder.c_str(), 0750) < 0 && errno != EEXIST) {
            throw_errno("make " + folder.string());
        }
        return folder;
    }

    void look_at_part(const fs::path& file) {
        auto recovered = PartialSegment::recover(file);
        const auto open = recovered.segment.open();
        if (recovered.tail.empty()) {
            return;
        }
        if (!open) {
            // Not even its Open was durable, so nothing of it was acknowledged.
            add(file, recovered.problem.value_or("no Open"), "removed");
            if (repair_ && ::unlink(file.c_str()) < 0) {
                throw_errno("remove " + file.string());
            }
            return;
        }
        add(file, recovered.problem.value_or("") + "; " + std::to_string(recovered.tail.size()) + " bytes", "cut");
        if (repair_) {
            const fs::path kept = damaged() / (to_hex(open->subject) + "." + file.stem().string() + ".tail");
            write_file_atomically(free_name(kept), recovered.tail, 0640);
            recovered.segment.cut_tail();
        }
    }

    void set_aside(const fs::path& file) const {
        const auto head = read_head(file);
        const std::string person = head ? to_hex(head->subject) + "." : "";
        const fs::path to = free_name(damaged() / (person + file.filename().string()));
        if (::rename(file.c_str(), to.c_str()) < 0) {
            throw_errno("rename to " + to.string());
        }
        sync_directory(damaged());
    }

    fs::path directory_;
    bool repair_;
};

} // namespace

Findings check_spool(const fs::path& directory, bool repair) {
    std::vector<fs::path> files;
    std::error_code error;
    for (auto at = fs::directory_iterator(directory, error); !error && at != fs::directory_iterator();
         at.increment(error)) {
        if (at->is_regular_file()) {
            files.push_back(at->path());
        }
    }
    if (error) {
        throw std::system_error(error, "read " + directory.string());
    }
    std::ranges::sort(files);
    Check check(directory, repair);
    for (const fs::path& file : files) {
        check.look_at(file);
    }
    if (repair && !check.found.findings.empty()) {
        sync_directory(directory);
    }
    return std::move(check.found);
}

} // namespace candor::shipper
