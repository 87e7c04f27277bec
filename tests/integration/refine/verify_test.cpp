// SPDX-License-Identifier: Apache-2.0
#include "lake.h"

using namespace candor;
using namespace candor::test;

TEST_CASE("a sound stream is ok, with its account") {
    const Lake lake;
    const auto path = lake.add(lake.keys.stream());
    const Result result = lake.verify({"--identity", to_hex(lake.keys.identity.public_key())});
    CHECK(result.status == 0);
    CHECK(result.errors.empty());
    CHECK(result.output ==
          path.string() +
              ": ok, 6 frames, 2 batches, 1 gaps, produced 31 = stored 24 + declared lost 7, 24 events "
              "opened\ndevice " +
              to_hex(lake.keys.identity.public_key()).substr(0, 16) + "…, person " +
              to_hex(lake.keys.subject.subject).substr(0, 16) +
              "…, epoch 1: 1 streams, produced 31 = stored 24 + declared lost 7\n1 streams, " +
              std::to_string(std::filesystem::file_size(path)) +
              " bytes: 1 ok, 0 noted, 0 unclosed, 0 damaged; produced 31 = stored 24 + declared lost 7\n"
              "  ring_full 1 holes, 7 events where that is known\n24 events opened\n");
}

TEST_CASE("verify writes JSON on request") {
    const Lake lake;
    const auto frames = lake.keys.stream();
    lake.add(frames);
    const Result result = lake.verify({"--json"});
    CHECK(result.status == 0);
    const Json json = Json::parse(result.output);
    REQUIRE(json["streams"].size() == 1);
    CHECK(json["streams"][0]["status"] == "ok");
    CHECK(json["streams"][0]["stream"] == to_hex(stream_of(frames)));
    CHECK(json["streams"][0]["events"] == 24);
    CHECK(json["streams"][0]["problem"].is_null());
    CHECK(json["totals"]["ok"] == 1);
    CHECK(json["totals"]["produced"] == 31);
    CHECK(json["totals"]["stored"] == 24);
    CHECK(json["totals"]["declared"] == 7);
}

TEST_CASE("without a key a stream is checked and its events are not counted") {
    const Lake lake;
    lake.add(lake.keys.stream());
    std::filesystem::remove(lake.grant());
    const Result result = refine({"verify", "--json", "--any-device", lake.root()});
    CHECK(result.status == 0);
    const Json json = Json::parse(result.output);
    CHECK(json["streams"][0]["status"] == "ok");
    CHECK(json["streams"][0]["events"].is_null());
}

TEST_CASE("a stream without a Close is unclosed, which is an error unless it is allowed") {
    const Lake lake;
    auto frames = lake.keys.stream();
    frames.pop_back();
    const auto path = lake.add(frames);
    const Result result = lake.verify();
    CHECK(result.status == 1);
    CHECK(has(result.output, path.string() + ": unclosed, 5 frames, 2 batches, 1 gaps, 24 events opened\n"));
    CHECK(lake.verify({"--allow-unclosed"}).status == 0);
}

TEST_CASE("another recipient's key opens nothing, and the grant is named") {
    const Lake lake;
    const auto path = lake.add(lake.keys.stream());
    std::ofstream(lake.key()) << to_hex(wire::RecipientKeyPair::generate().secret_key.bytes()) << "\n";
    const Result result = lake.verify();
    CHECK(result.status == 1);
    CHECK(has(result.output, path.string() + ": damaged: byte 8: " + lake.grant().string() +
                                 ": grant: none of its 1 recipients has this key\n"));
}

TEST_CASE("without its grant a stream is not opened, and the grant is named") {
    const Lake lake;
    const auto path = lake.add(lake.keys.stream());
    std::filesystem::remove(lake.grant());
    const Result result = lake.verify();
    CHECK(result.status == 1);
    CHECK(has(result.output, path.string() + ": damaged: byte 8: " + lake.grant().string() +
                                 ": no such grant; without it the stream cannot be opened\n"));
}

TEST_CASE("grants are found in a folder of their own") {
    const Lake lake;
    lake.add(lake.keys.stream());
    const TemporaryDirectory grants;
    std::filesystem::rename(lake.grant(), grants.path() / lake.grant().filename());
    CHECK(lake.verify().status == 1);
    CHECK(lake.verify({"--grants", grants.path()}).status == 0);
}

TEST_CASE("a damaged grant opens nothing, and is named") {
    const Lake lake;
    lake.add(lake.keys.stream());
    std::filesystem::resize_file(lake.grant(), std::filesystem::file_size(lake.grant()) - 1);
    const Result result = lake.verify();
    CHECK(result.status == 1);
    CHECK(has(result.output, "byte 8: " + lake.grant().string() + ": byte 8: the file is cut"));
}

TEST_CASE("a grant of another device opens nothing") {
    const Lake lake;
    lake.add(lake.keys.stream());
    const auto other = wire::Identity::generate();
    write_bytes(lake.grant(),
                file_of({wire::make_grant(other, lake.keys.subject, std::vector{lake.keys.recipient.public_key})},
                        wire::grant_magic));
    const Result result = lake.verify();
    CHECK(result.status == 1);
    CHECK(has(result.output, "a grant of device " + to_hex(other.public_key()) + ", expected the stream's "));
}

TEST_CASE("a device that is not enrolled is refused and named, and none of its streams is read") {
    const Lake lake;
    const auto path = lake.add(lake.keys.stream());
    const std::string enrolled = to_hex(wire::Identity::generate().public_key());
    const std::string device = to_hex(lake.keys.identity.public_key());
    const Result result = lake.verify({"--identity", enrolled});
    CHECK(result.status == 1);
    CHECK(has(result.errors, path.string() + ": of device " + device + ", which is not enrolled\n"));
    CHECK_FALSE(has(result.output, "opened\n1 streams"));
    CHECK(lake.verify({"--identity", enrolled, "--identity", device}).status == 0);
}

TEST_CASE("where no device is enrolled nothing is read, and it is said what to do") {
    const Lake lake;
    lake.add(lake.keys.stream());
    for (const char* verb : {"verify", "dump", "erase"}) {
        const Result result = refine({verb, "--key", lake.key(), lake.root()});
        CHECK(result.status == 1);
        CHECK(result.output.empty());
        CHECK(has(result.errors, "no device is enrolled"));
    }
}

TEST_CASE("that any device was accepted is said") {
    const Lake lake;
    lake.add(lake.keys.stream());
    CHECK(has(lake.verify().output, "Any device was accepted.\n"));
}

TEST_CASE("a stream that two files hold is found") {
    const Lake lake;
    const auto frames = lake.keys.stream();
    const auto first = lake.add(frames);
    const auto second = lake.add("zz-copy.candor", file_of(frames));
    const Result result = lake.verify();
    CHECK(result.status == 1);
    CHECK(has(result.output, first.string() + ": ok, "));
    CHECK(has(result.output, second.string() + ": damaged: the same stream as " + first.string() + "\n"));
}

TEST_CASE("a file that is given twice is read once") {
    const Lake lake;
    const auto path = lake.add(lake.keys.stream());
    const Result result = refine({"verify", "--any-device", "--key", lake.key(), path, lake.root(), path});
    CHECK(result.status == 0);
    CHECK(has(result.output, "1 streams, "));
}

TEST_CASE("a key file that is none is refused") {
    const Lake lake;
    lake.add(lake.keys.stream());
    std::ofstream(lake.key()) << "no key\n";
    const Result result = lake.verify();
    CHECK(result.status == 1);
    CHECK(result.output.empty());
    CHECK(result.errors ==
          "candor-refine: " + lake.key().string() +
              ": expected a secret key: 64 hexadecimal digits and a newline, or what keygen protected\n");
}
