// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/file.h"
#include "base/hex.h"
#include "shipper/spool.h"
#include "support/catch.h"
#include "support/temporary_directory.h"
#include "unit/wire/stream_fixture.h"
#include "wire/segment.h"

#include <algorithm>
#include <fstream>
#include <set>

namespace candor::test {

/// A spool in a folder of its own, and streams to put into it.
struct SpoolFixture : StreamFixture {
    using Frames = std::vector<wire::FrameBytes>;

    [[nodiscard]] shipper::Spool spool() {
        return {folder.path(), bound, [this](const std::string& message) { log.push_back(message); }};
    }

    /// As the first frame of a connection says it: the next frame is one of this stream.
    [[nodiscard]] static wire::Hello names(const Frames& stream) {
        wire::Hello hello;
        hello.stream = id_of(stream);
        return hello;
    }

    [[nodiscard]] static wire::Id16 id_of(const Frames& stream) { return open_of(stream).stream; }

    /// Takes the frames from `first` up to `end`, durably; the last acknowledgement is returned and counts as sent if `acknowledged`.
    static wire::Ack take(shipper::Spool& spool, const Frames& frames, std::size_t first, std::size_t end,
                          bool acknowledged = true) {
        wire::Ack last;
        for (std::size_t i = first; i < end; ++i) {
            const auto ack = spool.take(frames[i]);
            INFO((ack ? std::string() : ack.error().message));
            REQUIRE(ack.has_value());
            last = *ack;
        }
        spool.sync();
        if (acknowledged) {
            spool.acknowledged();
        }
        return last;
    }

    [[nodiscard]] std::set<std::string> files(const std::string& below = "") const {
        std::set<std::string> names;
        std::error_code none;
        for (const auto& entry : std::filesystem::directory_iterator(folder.path() / below, none)) {
            if (entry.is_regular_file()) {
                names.insert(entry.path().filename().string());
            }
        }
        return names;
    }
    [[nodiscard]] static std::string part(const Frames& stream) { return to_name(stream) + ".part"; }
    [[nodiscard]] static std::string segment(const Frames& stream) { return to_name(stream) + ".candor"; }

    /// The frames of a file, or what is wrong with it.
    [[nodiscard]] std::string read(const std::string& name) const {
        const auto bytes = read_file(folder / name, wire::max_segment_bytes);
        if (!bytes) {
            return bytes.error().message;
        }
        wire::SegmentReader reader(*bytes);
        Frames frames;
        for (;;) {
            auto message = reader.next();
            if (!message) {
                return message.error().message;
            }
            if (!*message) {
                return StreamFixture::read(frames);
            }
            frames.push_back(std::move(**message));
        }
    }

    [[nodiscard]] static std::vector<std::uint8_t> bytes_of(const std::filesystem::path& file) {
        return read_file(file, wire::max_segment_bytes).value();
    }

    void append_bytes(const std::string& name, std::string_view bytes) const {
        std::ofstream(folder / name, std::ios::binary | std::ios::app) << bytes;
    }

    TemporaryDirectory folder;
    std::uint64_t bound = std::uint64_t{1} << 30;
    std::vector<std::string> log;

private:
    [[nodiscard]] static wire::Open open_of(const Frames& stream) {
        return std::get<wire::Open>(wire::parse_frame(stream.front())->body);
    }
    [[nodiscard]] static std::string to_name(const Frames& stream) { return to_hex(id_of(stream)); }
};

} // namespace candor::test
