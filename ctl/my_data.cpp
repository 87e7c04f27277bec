// SPDX-License-Identifier: Apache-2.0
// What was recorded of the caller and waits on this machine: docs/my-data.md tells how and why.
#include "commands.h"

#include "base/file.h"
#include "base/hex.h"
#include "base/printable.h"
#include "consent/words.h"
#include "my_data_report.h"
#include "new_file.h"
#include "view/stream_lines.h"
#include "when.h"
#include "wire/segment.h"
#include "with_client.h"

#include <fmt/format.h>

#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <set>
#include <system_error>

namespace candor::ctl {
namespace {

/// In seconds since 1970 UTC, both ends counted; to 0: no end.
struct Range {
    std::int64_t from = 0;
    std::int64_t to = 0;

    [[nodiscard]] bool touches(const OwnStream& stream) const {
        return stream.to >= from && (to == 0 || stream.from <= to);
    }
};

/// The command line has checked the texts.
Answer<Range> range_of(const DataRange& wanted) {
    const std::int64_t now = std::time(nullptr);
    Range range;
    if (!wanted.from.empty()) {
        range.from = parse_moment(wanted.from, Edge::begin, now).value();
    }
    if (!wanted.to.empty()) {
        // 0 would be no end.
        range.to = std::max<std::int64_t>(parse_moment(wanted.to, Edge::end, now).value(), 1);
        if (range.to < range.from) {
            return std::unexpected(Failure{local_time(range.to) + " is before " + local_time(range.from), Exit::usage});
        }
    }
    return range;
}

std::string nothing_text(const OwnData& data) {
    return data.streams.empty()
               ? "Nothing that was recorded of you waits on this computer to be shipped.\n"
               : "Nothing that was recorded of you at that time waits on this computer to be shipped.\n";
}

using Handler = std::function<void(const OpenedStream&, const wire::PublicKey&)>;

/// Hands over each stream of the range once. candord gives so many at a time, and the person is asked for each time.
Answer<void> for_each_stream(Client& client, const OwnData& data, Range range, const Handler& handle) {
    const auto status = client.status();
    if (!status) {
        return std::unexpected(status.error());
    }
    wire::PublicKey identity{};
    if (!from_hex_exactly(status->identity, identity)) {
        return std::unexpected(Failure{"candord does not say which key signs what it records"});
    }
    wire::init_crypto();
    std::set<std::string> seen;
    for (;;) {
        const auto opened = client.open_data(range.from, range.to);
        if (!opened) {
            return std::unexpected(opened.error());
        }
        const std::size_t before = seen.size();
        for (const OpenedStream& stream : opened->streams) {
            if (seen.insert(stream.id).second) {
                handle(stream, identity);
            }
        }
        if (!opened->more) {
            return {};
        }
        const auto last = opened->streams.empty()
                              ? data.streams.end()
                              : std::ranges::find(data.streams, opened->streams.back().id, &OwnStream::id);
        if (last == data.streams.end() || seen.size() == before) {
            return std::unexpected(Failure{"there is more, but candord does not give it: name a later --from"});
        }
        range.from = std::max(range.from, last->from);
        std::cerr << "There is more; it takes your password again.\n";
    }
}

/// Streams that List names and Open has not given, or that cannot be read, are said; whether there was none.
class Problems {
public:
    void say(const std::string& id, const std::string& problem) {
        std::cout.flush();
        std::cerr << "candorctl: stream " << printable(id) << ": " << printable(problem) << "\n";
        any_ = true;
    }
    [[nodiscard]] int exit_status() const { return static_cast<int>(any_ ? Exit::refused : Exit::done); }

private:
    bool any_ = false;
};

/// Opens what is in the range and gives it to `handle`, or prints `nothing` when there is nothing, without asking for a password.
template <typename Handle, typename Done>
Outcome read_my_data(const DataRange& wanted, std::string (*nothing)(const OwnData&), Handle&& handle, Done&& done) {
    const auto range = range_of(wanted);
    if (!range) {
        return std::unexpected(range.error());
    }
    return with_client([&](Client& client) -> Outcome {
        const auto data = client.own_data();
        if (!data) {
            return std::unexpected(data.error());
        }
        std::set<std::string> missing;
        for (const OwnStream& stream : data->streams) {
            if (range->touches(stream)) {
                missing.insert(stream.id);
            }
        }
        if (missing.empty()) {
            std::cout << nothing(*data);
            return 0;
        }
        Problems problems;
        const auto read =
            for_each_stream(client, *data, *range, [&](const OpenedStream& stream, const wire::PublicKey& identity) {
                missing.erase(stream.id);
                const StreamResult result = handle(stream, identity);
                if (result.problem) {
                    problems.say(stream.id, *result.problem);
                }
            });
        if (!read) {
            return std::unexpected(read.error());
        }
        for (const std::string& id : missing) {
            problems.say(id, "candord did not open it: it was shipped or deleted a moment ago, or its key is gone");
        }
        if (const auto finished = done(); !finished) {
            return std::unexpected(finished.error());
        }
        return problems.exit_status();
    });
}

} // namespace

Outcome list_my_data(bool json) {
    return with_client([json](Client& client) -> Outcome {
        const auto embargo = client.embargo_seconds();
        if (!embargo) {
            return std::unexpected(embargo.error());
        }
        return print(client.own_data(), [&](const OwnData& data) {
            return json ? own_data_json(data, *embargo) : own_data_text(data, *embargo, Style::of_output());
        });
    });
}

Outcome show_my_data(const DataRange& range, bool events, bool json) {
    const Style style = Style::of_output();
    Json streams = Json::array();
    const auto show = [&](const OpenedStream& stream, const wire::PublicKey& identity) {
        view::Summarizer sum;
        EventLines lines;
        const StreamResult result = read_own_stream(stream, identity, [&](const wire::StreamOpener::Item& item) {
            sum.add(item);
            if (events) {
                lines.add(item);
            }
        });
        if (json) {
            streams.push_back(summary_json(sum.summary(), stream.id, result));
        } else if (result.opened) {
            std::cout << summary_text(sum.summary(), result, style) << lines.text() << (events ? "\n" : "");
        }
        return result;
    };
    const auto nothing = json ? +[](const OwnData&) { return dump({{"streams", Json::array()}}); } : nothing_text;
    return read_my_data(range, nothing, show, [&]() -> Answer<void> {
        if (json) {
            std::cout << dump({{"streams", std::move(streams)}});
        }
        return {};
    });
}

Outcome export_my_data(const ExportOptions& options) {
    // Before a password is asked for.
    if (std::error_code ignored;
        !options.force && std::filesystem::exists(std::filesystem::symlink_status(options.file, ignored))) {
        return std::unexpected(Failure{printable(options.file.string()) + " is there already; --force replaces it"});
    }
    try {
        NewFile file(options.file);
        std::uint64_t streams = 0;
        const auto write = [&](const OpenedStream& stream, const wire::PublicKey& identity) {
            view::StreamLines lines(stream.id + std::string(wire::segment_suffix),
                                    [&file](std::string_view text) { file.write(text); });
            StreamResult result =
                read_own_stream(stream, identity, [&](const wire::StreamOpener::Item& item) { lines.write(item); });
            if (result.problem) {
                lines.write_problem(result.offset, *result.problem);
            } else if (!result.closed) {
                lines.write_unclosed();
            }
            ++streams;
            return result;
        };
        return read_my_data(options.range, nothing_text, write, [&]() -> Answer<void> {
            file.commit(options.force);
            std::cout << fmt::format(
                "{} written to {}, which only you can read; it holds what you typed, as far as the level "
                "keeps it.\n",
                consent::counted(static_cast<std::int64_t>(streams), "stream"), printable(options.file.string()));
            return {};
        });
    } catch (const std::system_error& error) {
        return std::unexpected(Failure{printable(options.file.string()) + ": " + printable(error.what())});
    }
}

Outcome delete_my_data(const DeleteOptions& options) {
    if (!options.yes && ::isatty(STDIN_FILENO) == 0) {
        return std::unexpected(
            Failure{"no terminal to ask on: see what there is (candorctl my-data list), then pass --yes"});
    }
    const auto range = range_of(options.range);
    if (!range) {
        return std::unexpected(range.error());
    }
    return with_client([&](Client& client) -> Outcome {
        const auto data = client.own_data();
        if (!data) {
            return std::unexpected(data.error());
        }
        const auto embargo = client.embargo_seconds();
        if (!embargo) {
            return std::unexpected(embargo.error());
        }
        std::vector<OwnStream> touched;
        std::ranges::copy_if(data->streams, std::back_inserter(touched),
                             [&](const OwnStream& stream) { return range->touches(stream); });
        if (touched.empty() && data->frames_on_their_way == 0) {
            std::cout << nothing_text(*data);
            return 0;
        }
        if (!touched.empty()) {
            std::cout << streams_table(touched, *embargo, Style::of_output());
            const auto last = std::ranges::max_element(touched, {}, &OwnStream::to);
            const bool goes_on = std::ranges::any_of(touched, [](const OwnStream& stream) { return !stream.ended; });
            std::cout << fmt::format("Streams are deleted whole: what goes reaches from {} to {}.\n",
                                     local_time(std::ranges::min_element(touched, {}, &OwnStream::from)->from),
                                     goes_on ? "now" : local_time(last->to));
        }
        if (data->frames_on_their_way != 0) {
            std::cout << "What is on the way to the shipper, and in no file yet, goes where it belongs to that time.\n";
        }
        if (!options.yes && !confirm("Delete this for good?")) {
            return std::unexpected(Failure{"not confirmed: nothing was deleted"});
        }
        return print(client.delete_data(range->from, range->to), [](std::uint64_t deleted) {
            return consent::counted(static_cast<std::int64_t>(deleted), "stream") +
                   " deleted. That there is a hole is entered in the audit log, and told to the lake.\n";
        });
    });
}

} // namespace candor::ctl
