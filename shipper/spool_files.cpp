// SPDX-License-Identifier: Apache-2.0
#include "shipper/spool_files.h"

#include "base/file.h"
#include "base/hex.h"
#include "wire/segment.h"

#include <algorithm>

namespace candor::shipper {
namespace {

namespace fs = std::filesystem;

std::unexpected<Refusal> refuse(std::size_t byte, const std::string& why) {
    return std::unexpected(Refusal{"byte " + std::to_string(byte) + ": " + why});
}

} // namespace

std::vector<fs::path> files_with(const fs::path& directory, std::initializer_list<std::string_view> suffixes) {
    std::vector<fs::path> files;
    std::error_code error;
    for (auto at = fs::directory_iterator(directory, error); !error && at != fs::directory_iterator();
         at.increment(error)) {
        std::error_code gone;
        if (at->is_regular_file(gone) &&
            std::ranges::find(suffixes, at->path().extension().string()) != suffixes.end()) {
            files.push_back(at->path());
        }
    }
    return files;
}

fs::path free_name(const fs::path& wanted) {
    fs::path name = wanted;
    for (int i = 1; fs::exists(fs::symlink_status(name)); ++i) {
        name = wanted.string() + "." + std::to_string(i);
    }
    return name;
}

fs::path FileHead::name_in_lake(std::string_view suffix) const {
    const fs::path name = fs::path(to_hex(subject)) / (to_hex(id) + std::string(suffix));
    return suffix == wire::grant_suffix ? "grants" / name : name;
}

std::string_view magic_of(std::string_view suffix) noexcept {
    if (suffix == wire::grant_suffix) {
        return wire::grant_magic;
    }
    if (suffix == wire::note_suffix) {
        return wire::note_magic;
    }
    if (suffix == wire::tombstone_suffix || suffix == sent_suffix) {
        return wire::tombstone_magic;
    }
    return suffix == wire::expired_suffix ? wire::expired_magic : wire::segment_magic;
}

std::expected<FileHead, Refusal> read_head(std::span<const std::uint8_t> bytes, std::string_view suffix) {
    const std::string_view magic = magic_of(suffix);
    const auto message = wire::SegmentReader(bytes).next(magic);
    if (!message) {
        return std::unexpected(message.error());
    }
    if (!*message) {
        return refuse(magic.size(), "the file ends, expected a frame");
    }
    const auto frame = wire::parse_frame(**message);
    if (!frame) {
        return refuse(magic.size(), frame.error().message);
    }
    FileHead head;
    const auto take = [&](const auto& body, const wire::Id16& id, std::uint32_t epoch) {
        head.id = id;
        head.subject = body.subject;
        head.identity = body.identity;
        head.epoch = epoch;
    };
    if (const auto* open = std::get_if<wire::Open>(&frame->body);
        open != nullptr && (magic == wire::segment_magic || magic == wire::expired_magic)) {
        take(*open, open->stream, open->epoch);
        head.grant = open->grant;
        head.embargo = open->embargo;
    } else if (const auto* grant = std::get_if<wire::Grant>(&frame->body);
               grant != nullptr && magic == wire::grant_magic) {
        take(*grant, grant->id, grant->epoch);
    } else if (const auto* note = std::get_if<wire::Note>(&frame->body); note != nullptr && magic == wire::note_magic) {
        take(*note, note->stream, note->epoch);
    } else if (const auto* tombstone = std::get_if<wire::Tombstone>(&frame->body);
               tombstone != nullptr && magic == wire::tombstone_magic) {
        take(*tombstone, tombstone->id, 0);
        head.tombstone = *tombstone;
    } else {
        return refuse(magic.size(), "another frame than its name says");
    }
    return head;
}

std::expected<FileHead, Refusal> read_head(const fs::path& file) {
    const auto bytes = read_file(file, wire::max_segment_bytes);
    if (!bytes) {
        return std::unexpected(bytes.error());
    }
    auto head = read_head(*bytes, file.extension().string());
    return head ? head : std::unexpected(Refusal{file.string() + ": " + head.error().message});
}

std::expected<std::vector<std::uint8_t>, Refusal> expire(std::span<const std::uint8_t> segment) {
    std::vector<std::uint8_t> left(wire::expired_magic.begin(), wire::expired_magic.end());
    const auto add = [&](std::span<const std::uint8_t> message) {
        const auto record = wire::encode_record(message);
        left.insert(left.end(), record.begin(), record.end());
    };
    wire::SegmentReader reader(segment);
    bool opened = false;
    for (;;) {
        const auto message = reader.next();
        if (!message || !*message) {
            break; // what is damaged behind the Open is given up with the rest
        }
        const auto frame = wire::parse_frame(**message);
        if (!frame) {
            break;
        }
        if (!opened && std::holds_alternative<wire::Open>(frame->body)) {
            opened = true;
            add(**message);
        } else if (opened && std::holds_alternative<wire::Close>(frame->body)) {
            add(**message);
        }
    }
    if (!opened) {
        return refuse(wire::segment_magic.size(), "expected an Open");
    }
    return left;
}

} // namespace candor::shipper
