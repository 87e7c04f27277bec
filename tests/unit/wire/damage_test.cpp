// SPDX-License-Identifier: Apache-2.0
// Bits that flip, and ends that are cut, in each kind of file that lies in a spool or a lake. candord's ring has such a test of its own.
#include "support/catch.h"
#include "unit/wire/stream_fixture.h"
#include "wire/objects.h"
#include "wire/segment.h"

#include <functional>
#include <random>

using namespace candor;
using candor::test::StreamFixture;

namespace {

using Bytes = std::vector<std::uint8_t>;
/// Why these bytes are refused; nothing when they are accepted.
using Check = std::function<std::optional<std::string>(const Bytes&)>;

template <typename Result> std::optional<std::string> problem_of(const Result& result) {
    return result ? std::nullopt : std::optional(result.error().message);
}

Check single(std::string_view magic, std::function<std::optional<std::string>(const Bytes&)> check) {
    return [magic, check = std::move(check)](const Bytes& file) {
        const auto message = wire::read_single(file, magic);
        return message ? check(*message) : problem_of(message);
    };
}

std::optional<std::string> read(wire::StreamOpener opener, const Bytes& file) {
    wire::SegmentReader reader(file);
    for (;;) {
        const auto message = reader.next();
        if (!message) {
            return message.error().message;
        }
        if (!*message) {
            return opener.close() ? std::nullopt : std::optional<std::string>("has no Close");
        }
        if (const auto item = opener.next(**message); !item) {
            return item.error().message;
        }
    }
}

Bytes segment_of(const std::vector<wire::FrameBytes>& frames) {
    Bytes file(wire::segment_magic.begin(), wire::segment_magic.end());
    for (std::uint32_t place = 0; place < frames.size(); ++place) {
        const auto record = wire::encode_record(frames[place], place);
        file.insert(file.end(), record.begin(), record.end());
    }
    return file;
}

/// 8,000 flips and 2,000 cuts, each by itself.
void damage(const Bytes& sound, const Check& check) {
    REQUIRE(check(sound) == std::nullopt);
    std::mt19937_64 chance(1);
    for (int i = 0; i < 10'000; ++i) {
        Bytes bytes = sound;
        const std::size_t at = chance() % bytes.size();
        const bool cut = i % 5 == 0;
        if (cut) {
            bytes.resize(at);
        } else {
            bytes[at] = static_cast<std::uint8_t>(bytes[at] ^ 1u << chance() % 8);
        }
        const auto problem = check(bytes);
        if (!problem || problem->empty()) {
            FAIL((cut ? "cut at" : "a bit of") << " byte " << at << ": accepted, or refused without a word");
        }
    }
}

} // namespace

TEST_CASE("of 10000 flipped bits and cut ends of a segment each is refused with a reason, with its key and without") {
    const StreamFixture f;
    const Bytes sound = segment_of(f.stream());
    damage(sound, [&](const Bytes& file) { return read(wire::StreamOpener(f.epoch_key()), file); });
    damage(sound, [](const Bytes& file) { return read(wire::StreamOpener(), file); });
}

TEST_CASE(
    "of 10000 flipped bits and cut ends of a grant, a tombstone, a note and a receipt each is refused with a reason") {
    const StreamFixture f;
    damage(wire::encode_single(wire::grant_magic,
                               wire::make_grant(f.identity, f.subject, std::vector{f.recipient.public_key})),
           single(wire::grant_magic,
                  [&](const Bytes& message) { return problem_of(wire::open_grant(message, f.recipient)); }));
    wire::Tombstone tombstone;
    tombstone.id = wire::random_id();
    tombstone.subject = f.subject.subject;
    tombstone.last_epoch = 3;
    damage(
        wire::encode_single(wire::tombstone_magic, wire::make_tombstone(f.identity, tombstone)),
        single(wire::tombstone_magic, [](const Bytes& message) { return problem_of(wire::check_tombstone(message)); }));
    wire::Note note;
    note.stream = wire::random_id();
    note.subject = f.subject.subject;
    damage(wire::encode_single(wire::note_magic, wire::make_note(f.identity, note)),
           single(wire::note_magic, [](const Bytes& message) { return problem_of(wire::check_note(message)); }));
    wire::Erasure erasure;
    erasure.tombstone = tombstone.id;
    erasure.segments = 3;
    damage(wire::make_erasure(f.recipient.signer(), erasure),
           [](const Bytes& message) { return problem_of(wire::check_erasure(message)); });
}
