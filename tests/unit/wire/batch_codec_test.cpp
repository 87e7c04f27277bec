// SPDX-License-Identifier: Apache-2.0
#include "support/catch.h"
#include "unit/wire/batch_fixture.h"
#include "wire/column_keys.h"

#include <limits>
#include <set>
#include <stdexcept>

using namespace candor;
using namespace candor::test;
using wire::Batch;
using wire::BatchDecoder;
using wire::BatchEncoder;

namespace {

constexpr auto lowest = std::numeric_limits<std::int32_t>::min();
constexpr auto highest = std::numeric_limits<std::int32_t>::max();

const input::DeviceInfo a_mouse{1, input::DeviceClass::mouse, 3, 0xffff, 0, 1, "m"};

Batch with(std::vector<std::pair<std::uint64_t, std::vector<input::Event>>> packets) {
    Batch batch;
    batch.devices = {a_mouse};
    for (const auto& [time, events] : packets) {
        batch.packets.push({1, time, events});
    }
    return batch;
}

bool comes_back(BatchEncoder& encoder, BatchDecoder& decoder, const Batch& batch) {
    const auto plaintext = encoder.encode(batch);
    const auto decoded = decoder.decode(plaintext);
    if (!decoded) {
        FAIL(decoded.error().message);
    }
    return plaintext.size() % wire::padding_bytes == 0 && plaintext.size() <= wire::max_plaintext_bytes &&
           same(batch, *decoded);
}

bool comes_back(const Batch& batch) {
    BatchEncoder encoder;
    BatchDecoder decoder;
    return comes_back(encoder, decoder, batch);
}

} // namespace

TEST_CASE("a stream of work at a desk comes back event by event") {
    const unsigned seed = GENERATE(1u, 2u, 3u, 4u);
    Desk desk(seed);
    BatchEncoder encoder;
    BatchDecoder decoder;
    for (int i = 0; i < 120; ++i) {
        REQUIRE(comes_back(encoder, decoder, desk.next(1 + desk.below(500))));
    }
}

TEST_CASE("an empty batch, and one with devices alone, come back in one block") {
    BatchEncoder encoder;
    BatchDecoder decoder;
    CHECK(comes_back(encoder, decoder, Batch{}));
    Batch devices;
    devices.devices = {a_mouse};
    CHECK(comes_back(encoder, decoder, devices));
    CHECK(encoder.encode(Batch{}).size() == wire::padding_bytes);
}

TEST_CASE("the ends of every field's range come back") {
    const std::vector<std::int32_t> values = {lowest, highest, 0, -1, 1, lowest + 1, 3, 120};
    std::vector<std::pair<std::uint64_t, std::vector<input::Event>>> packets;
    std::uint64_t time = std::numeric_limits<std::uint64_t>::max();
    for (const int type : {0, 1, 2, 3, 4, 0x11, 0x40, 0xffff}) {
        for (const int code : {0, 1, 4, 6, 8, 11, 12, 0x2ff, 0xffff}) {
            for (const std::int32_t value : values) {
                packets.push_back(
                    {time, {{static_cast<std::uint16_t>(type), static_cast<std::uint16_t>(code), value}}});
                time = time * 6364136223846793005u + 1442695040888963407u;
            }
        }
    }
    packets.push_back({0, {{2, 8, highest}, {2, 11, 0}, {1, 30, 1}, {1, 30, 0}, {4, 4, lowest}}});
    packets.push_back({std::numeric_limits<std::uint64_t>::max(), {{2, 0, lowest}, {2, 0, highest}, {2, 1, lowest}}});
    CHECK(comes_back(with(packets)));
}

TEST_CASE("time that runs backwards comes back") {
    CHECK(comes_back(
        with({{1000, {{0, 0, 0}}}, {999, {{0, 0, 0}}}, {0, {{1, 30, 1}}}, {5, {{1, 30, 0}}}, {4, {{1, 30, 0}}}})));
}

TEST_CASE("keys that are pressed twice, released unseen or held by the dozen come back") {
    Batch batch = with({});
    std::vector<input::Event> events;
    for (std::uint16_t key = 1; key < 400; ++key) {
        events = {{1, key, 1}, {0, 0, 0}};
        batch.packets.push({1, key * 100u, events});
    }
    for (std::uint16_t key = 600; key > 0; key = static_cast<std::uint16_t>(key - 3)) {
        events = {{1, key, key % 2}, {1, key, 2}, {0, 0, 0}};
        batch.packets.push({1, 100'000u - key, events});
    }
    CHECK(comes_back(batch));
}

TEST_CASE("every key of a keyboard and every button of a mouse has a number of its own from the start") {
    constexpr auto keys = wire::numbered_keys();
    const std::set<std::uint16_t> all(keys.begin(), keys.end());
    CHECK(all.size() == keys.size());
    CHECK(keys.size() < 255);
    for (std::uint16_t code = KEY_ESC; code <= 127; ++code) {
        CHECK(all.contains(code));
    }
    for (std::uint16_t code = BTN_LEFT; code <= BTN_TASK; ++code) {
        CHECK(all.contains(code));
    }
}

TEST_CASE("more keys without a number from the start than the dictionary has room for come back") {
    Batch batch = with({});
    for (std::uint16_t round = 0; round < 2; ++round) {
        for (std::uint16_t key = KEY_MAX; key > KEY_MAX - 300; --key) {
            const std::vector<input::Event> events = {{1, key, 1}, {1, key, 0}, {0, 0, 0}};
            batch.packets.push({1, 1000u * (KEY_MAX - key) + 500u * round, events});
        }
    }
    CHECK(comes_back(batch));
}

TEST_CASE("hundreds of shapes, long ones among them, come back") {
    Desk desk(5);
    BatchEncoder encoder;
    BatchDecoder decoder;
    REQUIRE(comes_back(encoder, decoder, with({})));
    for (int i = 0; i < 30; ++i) {
        REQUIRE(comes_back(encoder, decoder, noise(desk, {1}, wire::max_batch_events, 7)));
    }
}

TEST_CASE("a full batch of noise in all fields, with the longest device table, fits a frame and comes back") {
    Desk desk(6);
    BatchEncoder encoder;
    BatchDecoder decoder;
    std::vector<std::uint32_t> devices;
    for (std::uint32_t round = 0; round < wire::max_stream_devices / wire::max_batch_devices; ++round) {
        std::vector<input::DeviceInfo> table;
        for (std::uint32_t i = 0; i < wire::max_batch_devices; ++i) {
            devices.push_back(desk.word() / 2048 * 2048 + round * 64 + i);
            table.push_back({devices.back(), input::DeviceClass::tablet, 1, 2, 3, 4,
                             std::string(wire::max_device_name_bytes, static_cast<char>(desk.word()))});
        }
        const std::uint32_t spread = round % 2 == 0 ? 0 : 2 + round;
        Batch batch = noise(desk, devices, wire::max_batch_events, spread);
        batch.devices = table;
        REQUIRE(comes_back(encoder, decoder, batch));
    }
}

TEST_CASE("a batch too random for the columns is stored, and the stream goes on after it") {
    Desk desk(7);
    BatchEncoder encoder;
    BatchDecoder decoder;
    REQUIRE(comes_back(encoder, decoder, desk.next(200)));
    Batch one_each;
    for (std::size_t i = 0; i < wire::max_batch_events; ++i) {
        const std::vector<input::Event> event = {{static_cast<std::uint16_t>(desk.word()),
                                                  static_cast<std::uint16_t>(desk.word()),
                                                  static_cast<std::int32_t>(desk.word())}};
        one_each.packets.push({desk.below(2) == 0 ? 7u : 9u, std::uint64_t{desk.word()} << 32 | desk.word(), event});
    }
    REQUIRE(comes_back(encoder, decoder, one_each));
    REQUIRE(comes_back(encoder, decoder, desk.next(200)));
}

TEST_CASE("what is beyond a limit throws and leaves the stream as it was") {
    Desk desk(8);
    BatchEncoder encoder;
    BatchDecoder decoder;
    REQUIRE(comes_back(encoder, decoder, desk.next(50)));

    Batch batch;
    const std::vector<input::Event> syn = {{0, 0, 0}};
    SECTION("a device that was not introduced") { batch.packets.push({8, 1, syn}); }
    SECTION("a device that was introduced before") { batch.devices = {{7, input::DeviceClass::mouse, 0, 0, 0, 0, ""}}; }
    SECTION("a device that is introduced twice at once") { batch.devices = {a_mouse, a_mouse}; }
    SECTION("a name of 129 bytes") {
        batch.devices = {a_mouse};
        batch.devices[0].name.assign(129, 'x');
    }
    SECTION("65 devices") {
        for (std::uint32_t i = 100; i < 165; ++i) {
            batch.devices.push_back({i, input::DeviceClass::mouse, 0, 0, 0, 0, ""});
        }
    }
    SECTION("a packet without events") { batch.packets.push({7, 1, {}}); }
    SECTION("a packet of too many events") {
        batch.packets.push({7, 1, std::vector<input::Event>(wire::max_packet_events + 1)});
    }
    SECTION("too many events in all") {
        for (std::size_t i = 0; i <= wire::max_batch_events; ++i) {
            batch.packets.push({7, i, syn});
        }
    }
    REQUIRE_THROWS_AS(encoder.encode(batch), std::invalid_argument);
    CHECK(comes_back(encoder, decoder, desk.next(50)));
}

TEST_CASE("two encoders make the same bytes of the same stream") {
    Desk desk(9);
    BatchEncoder one;
    BatchEncoder other;
    for (int i = 0; i < 20; ++i) {
        const Batch batch = desk.next(100);
        const auto bytes = one.encode(batch);
        const auto again = other.encode(batch);
        REQUIRE(std::equal(bytes.begin(), bytes.end(), again.begin(), again.end()));
    }
}

TEST_CASE("a mouse takes less than a byte an event once the stream has learnt it") {
    Desk desk(10);
    BatchEncoder encoder;
    std::size_t bytes = 0;
    std::size_t events = 0;
    for (int i = 0; i < 60; ++i) {
        const Batch batch = desk.next(300);
        const auto plaintext = encoder.encode(batch);
        if (i >= 30) {
            bytes += plaintext.size();
            events += batch.packets.events();
        }
    }
    CHECK(bytes < events);
}
