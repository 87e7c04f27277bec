// SPDX-License-Identifier: Apache-2.0
#include "lake.h"

using namespace candor;
using namespace candor::test;

namespace {

Json inspected(const std::filesystem::path& file) {
    const Json all = Json::parse(refine({"inspect", "--json", file}).output);
    REQUIRE(all.size() == 1);
    return all[0];
}

} // namespace

TEST_CASE("inspect shows a segment's clear text without any key") {
    const Lake lake;
    const auto frames = lake.keys.stream();
    const auto path = lake.add(frames);
    std::filesystem::remove(lake.grant());
    const Result result = refine({"inspect", path});
    CHECK(result.status == 0);
    CHECK(result.errors.empty());
    const std::string& text = result.output;
    CHECK(has(text, path.string() + ": closed, " + std::to_string(std::filesystem::file_size(path)) + " bytes\n"));
    CHECK(has(text, "  stream    " + to_hex(stream_of(frames)) + "\n"));
    CHECK(has(text, "  subject   " + to_hex(lake.keys.subject.subject) + "\n"));
    CHECK(has(text, "  level     full\n"));
    CHECK(has(text, "  device    " + to_hex(lake.keys.identity.public_key()) + "\n"));
    CHECK(has(text, "  batch     2 frames, "));
    CHECK(has(text, "  hole      ring_full, 1 s to 3 s, 7 events, all devices\n"));
    CHECK(has(text, "  closed    gate_closed, produced 31 = stored 24 + declared lost 7\n"));
}

TEST_CASE("inspect writes the same as JSON on request") {
    const Lake lake;
    const auto frames = lake.keys.stream();
    const auto path = lake.add(frames);
    const Json json = inspected(path);
    CHECK(json["file"] == path.string());
    CHECK(json["state"] == "closed");
    CHECK(json["bytes"] == std::filesystem::file_size(path));
    CHECK(json["frames"]["batch"]["count"] == 2);
    CHECK(json["open"]["stream"] == to_hex(stream_of(frames)));
    CHECK(json["open"]["level"] == "full");
    CHECK(json["gaps"] ==
          Json::parse(R"([{"reason":"ring_full","from_us":1000000,"to_us":3000000,"events":7,"device":null}])"));
    CHECK(json["close"] == Json::parse(R"({"reason":"gate_closed","produced":31,"stored":24,"declared":7})"));
    CHECK(json["problem"].is_null());
}

TEST_CASE("the bytes of the frames and the magic are the whole file") {
    const Lake lake;
    const Json json = inspected(lake.add(lake.keys.stream()));
    std::size_t bytes = wire::segment_magic.size();
    for (const auto& [kind, seen] : json["frames"].items()) {
        bytes += seen["bytes"].get<std::size_t>();
    }
    CHECK(json["bytes"] == bytes);
}

TEST_CASE("inspect shows a gap that was not counted, of one device") {
    const Lake lake;
    wire::StreamSealer sealer(lake.keys.identity, lake.keys.subject.epoch_key, lake.keys.context());
    std::vector<wire::FrameBytes> frames{sealer.open()};
    frames.push_back(sealer.gap({wire::GapReason::dropped_by_kernel, 5'000'000, 5'500'000, {}, 3}));
    frames.push_back(sealer.close(wire::CloseReason::rotated, 0));
    const auto path = lake.add(frames);
    CHECK(has(refine({"inspect", path}).output,
              "  hole      dropped_by_kernel, 5 s to 6 s, events not counted, device 3\n"));
    const Json gap = inspected(path)["gaps"][0];
    CHECK(gap["events"].is_null());
    CHECK(gap["device"] == 3);
}

TEST_CASE("inspect shows who can open what a grant covers") {
    const Lake lake;
    const Result result = refine({"inspect", lake.grant()});
    CHECK(result.status == 0);
    CHECK(has(result.output, lake.grant().string() + ": grant, "));
    CHECK(has(result.output, "  recipient " + to_hex(lake.keys.recipient.public_key) + "\n"));
    const Json json = inspected(lake.grant());
    CHECK(json["state"] == "grant");
    CHECK(json["grant"]["id"] == lake.grant().stem().string());
    CHECK(json["grant"]["recipients"] == Json::array({to_hex(lake.keys.recipient.public_key)}));
    CHECK_FALSE(has(result.output, to_hex(lake.keys.subject.epoch_key.bytes())));
}

TEST_CASE("a segment without a Close is unclosed and no error") {
    const Lake lake;
    auto frames = lake.keys.stream();
    frames.pop_back();
    const auto path = lake.add(frames);
    const Result result = refine({"inspect", path});
    CHECK(result.status == 0);
    CHECK(has(result.output, path.string() + ": unclosed, "));
}

TEST_CASE("a damaged file is shown as far as it goes, and the others still are") {
    const Lake lake;
    const auto frames = lake.keys.stream();
    Bytes bytes = file_of(frames);
    bytes.resize(bytes.size() - 1);
    const auto cut = lake.add("cut.candor", bytes);
    const auto missing = lake.folder() / "missing.candor";
    const auto good = lake.add(frames);
    const Result result = refine({"inspect", cut, missing, good});
    CHECK(result.status == 1);
    CHECK(has(result.output, cut.string() + ": damaged, "));
    CHECK(has(result.output, good.string() + ": closed, "));
    const auto errors = lines_of(result.errors);
    REQUIRE(errors.size() == 2);
    CHECK(errors[0].starts_with("candor-refine: " + cut.string() + ": byte " +
                                std::to_string(offsets_of(frames)[frames.size() - 1]) + ": the file is cut"));
    CHECK(errors[1] == "candor-refine: " + missing.string() + ": No such file or directory");
}

TEST_CASE("a file's name cannot command the terminal") {
    const Lake lake;
    const auto path = lake.add("\x1b[2J.candor", file_of(lake.keys.stream()));
    const Result result = refine({"inspect", path});
    CHECK(result.status == 0);
    CHECK_FALSE(has(result.output, "\x1b"));
}

TEST_CASE("wrong usage is exit status 2, and help and version are 0") {
    const std::vector<Arguments> wrong = {{},
                                          {"record"},
                                          {"inspect"},
                                          {"dump", "/nonexistent"},
                                          {"verify", "--key"},
                                          {"verify", "--identity", "abc", "/nonexistent"},
                                          {"keygen"}};
    for (const Arguments& arguments : wrong) {
        const Result result = refine(arguments);
        INFO(result.errors);
        CHECK(result.status == 2);
        CHECK_FALSE(result.errors.empty());
        CHECK(result.output.empty());
    }
    for (const Arguments& arguments : {Arguments{"--help"}, Arguments{"--version"}, Arguments{"verify", "--help"}}) {
        CHECK(refine(arguments).status == 0);
    }
}
