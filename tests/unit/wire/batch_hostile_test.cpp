// SPDX-License-Identifier: Apache-2.0
#include "support/catch.h"
#include "unit/wire/batch_fixture.h"

#include <batch.capnp.h>

using namespace candor;
using namespace candor::test;
using wire::Batch;
using wire::BatchDecoder;
using wire::BatchEncoder;

namespace {

/// The plaintexts of a short stream.
std::vector<std::vector<std::uint8_t>> stream(unsigned seed, std::size_t batches, std::size_t packets) {
    Desk desk(seed);
    BatchEncoder encoder;
    std::vector<std::vector<std::uint8_t>> result;
    for (std::size_t i = 0; i < batches; ++i) {
        const auto plaintext = encoder.encode(desk.next(packets));
        result.emplace_back(plaintext.begin(), plaintext.end());
    }
    return result;
}

/// Reads the stream with one plaintext in another's place. Whatever is accepted keeps the limits, and is what its bytes
/// say.
void read_with(const std::vector<std::vector<std::uint8_t>>& stream, std::size_t at,
               const std::vector<std::uint8_t>& instead) {
    BatchDecoder decoder;
    BatchEncoder encoder;
    for (std::size_t i = 0; i < stream.size(); ++i) {
        const auto& bytes = i == at ? instead : stream[i];
        const auto decoded = decoder.decode(bytes);
        if (!decoded) {
            CHECK(i >= at);
            CHECK(decoded.error().message.starts_with("batch: "));
            CHECK_FALSE(decoder.decode(stream[0]).has_value());
            return;
        }
        REQUIRE(decoded->packets.events() <= wire::max_batch_events);
        REQUIRE(decoded->devices.size() <= wire::max_batch_devices);
        if ((bytes[0] & 0x20) == 0) {
            const auto again = encoder.encode(*decoded);
            REQUIRE(std::vector<std::uint8_t>(again.begin(), again.end()) == bytes);
        } else {
            static_cast<void>(encoder.encode(*decoded));
            return;
        }
    }
}

} // namespace

TEST_CASE("a flipped bit gives a refusal or a batch that these very bytes encode") {
    const auto good = stream(1, 3, 60);
    for (std::size_t at = 0; at < good.size(); ++at) {
        for (std::size_t bit = 0; bit < good[at].size() * 8; ++bit) {
            auto bad = good[at];
            bad[bit / 8] = static_cast<std::uint8_t>(bad[bit / 8] ^ 1u << bit % 8);
            read_with(good, at, bad);
        }
    }
}

TEST_CASE("a plaintext cut at any byte is refused or is a batch that these very bytes encode") {
    const auto good = stream(2, 2, 60);
    for (std::size_t at = 0; at < good.size(); ++at) {
        for (std::size_t length = 0; length < good[at].size(); ++length) {
            auto cut = good[at];
            cut.resize(length);
            if (length % wire::padding_bytes != 0) {
                BatchDecoder decoder;
                CHECK_FALSE(decoder.decode(cut).has_value());
            }
            read_with(good, at, cut);
        }
    }
}

TEST_CASE("random bytes give a refusal or a batch that these very bytes encode") {
    const auto good = stream(3, 2, 40);
    Desk desk(4);
    for (int i = 0; i < 3000; ++i) {
        std::vector<std::uint8_t> bytes(16 * (1 + desk.below(40)));
        for (auto& byte : bytes) {
            byte = static_cast<std::uint8_t>(desk.word());
        }
        bytes[0] = static_cast<std::uint8_t>(i % 4 == 0 ? 0x22 : i % 4 == 1 ? 0x12 : 0x02);
        read_with(good, static_cast<std::size_t>(i % 2), bytes);
    }
}

TEST_CASE("padding that is not zero, missing or too long is refused") {
    const auto good = stream(5, 1, 60)[0];
    REQUIRE(BatchDecoder().decode(good).has_value());

    auto longer = good;
    longer.resize(good.size() + wire::padding_bytes);
    CHECK_FALSE(BatchDecoder().decode(longer).has_value());
    longer.back() = 1;
    CHECK_FALSE(BatchDecoder().decode(longer).has_value());

    auto odd = good;
    odd.push_back(0);
    CHECK_FALSE(BatchDecoder().decode(odd).has_value());

    BatchEncoder encoder;
    const auto empty = encoder.encode(Batch{});
    std::vector<std::uint8_t> dirty(empty.begin(), empty.end());
    dirty.back() = 1;
    CHECK_FALSE(BatchDecoder().decode(dirty).has_value());
}

TEST_CASE("the schema names the version that is written") {
    CHECK((stream(6, 1, 10)[0][0] & 0x0f) == proto::BATCH_VERSION);
}

TEST_CASE("an unknown version or flag is refused by name") {
    auto bytes = stream(6, 1, 10)[0];
    const std::uint8_t head = bytes[0];
    for (const int wrong : {0x00, 0x01, 0x0f, 0x42, 0x82}) {
        bytes[0] = static_cast<std::uint8_t>(wrong | (head & 0x10));
        const auto decoded = BatchDecoder().decode(bytes);
        REQUIRE_FALSE(decoded.has_value());
        CHECK(decoded.error().message == "batch: version: expected 2 and no unknown flag");
    }
}

TEST_CASE("nothing, and more than the longest plaintext, are refused") {
    CHECK_FALSE(BatchDecoder().decode({}).has_value());
    std::vector<std::uint8_t> bytes(wire::max_plaintext_bytes + wire::padding_bytes, 1);
    CHECK_FALSE(BatchDecoder().decode(bytes).has_value());
}

TEST_CASE("a batch of another place in the stream does not pass for the next") {
    const auto good = stream(7, 6, 60);
    BatchDecoder decoder;
    REQUIRE(decoder.decode(good[0]).has_value());
    REQUIRE(decoder.decode(good[1]).has_value());
    const auto skipped = decoder.decode(good[4]);
    CHECK_FALSE(skipped.has_value());
}
