// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/ring.h"
#include "daemon/ring_layout.h"

#include <sys/stat.h>
#include <unistd.h>

#include <vector>

/// Rings as the bytes of their memfd, with an area small enough to be kept and cut about.
namespace candor::test {

inline UniqueFd ring_memfd(std::span<const std::uint8_t> image) {
    daemon::RingFile file = daemon::RingFile::make(0, image.size());
    file.write_header(0, image);
    return UniqueFd(::dup(file.fd()));
}

inline std::vector<std::uint8_t> ring_image(const daemon::Ring& ring) {
    struct stat status {};
    std::vector<std::uint8_t> image(::fstat(ring.fd(), &status) == 0 ? static_cast<std::size_t>(status.st_size) : 0);
    daemon::read_at(ring.fd(), 0, image);
    return image;
}

/// An empty one.
inline daemon::Ring small_ring(std::uint64_t area) {
    namespace layout = daemon::ring_layout;
    std::vector<std::uint8_t> image(layout::data_at + area);
    layout::Header header;
    header.area = area;
    const auto bytes = layout::encode(header);
    std::ranges::copy(bytes, image.begin());
    std::ranges::copy(bytes, image.begin() + layout::header_slot_bytes);
    return std::move(daemon::Ring::recover(ring_memfd(image), 256 * 1024).value().ring);
}

inline daemon::Ring::Entry ring_frame(std::uint8_t stream, std::uint32_t sequence, std::size_t bytes,
                                      daemon::Ring::Kind kind = daemon::Ring::Kind::frame) {
    wire::StreamProgress progress;
    progress.stream = {stream};
    progress.subject = {1};
    progress.number = stream;
    progress.next_sequence = sequence + 1;
    progress.closed = kind == daemon::Ring::Kind::close;
    return {{stream}, {1}, sequence, kind, std::vector<std::uint8_t>(bytes, stream), progress};
}

/// With acknowledged, purged and waiting frames, objects, and an open stream at the end; around its area with `laps`.
inline std::vector<std::uint8_t> lived_in_ring(std::uint32_t laps) {
    using Kind = daemon::Ring::Kind;
    daemon::Ring ring = small_ring(4096);
    std::uint32_t sequence = 0;
    for (; sequence < 8 * laps; ++sequence) {
        ring.push(ring_frame(1, sequence, 200));
        ring.sent();
        static_cast<void>(ring.acknowledge({{1}, sequence}));
    }
    ring.push(ring_frame(1, sequence, 50, Kind::close));
    ring.push({{9}, {1}, 0, Kind::object, std::vector<std::uint8_t>(60, 9), {}});
    ring.push(ring_frame(2, 0, 40));
    ring.push(ring_frame(2, 1, 40, Kind::close));
    ring.push(ring_frame(3, 0, 40));
    ring.push(ring_frame(3, 1, 300));
    ring.purge([](const auto&, const wire::Id16& stream) { return stream[0] == 2; });
    return ring_image(ring);
}

} // namespace candor::test
