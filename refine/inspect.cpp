// SPDX-License-Identifier: Apache-2.0
#include "verbs.h"

#include "base/file.h"
#include "base/hex.h"
#include "consent/utc.h"
#include "wire/segment.h"

#include <nlohmann/json.hpp>

#include <array>

namespace candor::refine {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::array kinds = {"open", "batch", "clock", "gap", "close", "grant", "hello", "tombstone", "note"};
static_assert(std::variant_size_v<decltype(wire::Frame::body)> == kinds.size());

struct Seen {
    std::size_t count = 0;
    std::size_t bytes = 0; ///< on disk
};

/// What stands in a file in the clear. Nothing of it is checked.
struct Inspection {
    std::size_t bytes = 0;
    std::array<Seen, kinds.size()> frames{};
    std::optional<wire::Open> open;
    std::optional<wire::Close> close;
    std::optional<wire::Grant> grant;
    std::optional<wire::Tombstone> tombstone;
    std::optional<wire::Note> note;
    bool expired = false; ///< what is left of a segment
    std::vector<wire::Gap> gaps;
    std::optional<std::string> problem;

    /// "closed", "unclosed" (whole records, no Close), "damaged", or what the file is instead of a segment.
    [[nodiscard]] const char* state() const {
        return problem     ? "damaged"
               : grant     ? "grant"
               : tombstone ? "tombstone"
               : note      ? "note"
               : expired   ? "expired"
               : close     ? "closed"
                           : "unclosed";
    }
};

void note(Inspection& seen, const wire::Frame& frame, std::size_t bytes) {
    Seen& kind = seen.frames[frame.body.index()];
    ++kind.count;
    kind.bytes += bytes;
    if (const auto* open = std::get_if<wire::Open>(&frame.body)) {
        seen.open = *open;
    } else if (const auto* gap = std::get_if<wire::Gap>(&frame.body)) {
        seen.gaps.push_back(*gap);
    } else if (const auto* close = std::get_if<wire::Close>(&frame.body)) {
        seen.close = *close;
    } else if (const auto* grant = std::get_if<wire::Grant>(&frame.body)) {
        seen.grant = *grant;
    } else if (const auto* tombstone = std::get_if<wire::Tombstone>(&frame.body)) {
        seen.tombstone = *tombstone;
    } else if (const auto* note = std::get_if<wire::Note>(&frame.body)) {
        seen.note = *note;
    }
}

std::expected<Inspection, Refusal> look_at(const std::string& path) {
    const auto file = read_file(path, wire::max_segment_bytes);
    if (!file) {
        return std::unexpected(file.error());
    }
    Inspection seen;
    seen.bytes = file->size();
    const std::string_view begin_of_file(reinterpret_cast<const char*>(file->data()), file->size());
    std::string_view magic = wire::segment_magic;
    for (const std::string_view known :
         {wire::grant_magic, wire::tombstone_magic, wire::note_magic, wire::expired_magic}) {
        if (begin_of_file.starts_with(known)) {
            magic = known;
        }
    }
    seen.expired = magic == wire::expired_magic;
    wire::SegmentReader reader(*file);
    for (;;) {
        const std::size_t begin = std::max(reader.offset(), wire::segment_magic.size());
        const auto message = reader.next(magic);
        if (!message) {
            seen.problem = message.error().message;
            return seen;
        }
        if (!*message) {
            return seen;
        }
        const auto frame = wire::parse_frame(**message);
        if (!frame) {
            seen.problem = "byte " + std::to_string(begin) + ": " + frame.error().message;
            return seen;
        }
        note(seen, *frame, reader.offset() - begin);
    }
}

/// A frame may claim any number; only those of the calendar are dates.
std::string date(std::int64_t realtime_ns) {
    const std::int64_t seconds = realtime_ns / 1'000'000'000;
    return seconds < 0 || seconds >= 253'402'300'800 ? std::to_string(realtime_ns) + " ns"
                                                     : consent::format_utc(seconds);
}

const char* reason_of(const wire::Tombstone& tombstone) {
    return tombstone.reason == wire::TombstoneReason::erased ? "erased" : "deleted";
}

Json json_of(const std::string& path, const Inspection& seen) {
    Json frames = Json::object();
    for (std::size_t i = 0; i < kinds.size(); ++i) {
        if (seen.frames[i].count > 0) {
            frames[kinds[i]] = {{"count", seen.frames[i].count}, {"bytes", seen.frames[i].bytes}};
        }
    }
    Json gaps = Json::array();
    for (const wire::Gap& gap : seen.gaps) {
        gaps.push_back({{"reason", wire::gap_reason_name(gap.reason)},
                        {"from_us", gap.from_us},
                        {"to_us", gap.to_us},
                        {"events", gap.events ? Json(*gap.events) : Json()},
                        {"device", gap.device == wire::all_devices ? Json() : Json(gap.device)}});
    }
    Json json{{"file", path}, {"state", seen.state()}, {"bytes", seen.bytes}, {"frames", frames}};
    if (seen.open) {
        const wire::Open& open = *seen.open;
        json["open"] = {{"version", open.version},
                        {"stream", to_hex(open.stream)},
                        {"subject", to_hex(open.subject)},
                        {"epoch", open.epoch},
                        {"grant", to_hex(open.grant)},
                        {"run", to_hex(open.run)},
                        {"boot_id", to_hex(open.boot_id)},
                        {"monotonic_ns", open.anchor.monotonic_ns},
                        {"boottime_ns", open.anchor.boottime_ns},
                        {"realtime_ns", open.anchor.realtime_ns},
                        {"level", privacy::level_name(open.level)},
                        {"policy_hash", to_hex(open.policy_hash)},
                        {"consent_version", open.consent_version},
                        {"identity", to_hex(open.identity)},
                        {"number", open.number},
                        {"embargo_seconds", open.embargo.count()}};
        json["gaps"] = std::move(gaps);
    }
    if (seen.close) {
        json["close"] = {{"reason", wire::close_reason_name(seen.close->reason)},
                         {"produced", seen.close->produced},
                         {"stored", seen.close->stored},
                         {"declared", seen.close->declared}};
    }
    if (seen.grant) {
        Json recipients = Json::array();
        for (const wire::Recipient& recipient : seen.grant->recipients) {
            recipients.push_back(to_hex(recipient.public_key));
        }
        json["grant"] = {{"id", to_hex(seen.grant->id)},
                         {"subject", to_hex(seen.grant->subject)},
                         {"epoch", seen.grant->epoch},
                         {"recipients", std::move(recipients)},
                         {"identity", to_hex(seen.grant->identity)}};
    }
    if (seen.tombstone) {
        Json streams = Json::array();
        for (const wire::StreamRef& stream : seen.tombstone->streams) {
            streams.push_back({{"stream", to_hex(stream.stream)}, {"epoch", stream.epoch}, {"number", stream.number}});
        }
        json["tombstone"] = {{"id", to_hex(seen.tombstone->id)},
                             {"subject", to_hex(seen.tombstone->subject)},
                             {"reason", reason_of(*seen.tombstone)},
                             {"last_epoch", seen.tombstone->last_epoch},
                             {"streams", std::move(streams)},
                             {"requested_ns", seen.tombstone->requested_ns},
                             {"identity", to_hex(seen.tombstone->identity)}};
    }
    if (seen.note) {
        json["note"] = {{"stream", to_hex(seen.note->stream)}, {"subject", to_hex(seen.note->subject)},
                        {"epoch", seen.note->epoch},           {"number", seen.note->number},
                        {"noticed_ns", seen.note->noticed_ns}, {"identity", to_hex(seen.note->identity)}};
    }
    json["problem"] = seen.problem ? Json(*seen.problem) : Json();
    return json;
}

void print(const std::string& path, const Inspection& seen, Output& out) {
    out.print("{}: {}, {} bytes\n", printable(path), seen.state(), seen.bytes);
    if (seen.open) {
        const wire::Open& open = *seen.open;
        out.print("  version   {}\n  stream    {}\n  subject   {}\n  epoch     {} (grant {})\n", open.version,
                  to_hex(open.stream), to_hex(open.subject), open.epoch, to_hex(open.grant));
        out.print("  run       {} (boot {})\n  begun     {}\n  level     {}\n", to_hex(open.run), to_hex(open.boot_id),
                  date(open.anchor.realtime_ns), privacy::level_name(open.level));
        out.print("  consent   version {}, policy {}\n  device    {}\n", open.consent_version, to_hex(open.policy_hash),
                  to_hex(open.identity));
    }
    if (seen.grant) {
        out.print("  grant     {}\n  subject   {}\n  epoch     {}\n", to_hex(seen.grant->id),
                  to_hex(seen.grant->subject), seen.grant->epoch);
        for (const wire::Recipient& recipient : seen.grant->recipients) {
            out.print("  recipient {}\n", to_hex(recipient.public_key));
        }
        out.print("  device    {}\n", to_hex(seen.grant->identity));
    }
    if (seen.tombstone) {
        const wire::Tombstone& tomb = *seen.tombstone;
        out.print("  tombstone {}, {}, asked for {}\n  subject   {}\n", to_hex(tomb.id), reason_of(tomb),
                  date(tomb.requested_ns), to_hex(tomb.subject));
        if (tomb.last_epoch != 0) {
            out.print("  covers    everything up to epoch {}\n", tomb.last_epoch);
        }
        for (const wire::StreamRef& stream : tomb.streams) {
            out.print("  covers    stream {}, number {} of epoch {}\n", to_hex(stream.stream), stream.number,
                      stream.epoch);
        }
        out.print("  device    {}\n", to_hex(tomb.identity));
    }
    if (seen.note) {
        out.print("  note      the end of stream {}, number {} of epoch {}, is lost; noticed {}\n  subject   {}\n"
                  "  device    {}\n",
                  to_hex(seen.note->stream), seen.note->number, seen.note->epoch, date(seen.note->noticed_ns),
                  to_hex(seen.note->subject), to_hex(seen.note->identity));
    }
    for (std::size_t i = 0; i < kinds.size(); ++i) {
        if (seen.frames[i].count > 0) {
            out.print("  {:<9} {} frames, {} bytes\n", kinds[i], seen.frames[i].count, seen.frames[i].bytes);
        }
    }
    for (const wire::Gap& gap : seen.gaps) {
        out.print("  hole      {}, {} s to {} s, {}, {}\n", wire::gap_reason_name(gap.reason), gap.from_us / 1'000'000,
                  gap.to_us / 1'000'000, gap.events ? fmt::format("{} events", *gap.events) : "events not counted",
                  gap.device == wire::all_devices ? "all devices" : fmt::format("device {}", gap.device));
    }
    if (seen.close) {
        out.print("  closed    {}, produced {} = stored {} + declared lost {}\n",
                  wire::close_reason_name(seen.close->reason), seen.close->produced, seen.close->stored,
                  seen.close->declared);
    }
    if (seen.problem) {
        out.print("  damaged   {}\n", printable(*seen.problem));
    }
}

} // namespace

int inspect(const std::vector<std::string>& paths, bool json, Output& out) {
    bool well = true;
    Json all = Json::array();
    for (const std::string& path : paths) {
        const auto seen = look_at(path);
        if (!seen) {
            complain(seen.error().message);
            well = false;
            continue;
        }
        if (seen->problem) {
            complain(path + ": " + *seen->problem);
            well = false;
        }
        if (json) {
            all.push_back(json_of(path, *seen));
        } else {
            print(path, *seen, out);
        }
    }
    if (json) {
        out.write(all.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
    }
    return well ? 0 : 1;
}

} // namespace candor::refine
