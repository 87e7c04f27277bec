// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "daemon/recorder.h"

#include "support/catch.h"
#include "support/temporary_directory.h"
#include "unit/wire/batch_fixture.h"
#include "unit/wire/stream_fixture.h"

#include <map>

namespace candor::test {

/// What one stream said when it was opened.
struct OpenedStream {
    wire::Open open;
    std::vector<Row> packets;
    std::vector<input::DeviceInfo> devices;
    std::vector<wire::Gap> gaps;
    std::optional<wire::Close> close;
    std::size_t batches = 0;
    std::size_t clocks = 0;
};

/// A recorder over a ring, fed with packets that are made up, and a shipper that takes frames out of the ring and opens them
/// with the recipient's key as it comes out of the grant.
class RecorderFixture {
public:
    explicit RecorderFixture(std::size_t ring_bytes)
        : ring(ring_bytes), recorder(loop, ring, ledger, keys.identity, run, [this] { ++called; }) {}

    void begin(std::chrono::seconds batch_interval = std::chrono::seconds(60)) {
        daemon::Grantee grantee;
        grantee.subject.subject = keys.subject.subject;
        grantee.subject.epoch_key = keys.epoch_key();
        grantee.recipients = {keys.recipient.public_key};
        grantee.policy_hash = {7};
        grantee.consent_version = 3;
        grantee.batch_interval = batch_interval;
        recorder.begin(std::move(grantee));
    }

    void plug(std::uint32_t device, const std::string& name = "Test keyboard") {
        input::DeviceInfo info;
        info.index = device;
        info.name = name;
        recorder.on_device(info);
        known[device] = info;
    }

    void packet(std::uint32_t device, std::vector<input::Event> events) {
        now_us += 1000;
        events.push_back({0, 0, 0});
        recorder.on_packet({device, now_us, events});
        produced += events.size();
        given.emplace_back(device, now_us, std::move(events));
    }
    void key(std::uint32_t device, std::uint16_t code) { packet(device, {{4, 4, code}, {1, code, 1}}); }

    /// A packet that no model can foresee: a full batch of them is as large as batches get.
    void noise(std::uint32_t device, std::size_t events) {
        std::vector<input::Event> all;
        for (std::size_t i = 1; i < events; ++i) {
            const auto any = random();
            all.push_back({static_cast<std::uint16_t>(any), static_cast<std::uint16_t>(any >> 16),
                           static_cast<std::int32_t>(any >> 32)});
        }
        packet(device, std::move(all));
    }

    void hole(const input::Hole& hole) {
        recorder.on_hole(hole);
        produced += hole.events.value_or(0);
    }

    /// Acknowledges and opens at most `frames` that wait in the ring.
    void take(std::size_t frames = SIZE_MAX) {
        for (; frames > 0 && ring.next() != nullptr; --frames) {
            const std::vector<std::uint8_t> message = *ring.next();
            ring.sent();
            REQUIRE(ring.acknowledge(read(message)));
        }
    }

    [[nodiscard]] std::vector<Row> packets() const {
        std::vector<Row> all;
        for (const OpenedStream& stream : streams) {
            all.insert(all.end(), stream.packets.begin(), stream.packets.end());
        }
        return all;
    }
    /// Events in the gaps of this reason.
    [[nodiscard]] std::uint64_t declared(wire::GapReason reason) const {
        std::uint64_t events = 0;
        for (const OpenedStream& stream : streams) {
            for (const wire::Gap& gap : stream.gaps) {
                events += gap.reason == reason ? gap.events.value_or(0) : 0;
            }
        }
        return events;
    }

    /// Everything that was given is stored or declared, by the counters, by the streams' own account, and one by one.
    void check_accounts() const {
        const auto& counters = recorder.counters();
        std::uint64_t in_streams = 0;
        std::uint64_t stored = 0;
        std::uint64_t lost = 0;
        for (const OpenedStream& stream : streams) {
            REQUIRE(stream.close);
            in_streams += stream.close->produced;
            stored += stream.close->stored;
            lost += stream.close->declared;
        }
        CHECK(counters.events_produced == produced);
        CHECK(counters.events_produced == counters.events_stored + counters.events_declared);
        CHECK(in_streams == produced);
        CHECK(stored == counters.events_stored);
        CHECK(lost == counters.events_declared);
        CHECK(counters.streams == streams.size());
        check_packets();
    }

    TemporaryDirectory folder;
    EventLoop loop;
    daemon::Ring ring;
    daemon::StreamLedger ledger = daemon::StreamLedger::load(folder / "streams").value();
    StreamFixture keys;
    wire::Id16 run = wire::random_id();
    int called = 0;
    std::vector<OpenedStream> streams;
    std::vector<Row> given;
    std::map<std::uint32_t, input::DeviceInfo> known;
    std::uint64_t produced = 0;
    std::uint64_t now_us = 5'000'000;
    std::size_t grants = 0;
    std::mt19937_64 random{1};
    daemon::Recorder recorder;

private:
    /// What acknowledges it.
    wire::Ack read(const std::vector<std::uint8_t>& message) {
        REQUIRE(message.size() <= wire::max_frame_bytes);
        const auto frame = wire::parse_frame(message);
        REQUIRE(frame.has_value());
        if (const auto* grant = std::get_if<wire::Grant>(&frame->body)) {
            auto key = wire::open_grant(message, keys.recipient);
            REQUIRE(key.has_value());
            epoch_keys_.insert_or_assign(grant->id, std::move(*key));
            ++grants;
            return {grant->id, 0};
        }
        if (const auto* open = std::get_if<wire::Open>(&frame->body)) {
            REQUIRE(epoch_keys_.contains(open->grant));
            REQUIRE((streams.empty() || streams.back().close));
            wire::SymmetricKey key;
            std::ranges::copy(epoch_keys_.at(open->grant).bytes(), key.bytes().begin());
            opener_ = wire::StreamOpener(std::move(key));
            streams.push_back({*open, {}, {}, {}, {}, 0, 0});
        }
        REQUIRE_FALSE(streams.empty());
        const auto item = opener_.next(message);
        INFO((item ? std::string() : item.error().message));
        REQUIRE(item.has_value());
        note(*item);
        return {streams.back().open.stream, frame->sequence};
    }

    void note(const wire::StreamOpener::Item& item) {
        OpenedStream& stream = streams.back();
        if (item.batch) {
            ++stream.batches;
            stream.devices.insert(stream.devices.end(), item.batch->devices.begin(), item.batch->devices.end());
            const auto more = rows(item.batch->packets);
            stream.packets.insert(stream.packets.end(), more.begin(), more.end());
        } else if (const auto* gap = std::get_if<wire::Gap>(&item.frame.body)) {
            stream.gaps.push_back(*gap);
        } else if (const auto* close = std::get_if<wire::Close>(&item.frame.body)) {
            stream.close = *close;
        } else if (std::holds_alternative<ClockAnchor>(item.frame.body)) {
            ++stream.clocks;
        }
    }

    /// What was stored is what was given, in order; what is missing is as much as the full ring refused.
    void check_packets() const {
        std::uint64_t missing = 0;
        auto next = given.begin();
        for (const Row& row : packets()) {
            for (; next != given.end() && *next != row; ++next) {
                missing += std::get<2>(*next).size();
            }
            REQUIRE(next != given.end());
            ++next;
        }
        for (; next != given.end(); ++next) {
            missing += std::get<2>(*next).size();
        }
        CHECK(missing == declared(wire::GapReason::ring_full));
    }

    std::map<wire::Id16, wire::SymmetricKey> epoch_keys_;
    wire::StreamOpener opener_;
};

} // namespace candor::test
