// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

/// The bounds that writer and reader share. A reader checks them before it allocates anything.
namespace candor::wire {

inline constexpr std::uint16_t format_version = 2;

/// One frame is one SOCK_SEQPACKET packet.
inline constexpr std::size_t max_frame_bytes = 64 * 1024;

/// A batch before it is sealed, padding included.
inline constexpr std::size_t max_plaintext_bytes = 56 * 1024;

/// The same sealed: crypto_secretstream_xchacha20poly1305_ABYTES more.
inline constexpr std::size_t max_sealed_bytes = max_plaintext_bytes + 17;

/// Chosen so that no batch of this many events, however hostile, encodes to more than max_plaintext_bytes.
inline constexpr std::size_t max_batch_events = 2048;

/// A single packet longer than this is damaged: a kernel device queues 64 to a few hundred events a packet.
inline constexpr std::size_t max_packet_events = 1024;

inline constexpr std::size_t max_batch_devices = 64;
inline constexpr std::size_t max_stream_devices = 1024;
inline constexpr std::size_t max_device_name_bytes = 128;

/// Plaintext sizes are rounded up to this, so that one key more or less does not show.
inline constexpr std::size_t padding_bytes = 16;

/// A stream rotates at whichever comes first.
inline constexpr std::size_t rotate_bytes = 256 * 1024;
inline constexpr std::uint64_t rotate_us = 10ull * 60 * 1'000'000;

/// A segment file of a rotated stream is a little longer than rotate_bytes; this is where a reader gives up.
inline constexpr std::size_t max_segment_bytes = 4 * 1024 * 1024;

inline constexpr std::size_t max_recipients = 32;

/// Streams that one Tombstone names; a person who deletes more gets several.
inline constexpr std::size_t max_tombstone_streams = 512;

/// What the shipper says in words, and the message of an Erasure.
inline constexpr std::size_t max_problem_bytes = 256;
inline constexpr std::size_t max_erasure_bytes = 4096;

} // namespace candor::wire
