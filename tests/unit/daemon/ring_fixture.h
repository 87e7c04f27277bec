// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/error.h"
#include "daemon/ring.h"
#include "daemon/ring_layout.h"

#include "support/catch.h"

#include <sys/stat.h>

#include <algorithm>
#include <deque>
#include <set>

/// What a ring is filled with, the memory it lies in, and a model of what it must hold.
namespace candor::test {

using daemon::Ring;
using Bytes = std::vector<std::uint8_t>;
using Messages = std::vector<Bytes>;
namespace layout = daemon::ring_layout;

inline constexpr std::size_t kib = 1024;

/// A message that no other frame has.
inline Bytes message_of(const wire::Id16& stream, std::uint32_t sequence, std::size_t bytes) {
    Bytes message(bytes);
    for (std::size_t i = 0; i < bytes; ++i) {
        message[i] = static_cast<std::uint8_t>(1 + (stream[0] * 31 + sequence * 7 + i * (i / 5 + 3)) % 251);
    }
    return message;
}

/// The subject of stream N is N / 16, so that a person has several.
inline wire::Id16 subject_of(const wire::Id16& stream) { return {static_cast<std::uint8_t>(1 + stream[0] / 16)}; }

inline Ring::Entry frame(const wire::Id16& stream, std::uint32_t sequence, std::size_t bytes = 100,
                         Ring::Kind kind = Ring::Kind::frame) {
    wire::StreamProgress progress;
    progress.stream = stream;
    progress.subject = subject_of(stream);
    progress.epoch = 3;
    progress.number = stream[0];
    progress.next_sequence = sequence + 1;
    progress.batches = sequence;
    progress.gaps = 5;
    progress.stored = 1'000'000'007ULL * sequence;
    progress.declared = sequence / 2;
    progress.sealed_us = 1'000'000ULL * (sequence + 1);
    progress.closed = kind == Ring::Kind::close;
    progress.transcript = {static_cast<std::uint8_t>(sequence), stream[0], 7};
    return {stream, progress.subject, sequence, kind, message_of(stream, sequence, bytes), progress};
}
inline Ring::Entry close(const wire::Id16& stream, std::uint32_t sequence, std::size_t bytes = 100) {
    return frame(stream, sequence, bytes, Ring::Kind::close);
}
inline Ring::Entry object(const wire::Id16& id, std::size_t bytes = 100) {
    return {id, {9}, 0, Ring::Kind::object, message_of(id, 0, bytes), {}};
}

/// A ring of the same layout as any, small enough to go around often and to be damaged everywhere.
inline UniqueFd small_memfd(std::uint64_t area) {
    daemon::RingFile file = daemon::RingFile::make(layout::data_at, area);
    layout::Header header;
    header.area = area;
    file.write_header(0, layout::encode(header));
    file.write_header(layout::header_slot_bytes, layout::encode(header));
    return UniqueFd(::dup(file.fd()));
}
inline Ring small_ring(std::uint64_t area, std::size_t bound = 256 * kib) {
    auto recovered = Ring::recover(small_memfd(area), bound);
    REQUIRE(recovered);
    CHECK(recovered->problems.empty());
    return std::move(recovered->ring);
}

inline Bytes image_of(int fd) {
    struct stat status {};
    REQUIRE(::fstat(fd, &status) == 0);
    Bytes image(static_cast<std::size_t>(status.st_size));
    daemon::read_at(fd, 0, image);
    return image;
}
inline UniqueFd memfd_of(std::span<const std::uint8_t> image) {
    daemon::RingFile file = daemon::RingFile::make(0, image.size());
    file.write_header(0, image);
    return UniqueFd(::dup(file.fd()));
}
/// What a process that begins now finds of a ring that another one still has.
inline Ring::Recovered recover_copy(const Ring& ring, std::size_t bound = 256 * kib) {
    auto recovered = Ring::recover(memfd_of(image_of(ring.fd())), bound);
    REQUIRE(recovered);
    return std::move(*recovered);
}

inline void send_all(Ring& ring) {
    while (ring.next() != nullptr) {
        ring.sent();
    }
}
/// All messages that wait, from the first that is not acknowledged.
inline Messages messages_in(Ring& ring) {
    Messages messages;
    ring.rewind();
    for (const Bytes* message = ring.next(); message != nullptr; message = ring.next()) {
        messages.push_back(*message);
        ring.sent();
    }
    return messages;
}

/// The plainest ring.
struct Model {
    std::deque<Ring::Entry> entries;
    std::optional<wire::StreamProgress> open; ///< the stream that is open at the end

    void push(const Ring::Entry& entry) {
        entries.push_back(entry);
        if (entry.kind != Ring::Kind::object) {
            open = entry.kind == Ring::Kind::close ? std::nullopt : entry.progress;
        }
    }
    void acknowledge(std::size_t count) {
        entries.erase(entries.begin(), entries.begin() + static_cast<std::ptrdiff_t>(count));
    }
    void purge(const std::set<wire::Id16>& streams) {
        std::erase_if(entries, [&](const Ring::Entry& entry) {
            return entry.kind != Ring::Kind::object && streams.contains(entry.stream);
        });
        if (open && streams.contains(open->stream)) {
            open.reset();
        }
    }
    [[nodiscard]] Messages messages() const {
        Messages messages;
        for (const Ring::Entry& entry : entries) {
            messages.push_back(entry.message);
        }
        return messages;
    }
    [[nodiscard]] bool is_what(Ring::Recovered& recovered) const {
        return messages_in(recovered.ring) == messages() && recovered.unfinished == open && recovered.lost.empty();
    }
};

/// Of `ring`: the first `count` that wait are sent and acknowledged.
inline void acknowledge_first(Ring& ring, const Model& model, std::size_t count) {
    send_all(ring);
    const Ring::Entry& last = model.entries[count - 1];
    REQUIRE(ring.acknowledge({last.stream, last.sequence}));
}

} // namespace candor::test
