// SPDX-License-Identifier: Apache-2.0
#include "my_data_report.h"

#include "base/hex.h"
#include "base/printable.h"
#include "consent/words.h"
#include "input/eligibility.h"
#include "input/names.h"
#include "when.h"

#include <fmt/format.h>

#include <iterator>
#include <limits>
#include <utility>

namespace candor::ctl {
namespace {

constexpr std::int64_t second_us = 1'000'000;

std::string counted(std::uint64_t number, std::string_view unit) {
    return fmt::format("{} {}{}", number, unit, number == 1 ? "" : "s");
}

/// When a stream that has ended may leave the machine; saturates.
std::int64_t may_leave(const OwnStream& stream, std::uint64_t embargo_seconds) {
    constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
    const auto embargo = static_cast<std::int64_t>(std::min<std::uint64_t>(embargo_seconds, most));
    return stream.to > most - embargo ? most : stream.to + embargo;
}

void append(std::vector<std::string>& parts, std::uint64_t number, std::string_view unit) {
    if (number != 0) {
        parts.push_back(counted(number, unit));
    }
}

/// "3 presses, 2 of them text, 1 click …"; empty for nothing.
std::string totals_text(const view::Totals& totals) {
    std::vector<std::string> parts;
    if (totals.presses != 0) {
        parts.push_back(fmt::format("{} {}", totals.presses, totals.presses == 1 ? "key" : "keys") +
                        (totals.text_keys != 0 ? fmt::format(" ({} of text)", totals.text_keys) : std::string()));
    }
    append(parts, totals.clicks, "click");
    if (totals.scroll != 0) {
        parts.push_back(fmt::format("{} {} of scrolling", totals.scroll, totals.scroll == 1 ? "notch" : "notches"));
    }
    if (totals.distance != 0) {
        parts.push_back(fmt::format("pointer moved by {}", totals.distance));
    }
    append(parts, totals.typing_us / second_us, "second");
    if (totals.typing_us / second_us != 0) {
        parts.back() += " of typing";
    }
    append(parts, totals.pointing_us / second_us, "second");
    if (totals.pointing_us / second_us != 0) {
        parts.back() += " of pointing";
    }
    return fmt::format("{}", fmt::join(parts, ", "));
}

std::string gap_text(wire::GapReason reason, const view::GapTotals& gap) {
    std::string events = counted(gap.events, "event");
    if (gap.uncounted == gap.holes) {
        events = "not counted";
    } else if (gap.uncounted != 0) {
        events += ", and some that were not counted";
    }
    return fmt::format("{}: {} in {}, {} in all", wire::gap_reason_name(reason), events, counted(gap.holes, "hole"),
                       counted(gap.seconds, "second"));
}

std::string end_text(const view::Summary& summary, const StreamResult& result) {
    if (result.problem) {
        return "cannot be read on: " + printable(*result.problem);
    }
    return summary.closed ? std::string(wire::close_reason_name(*summary.closed))
                          : "none: it goes on, or its end is not here";
}

Json totals_json(const view::Totals& totals) {
    return {{"presses", totals.presses},         {"text_keys", totals.text_keys}, {"clicks", totals.clicks},
            {"scroll_notches", totals.scroll},   {"distance", totals.distance},   {"typing_us", totals.typing_us},
            {"pointing_us", totals.pointing_us}, {"events", totals.events}};
}

} // namespace

std::string streams_table(const std::vector<OwnStream>& streams, std::uint64_t embargo_seconds, const Style& style) {
    std::vector<std::vector<std::string>> rows{{"FROM", "TO", "LEVEL", "SIZE", "MAY LEAVE", "STREAM"}};
    for (const OwnStream& stream : streams) {
        rows.push_back({local_time(stream.from), stream.ended ? local_time(stream.to) : "goes on",
                        printable(stream.level), size_text(stream.bytes),
                        stream.ended ? local_time(may_leave(stream, embargo_seconds)) : "not before its end",
                        printable(stream.id)});
    }
    return table(rows, style);
}

std::string own_data_text(const OwnData& data, std::uint64_t embargo_seconds, const Style& style) {
    std::string text = data.streams.empty() ? "Nothing that was recorded of you waits on this computer to be shipped.\n"
                                            : streams_table(data.streams, embargo_seconds, style);
    if (data.frames_on_their_way != 0) {
        text += fmt::format("{} more on the way to the shipper, not in a file yet.\n",
                            counted(data.frames_on_their_way, "sealed frame") +
                                (data.frames_on_their_way == 1 ? " is" : " are"));
    }
    if (!data.streams.empty()) {
        text += "To look into them: candorctl my-data show. To delete: candorctl my-data delete\n";
    }
    return text;
}

std::string own_data_json(const OwnData& data, std::uint64_t embargo_seconds) {
    Json streams = Json::array();
    for (const OwnStream& stream : data.streams) {
        streams.push_back(
            {{"stream", stream.id},
             {"from", utc_time(stream.from)},
             {"to", utc_time(stream.to)},
             {"level", stream.level},
             {"bytes", stream.bytes},
             {"ended", stream.ended},
             {"may_leave", stream.ended ? Json(utc_time(may_leave(stream, embargo_seconds))) : Json(nullptr)}});
    }
    return dump({{"streams", std::move(streams)},
                 {"frames_on_their_way", data.frames_on_their_way},
                 {"embargo_seconds", embargo_seconds}});
}

std::string summary_text(const view::Summary& summary, const StreamResult& result, const Style& style) {
    std::string text =
        style(Tone::heading, fmt::format("{} to {}, level {}", local_time(summary.from_us / second_us),
                                         local_time(summary.to_us / second_us), privacy::level_name(summary.level))) +
        "\n";
    text += line("Stream", to_hex(summary.stream) + ", " + size_text(result.bytes));
    for (const input::DeviceInfo& device : summary.devices) {
        text += line("Device", fmt::format("{} ({})", printable(device.name), input::class_name(device.device_class)));
    }
    const std::string totals = totals_text(summary.totals);
    text += line("Recorded",
                 totals.empty() ? "nothing" : (summary.level == privacy::Level::counts ? "about " : "") + totals);
    for (const auto& [reason, gap] : summary.gaps) {
        text += line("Lost", gap_text(reason, gap));
    }
    text += line("End", end_text(summary, result));
    for (const auto& [begin, minute] : summary.minutes) {
        const std::string inside = totals_text(minute.totals);
        // What was typed is the stream's own text, of keys' names alone.
        text += fmt::format("  {}  {}{}{}\n", local_clock(begin * second_us).substr(0, 5),
                            inside.empty() ? "releases and the like" : inside, minute.keys.empty() ? "" : ": ",
                            minute.keys);
    }
    return text + "\n";
}

Json summary_json(const view::Summary& summary, const std::string& id, const StreamResult& result) {
    Json devices = Json::array();
    for (const input::DeviceInfo& device : summary.devices) {
        devices.push_back(
            {{"device", device.index}, {"class", input::class_name(device.device_class)}, {"name", device.name}});
    }
    Json minutes = Json::array();
    for (const auto& [begin, minute] : summary.minutes) {
        Json json{{"from", utc_time(begin)}, {"keys", minute.keys}};
        json.update(totals_json(minute.totals));
        minutes.push_back(std::move(json));
    }
    Json gaps = Json::object();
    for (const auto& [reason, gap] : summary.gaps) {
        gaps[std::string(wire::gap_reason_name(reason))] = {
            {"holes", gap.holes}, {"events", gap.events}, {"uncounted", gap.uncounted}, {"seconds", gap.seconds}};
    }
    const bool known = result.opened;
    return {{"stream", id},
            {"from", known ? Json(utc_time(summary.from_us / second_us)) : Json(nullptr)},
            {"to", known ? Json(utc_time(summary.to_us / second_us)) : Json(nullptr)},
            {"level", known ? Json(privacy::level_name(summary.level)) : Json(nullptr)},
            {"bytes", result.bytes},
            {"end", summary.closed ? Json(wire::close_reason_name(*summary.closed)) : Json(nullptr)},
            {"devices", std::move(devices)},
            {"totals", totals_json(summary.totals)},
            {"minutes", std::move(minutes)},
            {"gaps", std::move(gaps)},
            {"problem", result.problem ? Json(*result.problem) : Json(nullptr)}};
}

void EventLines::add(const wire::StreamOpener::Item& item) {
    timeline_.see(item.frame);
    if (const auto* gap = std::get_if<wire::Gap>(&item.frame.body)) {
        text_ += fmt::format("  {}  hole until {}: {}, {}\n", local_clock(timeline_.realtime_us(gap->from_us)),
                             local_clock(timeline_.realtime_us(gap->to_us)), wire::gap_reason_name(gap->reason),
                             gap->events ? counted(*gap->events, "event") : "not counted");
    }
    if (!item.batch) {
        return;
    }
    for (const input::DeviceInfo& device : item.batch->devices) {
        devices_[device.index] = printable(device.name);
    }
    item.batch->packets.for_each([&](const input::Packet& packet) {
        const std::string when = local_clock(timeline_.realtime_us(packet.time_us));
        const std::string& device = devices_[packet.device];
        for (const input::Event& event : packet.events) {
            fmt::format_to(std::back_inserter(text_), "  {}  {}  {} {} {}\n", when, device,
                           input::type_name(event.type), input::code_name(event.type, event.code), event.value);
        }
    });
}

} // namespace candor::ctl
