// SPDX-License-Identifier: Apache-2.0
#include "commands.h"

#include "base/printable.h"
#include "consent/words.h"
#include "text.h"
#include "when.h"
#include "with_client.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <iterator>
#include <limits>
#include <string_view>
#include <utility>

namespace candor::ctl {
namespace {

constexpr std::uint32_t page = 1000; // the most that GetEntries gives

/// What an act means that its name and detail do not tell to who was not there.
constexpr std::pair<std::string_view, std::string_view> act_words[] = {
    {"keys-destroyed", "an erasure has begun here"},
    {"erased", "the lake has carried out an erasure"},
    {"data-read", "looked at before it was shipped"},
    {"data-deleted", "deleted before it was shipped"},
    {"stream-ended", "streams that were left open have their end"},
};

/// The entry's own detail, behind the words for its act.
std::string detail_text(std::string_view act, const std::string& detail) {
    const auto* known = std::ranges::find(act_words, act, &std::pair<std::string_view, std::string_view>::first);
    if (known == std::end(act_words)) {
        return printable(detail);
    }
    return std::string(known->second) + (detail.empty() ? "" : ": " + printable(detail));
}

Failure not_understood(const std::string& line) {
    return Failure{"an entry of the audit log is not understood: " + printable(line).substr(0, 200)};
}

/// Nothing when the field is null; `sound` says whether it was null or a uid.
std::optional<std::uint32_t> uid_of(const Json& entry, const char* name, bool& sound) {
    const auto found = entry.find(name);
    if (found == entry.end() || !(found->is_null() || found->is_number_unsigned())) {
        sound = false;
        return std::nullopt;
    }
    if (found->is_null()) {
        return std::nullopt;
    }
    const auto number = found->get<std::uint64_t>();
    sound = sound && number <= std::numeric_limits<std::uint32_t>::max();
    return static_cast<std::uint32_t>(number);
}

/// Number, time, act, who, whose and detail.
std::optional<std::vector<std::string>> row_of(const Json& entry) {
    const auto is_string = [&entry](const char* name) { return entry.contains(name) && entry.at(name).is_string(); };
    if (!is_string("act") || !is_string("detail") || !entry.contains("time") || !entry.at("time").is_number_integer()) {
        return std::nullopt;
    }
    bool sound = true;
    const auto uid = uid_of(entry, "uid", sound);
    const auto subject = uid_of(entry, "subject", sound);
    if (!sound) {
        return std::nullopt;
    }
    return std::vector<std::string>{
        entry.at("number").dump(),
        local_time(entry.at("time").get<std::int64_t>()),
        printable(entry.at("act").get<std::string>()),
        uid ? user_name(*uid) : "candord",
        subject ? user_name(*subject) : "everybody",
        detail_text(entry.at("act").get<std::string>(), entry.at("detail").get<std::string>())};
}

/// Hands every entry to `take`, in their order.
Answer<void> for_each_entry(Client& client, bool all,
                            const std::function<Answer<void>(const Json&, const std::string&)>& take) {
    std::uint64_t after = 0;
    for (;;) {
        const auto lines = client.audit_entries(after, page, all);
        if (!lines) {
            return std::unexpected(lines.error());
        }
        for (const std::string& text : *lines) {
            const Json entry = Json::parse(text, nullptr, false);
            // Numbers grow, or there would be no end.
            if (!entry.is_object() || !entry.contains("number") || !entry.at("number").is_number_unsigned() ||
                entry.at("number").get<std::uint64_t>() <= after) {
                return std::unexpected(not_understood(text));
            }
            after = entry.at("number").get<std::uint64_t>();
            if (const auto taken = take(entry, text); !taken) {
                return taken;
            }
        }
        if (lines->size() < page) {
            return {};
        }
    }
}

} // namespace

Outcome show_audit(bool all, bool json) {
    return with_client([all, json](Client& client) -> Outcome {
        Json entries = Json::array();
        std::vector<std::vector<std::string>> rows{{"NO", "TIME", "ACT", "BY", "ABOUT", "DETAIL"}};
        const auto read = for_each_entry(client, all, [&](const Json& entry, const std::string& text) -> Answer<void> {
            if (json) {
                entries.push_back(entry);
                return {};
            }
            auto row = row_of(entry);
            if (!row) {
                return std::unexpected(not_understood(text));
            }
            rows.push_back(std::move(*row));
            return {};
        });
        if (!read) {
            return std::unexpected(read.error());
        }
        if (json) {
            std::cout << dump(entries);
        } else if (rows.size() == 1) {
            std::cout << (all ? "The audit log has no entry.\n" : "No entry of the audit log concerns you.\n");
        } else {
            std::cout << table(rows, Style::of_output());
        }
        return 0;
    });
}

Outcome verify_audit(bool json) {
    return with_client([json](Client& client) -> Outcome {
        const auto found = client.verify_audit();
        if (!found) {
            return std::unexpected(found.error());
        }
        if (json) {
            std::cout << dump({{"intact", found->intact}, {"entries", found->entries}, {"problem", found->problem}});
        } else if (found->intact) {
            std::cout << Style::of_output()(Tone::good, "The audit log is intact")
                      << fmt::format(": {} entries\n", found->entries);
        } else {
            std::cout << Style::of_output()(Tone::bad, "The audit log is not intact")
                      << fmt::format(": {} ({} entries hold)\n", printable(found->problem), found->entries);
        }
        return static_cast<int>(found->intact ? Exit::done : Exit::refused);
    });
}

} // namespace candor::ctl
