// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/event_loop.h"
#include "shipper/sink.h"
#include "shipper/spool.h"

#include <chrono>
#include <optional>
#include <set>
#include <string>

namespace candor::shipper {

/// Moves finished files from the spool into the sink, one after the other, oldest first. A file is removed from the spool only when the
/// sink has it durably; until then it is tried again, at intervals that double from one second to one minute, with jitter.
///
///   a segment     is due when its stream's embargo has passed since its end; the grant that opens it goes just before it, never earlier;
///   a note        goes after the segment of its stream, if that is here;
///   a tombstone   and what is left of an expired segment are due at once.
///
/// A segment that has waited longer than `most_age` is given up: what is left of it says how much it was (Spool::expire).
class Delivery {
public:
    struct Settings {
        std::chrono::seconds most_age = std::chrono::days(30);
        std::chrono::microseconds first_pause = std::chrono::seconds(1);
        Waiting::Clock clock = &Waiting::read_clock; ///< of receipts
    };
    struct Callbacks {
        Spool::Log log;
        std::function<void()> changed; ///< any of the figures below; also when there is more room in the spool
        /// The receipt of a tombstone has come. False when it cannot be handed on now: it is asked for again.
        std::function<bool(const std::vector<std::uint8_t>&)> receipt;
    };
    /// All references outlive this.
    Delivery(EventLoop& loop, Spool& spool, Sink& sink, Settings settings, Callbacks callbacks);

    /// Delivers what is due, and what is not or cannot be, later.
    void run();
    /// Looks for receipts now.
    void look_for_receipts();

    /// Why what is due is not delivered, in words; empty when it is.
    [[nodiscard]] const std::string& problem() const noexcept { return problem_; }
    struct Figures {
        std::uint32_t waiting = 0; ///< segments
        std::int64_t oldest = 0;   ///< when the oldest of them ended: seconds since 1970 UTC; 0 without any
        std::uint64_t delivered = 0;
        std::uint64_t errors = 0;
        std::uint64_t expired = 0;
        std::uint64_t set_aside = 0;

        bool operator==(const Figures&) const = default;
    };
    [[nodiscard]] const Figures& figures() const noexcept { return figures_; }

private:
    struct Item {
        std::filesystem::path file;
        std::filesystem::path name; ///< in the lake
        std::vector<std::uint8_t> bytes;
    };
    /// The next that is due, its grant before it; nothing when none is.
    [[nodiscard]] std::optional<Item> next();
    [[nodiscard]] std::optional<Item> item_of(const std::filesystem::path& file);
    void count();
    void deliver(Item item);
    void delivered(const Item& item, const std::expected<Sink::Stored, Refusal>& stored);
    void wait(std::chrono::microseconds pause);
    void arm();
    /// Runs what the spool's disk may fail at.
    template <typename Body> void guarded(Body&& body);

    Spool& spool_;
    Sink& sink_;
    Settings settings_;
    Callbacks callbacks_;
    Figures figures_;
    std::string problem_;
    std::chrono::microseconds pause_;
    std::optional<std::chrono::seconds> until_due_; ///< the shortest time that something still has to wait
    bool busy_ = false;                             ///< the sink has something
    bool running_ = false;
    bool again_ = false;
    std::chrono::seconds receipts_looked_{-3600}; ///< CLOCK_BOOTTIME
    EventLoop::Source timer_;
};

} // namespace candor::shipper
