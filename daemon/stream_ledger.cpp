// SPDX-License-Identifier: Apache-2.0
#include "daemon/stream_ledger.h"

#include "base/file.h"
#include "base/hex.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <sstream>

namespace candor::daemon {
namespace {

constexpr std::string_view first_line = "candor streams 1";
constexpr std::size_t max_file_bytes = 1024 * 1024;

template <typename Number> bool read_number(std::istringstream& words, Number& number) {
    std::string word;
    words >> word;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
    return error == std::errc{} && end == word.data() + word.size() && !word.empty();
}

bool read_id(std::istringstream& words, wire::Id16& id) {
    std::string word;
    words >> word;
    return from_hex_exactly(word, id);
}

bool at_end(std::istringstream& words) { return (words >> std::ws).eof(); }

} // namespace

std::expected<StreamLedger, Refusal> StreamLedger::load(std::filesystem::path file) {
    StreamLedger ledger(std::move(file));
    std::error_code error;
    if (!std::filesystem::exists(ledger.file_, error) && !error) {
        return ledger;
    }
    const auto text = read_text(ledger.file_, max_file_bytes);
    if (!text) {
        return std::unexpected(text.error());
    }
    std::istringstream lines(*text);
    std::string line;
    for (std::size_t number = 1; std::getline(lines, line); ++number) {
        std::istringstream words(line);
        bool sound = number == 1 && line == first_line;
        if (number > 1) {
            std::string kind;
            words >> kind;
            wire::Id16 subject{};
            std::uint32_t epoch = 0;
            std::uint64_t last = 0;
            Entry entry;
            if (kind == "number") {
                sound = read_id(words, subject) && read_number(words, epoch) && read_number(words, last) && last != 0 &&
                        last != std::numeric_limits<std::uint64_t>::max() && at_end(words) &&
                        ledger.numbers_.emplace(std::pair(subject, epoch), last).second;
            } else if (kind == "open") {
                sound = read_id(words, entry.stream) && read_id(words, entry.subject) &&
                        read_number(words, entry.epoch) && read_number(words, entry.number) &&
                        read_number(words, entry.began) && at_end(words) && entry.epoch != 0 && entry.number != 0 &&
                        std::ranges::find(ledger.unfinished_, entry.stream, &Entry::stream) == ledger.unfinished_.end();
                ledger.unfinished_.push_back(entry);
            }
        }
        if (!sound) {
            return std::unexpected(Refusal{ledger.file_.string() + ":" + std::to_string(number) + ": expected " +
                                           (number == 1 ? "\"" + std::string(first_line) + "\""
                                                        : "a line number or open, with its ids and numbers")});
        }
    }
    if (text->empty() || !text->ends_with('\n')) {
        return std::unexpected(Refusal{ledger.file_.string() + ": ends within a line"});
    }
    return ledger;
}

std::uint64_t StreamLedger::next_number(const wire::Id16& subject, std::uint32_t epoch) const {
    const auto found = numbers_.find({subject, epoch});
    return found == numbers_.end() ? 1 : found->second + 1;
}

void StreamLedger::begin(const Entry& entry) {
    auto numbers = numbers_;
    // Of earlier epochs no stream begins any more.
    std::erase_if(numbers, [&](const auto& known) {
        return known.first.first == entry.subject && known.first.second < entry.epoch;
    });
    numbers[{entry.subject, entry.epoch}] = entry.number;
    auto unfinished = unfinished_;
    unfinished.push_back(entry);
    replace(std::move(numbers), std::move(unfinished));
}

void StreamLedger::finish(std::span<const wire::Id16> streams) {
    auto unfinished = unfinished_;
    const auto gone = std::erase_if(
        unfinished, [&](const Entry& entry) { return std::ranges::find(streams, entry.stream) != streams.end(); });
    if (gone > 0) {
        replace(numbers_, std::move(unfinished));
    }
}

void StreamLedger::forget(const wire::Id16& subject, std::uint32_t last_epoch) {
    auto numbers = numbers_;
    auto unfinished = unfinished_;
    std::erase_if(numbers,
                  [&](const auto& known) { return known.first.first == subject && known.first.second <= last_epoch; });
    std::erase_if(unfinished,
                  [&](const Entry& entry) { return entry.subject == subject && entry.epoch <= last_epoch; });
    if (numbers != numbers_ || unfinished != unfinished_) {
        replace(std::move(numbers), std::move(unfinished));
    }
}

void StreamLedger::replace(Numbers numbers, std::vector<Entry> unfinished) {
    std::string text = std::string(first_line) + "\n";
    for (const auto& [whose, last] : numbers) {
        text +=
            "number " + to_hex(whose.first) + " " + std::to_string(whose.second) + " " + std::to_string(last) + "\n";
    }
    for (const Entry& entry : unfinished) {
        text += "open " + to_hex(entry.stream) + " " + to_hex(entry.subject) + " " + std::to_string(entry.epoch) + " " +
                std::to_string(entry.number) + " " + std::to_string(entry.began) + "\n";
    }
    write_file_atomically(file_, as_bytes(text), 0600);
    numbers_ = std::move(numbers);
    unfinished_ = std::move(unfinished);
}

} // namespace candor::daemon
