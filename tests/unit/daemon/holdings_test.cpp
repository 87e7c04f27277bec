// SPDX-License-Identifier: Apache-2.0
#include "daemon/holdings.h"

#include "base/file.h"
#include "daemon/recorder.h"
#include "support/catch.h"
#include "support/temporary_directory.h"
#include "unit/wire/stream_fixture.h"
#include "wire/segment.h"

#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <map>

using namespace candor;
using candor::test::TemporaryDirectory;

namespace {

constexpr std::uint32_t person = 1000;
constexpr std::uint32_t another = 1001;
constexpr std::int64_t now = 1'800'000'000;
constexpr std::int64_t now_ns = now * 1'000'000'000;

/// A candord's holdings, with a recorder that seals into them and a shipper that writes what it takes into the spool. restart() is another
/// process, with the ring as the service manager kept it or, after the power went, with none.
class Machine {
public:
    explicit Machine() {
        wire::init_crypto();
        identity = wire::Identity::generate();
        recipient = wire::RecipientKeyPair::generate();
        std::filesystem::create_directory(folder / "spool");
        start(std::nullopt);
    }

    void restart(bool power_cut = false) {
        recorder.reset();
        holdings.reset();
        UniqueFd kept(::dup(ring->fd()));
        ring.reset();
        start(power_cut ? std::nullopt : std::optional(std::move(kept)));
    }

    void record(std::uint32_t uid, std::uint16_t key) {
        if (recording_of != uid) {
            stop();
            auto keys = holdings->subjects().current(uid, std::chrono::days(30), now);
            REQUIRE(keys.has_value());
            daemon::Grantee grantee;
            grantee.subject = std::move(*keys);
            grantee.recipients = {recipient.public_key};
            recorder->begin(std::move(grantee));
            recorder->on_device({.index = 1, .name = "Test keyboard"});
            recording_of = uid;
        }
        now_us += 1000;
        const std::vector<input::Event> events{{1, key, 1}, {0, 0, 0}};
        recorder->on_packet({1, now_us, events});
        recorder->flush();
    }
    void stop() {
        if (recording_of) {
            recorder->end(wire::CloseReason::gate_closed);
            recording_of.reset();
        }
    }

    /// The shipper takes so many frames: streams into the spool, and everything into `taken`.
    void ship(std::size_t most = SIZE_MAX) {
        for (; most > 0 && ring->next() != nullptr; --most) {
            const std::vector<std::uint8_t> message = *ring->next();
            const auto frame = wire::parse_frame(message);
            REQUIRE(frame.has_value());
            wire::Ack ack{{}, frame->sequence};
            if (const auto* grant = std::get_if<wire::Grant>(&frame->body)) {
                ack.stream = grant->id;
            } else if (const auto* tombstone = std::get_if<wire::Tombstone>(&frame->body)) {
                ack.stream = tombstone->id;
                tombstones.push_back(*tombstone);
            } else if (const auto* note = std::get_if<wire::Note>(&frame->body)) {
                ack.stream = note->stream;
                notes.push_back(*note);
            } else {
                if (const auto* open = std::get_if<wire::Open>(&frame->body)) {
                    shipping = *open;
                }
                ack.stream = shipping->stream;
                streams[ack.stream].push_back(message);
                write(ack.stream, std::holds_alternative<wire::Close>(frame->body));
            }
            ring->sent();
            REQUIRE(ring->acknowledge(ack));
            holdings->acknowledged(recorder->stream());
        }
    }

    /// A stream of the spool, opened with the key that was handed out for it; how many events it holds.
    [[nodiscard]] std::string opened(std::uint32_t uid, const daemon::SpoolView::Stream& stream) const {
        const auto one = holdings->open(uid, stream);
        if (!one) {
            return one.error().message;
        }
        wire::SymmetricKey key;
        REQUIRE(::pread(one->key.get(), key.data(), 32, 0) == 32);
        std::vector<std::uint8_t> bytes(stream.bytes);
        REQUIRE(::pread(one->segment.get(), bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()));
        auto opener = wire::StreamOpener::with_stream_key(std::move(key));
        wire::SegmentReader reader(bytes);
        for (;;) {
            const auto message = reader.next();
            REQUIRE(message.has_value());
            if (!*message) {
                return std::to_string(opener.events()) + " events";
            }
            const auto item = opener.next(**message);
            if (!item) {
                return item.error().message;
            }
        }
    }

    /// Whether all frames of a stream that were taken make a whole one.
    [[nodiscard]] bool is_whole(const wire::Id16& stream) const {
        wire::StreamOpener opener;
        for (const auto& message : streams.at(stream)) {
            if (!opener.next(message)) {
                return false;
            }
        }
        return opener.close().has_value();
    }

    [[nodiscard]] std::vector<daemon::SpoolView::Stream> list(std::uint32_t uid) const {
        auto all = holdings->list(uid);
        REQUIRE(all.has_value());
        return std::move(*all);
    }

    TemporaryDirectory folder;
    EventLoop loop;
    wire::Identity identity;
    wire::RecipientKeyPair recipient;
    std::optional<daemon::Ring> ring;
    std::optional<daemon::StreamLedger> ledger;
    std::optional<daemon::Holdings> holdings;
    std::optional<daemon::Recorder> recorder;
    daemon::Holdings::Resumed resumed;
    int frames_removed = 0;
    std::map<wire::Id16, std::vector<wire::FrameBytes>> streams;
    std::vector<wire::Tombstone> tombstones;
    std::vector<wire::Note> notes;

private:
    void start(std::optional<UniqueFd> memfd) {
        daemon::Inheritance left;
        if (memfd) {
            auto recovered = daemon::Ring::recover(std::move(*memfd), bound);
            REQUIRE(recovered.has_value());
            CHECK(recovered->problems.empty());
            left = {recovered->unfinished, recovered->lost};
            ring.emplace(std::move(recovered->ring));
        } else {
            ring.emplace(bound);
        }
        ledger.emplace(daemon::StreamLedger::load(folder / "streams").value());
        holdings.emplace(folder.path(), identity, *ring, *ledger,
                         daemon::SpoolView(folder / "spool", ::geteuid(), identity.public_key()),
                         [this] { ++frames_removed; });
        recorder.emplace(loop, *ring, *ledger, identity, wire::random_id(), [] {});
        recording_of.reset();
        resumed = holdings->resume(std::move(left), now_us, now_ns);
        CHECK(resumed.problems.empty());
    }

    void write(const wire::Id16& stream, bool closed) const {
        std::vector<std::uint8_t> bytes(wire::segment_magic.begin(), wire::segment_magic.end());
        for (const auto& message : streams.at(stream)) {
            const auto record = wire::encode_record(message);
            bytes.insert(bytes.end(), record.begin(), record.end());
        }
        const auto base = (folder / "spool") / to_hex_name(stream);
        std::filesystem::remove(base.string() + ".part");
        write_file_atomically(base.string() + std::string(closed ? wire::segment_suffix : wire::part_suffix), bytes,
                              0640);
    }
    static std::string to_hex_name(const wire::Id16& id) {
        std::string name;
        for (const std::uint8_t byte : id) {
            name += "0123456789abcdef"[byte >> 4];
            name += "0123456789abcdef"[byte & 15];
        }
        return name;
    }

    static constexpr std::size_t bound = 1024 * 1024;
    std::optional<std::uint32_t> recording_of;
    std::uint64_t now_us = 5'000'000;
    std::optional<wire::Open> shipping;
};

/// All that is in a folder, below it too.
std::string all_bytes(const std::filesystem::path& folder) {
    std::string all;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
        if (entry.is_regular_file()) {
            std::ifstream file(entry.path(), std::ios::binary);
            all.append(std::istreambuf_iterator<char>(file), {});
        }
    }
    return all;
}

bool holds_key(const std::filesystem::path& folder, const wire::SymmetricKey& key) {
    return all_bytes(folder).find(std::string(key.bytes().begin(), key.bytes().end())) != std::string::npos;
}

} // namespace

TEST_CASE("a person's streams are listed by time, and nobody else's among them") {
    Machine m;
    m.record(person, 30);
    m.record(another, 31);
    m.record(person, 32);
    m.stop();
    m.ship();
    REQUIRE(m.list(person).size() == 2);
    REQUIRE(m.list(another).size() == 1);
    CHECK(m.list(person)[0].open.number == 1);
    CHECK(m.list(person)[1].open.number == 2);
    CHECK(m.list(person)[0].ended);
    CHECK(m.list(another)[0].open.number == 1);
    CHECK(m.list(another)[0].open.subject != m.list(person)[0].open.subject);
}

TEST_CASE("a stream that is handed out opens with its own key, and that key opens no other") {
    Machine m;
    m.record(person, 30);
    m.stop();
    m.record(person, 31);
    m.stop();
    m.ship();
    const auto streams = m.list(person);
    REQUIRE(streams.size() == 2);
    CHECK(m.opened(person, streams[0]) == "2 events");
    CHECK(m.opened(person, streams[1]) == "2 events");
    const auto first = m.holdings->open(person, streams[0]);
    const auto second = m.holdings->open(person, streams[1]);
    REQUIRE((first && second));
    wire::SymmetricKey key;
    REQUIRE(::pread(first->key.get(), key.data(), 32, 0) == 32);
    auto opener = wire::StreamOpener::with_stream_key(std::move(key));
    REQUIRE(opener.next(m.streams.at(second->stream)[0]).has_value());
    CHECK_FALSE(opener.next(m.streams.at(second->stream)[1]).has_value());
}

TEST_CASE("a key that was handed out cannot be written to, nor grown") {
    Machine m;
    m.record(person, 30);
    m.stop();
    m.ship();
    const auto one = m.holdings->open(person, m.list(person)[0]);
    REQUIRE(one.has_value());
    CHECK(::pwrite(one->key.get(), "x", 1, 0) < 0);
    CHECK(::ftruncate(one->key.get(), 64) < 0);
}

TEST_CASE("a file in the spool that is not the shipper's own, or another device's, is not shown") {
    Machine m;
    m.record(person, 30);
    m.stop();
    m.ship();
    const auto file = m.list(person)[0].file;
    std::filesystem::create_symlink(file, (m.folder / "spool") / "link.candor");
    CHECK(m.list(person).size() == 1);
    std::filesystem::create_hard_link(file, m.folder / "elsewhere");
    CHECK(m.list(person).empty());
    std::filesystem::remove(m.folder / "elsewhere");
    CHECK(m.list(person).size() == 1);
    const candor::test::StreamFixture foreign;
    std::vector<std::uint8_t> bytes(wire::segment_magic.begin(), wire::segment_magic.end());
    const auto record = wire::encode_record(foreign.stream()[0]);
    bytes.insert(bytes.end(), record.begin(), record.end());
    write_file_atomically((m.folder / "spool") / "foreign.candor", bytes, 0640);
    const auto all = daemon::SpoolView(m.folder / "spool", ::geteuid(), m.identity.public_key()).list();
    REQUIRE(all.has_value());
    CHECK(all->size() == 1);
}

TEST_CASE("a spool that cannot be read is refused, not taken for empty") {
    Machine m;
    std::filesystem::remove(m.folder / "spool");
    CHECK_FALSE(m.holdings->list(person).has_value());
    CHECK_FALSE(m.holdings->remove(person, 0, 0, now_ns).has_value());
}

TEST_CASE("erasing takes a person's frames out of the ring, and their keys from the machine") {
    Machine m;
    m.record(person, 30);
    m.record(another, 31);
    m.record(person, 32);
    m.stop();
    auto keys = m.holdings->subjects().current(person, std::chrono::days(30), now);
    REQUIRE(keys.has_value());
    REQUIRE(holds_key(m.folder.path(), keys->epoch_key));
    const auto done = m.holdings->erase(person, now_ns);
    CHECK(done.problem.empty());
    CHECK(done.last_epoch == 1);
    CHECK(done.frames == 6); // two streams of Open, Batch and Close
    CHECK(m.frames_removed == 1);
    CHECK_FALSE(holds_key(m.folder.path(), keys->epoch_key));
    CHECK_FALSE(m.holdings->subjects().epoch_key(person, 1).has_value());
    CHECK(m.holdings->frames_waiting(person) == 0);
    CHECK(m.holdings->frames_waiting(another) == 3);
    m.ship();
    REQUIRE(m.tombstones.size() == 1);
    CHECK(m.tombstones[0].subject == keys->subject);
    CHECK(m.tombstones[0].last_epoch == 1);
    CHECK(m.streams.size() == 1);
    CHECK(m.list(another).size() == 1);
    CHECK(m.opened(another, m.list(another)[0]) == "2 events");
}

TEST_CASE("what is recorded after an erasure is of a new epoch, numbered from 1") {
    Machine m;
    m.record(person, 30);
    m.stop();
    static_cast<void>(m.holdings->erase(person, now_ns));
    m.record(person, 31);
    m.stop();
    m.ship();
    REQUIRE(m.list(person).size() == 1);
    CHECK(m.list(person)[0].open.epoch == 2);
    CHECK(m.list(person)[0].open.number == 1);
    CHECK_FALSE(m.tombstones[0].covers(m.list(person)[0].open.stream, 2));
}

TEST_CASE("erasing what was never recorded sends nothing") {
    Machine m;
    const auto done = m.holdings->erase(person, now_ns);
    CHECK(done.last_epoch == 0);
    CHECK(m.ring->frames() == 0);
    CHECK_FALSE(std::filesystem::exists(m.folder / "tombstones"));
}

TEST_CASE("asking again with nothing recorded since sends no second tombstone, and after more was recorded it does") {
    Machine m;
    m.record(person, 30);
    m.stop();
    static_cast<void>(m.holdings->erase(person, now_ns));
    for (int i = 0; i < 100; ++i) {
        CHECK(m.holdings->erase(person, now_ns).last_epoch == 0);
    }
    m.ship();
    CHECK(m.tombstones.size() == 1);
    m.record(person, 31);
    m.stop();
    CHECK(m.holdings->erase(person, now_ns).last_epoch == 2);
    m.ship();
    CHECK(m.tombstones.size() == 2);
}

TEST_CASE("a tombstone is sent again by every process until its receipt has come") {
    Machine m;
    m.record(person, 30);
    m.stop();
    static_cast<void>(m.holdings->erase(person, now_ns));
    m.ship();
    m.restart(true);
    m.ship();
    REQUIRE(m.tombstones.size() == 2);
    CHECK(m.tombstones[0].id == m.tombstones[1].id);

    const wire::Identity signer = m.recipient.signer();
    wire::Erasure erasure;
    erasure.tombstone = m.tombstones[0].id;
    erasure.subject = m.tombstones[0].subject;
    erasure.identity = m.identity.public_key();
    erasure.segments = 3;
    const std::vector<consent::Recipient> recipients{{"team", m.recipient.public_key, signer.public_key()}};
    const auto confirmed = m.holdings->confirm({wire::make_erasure(signer, erasure)}, recipients);
    REQUIRE(confirmed.has_value());
    REQUIRE(confirmed->has_value());
    CHECK((*confirmed)->uid == person);
    CHECK((*confirmed)->erasure.segments == 3);
    CHECK((*confirmed)->signer == "team");
    // Once: it may come again.
    CHECK_FALSE(m.holdings->confirm({wire::make_erasure(signer, erasure)}, recipients).value().has_value());
    m.restart(true);
    m.ship();
    CHECK(m.tombstones.size() == 2);
}

TEST_CASE("a receipt that no recipient has signed is refused, and the tombstone stays") {
    Machine m;
    m.record(person, 30);
    m.stop();
    static_cast<void>(m.holdings->erase(person, now_ns));
    m.ship();
    wire::Erasure erasure;
    erasure.tombstone = m.tombstones[0].id;
    erasure.subject = m.tombstones[0].subject;
    erasure.identity = m.identity.public_key();
    const wire::Identity stranger = wire::Identity::generate();
    const std::vector<consent::Recipient> recipients{{"team", m.recipient.public_key, std::nullopt}};
    CHECK_FALSE(m.holdings->confirm({wire::make_erasure(stranger, erasure)}, recipients).has_value());
    auto damaged = wire::make_erasure(stranger, erasure);
    damaged[damaged.size() / 2] ^= 1;
    CHECK_FALSE(m.holdings->confirm({damaged}, recipients).has_value());
    m.restart(true);
    m.ship();
    CHECK(m.tombstones.size() == 2);
}

TEST_CASE("a process that dies between the tombstone and the keys leaves the rest to the next one") {
    Machine m;
    m.record(person, 30);
    auto keys = m.holdings->subjects().current(person, std::chrono::days(30), now);
    REQUIRE(keys.has_value());
    // Only the tombstone came to the disk; the stream is open, and its frames are in the ring.
    wire::Tombstone tombstone;
    tombstone.id = wire::random_id();
    tombstone.subject = keys->subject;
    tombstone.last_epoch = 1;
    daemon::Tombstones(m.folder / "tombstones", m.identity).add(person, tombstone);
    m.restart();
    CHECK(m.resumed.succession.ended == 0);
    CHECK(m.resumed.succession.noted == 0);
    CHECK(m.holdings->frames_waiting(person) == 0);
    CHECK_FALSE(holds_key(m.folder.path(), keys->epoch_key));
    CHECK(m.ledger->unfinished().empty());
    m.ship();
    CHECK(m.streams.empty());
    REQUIRE(m.tombstones.size() == 1);
    CHECK(m.tombstones[0].id == tombstone.id);
}

TEST_CASE("deleting by time takes the streams that touch it, and names them with their numbers") {
    Machine m;
    m.record(person, 30);
    m.stop();
    m.record(person, 31);
    m.stop();
    m.ship(4); // the grant and the first stream
    const auto first = m.list(person);
    REQUIRE(first.size() == 1);
    const auto done = m.holdings->remove(person, 0, 0, now_ns);
    REQUIRE(done.has_value());
    CHECK(done->streams == 2);
    CHECK(done->frames == 3);
    CHECK(m.ledger->unfinished().empty());
    m.ship();
    REQUIRE(m.tombstones.size() == 1);
    CHECK(m.tombstones[0].reason == wire::TombstoneReason::deleted);
    CHECK(m.tombstones[0].last_epoch == 0);
    REQUIRE(m.tombstones[0].streams.size() == 2);
    CHECK(m.tombstones[0].covers(first[0].open.stream, 99));
    CHECK(m.tombstones[0].streams[0].number + m.tombstones[0].streams[1].number == 3);
    // It is on the shipper's disk: nothing is left to do.
    m.restart(true);
    m.ship();
    CHECK(m.tombstones.size() == 1);
    // The key is not that of these streams alone.
    CHECK(m.holdings->subjects().epoch_key(person, 1).has_value());
}

TEST_CASE("deleting a time at which nothing was recorded deletes nothing") {
    Machine m;
    m.record(person, 30);
    m.stop();
    m.ship();
    const auto done = m.holdings->remove(person, 10, 20, now_ns);
    REQUIRE(done.has_value());
    CHECK(done->streams == 0);
    CHECK(m.frames_removed == 0);
    CHECK(m.list(person).size() == 1);
}

TEST_CASE("a process that died leaves a stream that its successor ends, and no sealed frame is lost") {
    Machine m;
    m.record(person, 30);
    m.record(person, 31);
    m.ship(2); // the grant and Open
    m.restart();
    CHECK(m.resumed.succession.ended == 1);
    CHECK(m.resumed.succession.noted == 0);
    m.ship();
    REQUIRE(m.streams.size() == 1);
    const auto& [stream, frames] = *m.streams.begin();
    CHECK(frames.size() == 5); // Open, two batches, the gap, Close
    CHECK(m.is_whole(stream));
    CHECK(m.ledger->unfinished().empty());
    CHECK(m.opened(person, m.list(person)[0]) == "4 events");
}

TEST_CASE("a stream is ended too when all its frames had been acknowledged") {
    Machine m;
    m.record(person, 30);
    m.ship();
    m.restart();
    CHECK(m.resumed.succession.ended == 1);
    m.ship();
    CHECK(m.is_whole(m.streams.begin()->first));
}

TEST_CASE("a machine that died leaves a note for each stream whose end it took along") {
    Machine m;
    m.record(person, 30);
    m.stop();
    m.record(person, 31);
    m.ship(3); // the grant, Open and the batch of the first stream: its Close is lost too
    m.restart(true);
    CHECK(m.resumed.succession.ended == 0);
    CHECK(m.resumed.succession.noted == 2);
    m.ship();
    REQUIRE(m.notes.size() == 2);
    CHECK(m.notes[0].number == 1);
    CHECK(m.notes[1].number == 2);
    CHECK(m.ledger->unfinished().empty());
    m.restart(true);
    CHECK(m.resumed.succession.noted == 0);
}

TEST_CASE("a successor that dies as well leaves its work to the next one, once") {
    Machine m;
    m.record(person, 30);
    m.ship(2);
    m.restart();
    m.restart();
    CHECK(m.resumed.succession.ended == 0);
    m.ship();
    CHECK(m.is_whole(m.streams.begin()->first));
    CHECK(m.notes.empty());
}

TEST_CASE("a ledger that cannot be written lets no stream begin, and what is refused is counted") {
    Machine m;
    std::filesystem::create_directories((m.folder / "streams") / "in-the-way");
    m.record(person, 30);
    CHECK(m.recorder->counters().events_stored == 0);
    CHECK_FALSE(m.recorder->ledger_problem().empty());
    CHECK(m.ring->frames() == 0);
    std::filesystem::remove_all(m.folder / "streams");
    m.record(person, 31);
    CHECK(m.recorder->ledger_problem().empty());
    m.stop();
    const auto& counters = m.recorder->counters();
    CHECK(counters.events_produced == 4);
    CHECK(counters.events_stored == 2);
    CHECK(counters.by_reason[static_cast<std::size_t>(wire::GapReason::state_failed)].events == 2);
    m.ship();
    CHECK(m.is_whole(m.streams.begin()->first));
}

TEST_CASE("keys of an epoch that is over go when nothing of it waits any more") {
    Machine m;
    m.record(person, 30);
    m.stop();
    m.ship();
    const auto next = m.holdings->subjects().current(person, std::chrono::days(30), now + 31 * 24 * 3600);
    REQUIRE(next.has_value());
    CHECK(next->epoch == 2);
    m.holdings->retire_keys(person);
    CHECK(m.holdings->subjects().epoch_key(person, 1).has_value());
    for (const auto& stream : m.list(person)) {
        std::filesystem::remove(stream.file);
    }
    m.holdings->retire_keys(person);
    CHECK_FALSE(m.holdings->subjects().epoch_key(person, 1).has_value());
    CHECK(m.holdings->subjects().epoch_key(person, 2).has_value());
}
