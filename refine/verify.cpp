// SPDX-License-Identifier: Apache-2.0
#include "verbs.h"

#include "base/hex.h"
#include "lake.h"

#include <nlohmann/json.hpp>

#include <map>

namespace candor::refine {
namespace {

using Json = nlohmann::ordered_json;

struct Totals {
    std::uint64_t streams = 0;
    std::map<std::string, std::uint64_t> by_status{{"ok", 0}, {"unclosed", 0}, {"damaged", 0}};
    std::uint64_t produced = 0; ///< of closed streams, as are the next two
    std::uint64_t stored = 0;
    std::uint64_t declared = 0;
    std::uint64_t events = 0;
    std::uint64_t bytes = 0;
};

Json json_of(const StreamReport& report, bool opened) {
    Json json{{"file", report.file.string()},
              {"status", report.status()},
              {"stream", nullptr},
              {"subject", nullptr},
              {"identity", nullptr},
              {"produced", nullptr},
              {"stored", nullptr},
              {"declared", report.declared},
              {"events", nullptr},
              {"frames", report.frames},
              {"batches", report.batches},
              {"gaps", report.gaps},
              {"bytes", report.bytes},
              {"problem", nullptr},
              {"offset", nullptr}};
    if (report.open) {
        json["stream"] = to_hex(report.open->stream);
        json["subject"] = to_hex(report.open->subject);
        json["identity"] = to_hex(report.open->identity);
    }
    if (report.close) {
        json["produced"] = report.close->produced;
        json["stored"] = report.close->stored;
    }
    if (opened) {
        json["events"] = report.events;
    }
    if (report.problem) {
        json["problem"] = *report.problem;
        json["offset"] = report.offset;
    }
    return json;
}

std::string text_of(const StreamReport& report, bool opened) {
    std::string text = printable(report.file.string()) + ": " + report.status();
    if (report.problem) {
        return text + ": " + printable(*report.problem) + "\n";
    }
    text += fmt::format(", {} frames, {} batches, {} gaps", report.frames, report.batches, report.gaps);
    if (report.close) {
        text += fmt::format(", produced {} = stored {} + declared lost {}", report.close->produced,
                            report.close->stored, report.close->declared);
    }
    if (opened) {
        text += fmt::format(", {} events opened", report.events);
    }
    return text + "\n";
}

void add(Totals& totals, const StreamReport& report) {
    ++totals.streams;
    ++totals.by_status[report.status()];
    totals.events += report.events;
    totals.bytes += report.bytes;
    if (report.close) {
        totals.produced += report.close->produced;
        totals.stored += report.close->stored;
        totals.declared += report.close->declared;
    }
}

} // namespace

int verify(const std::vector<std::string>& paths, const Access& access, const VerifyOptions& options, Output& out) {
    const Found found = find_segments(paths);
    const bool opened = access.key.has_value();
    Totals totals;
    Json streams = Json::array();
    std::map<wire::Id16, std::filesystem::path> seen;
    for (const auto& file : found.files) {
        StreamReport report = read_segment(file, access, [](const auto&) {});
        if (report.open && !report.problem) {
            const auto [at, first] = seen.emplace(report.open->stream, file);
            if (!first) {
                report.problem = "the same stream as " + at->second.string();
            }
        }
        add(totals, report);
        if (options.json) {
            streams.push_back(json_of(report, opened));
        } else {
            out.write(text_of(report, opened));
        }
    }
    for (const std::string& problem : found.problems) {
        complain(problem);
    }
    if (options.json) {
        Json json{{"streams", std::move(streams)},
                  {"totals",
                   {{"streams", totals.streams},
                    {"ok", totals.by_status["ok"]},
                    {"unclosed", totals.by_status["unclosed"]},
                    {"damaged", totals.by_status["damaged"]},
                    {"produced", totals.produced},
                    {"stored", totals.stored},
                    {"declared", totals.declared},
                    {"events", nullptr},
                    {"bytes", totals.bytes}}}};
        if (opened) {
            json["totals"]["events"] = totals.events;
        }
        out.write(json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
    } else {
        out.print("{} streams, {} bytes: {} ok, {} unclosed, {} damaged; produced {} = stored {} + declared lost {}\n",
                  totals.streams, totals.bytes, totals.by_status["ok"], totals.by_status["unclosed"],
                  totals.by_status["damaged"], totals.produced, totals.stored, totals.declared);
        if (opened) {
            out.print("{} events opened\n", totals.events);
        }
        if (access.identities.empty()) {
            out.write("Any device was accepted; name the enrolled ones with --identity.\n");
        }
    }
    const bool well = totals.by_status["damaged"] == 0 && (options.allow_unclosed || totals.by_status["unclosed"] == 0);
    return well && found.problems.empty() ? 0 : 1;
}

} // namespace candor::refine
