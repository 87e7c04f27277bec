// SPDX-License-Identifier: Apache-2.0
#include "segment_file.h"

#include "base/file.h"
#include "base/hex.h"
#include "wire/segment.h"

#include <algorithm>
#include <array>

namespace candor::refine {
namespace {

namespace fs = std::filesystem;

// A grant of the most recipients is well below the largest frame; packing adds little.
constexpr std::size_t max_grant_file_bytes = 2 * wire::max_frame_bytes;

/// LAKE/grants/SUBJECT/GRANT.grant; in a folder of its own SUBJECT/GRANT.grant or GRANT.grant.
fs::path grant_path(const fs::path& segment, const fs::path& folder, const wire::Open& open) {
    const std::string name = to_hex(open.grant) + std::string(wire::grant_suffix);
    if (folder.empty()) {
        return segment.parent_path().parent_path() / "grants" / to_hex(open.subject) / name;
    }
    std::error_code ignored;
    const fs::path by_subject = folder / to_hex(open.subject) / name;
    return fs::exists(by_subject, ignored) ? by_subject : folder / name;
}

std::expected<wire::SymmetricKey, Refusal> epoch_key(const fs::path& segment, const Access& access,
                                                     const wire::Open& open) {
    const fs::path path = grant_path(segment, access.grants, open);
    const auto refuse = [&](const std::string& why) { return std::unexpected(Refusal{path.string() + ": " + why}); };
    std::error_code ignored;
    if (!fs::exists(path, ignored)) {
        return refuse("no such grant; without it the stream cannot be opened");
    }
    const auto file = read_file(path, max_grant_file_bytes);
    if (!file) {
        return std::unexpected(file.error());
    }
    const auto message = wire::read_single(*file, wire::grant_magic);
    if (!message) {
        return refuse(message.error().message);
    }
    auto key = wire::open_grant(*message, *access.key);
    if (!key) {
        return refuse(key.error().message);
    }
    const auto frame = wire::parse_frame(*message);
    const auto& grant = std::get<wire::Grant>(frame->body);
    if (grant.id != open.grant || grant.subject != open.subject || grant.epoch != open.epoch) {
        return refuse("a grant of another person or epoch than the stream's");
    }
    if (grant.identity != open.identity) {
        return refuse("a grant of device " + to_hex(grant.identity) + ", expected the stream's " +
                      to_hex(open.identity));
    }
    return key;
}

/// The opener for a stream that begins with this message. What is not an Open is left to the opener to refuse.
std::expected<wire::StreamOpener, Refusal> make_opener(const fs::path& segment, const Access& access,
                                                       std::span<const std::uint8_t> message) {
    const auto frame = wire::parse_frame(message);
    const auto* open = frame ? std::get_if<wire::Open>(&frame->body) : nullptr;
    if (open == nullptr) {
        return wire::StreamOpener();
    }
    if (!access.accepts(open->identity)) {
        return std::unexpected(Refusal{"open.identity: " + to_hex(open->identity) + " is not an enrolled device"});
    }
    if (!access.key) {
        return wire::StreamOpener();
    }
    auto key = epoch_key(segment, access, *open);
    if (!key) {
        return std::unexpected(std::move(key.error()));
    }
    return wire::StreamOpener(std::move(*key));
}

void count(StreamReport& report, const wire::StreamOpener::Item& item) {
    ++report.frames;
    if (std::holds_alternative<wire::SealedBatch>(item.frame.body)) {
        ++report.batches;
    } else if (const auto* gap = std::get_if<wire::Gap>(&item.frame.body)) {
        ++report.gaps;
        report.declared += gap->events.value_or(0);
        report.uncounted += gap->events ? 0 : 1;
    }
}

/// A file that is named after another stream than it holds was put there by mistake or by somebody.
std::optional<std::string> check_name(const fs::path& file, const wire::Open& open) {
    wire::Id16 named{};
    if (!from_hex_exactly(file.stem().string(), named) || named == open.stream) {
        return std::nullopt;
    }
    return "the file's name is of another stream, expected " + to_hex(open.stream);
}

} // namespace

StreamReport read_segment(const fs::path& file, const Access& access,
                          const std::function<void(const wire::StreamOpener::Item&)>& handle) {
    StreamReport report;
    report.file = file;
    const auto bytes = read_file(file, wire::max_segment_bytes);
    if (!bytes) {
        // The refusal begins with the file's name, which the caller adds.
        const std::string prefix = file.string() + ": ";
        const std::string& message = bytes.error().message;
        report.problem = message.starts_with(prefix) ? message.substr(prefix.size()) : message;
        return report;
    }
    report.bytes = bytes->size();
    wire::SegmentReader reader(*bytes);
    std::optional<wire::StreamOpener> opener;
    const auto refuse = [&](std::size_t offset, const std::string& problem) {
        report.offset = offset;
        report.problem = "byte " + std::to_string(offset) + ": " + problem;
        return report;
    };
    for (;;) {
        const std::size_t begin = std::max(reader.offset(), wire::segment_magic.size());
        const auto message = reader.next();
        report.offset = reader.offset();
        if (!message) {
            report.problem = message.error().message; // names the byte
            return report;
        }
        if (!*message) {
            break;
        }
        if (!opener) {
            auto made = make_opener(file, access, **message);
            if (!made) {
                return refuse(begin, made.error().message);
            }
            opener = std::move(*made);
        }
        const auto item = opener->next(**message);
        if (!item) {
            return refuse(begin, item.error().message);
        }
        count(report, *item);
        report.open = opener->open();
        report.close = opener->close();
        report.events = opener->events();
        handle(*item);
    }
    if (!report.open) {
        return refuse(report.offset, "the file ends, expected an Open frame");
    }
    if (const auto problem = check_name(file, *report.open)) {
        return refuse(wire::segment_magic.size(), *problem);
    }
    return report;
}

} // namespace candor::refine
