// SPDX-License-Identifier: Apache-2.0
#include "lake.h"

#include <map>

using namespace candor;
using namespace candor::test;

namespace {

/// "damaged: …" and the like by the file's name, from the text that verify prints.
std::map<std::string, std::string> verdicts(const Lake& lake, const std::string& output) {
    std::map<std::string, std::string> all;
    const std::string prefix = lake.folder().string() + "/";
    for (const std::string& line : lines_of(output)) {
        if (line.starts_with(prefix)) {
            const std::size_t colon = line.find(": ", prefix.size());
            all[line.substr(prefix.size(), colon - prefix.size())] = line.substr(colon + 2);
        }
    }
    return all;
}

/// A stream of many batches.
std::vector<wire::FrameBytes> long_stream(const Lake& lake) {
    wire::StreamSealer sealer(lake.keys.identity, lake.keys.subject.epoch_key, lake.keys.context());
    wire::BatchEncoder encoder;
    std::vector<wire::FrameBytes> frames{sealer.open()};
    constexpr std::uint64_t batches = 60;
    for (std::uint64_t i = 0; i < batches; ++i) {
        const auto key = static_cast<std::uint16_t>(16 + i % 30);
        frames.push_back(sealer.batch(
            encoder.encode(StreamFixture::typed({key, 30, 44, 17, key}, i == 0, (i + 1) * 5'000'000)), 30));
    }
    frames.push_back(sealer.close(wire::CloseReason::rotated, batches * 30));
    return frames;
}

/// Of one file beside a good one: what verify says of the bad, while the good is still read.
std::string verdict_beside_a_good_one(const std::string& name, std::span<const std::uint8_t> bytes, const Lake& lake) {
    const auto good = lake.add(lake.keys.stream());
    lake.add(name, bytes);
    const Result result = lake.verify();
    CHECK(result.status == 1);
    auto all = verdicts(lake, result.output);
    CHECK(all[good.filename()].starts_with("ok, "));
    return all[name];
}

} // namespace

TEST_CASE(
    "a bit that is changed anywhere is found, and the place that is named is in the file and not before its record") {
    const Lake lake;
    const auto frames = long_stream(lake);
    const Bytes sound = file_of(frames);
    const auto offsets = offsets_of(frames);
    std::map<std::string, std::size_t> flipped;
    for (std::size_t at = 0; at < sound.size(); at += 97) {
        Bytes bytes = sound;
        bytes[at] = static_cast<std::uint8_t>(bytes[at] ^ 1u << at % 8);
        const std::string name = "flip-" + std::to_string(at) + ".candor";
        lake.add(name, bytes);
        flipped[name] = at;
    }
    REQUIRE(flipped.size() > 30);
    const auto good = lake.add(lake.keys.stream());
    const Result result = lake.verify();
    CHECK(result.status == 1);
    auto all = verdicts(lake, result.output);
    CHECK(all.size() == flipped.size() + 1);
    CHECK(all[good.filename()].starts_with("ok, "));
    for (const auto& [name, at] : flipped) {
        INFO(name << ": " << all[name]);
        REQUIRE(all[name].starts_with("damaged: byte "));
        const std::size_t named = std::stoul(all[name].substr(std::string("damaged: byte ").size()));
        // The record that holds the bit, or a later one: a length that is wrong moves all that follow.
        const std::size_t record = at < 8 ? 0 : *(std::ranges::upper_bound(offsets, at) - 1);
        CHECK(named >= record);
        CHECK(named <= sound.size());
    }
}

TEST_CASE("a file that is cut between records is unclosed up to there") {
    const Lake lake;
    const auto frames = long_stream(lake);
    const Bytes sound = file_of(frames);
    const auto offsets = offsets_of(frames);
    for (std::size_t whole = 1; whole < frames.size(); ++whole) {
        lake.add("cut-" + std::to_string(whole) + ".candor", std::span(sound).first(offsets[whole]));
    }
    const Json json = Json::parse(lake.verify({"--json"}).output);
    REQUIRE(json["streams"].size() == frames.size() - 1);
    // The same stream so many times over: only the first that is read may be well.
    std::size_t unclosed = 0;
    for (const Json& stream : json["streams"]) {
        const std::string file = std::filesystem::path(stream["file"].get<std::string>()).stem();
        CHECK(stream["frames"] == std::stoul(file.substr(4)));
        CHECK(stream["events"] == 30 * (stream["frames"].get<std::size_t>() - 1));
        unclosed += stream["status"] == "unclosed" ? 1 : 0;
    }
    CHECK(unclosed == 1);
}

TEST_CASE("a file that is cut inside a record is damaged at that record") {
    const Lake lake;
    const auto frames = lake.keys.stream();
    const Bytes sound = file_of(frames);
    const auto offsets = offsets_of(frames);
    std::map<std::string, std::size_t> expected;
    for (std::size_t record = 0; record < frames.size(); ++record) {
        for (const std::size_t end :
             {offsets[record] + 1, (offsets[record] + offsets[record + 1]) / 2, offsets[record + 1] - 1}) {
            const std::string name = "cut-" + std::to_string(end) + ".candor";
            lake.add(name, std::span(sound).first(end));
            expected[name] = offsets[record];
        }
    }
    const Result result = lake.verify();
    CHECK(result.status == 1);
    auto all = verdicts(lake, result.output);
    CHECK(all.size() == expected.size());
    for (const auto& [name, record] : expected) {
        INFO(name);
        CHECK(all[name].starts_with("damaged: byte " + std::to_string(record) + ": the file is cut"));
    }
}

TEST_CASE("a file without any record is damaged") {
    const Lake lake;
    const Bytes magic = file_of({});
    CHECK(verdict_beside_a_good_one("empty.candor", magic, lake) ==
          "damaged: byte 8: the file ends, expected an Open frame");
}

TEST_CASE("a file that is cut inside the magic, and one that is empty, are damaged") {
    const Lake lake;
    const Bytes magic = file_of({});
    CHECK(verdict_beside_a_good_one("cut.candor", std::span(magic).first(7), lake) ==
          "damaged: byte 0: expected the magic CANDORSG");
    CHECK(verdict_beside_a_good_one("nothing.candor", {}, lake) == "damaged: byte 0: expected the magic CANDORSG");
}

TEST_CASE("a file with another magic is damaged, a grant's too") {
    const Lake lake;
    Bytes bytes = file_of(lake.keys.stream());
    bytes[7] = 'X';
    CHECK(verdict_beside_a_good_one("wrong.candor", bytes, lake) == "damaged: byte 0: expected the magic CANDORSG");
    CHECK(verdict_beside_a_good_one("grant.candor", file_of(lake.keys.stream(), wire::grant_magic), lake) ==
          "damaged: byte 0: expected the magic CANDORSG");
}

TEST_CASE("records in another order are found at the first that is out of place") {
    const Lake lake;
    auto frames = long_stream(lake);
    std::swap(frames[10], frames[11]);
    CHECK(verdict_beside_a_good_one("swapped.candor", file_of(frames), lake) ==
          "damaged: byte " + std::to_string(offsets_of(frames)[10]) + ": frame 10: sequence 11, expected 10");
}

TEST_CASE("a record that is missing and one that is there twice are found") {
    const Lake lake;
    auto frames = long_stream(lake);
    frames.erase(frames.begin() + 5);
    CHECK(verdict_beside_a_good_one("missing.candor", file_of(frames), lake) ==
          "damaged: byte " + std::to_string(offsets_of(frames)[5]) + ": frame 5: sequence 6, expected 5");
    frames = long_stream(lake);
    frames.insert(frames.begin() + 5, frames[5]);
    CHECK(verdict_beside_a_good_one("twice.candor", file_of(frames), lake) ==
          "damaged: byte " + std::to_string(offsets_of(frames)[6]) + ": frame 6: sequence 5, expected 6");
}

TEST_CASE("a record behind the Close is found") {
    const Lake lake;
    auto frames = long_stream(lake);
    frames.push_back(frames.back());
    CHECK(verdict_beside_a_good_one("more.candor", file_of(frames), lake) ==
          "damaged: byte " + std::to_string(offsets_of(frames)[frames.size() - 1]) + ": frame 62: a frame after Close");
}

TEST_CASE("a file that is larger than a segment can be is not read") {
    const Lake lake;
    Bytes bytes = file_of(lake.keys.stream());
    bytes.resize(wire::max_segment_bytes + 1);
    CHECK(verdict_beside_a_good_one("large.candor", bytes, lake) == "damaged: larger than the limit of 4194304 bytes");
}

TEST_CASE("a file that is named after another stream is found") {
    const Lake lake;
    const auto frames = lake.keys.stream();
    const std::string name = to_hex(wire::random_id()) + ".candor";
    CHECK(verdict_beside_a_good_one(name, file_of(frames), lake) ==
          "damaged: byte 8: the file's name is of another stream, expected " + to_hex(stream_of(frames)));
}

TEST_CASE("a file that is not there is said, and the others are still read") {
    const Lake lake;
    const auto good = lake.add(lake.keys.stream());
    const auto missing = lake.root() / "missing.candor";
    const Result result = refine({"verify", "--any-device", "--key", lake.key(), missing, good});
    CHECK(result.status == 1);
    CHECK(has(result.output, missing.string() + ": damaged: No such file or directory\n"));
    CHECK(has(result.output, good.string() + ": ok, "));
}
