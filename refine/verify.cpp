// SPDX-License-Identifier: Apache-2.0
#include "verbs.h"

#include "base/hex.h"
#include "catalogue.h"

#include <nlohmann/json.hpp>

#include <map>
#include <set>

namespace candor::refine {
namespace {

using Json = nlohmann::ordered_json;

/// What is known of the streams of one series, and what the account of all of them is.
struct Account {
    std::map<std::uint64_t, wire::Id16> numbers; ///< stored or declared, whichever
    std::uint64_t streams = 0;                   ///< of which something is stored
    std::uint64_t produced = 0;                  ///< of closed and expired streams, and what is opened of others
    std::uint64_t stored = 0;
    std::uint64_t declared = 0;
    std::uint64_t uncounted = 0; ///< holes of which it is not known how many events were lost
    std::uint64_t lost_ends = 0; ///< streams that a Note says it of
    std::uint64_t expired = 0;
    std::uint64_t deleted = 0;
    bool erased = false;
    std::vector<std::uint64_t> missing;
    std::vector<std::string> problems;
};

struct Totals {
    std::uint64_t streams = 0;
    std::map<std::string, std::uint64_t> by_status{{"ok", 0}, {"noted", 0}, {"unclosed", 0}, {"damaged", 0}};
    std::uint64_t produced = 0;
    std::uint64_t stored = 0;
    std::uint64_t declared = 0;
    std::uint64_t events = 0;
    std::uint64_t bytes = 0;
    std::map<std::string, std::pair<std::uint64_t, std::uint64_t>>
        gaps; ///< by reason: how many, and events where counted
};

/// "device 0011…, person 2233…, epoch 1".
std::string name_of(const Series& series) {
    return "device " + to_hex(series.identity).substr(0, 16) + "…, person " + to_hex(series.subject).substr(0, 16) +
           "…, epoch " + std::to_string(series.epoch);
}

class Ledger {
public:
    explicit Ledger(const Catalogue& catalogue) : catalogue_(catalogue) {
        for (const Item& note : catalogue.notes) {
            noted_.insert(note.id);
            enter(note, "a note");
            accounts_[note.series].lost_ends += 1;
        }
        for (const Expired& expired : catalogue.expired) {
            enter(expired, "what is left of an expired stream");
            Account& account = accounts_[expired.series];
            account.expired += 1;
            if (expired.close) {
                account.produced += expired.close->produced;
                account.declared += expired.close->produced;
            } else {
                ++account.uncounted;
            }
        }
        for (const Tomb& tomb : catalogue.tombstones) {
            if (tomb.tombstone.last_epoch != 0) {
                accounts_.try_emplace({tomb.tombstone.identity, tomb.tombstone.subject, tomb.tombstone.last_epoch});
            }
            for (const wire::StreamRef& stream : tomb.tombstone.streams) {
                const Series series{tomb.tombstone.identity, tomb.tombstone.subject, stream.epoch};
                enter({tomb.file, stream.stream, series, stream.number, 0}, "a tombstone");
                accounts_[series].deleted += 1;
            }
        }
    }

    [[nodiscard]] bool has_note(const wire::Id16& stream) const { return noted_.contains(stream); }

    void add(const StreamReport& report) {
        if (!report.open || report.problem) {
            return;
        }
        const wire::Open& open = *report.open;
        const Series series{open.identity, open.subject, open.epoch};
        enter({report.file, open.stream, series, open.number, 0}, "a segment");
        Account& account = accounts_[series];
        ++account.streams;
        account.produced += report.close ? report.close->produced : report.events + report.declared;
        account.stored += report.close ? report.close->stored : report.events;
        account.declared += report.declared;
        account.uncounted += report.uncounted;
    }

    /// Looks for numbers that nobody accounts for.
    void close() {
        for (auto& [series, account] : accounts_) {
            account.erased = std::ranges::any_of(catalogue_.tombstones, [&series = series](const Tomb& tomb) {
                return tomb.tombstone.identity == series.identity && tomb.tombstone.subject == series.subject &&
                       series.epoch <= tomb.tombstone.last_epoch;
            });
            if (!catalogue_.whole || account.erased || account.numbers.empty()) {
                continue;
            }
            const std::uint64_t last = account.numbers.rbegin()->first;
            // The numbers of a hostile lake may be anything: what is missing is named up to a bound.
            std::uint64_t expected = 1;
            for (const auto& [number, stream] : account.numbers) {
                for (; expected < number && account.missing.size() < most_missing; ++expected) {
                    account.missing.push_back(expected);
                }
                expected = number + 1;
            }
            if (!account.missing.empty()) {
                const std::uint64_t count = last - account.numbers.size();
                std::string which;
                for (const std::uint64_t number : account.missing) {
                    which += (which.empty() ? "" : ", ") + std::to_string(number);
                }
                account.problems.push_back(std::to_string(count) + " streams are neither stored nor declared: number " +
                                           which + (count > account.missing.size() ? " …" : ""));
            }
        }
    }

    [[nodiscard]] const std::map<Series, Account>& accounts() const noexcept { return accounts_; }

private:
    static constexpr std::size_t most_missing = 16;

    void enter(const Item& item, const std::string& what) {
        Account& account = accounts_[item.series];
        const auto [at, first] = account.numbers.emplace(item.number, item.id);
        if (!first && at->second != item.id) {
            account.problems.push_back(item.file.string() + ": " + what + " with number " +
                                       std::to_string(item.number) + ", which stream " + to_hex(at->second) + " has");
        }
    }

    const Catalogue& catalogue_;
    std::set<wire::Id16> noted_;
    std::map<Series, Account> accounts_;
};

Json json_of(const StreamReport& report, const char* status, bool opened) {
    Json json{{"file", report.file.string()},
              {"status", status},
              {"stream", nullptr},
              {"subject", nullptr},
              {"identity", nullptr},
              {"epoch", nullptr},
              {"number", nullptr},
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
        json["epoch"] = report.open->epoch;
        json["number"] = report.open->number;
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

std::string text_of(const StreamReport& report, const char* status, bool opened) {
    std::string text = printable(report.file.string()) + ": " + status;
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

Json json_of(const Series& series, const Account& account) {
    return {
        {"identity", to_hex(series.identity)}, {"subject", to_hex(series.subject)},    {"epoch", series.epoch},
        {"streams", account.streams},          {"produced", account.produced},         {"stored", account.stored},
        {"declared", account.declared},        {"uncounted_holes", account.uncounted}, {"lost_ends", account.lost_ends},
        {"expired", account.expired},          {"deleted", account.deleted},           {"erased", account.erased},
        {"missing", account.missing},          {"problems", account.problems}};
}

std::string text_of(const Series& series, const Account& account) {
    std::string text = name_of(series);
    if (account.erased) {
        return text + ": erased\n";
    }
    text += fmt::format(": {} streams, produced {} = stored {} + declared lost {}", account.streams, account.produced,
                        account.stored, account.declared);
    const auto more = [&](std::uint64_t count, const char* what) {
        if (count > 0) {
            text += fmt::format(", {} {}", count, what);
        }
    };
    more(account.uncounted, "holes not counted");
    more(account.lost_ends, "ends lost with the machine's memory");
    more(account.expired, "too old to be shipped");
    more(account.deleted, "deleted by the person");
    return text + "\n";
}

void add(Totals& totals, const StreamReport& report, const char* status) {
    ++totals.streams;
    ++totals.by_status[status];
    totals.events += report.events;
    totals.bytes += report.bytes;
}

Json json_of(const Totals& totals, bool opened) {
    Json gaps = Json::object();
    for (const auto& [reason, counts] : totals.gaps) {
        gaps[reason] = {{"holes", counts.first}, {"events", counts.second}};
    }
    Json json{{"streams", totals.streams},
              {"ok", totals.by_status.at("ok")},
              {"noted", totals.by_status.at("noted")},
              {"unclosed", totals.by_status.at("unclosed")},
              {"damaged", totals.by_status.at("damaged")},
              {"produced", totals.produced},
              {"stored", totals.stored},
              {"declared", totals.declared},
              {"events", nullptr},
              {"gaps", std::move(gaps)},
              {"bytes", totals.bytes}};
    if (opened) {
        json["events"] = totals.events;
    }
    return json;
}

/// Those of the person are not told apart: which devices and which streams, if that was asked for.
bool is_wanted(const VerifyOptions& options, const Item& item) {
    return (options.device.empty() || to_hex(item.series.identity) == options.device) &&
           (options.stream.empty() || to_hex(item.id) == options.stream);
}

/// Reads every stream; what it says of each goes to `tell`.
template <typename Tell>
bool read_streams(const Catalogue& catalogue, const Access& access, const VerifyOptions& options, Ledger& ledger,
                  Totals& totals, Tell&& tell) {
    bool well = true;
    std::map<wire::Id16, std::filesystem::path> seen;
    for (const auto& file : catalogue.segments) {
        const auto head = catalogue.heads.find(file);
        const bool selective = !options.device.empty() || !options.stream.empty();
        if (selective && (head == catalogue.heads.end() || !is_wanted(options, head->second))) {
            continue;
        }
        StreamReport report = read_segment(file, access, [&](const wire::StreamOpener::Item& item) {
            if (const auto* gap = std::get_if<wire::Gap>(&item.frame.body)) {
                auto& [holes, events] = totals.gaps[std::string(wire::gap_reason_name(gap->reason))];
                ++holes;
                events += gap->events.value_or(0);
            }
        });
        if (report.open && !report.problem) {
            const auto [at, first] = seen.emplace(report.open->stream, file);
            if (!first) {
                report.problem = "the same stream as " + at->second.string();
            }
        }
        const char* status = report.status();
        if (!report.problem && !report.close && ledger.has_note(report.open->stream)) {
            status = "noted";
        }
        well =
            well && !report.problem && (report.close || options.allow_unclosed || std::string_view(status) == "noted");
        ledger.add(report);
        add(totals, report, status);
        tell(report, status);
    }
    return well;
}

} // namespace

int verify(const std::vector<std::string>& paths, const Access& access, const VerifyOptions& options, Output& out) {
    Catalogue catalogue = survey(paths, access);
    if (!options.device.empty() || !options.stream.empty()) {
        // A part of a lake: which streams are missing is not to be seen from it.
        catalogue.whole = catalogue.whole && options.stream.empty();
        const auto others = [&](const Item& item) { return !is_wanted(options, item); };
        std::erase_if(catalogue.notes, others);
        std::erase_if(catalogue.expired, others);
        std::erase_if(catalogue.tombstones, [&](const Tomb& tomb) {
            return !options.device.empty() && to_hex(tomb.tombstone.identity) != options.device;
        });
    }
    const bool opened = access.key.has_value();
    Totals totals;
    Ledger ledger(catalogue);
    Json streams = Json::array();
    bool well =
        read_streams(catalogue, access, options, ledger, totals, [&](const StreamReport& report, const char* status) {
            if (options.json) {
                streams.push_back(json_of(report, status, opened));
            } else {
                out.write(text_of(report, status, opened));
            }
        });
    ledger.close();
    Json series = Json::array();
    for (const auto& [name, account] : ledger.accounts()) {
        totals.produced += account.erased ? 0 : account.produced;
        totals.stored += account.erased ? 0 : account.stored;
        totals.declared += account.erased ? 0 : account.declared;
        for (const std::string& problem : account.problems) {
            complain(name_of(name) + ": " + problem);
            well = false;
        }
        if (options.json) {
            series.push_back(json_of(name, account));
        } else {
            out.write(text_of(name, account));
        }
    }
    for (const std::string& problem : catalogue.problems) {
        complain(problem);
    }
    for (const Item& item : catalogue.refused) {
        complain(item.file.string() + ": of device " + to_hex(item.series.identity) + ", which is not enrolled");
    }
    // Nothing was made up, and nothing left out: the account of each stream was checked when it was read.
    well = well && catalogue.problems.empty() && catalogue.refused.empty() &&
           totals.produced == totals.stored + totals.declared;
    if (options.json) {
        const Json json{{"streams", std::move(streams)},       {"devices", std::move(series)},
                        {"totals", json_of(totals, opened)},   {"waiting_for_erasure", catalogue.erased.size()},
                        {"refused", catalogue.refused.size()}, {"holds", well}};
        out.write(json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
    } else {
        out.print("{} streams, {} bytes: {} ok, {} noted, {} unclosed, {} damaged; produced {} = stored {} + declared "
                  "lost {}\n",
                  totals.streams, totals.bytes, totals.by_status["ok"], totals.by_status["noted"],
                  totals.by_status["unclosed"], totals.by_status["damaged"], totals.produced, totals.stored,
                  totals.declared);
        for (const auto& [reason, counts] : totals.gaps) {
            out.print("  {} {} holes, {} events where that is known\n", reason, counts.first, counts.second);
        }
        if (opened) {
            out.print("{} events opened\n", totals.events);
        }
        if (!catalogue.erased.empty()) {
            out.print("{} files wait for erasure, and were not read: candor-refine erase\n", catalogue.erased.size());
        }
        if (access.any_device) {
            out.write("Any device was accepted.\n");
        }
    }
    return well ? 0 : 1;
}

} // namespace candor::refine
