// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/hex.h"
#include "fake_candord.h"
#include "run_ctl.h"
#include "unit/wire/stream_fixture.h"
#include "wire/segment.h"

#include <algorithm>
#include <string>
#include <vector>

namespace candor::test {

inline constexpr std::int64_t midnight = 1'798'761'600; // 2027-01-01 00:00:00 UTC

/// Sealed streams of one device and one person, and what candord says of them.
struct OwnStreams {
    using Frames = std::vector<wire::FrameBytes>;

    /// "hi" and Enter a second after `from`, 7 events lost, and the end.
    [[nodiscard]] Frames frames(std::int64_t from, bool closed = true) const {
        wire::StreamContext context = fixture.context();
        context.anchor = {1'000'000'000, 1'000'000'000, from * 1'000'000'000};
        wire::StreamSealer sealer(fixture.identity, fixture.subject.epoch_key, context);
        wire::BatchEncoder encoder;
        Frames frames{sealer.open()};
        // KEY_H, KEY_I, KEY_ENTER.
        frames.push_back(sealer.batch(encoder.encode(StreamFixture::typed({35, 23, 28}, true, 1'900'000)), 18));
        frames.push_back(sealer.gap({wire::GapReason::ring_full, 3'000'000, 4'000'000, 7, wire::all_devices}));
        if (closed) {
            frames.push_back(sealer.close(wire::CloseReason::rotated, 25));
        }
        return frames;
    }

    [[nodiscard]] FakeCandord::Stream stream(std::int64_t from, const Frames& frames) const {
        const auto open = std::get<wire::Open>(wire::parse_frame(frames.at(0))->body);
        const auto key = wire::stream_key(open, fixture.epoch_key());
        FakeCandord::Stream stream{.id = to_hex(open.stream), .from = from, .to = from + 4};
        stream.key.assign(key->bytes().begin(), key->bytes().end());
        stream.segment.assign(wire::segment_magic.begin(), wire::segment_magic.end());
        for (std::uint32_t place = 0; place < frames.size(); ++place) {
            const auto record = wire::encode_record(frames[place], place);
            stream.segment.insert(stream.segment.end(), record.begin(), record.end());
        }
        return stream;
    }
    [[nodiscard]] FakeCandord::Stream stream(std::int64_t from) const { return stream(from, frames(from)); }

    [[nodiscard]] std::string identity() const { return to_hex(fixture.identity.public_key()); }
    [[nodiscard]] FakeCandord::Answers answers(std::vector<FakeCandord::Stream> streams) const {
        return {.identity = identity(), .streams = std::move(streams)};
    }

    StreamFixture fixture;
};

} // namespace candor::test
