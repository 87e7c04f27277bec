// SPDX-License-Identifier: Apache-2.0
#include "view/stream_lines.h"

#include "support/catch.h"
#include "unit/wire/stream_fixture.h"

#include <nlohmann/json.hpp>

#include <sstream>

using namespace candor;
using candor::test::StreamFixture;
using Json = nlohmann::json;

namespace {

/// The lines of these frames and of what `more` adds.
template <typename More>
std::vector<Json> lines_of(const StreamFixture& fixture, const std::vector<wire::FrameBytes>& frames, More&& more) {
    std::string text;
    view::StreamLines lines("a.candor", [&text](std::string_view piece) {
        CHECK(piece.ends_with('\n'));
        text += piece;
    });
    wire::StreamOpener opener(fixture.epoch_key());
    for (const auto& frame : frames) {
        const auto item = opener.next(frame);
        REQUIRE(item.has_value());
        lines.write(*item);
    }
    more(lines);
    std::vector<Json> parsed;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) {
        parsed.push_back(Json::parse(line));
    }
    return parsed;
}

std::vector<std::string> kinds_of(const std::vector<Json>& lines) {
    std::vector<std::string> kinds;
    for (const Json& line : lines) {
        kinds.push_back(line["kind"]);
    }
    return kinds;
}

} // namespace

TEST_CASE("a stream becomes lines in its own order, each with its kind and stream") {
    const StreamFixture fixture;
    const auto lines = lines_of(fixture, fixture.stream(), [](auto&) {});
    std::vector<std::string> expected = {"open", "clock", "device"};
    expected.insert(expected.end(), 18, "event");
    expected.insert(expected.end(), {"clock", "gap"});
    expected.insert(expected.end(), 6, "event");
    expected.emplace_back("close");
    CHECK(kinds_of(lines) == expected);
    for (const Json& line : lines) {
        CHECK(line["stream"] == lines[0]["stream"]);
    }
    CHECK(lines[0]["file"] == "a.candor");
    CHECK(lines[4] == Json({{"kind", "event"},
                            {"stream", lines[0]["stream"]},
                            {"device", 1},
                            {"t_us", 1'100'000},
                            {"type", "EV_KEY"},
                            {"code", "KEY_A"},
                            {"value", 1}}));
    CHECK(lines[22]["reason"] == "ring_full");
    CHECK(lines[22]["events"] == 7);
    CHECK(lines[22]["device"].is_null());
    CHECK(lines.back()["reason"] == "gate_closed");
}

TEST_CASE("a stream that was cut off by a crash says so in the names of the format") {
    const StreamFixture fixture;
    wire::StreamSealer sealer(fixture.identity, fixture.subject.epoch_key, fixture.context());
    std::vector<wire::FrameBytes> frames{sealer.open()};
    auto end = wire::end_crashed_stream(fixture.identity, sealer.progress(), monotonic_us());
    frames.push_back(std::move(end.gap));
    frames.push_back(std::move(end.close));
    const auto lines = lines_of(fixture, frames, [](auto&) {});
    CHECK(kinds_of(lines) == std::vector<std::string>{"open", "clock", "gap", "close"});
    CHECK(lines[2]["reason"] == "crash");
    CHECK(lines[2]["events"].is_null());
    CHECK(lines[3]["reason"] == "crashed");
}

TEST_CASE("where a stream stops is a line of the data") {
    const StreamFixture fixture;
    auto frames = fixture.stream();
    frames.pop_back();
    const auto lines = lines_of(fixture, frames, [](view::StreamLines& out) {
        out.write_problem(77, "byte 77: no record \x1b\xff");
        out.write_unclosed();
    });
    const Json& damaged = lines[lines.size() - 2];
    CHECK(damaged["kind"] == "damaged");
    CHECK(damaged["offset"] == 77);
    CHECK(damaged["file"] == "a.candor");
    CHECK(damaged["stream"] == lines[0]["stream"]);
    CHECK(lines.back()["kind"] == "unclosed");
    const auto nothing = lines_of(fixture, {}, [](view::StreamLines& out) { out.write_problem(0, "no Open"); });
    CHECK(nothing.at(0)["stream"].is_null());
}
