// SPDX-License-Identifier: Apache-2.0
// The order in which the shipper works on its disk, as spool.h says it: whatever operation the power or the process ends behind, what was
// acknowledged is there, once, and what an acknowledged tombstone covers is not.
#include "shipper/delivery.h"
#include "shipper/directory_sink.h"
#include "shipper/fsck.h"
#include "unit/shipper/recorded_disk.h"
#include "unit/shipper/spool_fixture.h"

#include <sys/stat.h>

#include <random>

using namespace candor;
using candor::test::DiskOperation;
using candor::test::DiskRecording;
using candor::test::ModelDisk;
using candor::test::SpoolFixture;

namespace {

namespace fs = std::filesystem;

/// What candord sends, in order, and what a shipper does with it in a folder with `spool` and `lake`.
struct Work : SpoolFixture {
    struct Message {
        wire::FrameBytes bytes;
        std::optional<wire::Id16> stream; ///< whose frame it is
        std::uint32_t sequence = 0;
    };

    void send(const wire::FrameBytes& object) { ring.push_back({object, std::nullopt, 0}); }
    void send(const Frames& stream, std::size_t first, std::size_t end) {
        for (std::size_t i = first; i < end; ++i) {
            ring.push_back({stream[i], id_of(stream), static_cast<std::uint32_t>(i)});
        }
    }
    Frames new_stream() {
        streams.push_back(stream());
        return streams.back();
    }
    [[nodiscard]] wire::FrameBytes grant() const {
        return wire::make_grant(identity, subject, std::vector{recipient.public_key});
    }
    [[nodiscard]] wire::Hello hello(std::size_t from) const {
        const auto next = std::find_if(ring.begin() + static_cast<std::ptrdiff_t>(from), ring.end(),
                                       [](const Message& message) { return message.stream.has_value(); });
        wire::Hello hello;
        if (next != ring.end()) {
            hello.stream = next->stream;
        }
        return hello;
    }
    [[nodiscard]] std::uint32_t next_sequence(std::size_t from) const {
        for (std::size_t i = from; i < ring.size(); ++i) {
            if (ring[i].stream) {
                return ring[i].sequence;
            }
        }
        return 0;
    }

    /// A shipper in a folder, from its start on.
    struct Shipper {
        Shipper(const fs::path& folder, Work& from)
            : work(from),
              spool(folder / "spool", work.bound, [&](const std::string& line) { work.log.push_back(line); }),
              sink(folder / "lake"), delivery(loop, spool, sink, {},
                                              {[&](const std::string& line) { work.log.push_back(line); }, [] {},
                                               [](const auto&) { return true; }}) {}
        /// Takes what candord has from message `from` on; `acked` is told how many of its messages are acknowledged.
        void take(std::size_t from, const std::function<void(std::size_t)>& acked, std::size_t end = SIZE_MAX) {
            spool.resume(work.hello(from), work.next_sequence(from));
            for (std::size_t i = from; i < std::min(end, work.ring.size()); ++i) {
                const auto ack = spool.take(work.ring[i].bytes);
                INFO((ack ? "" : ack.error().message));
                REQUIRE(ack.has_value());
                // Some are acknowledged together.
                if (i % 3 != 1 || i + 1 == work.ring.size()) {
                    spool.sync();
                    acked(i + 1);
                    spool.acknowledged();
                    if (work.delivers) {
                        delivery.run();
                    }
                }
            }
        }
        Work& work;
        EventLoop loop;
        shipper::Spool spool;
        shipper::DirectorySink sink;
        shipper::Delivery delivery;
    };

    std::vector<Message> ring;
    std::vector<Frames> streams;
    bool delivers = true; ///< or the embargo holds
};

struct Recorded {
    std::vector<DiskOperation> operations;
    std::vector<std::size_t> acked; ///< behind each operation: messages that are acknowledged
};

/// Plays the work with one restart of the shipper in its middle.
Recorded record(Work& work) {
    test::TemporaryDirectory folder;
    Recorded recorded;
    DiskRecording recording(folder.path());
    // Made by the administrator: durable, but that has to be said to the model, too.
    for (const char* name : {"spool", "lake"}) {
        REQUIRE(::mkdir((folder / name).c_str(), 0750) == 0);
    }
    sync_directory(folder.path());
    std::size_t acked = 0;
    const auto on_ack = [&](std::size_t messages) {
        recorded.acked.resize(recording.operations().size(), acked);
        acked = messages;
    };
    {
        Work::Shipper shipper(folder.path(), work);
        shipper.take(0, on_ack, work.ring.size() / 2);
    }
    Work::Shipper shipper(folder.path(), work);
    shipper.take(acked, on_ack);
    recorded.operations = recording.operations();
    recorded.acked.resize(recorded.operations.size() + 1, acked);
    return recorded;
}

/// Frames of a file of the lake, by stream.
std::map<wire::Id16, std::vector<wire::FrameBytes>> streams_of(const fs::path& lake) {
    std::map<wire::Id16, std::vector<wire::FrameBytes>> streams;
    for (const auto& entry : fs::recursive_directory_iterator(lake)) {
        if (entry.path().extension() != wire::segment_suffix) {
            continue;
        }
        const auto bytes = SpoolFixture::bytes_of(entry.path());
        wire::SegmentReader reader(bytes);
        std::vector<wire::FrameBytes> frames;
        while (auto message = reader.next().value()) {
            frames.push_back(std::move(*message));
        }
        streams[std::get<wire::Open>(wire::parse_frame(frames.at(0))->body).stream] = std::move(frames);
    }
    return streams;
}

std::size_t files_with_suffix(const fs::path& folder, std::string_view suffix) {
    std::size_t count = 0;
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
        count += entry.path().extension() == suffix ? 1 : 0;
    }
    return count;
}

/// Each operation's crash in several forms: nothing that was not synced is there, all of it, and by chance.
void for_each_crash(const Recorded& recorded,
                    const std::function<void(const ModelDisk::Left&, std::size_t acked, bool everything)>& body) {
    ModelDisk disk;
    std::mt19937 chance(1);
    for (std::size_t i = 0; i <= recorded.operations.size(); ++i) {
        INFO("the end comes behind operation " << i << " of " << recorded.operations.size());
        const std::size_t acked = recorded.acked[i];
        body(disk.crash([](std::size_t) { return std::size_t{0}; }), acked, false);
        body(disk.crash([](std::size_t later) { return later; }), acked, true);
        for (int time = 0; time < 4; ++time) {
            body(disk.crash([&](std::size_t later) { return chance() % (later + 1); }), acked, false);
        }
        if (i < recorded.operations.size()) {
            disk.apply(recorded.operations[i]);
        }
    }
}

/// What is left of a crash, repaired as the shipper does when it starts.
struct Repaired {
    Repaired(const ModelDisk::Left& left, Work& work) {
        fs::create_directories(folder / "spool");
        fs::create_directories(folder / "lake");
        left.put(folder.path());
        findings = shipper::check_spool(folder / "spool", true);
        shipper.emplace(folder.path(), work);
    }
    /// Files of the spool that wait for something.
    [[nodiscard]] std::set<std::string> waiting() const {
        std::set<std::string> names;
        for (const auto& entry : fs::directory_iterator(folder / "spool")) {
            if (entry.is_regular_file() && entry.path().extension() != shipper::done_suffix) {
                names.insert(entry.path().filename().string());
            }
        }
        return names;
    }
    test::TemporaryDirectory folder;
    shipper::Findings findings;
    std::optional<Work::Shipper> shipper;
};

/// How many frames of each stream the first `acked` messages hold.
std::map<wire::Id16, std::size_t> acknowledged(const Work& work, std::size_t acked) {
    std::map<wire::Id16, std::size_t> counts;
    for (std::size_t i = 0; i < acked; ++i) {
        if (work.ring[i].stream) {
            ++counts[*work.ring[i].stream];
        }
    }
    return counts;
}

} // namespace

TEST_CASE("whatever operation of the disk is the last, what was acknowledged arrives once, and candord can go on") {
    Work work;
    const auto first = work.new_stream(), second = work.new_stream(), third = work.new_stream();
    work.send(work.grant());
    work.send(first, 0, first.size());
    work.send(second, 0, 4);
    const std::size_t note = work.ring.size();
    work.send(wire::make_note(work.identity, {.stream = wire::random_id(), .subject = work.subject.subject}));
    work.send(second, 4, second.size());
    work.send(third, 0, third.size());
    const Recorded recorded = record(work);
    REQUIRE(recorded.operations.size() > 100);
    REQUIRE(recorded.acked.back() == work.ring.size());
    std::size_t crashes = 0;
    for_each_crash(recorded, [&](const ModelDisk::Left& left, std::size_t acked, bool everything) {
        ++crashes;
        {
            // The machine went, and candord's ring with it.
            Repaired now(left, work);
            now.shipper->spool.resume({}, 0);
            now.shipper->delivery.run();
            const auto streams = streams_of(now.folder / "lake");
            for (const auto& [id, frames] : acknowledged(work, acked)) {
                INFO("frames acknowledged " << frames);
                REQUIRE(streams.contains(id));
                REQUIRE(streams.at(id).size() >= frames);
            }
            for (const auto& frames : work.streams) {
                const auto at = streams.find(SpoolFixture::id_of(frames));
                REQUIRE((at == streams.end() ||
                         std::ranges::equal(at->second, std::span(frames).first(at->second.size()))));
            }
            if (acked > note) {
                REQUIRE(files_with_suffix(now.folder / "lake", wire::note_suffix) == 1);
            }
            // The grant was the first message; it may wait for a segment that never came.
            if (acked > 0) {
                REQUIRE(files_with_suffix(now.folder.path(), wire::grant_suffix) == 1);
            }
            auto waiting = now.waiting();
            std::erase_if(waiting, [](const std::string& name) { return name.ends_with(wire::grant_suffix); });
            REQUIRE(waiting.empty());
        }
        if (everything) {
            // The process went; candord has what it was not told of.
            Repaired now(left, work);
            now.shipper->take(acked, [](std::size_t) {});
            now.shipper->delivery.run();
            const auto streams = streams_of(now.folder / "lake");
            REQUIRE(streams.size() == work.streams.size());
            for (const auto& frames : work.streams) {
                REQUIRE(streams.at(SpoolFixture::id_of(frames)) == frames);
            }
            REQUIRE(now.waiting().empty());
        }
    });
    CHECK(crashes > 600);
}

TEST_CASE("whatever operation of the disk is the last, an acknowledged tombstone has destroyed what it covers") {
    Work work;
    const auto whole = work.new_stream(), begun = work.new_stream();
    work.delivers = false;
    wire::Tombstone tombstone;
    tombstone.id = wire::random_id();
    tombstone.subject = work.subject.subject;
    tombstone.last_epoch = 1;
    work.send(work.grant());
    work.send(whole, 0, whole.size());
    work.send(begun, 0, 3);
    work.send(wire::make_tombstone(work.identity, tombstone));
    const Recorded recorded = record(work);
    const std::string name = to_hex(tombstone.id), in_lake = to_hex(work.subject.subject) + "/" + name + ".tombstone";
    const auto of_person = [&](const std::string& path) {
        return path.starts_with("spool/") && !path.ends_with(shipper::done_suffix) &&
               path.find(name) == std::string::npos;
    };
    std::size_t begun_to_destroy = 0;
    for_each_crash(recorded, [&](const ModelDisk::Left& left, std::size_t acked, bool) {
        const auto tombstone_file = left.files.find("spool/" + name + ".tombstone");
        if (acked == work.ring.size()) {
            REQUIRE(tombstone_file != left.files.end());
            REQUIRE(std::ranges::none_of(left.files, of_person, [](const auto& file) { return file.first; }));
        }
        if (tombstone_file == left.files.end()) {
            return;
        }
        // It is durable before anything is destroyed: a start destroys the rest.
        Repaired now(left, work);
        now.shipper->spool.resume({}, 0);
        now.shipper->delivery.run();
        REQUIRE(fs::exists(now.folder / "lake" / in_lake));
        REQUIRE(now.waiting() == std::set<std::string>{name + ".sent"});
        ++begun_to_destroy;
    });
    CHECK(begun_to_destroy > 40);
}
