// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fuzz/fuzz.h"

#include "wire/packing.h"
#include "wire/segment.h"
#include "wire/stream_opener.h"

namespace candor::test {

/// Reads a file to its end or its first refusal, as candor-refine does.
inline void read_segment(std::span<const std::uint8_t> file, wire::StreamOpener opener) {
    wire::SegmentReader reader(file);
    std::uint64_t events = 0;
    std::size_t before = 0;
    std::uint32_t place = 0;
    for (;;) {
        const auto message = reader.next();
        if (!message) {
            const std::size_t stopped = reader.offset();
            require(!reader.next() && reader.offset() == stopped, "a reader stays where it refused");
            return;
        }
        if (!*message) {
            require(reader.offset() == file.size(), "a file ends at its end");
            return;
        }
        require(reader.offset() > before && reader.offset() <= file.size(), "each record takes bytes");
        before = reader.offset();
        require(wire::encode_record(**message, place++).size() >= 2, "what was read can be written");
        const auto item = opener.next(**message);
        if (!item) {
            require(!item.error().message.empty(), "a refusal says why");
            require(!opener.next(**message), "a stream that was refused stays so");
            return;
        }
        events += item->batch ? item->batch->packets.events() : 0;
        require(opener.events() == events, "each event is counted");
        if (opener.close()) {
            require(opener.close()->produced == opener.close()->stored + opener.close()->declared,
                    "produced = stored + declared");
        }
    }
}

} // namespace candor::test
