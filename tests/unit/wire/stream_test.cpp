// SPDX-License-Identifier: Apache-2.0
#include "support/catch.h"
#include "unit/wire/stream_fixture.h"

#include <algorithm>

using namespace candor;
using candor::test::StreamFixture;

namespace {

bool contains(std::span<const std::uint8_t> haystack, std::span<const std::uint8_t> needle) {
    return std::search(haystack.begin(), haystack.end(), needle.begin(), needle.end()) != haystack.end();
}

} // namespace

TEST_CASE("a sealed stream opens to the same events, gaps and counts") {
    const StreamFixture fixture;
    wire::StreamOpener opener(fixture.epoch_key());
    std::vector<input::Event> keys;
    std::vector<wire::Gap> gaps;
    for (const auto& frame : fixture.stream()) {
        const auto item = opener.next(frame);
        REQUIRE(item.has_value());
        if (item->batch) {
            item->batch->packets.for_each([&](const input::Packet& packet) { keys.push_back(packet.events[1]); });
        }
        if (const auto* gap = std::get_if<wire::Gap>(&item->frame.body)) {
            gaps.push_back(*gap);
        }
    }
    REQUIRE(keys.size() == 8);
    CHECK(keys[0] == input::Event{1, 30, 1});
    CHECK(keys[7] == input::Event{1, 33, 0});
    REQUIRE(gaps.size() == 1);
    CHECK(gaps[0].events == 7);
    CHECK(gaps[0].from_us == 1'000'000);
    CHECK(gaps[0].to_us == 3'000'000);
    REQUIRE(opener.close().has_value());
    CHECK(opener.close()->produced == 31);
    CHECK(opener.events() == 24);
    CHECK(opener.open()->level == privacy::Level::full);
}

TEST_CASE("without a key a stream is checked and not opened") {
    const StreamFixture fixture;
    CHECK(StreamFixture::read(wire::StreamOpener(), fixture.stream()) == "0 events, closed");
}

TEST_CASE("another epoch key opens nothing") {
    const StreamFixture fixture;
    CHECK(StreamFixture::read(wire::StreamOpener(wire::random_key()), fixture.stream()) ==
          "frame 0: open.wrappedKey: does not open with this epoch key");
}

TEST_CASE("frames that are missing, repeated or in another order are refused with the place") {
    const StreamFixture fixture;
    const auto frames = fixture.stream();
    auto changed = frames;
    changed.erase(changed.begin() + 2);
    CHECK(fixture.read(changed) == "frame 2: sequence 3, expected 2");
    changed = frames;
    changed.insert(changed.begin() + 1, frames[1]);
    CHECK(fixture.read(changed) == "frame 2: sequence 1, expected 2");
    changed = frames;
    std::swap(changed[2], changed[3]);
    CHECK(fixture.read(changed) == "frame 2: sequence 3, expected 2");
    changed = frames;
    changed.push_back(frames.back());
    CHECK(fixture.read(changed) == "frame 6: a frame after Close");
    changed.assign(frames.begin() + 1, frames.end());
    CHECK(fixture.read(changed) == "frame 0: sequence 1, expected 0");
}

TEST_CASE("a frame of another stream in its place breaks the seal") {
    const StreamFixture fixture;
    auto frames = fixture.stream();
    frames[4] = fixture.stream()[4];
    CHECK(fixture.read(frames) == "frame 4: batch: the seal is broken, or a frame before it was changed");
    frames = fixture.stream();
    frames[5] = fixture.stream()[5];
    CHECK(fixture.read(frames) == "frame 5: close.transcript: the frames before it are not those that were sealed");
}

TEST_CASE("no bit of a stream can be changed") {
    const StreamFixture fixture;
    const auto frames = fixture.stream();
    std::size_t accepted = 0;
    for (std::size_t frame = 0; frame < frames.size(); ++frame) {
        for (std::size_t bit = 0; bit < frames[frame].size() * 8; bit += 3) {
            auto changed = frames;
            changed[frame][bit / 8] = static_cast<std::uint8_t>(changed[frame][bit / 8] ^ 1u << bit % 8);
            accepted += fixture.read(changed) == "24 events, closed" ? 1 : 0;
        }
    }
    CHECK(accepted == 0);
}

TEST_CASE("a stream whose produced is not stored and declared is refused") {
    const StreamFixture fixture;
    wire::StreamSealer sealer(fixture.identity, fixture.subject.epoch_key, fixture.context());
    wire::BatchEncoder encoder;
    std::vector<wire::FrameBytes> frames{sealer.open()};
    frames.push_back(sealer.batch(encoder.encode(StreamFixture::typed({30})), 6));
    frames.push_back(sealer.close(wire::CloseReason::stopped, 7));
    CHECK(fixture.read(frames) == "frame 2: close.produced: 7, expected stored 6 + declared 0");
}

TEST_CASE("sealed bytes hold neither the plaintext nor the names of devices") {
    const StreamFixture fixture;
    wire::StreamSealer sealer(fixture.identity, fixture.subject.epoch_key, fixture.context());
    std::vector<std::uint8_t> plaintext(1000, 0x1e);
    const std::string name = "Test keyboard";
    std::copy(name.begin(), name.end(), plaintext.begin());
    const auto open = sealer.open();
    const auto frame = sealer.batch(plaintext, 1);
    CHECK_FALSE(contains(frame, std::span(plaintext).first(name.size())));
    CHECK_FALSE(contains(frame, std::span(plaintext).last(8)));
    CHECK_FALSE(contains(open, fixture.subject.epoch_key.bytes()));
}

TEST_CASE("a grant opens for its recipients and for nobody else") {
    const StreamFixture fixture;
    const auto second = wire::RecipientKeyPair::generate();
    const auto grant = wire::make_grant(fixture.identity, fixture.subject,
                                        std::vector{fixture.recipient.public_key, second.public_key});
    for (const auto* recipient : {&fixture.recipient, &second}) {
        const auto key = wire::open_grant(grant, *recipient);
        REQUIRE(key.has_value());
        CHECK(std::ranges::equal(key->bytes(), fixture.subject.epoch_key.bytes()));
    }
    CHECK(wire::open_grant(grant, wire::RecipientKeyPair::generate()).error().message ==
          "grant: none of its 2 recipients has this key");
    CHECK_FALSE(contains(grant, fixture.subject.epoch_key.bytes()));
}

TEST_CASE("no bit of a grant can be changed") {
    const StreamFixture fixture;
    const auto grant = wire::make_grant(fixture.identity, fixture.subject, std::vector{fixture.recipient.public_key});
    std::size_t accepted = 0;
    for (std::size_t bit = 0; bit < grant.size() * 8; ++bit) {
        auto changed = grant;
        changed[bit / 8] = static_cast<std::uint8_t>(changed[bit / 8] ^ 1u << bit % 8);
        accepted += wire::open_grant(changed, fixture.recipient).has_value() ? 1 : 0;
    }
    CHECK(accepted == 0);
}

TEST_CASE("a grant without recipients is not made") {
    const StreamFixture fixture;
    CHECK_THROWS_AS(wire::make_grant(fixture.identity, fixture.subject, {}), std::invalid_argument);
    const std::vector<wire::PublicKey> low_order(1);
    CHECK_THROWS_AS(wire::make_grant(fixture.identity, fixture.subject, low_order), std::invalid_argument);
}
