// SPDX-License-Identifier: Apache-2.0
#include "catalogue.h"

#include "base/file.h"
#include "base/hex.h"
#include "lake.h"
#include "output.h"
#include "wire/objects.h"
#include "wire/segment.h"

#include <algorithm>

namespace candor::refine {
namespace {

namespace fs = std::filesystem;

class Surveyor {
public:
    Surveyor(const Access& access, Catalogue& catalogue) : access_(access), all_(catalogue) {}

    void look_at(const fs::path& file) {
        const std::string suffix = file.extension().string();
        if (suffix == wire::segment_suffix) {
            segment(file);
        } else if (suffix == wire::note_suffix) {
            if (const auto message = single(file, wire::note_magic)) {
                keep(file, wire::check_note(*message), [&](const wire::Note& note) {
                    all_.notes.push_back(item(file, note.stream, note, note.epoch, note.number));
                });
            }
        } else if (suffix == wire::grant_suffix) {
            if (const auto message = single(file, wire::grant_magic)) {
                keep(file, wire::check_grant(*message),
                     [&](const wire::Grant& grant) { grants_.push_back(item(file, grant.id, grant, grant.epoch, 0)); });
            }
        } else if (suffix == wire::tombstone_suffix) {
            if (const auto message = single(file, wire::tombstone_magic)) {
                keep(file, wire::check_tombstone(*message), [&](const wire::Tombstone& tombstone) {
                    if (access_.accepts(tombstone.identity)) {
                        all_.tombstones.push_back({file, tombstone});
                    } else {
                        all_.refused.push_back(item(file, tombstone.id, tombstone, 0, 0));
                    }
                });
            }
        } else if (suffix == wire::expired_suffix) {
            expired(file);
        }
    }

    /// What is refused, and what tombstones cover, is taken out of the rest.
    void decide() {
        const auto sort_out = [&](auto& items) { std::erase_if(items, [&](const Item& each) { return goes(each); }); };
        sort_out(all_.notes);
        sort_out(all_.expired);
        sort_out(grants_);
        std::erase_if(all_.segments, [&](const fs::path& file) {
            const auto head = all_.heads.find(file);
            return head != all_.heads.end() && goes(head->second);
        });
    }

private:
    /// Whether it was put among the refused or the erased.
    bool goes(const Item& each) {
        if (!access_.accepts(each.series.identity)) {
            all_.refused.push_back(each);
            return true;
        }
        const bool covered = std::ranges::any_of(all_.tombstones, [&](const Tomb& tomb) {
            return tomb.tombstone.identity == each.series.identity && tomb.tombstone.subject == each.series.subject &&
                   tomb.tombstone.covers(each.id, each.series.epoch);
        });
        if (covered) {
            all_.erased.push_back(each);
        }
        return covered;
    }

    template <typename Body>
    static Item item(const fs::path& file, const wire::Id16& id, const Body& body, std::uint32_t epoch,
                     std::uint64_t number) {
        std::error_code ignored;
        return {file, id, {body.identity, body.subject, epoch}, number, fs::file_size(file, ignored)};
    }

    std::optional<std::vector<std::uint8_t>> single(const fs::path& file, std::string_view magic) {
        const auto bytes = read_file(file, 2 * wire::max_frame_bytes);
        auto message = bytes ? wire::read_single(*bytes, magic) : std::unexpected(Refusal{bytes.error().message});
        if (!message) {
            all_.problems.push_back(bytes ? file.string() + ": " + message.error().message : message.error().message);
            return std::nullopt;
        }
        return std::move(*message);
    }

    template <typename Body, typename Keep>
    void keep(const fs::path& file, const std::expected<Body, Refusal>& body, Keep&& then) {
        if (body) {
            then(*body);
        } else {
            all_.problems.push_back(file.string() + ": " + body.error().message);
        }
    }

    void segment(const fs::path& file) {
        all_.segments.push_back(file);
        // Its signature is checked when it is read; what does not even begin well is refused there too.
        if (const auto open = peek(file)) {
            all_.heads.emplace(file, item(file, open->stream, *open, open->epoch, open->number));
        }
    }

    void expired(const fs::path& file) {
        const auto refuse = [&](const std::string& why) { all_.problems.push_back(file.string() + ": " + why); };
        const auto bytes = read_file(file, 2 * wire::max_frame_bytes);
        if (!bytes) {
            all_.problems.push_back(bytes.error().message);
            return;
        }
        wire::SegmentReader reader(*bytes);
        const auto first = reader.next(wire::expired_magic);
        const auto open =
            first && *first
                ? wire::check_open(**first)
                : std::unexpected(Refusal{first ? "byte 8: the file ends, expected an Open" : first.error().message});
        if (!open) {
            return refuse(open.error().message);
        }
        const auto second = reader.next(wire::expired_magic);
        if (!second) {
            return refuse(second.error().message);
        }
        Expired found{item(file, open->stream, *open, open->epoch, open->number), std::nullopt};
        if (*second) {
            auto close = wire::check_close(**second, open->identity);
            if (!close) {
                return refuse(close.error().message);
            }
            found.close = *close;
        }
        all_.expired.push_back(std::move(found));
    }

    const Access& access_;
    Catalogue& all_;
    std::vector<Item> grants_;
};

/// The lake among these paths that a file lies in, and where below it.
std::optional<fs::path> lake_of(const std::vector<std::string>& paths, const fs::path& file) {
    for (const std::string& path : paths) {
        std::error_code ignored;
        if (fs::is_directory(path, ignored) && !file.lexically_relative(path).empty() &&
            *file.lexically_relative(path).begin() != "..") {
            return path;
        }
    }
    return std::nullopt;
}

class Honouring {
public:
    Honouring(const std::vector<std::string>& paths, const Access& access, const Catalogue& catalogue)
        : paths_(paths), access_(access), all_(catalogue) {}

    bool run() {
        for (const Item& item : all_.refused) {
            attempt([&] { put_aside(item); });
        }
        for (const Tomb& tomb : all_.tombstones) {
            attempt([&] { honour(tomb); });
        }
        return well_;
    }

private:
    template <typename Body> void attempt(Body&& body) {
        try {
            body();
        } catch (const std::system_error& error) {
            complain(error.what());
            well_ = false;
        }
    }

    void put_aside(const Item& item) {
        const auto lake = lake_of(paths_, item.file);
        if (!lake) {
            return;
        }
        const fs::path to = *lake / "refused" / to_hex(item.series.subject) / item.file.filename();
        fs::create_directories(to.parent_path());
        fs::rename(item.file, to);
        sync_directory(to.parent_path());
        sync_directory(item.file.parent_path());
    }

    void honour(const Tomb& tomb) {
        wire::Erasure done;
        done.tombstone = tomb.tombstone.id;
        done.subject = tomb.tombstone.subject;
        done.identity = tomb.tombstone.identity;
        std::vector<fs::path> folders;
        for (const Item& item : all_.erased) {
            if (item.series.identity != done.identity || item.series.subject != done.subject ||
                !tomb.tombstone.covers(item.id, item.series.epoch)) {
                continue;
            }
            // Another tombstone may have covered it as well.
            if (fs::remove(item.file)) {
                folders.push_back(item.file.parent_path());
                const bool grant = item.file.extension() == wire::grant_suffix;
                (grant ? done.grants : done.segments) += item.file.extension() == wire::segment_suffix || grant ? 1 : 0;
                done.bytes += item.bytes;
            }
        }
        std::ranges::sort(folders);
        folders.erase(std::unique(folders.begin(), folders.end()), folders.end());
        for (const fs::path& folder : folders) {
            sync_directory(folder);
        }
        if (tomb.tombstone.last_epoch != 0 && access_.key) {
            write_receipt(tomb, done);
        }
    }

    void write_receipt(const Tomb& tomb, wire::Erasure done) const {
        const auto lake = lake_of(paths_, tomb.file);
        if (!lake) {
            return;
        }
        const fs::path path = *lake / "receipts" / (to_hex(done.tombstone) + std::string(wire::receipt_suffix));
        const wire::Identity signer = access_.key->signer();
        if (const auto bytes = read_file(path, wire::max_erasure_bytes)) {
            const auto before = wire::check_erasure(*bytes);
            if (before && before->signer == signer.public_key()) {
                if (done.segments == 0 && done.grants == 0) {
                    return;
                }
                done.segments += before->segments;
                done.grants += before->grants;
                done.bytes += before->bytes;
            }
        }
        done.completed_ns = read_clock_anchor().realtime_ns;
        fs::create_directories(path.parent_path());
        // The shipper brings it back, as another user than whoever holds the key; it holds pseudonyms and numbers.
        write_file_atomically(path, wire::make_erasure(signer, done), 0644);
    }

    const std::vector<std::string>& paths_;
    const Access& access_;
    const Catalogue& all_;
    bool well_ = true;
};

} // namespace

Catalogue survey(const std::vector<std::string>& paths, const Access& access) {
    Catalogue catalogue;
    const Found found = find_files(paths);
    catalogue.problems = found.problems;
    catalogue.whole = found.whole;
    Surveyor surveyor(access, catalogue);
    for (const fs::path& file : found.files) {
        surveyor.look_at(file);
    }
    surveyor.decide();
    return catalogue;
}

bool honour(const std::vector<std::string>& paths, const Access& access, const Catalogue& catalogue) {
    return Honouring(paths, access, catalogue).run();
}

} // namespace candor::refine
