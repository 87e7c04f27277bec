// SPDX-License-Identifier: Apache-2.0
#include "audit/survey.h"

#include "base/file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

namespace candor::audit {
namespace {

constexpr std::size_t buffer_bytes = 64 * 1024;
static_assert(buffer_bytes > max_entry_bytes + 1);

struct Next {
    Head head; ///< that covers it
    Entry entry;
};

/// The chain with one more entry, or what was expected instead.
std::expected<Next, Refusal> next_of(const Head& found, std::string_view line) {
    auto chained = parse_entry(line);
    if (!chained) {
        return std::unexpected(chained.error());
    }
    if (chained->entry.number != found.entries + 1) {
        return std::unexpected(Refusal{"entry " + std::to_string(chained->entry.number) + ", expected entry " +
                                       std::to_string(found.entries + 1)});
    }
    if (chained->previous != found.last) {
        return std::unexpected(Refusal{"does not follow the entry before it, expected its hash"});
    }
    return Next{{found.entries + 1, found.bytes + line.size() + 1, chained->hash}, std::move(chained->entry)};
}

/// What is wrong with a line that has no newline; empty when a crash can have left it.
std::string problem_of_torn(const Survey& survey, std::size_t bytes) {
    if (bytes > max_entry_bytes) {
        return "longer than an entry can be, expected 4096 bytes at most";
    }
    if (survey.found.entries < survey.head.entries) {
        return "cut off, expected entry " + std::to_string(survey.found.entries + 1) + " of " +
               std::to_string(survey.head.entries);
    }
    return survey.found.entries > survey.head.entries ? "beyond what the head covers, expected the end" : "";
}

/// Takes the next line in; what is wrong otherwise.
std::string take(Survey& survey, const LineReader::Line& line) {
    if (!line.whole) {
        survey.torn = line.text.size();
        return problem_of_torn(survey, survey.torn);
    }
    if (survey.found.entries > survey.head.entries) {
        return "beyond what the head covers, expected the end";
    }
    auto next = next_of(survey.found, line.text);
    if (!next) {
        return next.error().message;
    }
    if (next->head.entries == survey.head.entries && next->head != survey.head) {
        return "another entry than the head's last";
    }
    if (survey.found.entries % mark_interval == 0) {
        survey.marks.push_back(survey.found.bytes);
    }
    survey.found = next->head;
    if (next->entry.act == Act::gate_opened || next->entry.act == Act::gate_closed) {
        // Of openings that nobody closed the first counts: each of those processes died, and the last one may have said nothing.
        const bool died_again = next->entry.act == Act::gate_opened && survey.last_gate &&
                                survey.last_gate->act == Act::gate_opened &&
                                survey.last_gate->subject == next->entry.subject;
        if (!died_again) {
            survey.last_gate = std::move(next->entry);
        }
    }
    return {};
}

} // namespace

bool LineReader::fill() {
    buffer_.resize(buffer_bytes);
    std::copy(buffer_.begin() + static_cast<std::ptrdiff_t>(begin_),
              buffer_.begin() + static_cast<std::ptrdiff_t>(end_), buffer_.begin());
    end_ -= begin_;
    begin_ = 0;
    for (;;) {
        const ssize_t n = ::pread(fd_, buffer_.data() + end_, buffer_.size() - end_, static_cast<off_t>(offset_));
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            throw_errno("read the audit log");
        }
        offset_ += static_cast<std::uint64_t>(n);
        end_ += static_cast<std::size_t>(n);
        return n > 0;
    }
}

std::optional<LineReader::Line> LineReader::next() {
    while (!ended_) {
        const std::string_view rest(buffer_.data() + begin_, end_ - begin_);
        if (const auto newline = rest.find('\n'); newline <= max_entry_bytes) {
            begin_ += newline + 1;
            return Line{rest.substr(0, newline), true};
        }
        if (rest.size() > max_entry_bytes || !fill()) {
            ended_ = true;
            return rest.empty() ? std::nullopt : std::optional(Line{rest, false});
        }
    }
    return std::nullopt;
}

Survey survey(int log, const std::filesystem::path& directory, const wire::PublicKey& identity) {
    Survey survey;
    const std::string head_path = (directory / head_name).string();
    const auto text = read_text(head_path, max_head_bytes);
    if (!text) {
        survey.problem = text.error().message;
        return survey;
    }
    const auto head = parse_head(*text, identity);
    if (!head) {
        survey.problem = head_path + ": " + head.error().message;
        return survey;
    }
    survey.head = *head;
    const auto at_line = [&](const std::string& problem) {
        return (directory / log_name).string() + ":" + std::to_string(survey.found.entries + 1) + ": " + problem;
    };
    LineReader lines(log, 0);
    while (const auto line = lines.next()) {
        if (const std::string problem = take(survey, *line); !problem.empty()) {
            survey.problem = at_line(problem);
            return survey;
        }
    }
    if (survey.found.entries < survey.head.entries) {
        survey.problem = at_line("the end, expected entry " + std::to_string(survey.found.entries + 1) + " of " +
                                 std::to_string(survey.head.entries));
    }
    return survey;
}

} // namespace candor::audit
