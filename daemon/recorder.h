// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/event_loop.h"
#include "daemon/ring.h"
#include "daemon/stream_ledger.h"
#include "input/capture.h"
#include "wire/batch_codec.h"
#include "wire/stream_sealer.h"

#include <array>
#include <chrono>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace candor::daemon {

/// For whom and under what is recorded, for as long as the gate stays open.
struct Grantee {
    wire::SubjectKeys subject;
    std::vector<wire::PublicKey> recipients;
    privacy::Level level = privacy::Level::full; ///< of the first stream
    wire::Hash32 policy_hash{};
    std::uint32_t consent_version = 1;
    std::chrono::seconds batch_interval{5};
    std::chrono::seconds embargo{0};
};

/// Holes of one reason.
struct GapCount {
    std::uint64_t gaps = 0;
    std::uint64_t events = 0; ///< as far as they were counted
};

/// Since the process started. Events are those the level keeps, and count SYN_REPORT.
struct Counters {
    std::uint64_t packets = 0;
    std::uint64_t events_produced = 0;
    std::uint64_t events_stored = 0;
    std::uint64_t events_declared = 0;
    std::uint64_t batches = 0;
    std::uint64_t gaps = 0;
    std::uint64_t streams = 0;
    std::uint64_t sealed_bytes = 0; ///< of frames
    std::array<GapCount, static_cast<std::size_t>(wire::last_gap_reason) + 1> by_reason{};
};

/// Turns packets, reduced to the level in force, into sealed frames in the ring: collects a batch, seals it at the next
/// multiple of batch_interval on CLOCK_MONOTONIC or when it is full, rotates streams, declares holes. Sealing on a grid keeps
/// the time of a frame from telling the time of a key. While nothing is typed no timer runs but the one that ends a stream at rotate_us.
///
/// Bounds: a batch holds wire::max_batch_events; holes of the same device and reason within a batch become one Gap; a batch
/// the ring does not take is dropped unsealed and counted in a ring_full Gap, in this stream or the next that opens; one that comes
/// while the ledger cannot be written, in a state_failed Gap.
class Recorder final : public input::CaptureSink {
public:
    /// `on_frames` is called when the ring has something new. All references outlive this.
    Recorder(EventLoop& loop, Ring& ring, StreamLedger& ledger, const wire::Identity& identity, const wire::Id16& run,
             std::function<void()> on_frames);

    /// From now on packets are recorded. Not twice without end().
    void begin(Grantee grantee);
    /// Seals what there is, closes the stream, forgets the keys and gives the memory back.
    void end(wire::CloseReason reason);
    [[nodiscard]] bool is_active() const noexcept { return grantee_.has_value(); }

    /// What comes from now on is of this level, and in a stream of its own.
    void set_level(privacy::Level level);
    /// Declares a loss that did not come through on_hole().
    void lose(const wire::Gap& gap);

    /// Throws away what is not sealed; says whether there was anything.
    bool forget_batch();

    /// The wall clock was set, or the machine slept.
    void clock_changed();
    /// Seals the batch now.
    void flush();
    /// flush(), and ends the stream. What comes from now on is in another.
    void rotate();
    /// The stream that is being written.
    [[nodiscard]] std::optional<wire::Id16> stream() const;

    void on_device(const input::DeviceInfo& device) override;
    void on_packet(const input::Packet& packet) override;
    void on_hole(const input::Hole& hole) override;

    [[nodiscard]] const Counters& counters() const noexcept { return counters_; }
    /// Why no stream can be begun, in words; empty while one can.
    [[nodiscard]] const std::string& ledger_problem() const noexcept { return ledger_problem_; }

private:
    struct Stream {
        wire::StreamSealer sealer;
        wire::BatchEncoder encoder;
        std::uint64_t produced = 0;
        std::set<std::uint32_t> introduced;
    };

    void start_timer();
    /// False when the ring has no room for a new stream.
    bool ensure_stream();
    void store_batch();
    void refuse_batch(wire::GapReason reason);
    [[nodiscard]] bool begin_stream();
    void declare(const wire::Gap& gap);
    void push_gaps(bool last);
    void close_stream(wire::CloseReason reason);
    void push(wire::FrameBytes message, Ring::Kind kind = Ring::Kind::frame);

    EventLoop& loop_;
    Ring& ring_;
    StreamLedger& ledger_;
    const wire::Identity& identity_;
    wire::Id16 run_;
    std::function<void()> on_frames_;
    std::optional<Grantee> grantee_;
    std::set<wire::Id16> grants_sent_;
    std::vector<input::DeviceInfo> devices_; ///< those that are there, and those that went since the last batch
    std::set<std::uint32_t> gone_;
    std::optional<Stream> stream_;
    wire::Batch batch_;
    std::set<std::uint32_t> batch_devices_;
    std::uint32_t last_device_ = wire::all_devices;
    std::uint64_t batch_produced_ = 0;
    std::vector<wire::Gap> gaps_;
    bool timer_runs_ = false;
    std::string ledger_problem_; ///< why no stream could be begun; empty when one could
    Counters counters_;
    EventLoop::Source timer_;
    EventLoop::Source rotation_timer_;
};

} // namespace candor::daemon
