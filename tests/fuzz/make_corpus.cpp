// SPDX-License-Identifier: Apache-2.0
// make_corpus FOLDER: writes a few small seeds for each fuzz target, made by our own writers from made-up data. The kept
// ones need no renewal unless a format changes.
#include "fuzz/fuzz_keys.h"
#include "fuzz/plaintexts.h"
#include "fuzz/ring_image.h"

#include "audit/entry.h"
#include "audit/head.h"
#include "base/file.h"
#include "consent/receipt.h"
#include "daemon/stream_ledger.h"
#include "unit/wire/batch_fixture.h"
#include "wire/packing.h"
#include "wire/segment.h"
#include "wire/stream_sealer.h"

#include <cstdio>
#include <filesystem>

using namespace candor;

namespace {

using Bytes = std::vector<std::uint8_t>;

class Corpus {
public:
    explicit Corpus(std::filesystem::path folder) : folder_(std::move(folder)) {}
    void add(const char* target, const char* name, std::span<const std::uint8_t> bytes) const {
        std::filesystem::create_directories(folder_ / target);
        write_file_atomically(folder_ / target / name, bytes, 0644);
    }

private:
    std::filesystem::path folder_;
};

struct Device {
    wire::Identity identity = (wire::init_crypto(), wire::Identity::generate());
    wire::RecipientKeyPair recipient = test::fixed_recipient();
    wire::SubjectKeys subject;

    Device() {
        subject.subject = {1, 2, 3, 4};
        subject.epoch_key = test::fixed_epoch_key();
    }

    [[nodiscard]] wire::StreamContext context() const {
        wire::StreamContext context;
        context.subject = subject.subject;
        context.grant = wire::grant_id(subject, std::vector{recipient.public_key});
        context.run = {5, 6, 7, 8};
        context.number = 3;
        context.embargo = std::chrono::hours(1);
        context.anchor = {1'000'000'000, 1'500'000'000, 1'700'000'000'000'000'000};
        return context;
    }
};

/// Too random for the columns: it is stored as it is.
wire::Batch random_batch(std::size_t packets) {
    test::Desk desk(11);
    wire::Batch batch;
    batch.devices = {{1, input::DeviceClass::mouse, 3, 1, 2, 3, "A mouse"}};
    for (std::size_t i = 0; i < packets; ++i) {
        const std::vector<input::Event> event = {{static_cast<std::uint16_t>(desk.word()),
                                                  static_cast<std::uint16_t>(desk.word()),
                                                  static_cast<std::int32_t>(desk.word())}};
        batch.packets.push({1, std::uint64_t{desk.word()} << 32 | desk.word(), event});
    }
    return batch;
}

/// One packet, written as the format's second half says.
Bytes stored_plaintext() {
    Bytes bytes = {0x31, 1, 9, 0, 0, 0, 1, 3, 0, 1, 0, 2, 0, 3, 0, 1, 'm', 1, 0, 0, 0, 1, 0};
    const Bytes rest = {64, 66, 15, 0, 0, 0, 0, 0, 2, 0, 1, 0, 255, 255, 255, 255};
    bytes.insert(bytes.end(), rest.begin(), rest.end());
    bytes.resize((bytes.size() + wire::padding_bytes - 1) / wire::padding_bytes * wire::padding_bytes);
    return bytes;
}

void add_batches(const Corpus& corpus) {
    const auto add = [&](const char* name, const std::vector<wire::Batch>& batches, const Bytes& last = {}) {
        wire::BatchEncoder encoder;
        Bytes input;
        for (const wire::Batch& batch : batches) {
            test::join_plaintext(input, encoder.encode(batch));
        }
        if (!last.empty()) {
            test::join_plaintext(input, last);
        }
        corpus.add("batch", name, input);
        corpus.add("sealed_stream", name, input);
    };
    test::Desk desk(1);
    std::vector<wire::Batch> desk_batches;
    for (const std::size_t packets : {20u, 60u, 5u}) {
        desk_batches.push_back(desk.next(packets));
    }
    add("desk", desk_batches);
    add("empty", {wire::Batch{}});
    test::Desk noisy(2);
    wire::Batch noise = test::noise(noisy, {1}, 60, 0);
    noise.devices = random_batch(0).devices;
    add("noise", {noise});
    add("random", {random_batch(20)});
    add("stored", {}, stored_plaintext());
}

void add_streams(const Corpus& corpus, const Device& device) {
    wire::StreamSealer sealer(device.identity, device.subject.epoch_key, device.context());
    wire::BatchEncoder encoder;
    test::Desk desk(3);
    const wire::Batch first = desk.next(20);
    const wire::Batch second = desk.next(5);
    const std::size_t events = first.packets.events() + second.packets.events();
    const std::pair<const char*, Bytes> frames[] = {
        {"open", sealer.open()},
        {"batch", sealer.batch(encoder.encode(first), first.packets.events())},
        {"clock", sealer.clock({2'000'000'000, 2'500'000'000, 1'700'000'001'000'000'000})},
        {"gap", sealer.gap({wire::GapReason::ring_full, 1'500'000, 2'500'000, 7, wire::all_devices})},
        {"gap-unknown", sealer.gap({wire::GapReason::dropped_by_kernel, 1'000'000, 2'000'000, std::nullopt, 7})},
        {"batch-2", sealer.batch(encoder.encode(second), second.packets.events())},
    };
    const auto end = wire::end_crashed_stream(device.identity, sealer.progress(), 9'000'000);
    const auto close = sealer.close(wire::CloseReason::rotated, events + 7);
    Bytes begun(wire::segment_magic.begin(), wire::segment_magic.end());
    std::uint32_t place = 0;
    const auto append = [&](Bytes& file, const Bytes& frame, std::uint32_t at) {
        const auto record = wire::encode_record(frame, at);
        file.insert(file.end(), record.begin(), record.end());
    };
    for (const auto& [name, frame] : frames) {
        corpus.add("frame", name, frame);
        corpus.add("packing", name, wire::pack(frame));
        append(begun, frame, place++);
    }
    corpus.add("frame", "close", close);
    corpus.add("packing", "close", wire::pack(close));
    corpus.add("frame", "gap-crash", end.gap);
    corpus.add("frame", "close-crashed", end.close);
    Bytes segment = begun;
    append(segment, close, place);
    Bytes crashed = begun;
    append(crashed, end.gap, place);
    append(crashed, end.close, place + 1);
    const std::span whole(segment);
    for (const char* target : {"segment", "segment_with_key"}) {
        corpus.add(target, "whole", whole);
        corpus.add(target, "crashed", crashed);
        corpus.add(target, "cut", whole.first(whole.size() - 100));
        corpus.add(target, "magic", whole.first(wire::segment_magic.size()));
    }
}

void add_grant(const Corpus& corpus, const Device& device) {
    for (const std::size_t recipients : {1u, 3u}) {
        std::vector<wire::PublicKey> keys{device.recipient.public_key};
        while (keys.size() < recipients) {
            keys.push_back(wire::RecipientKeyPair::generate().public_key);
        }
        const auto grant = wire::make_grant(device.identity, device.subject, keys);
        const char* name = recipients == 1 ? "one" : "three";
        corpus.add("grant", name, wire::encode_single(wire::grant_magic, grant));
        corpus.add("frame", recipients == 1 ? "grant" : "grant-3", grant);
    }
}

void add_policies(const Corpus& corpus) {
    using namespace std::string_literals;
    const std::string least = "[Policy]\nController=Example AG\nContact=a@example.org\nPurpose=Training\n";
    const std::string most =
        "# A comment\n; another\n\n" + least +
        "LawfulBasis=consent\nDPIA=DPIA-7\nSites=the lab\nRetention=two years\nLevel=full\nDevices=keyboard mouse\n"
        "Schedule=Mon..Fri 08:00-18:00\nSchedule=Sat,Sun 10:00-12:00\nBatchSeconds=5\nQuarantineSeconds=2\n"
        "EmbargoMinutes=0\nEpochDays=7\nConsentDays=30\nRequiredIndicators=light context\nPanicChord=KEY_LEFTCTRL "
        "KEY_PAUSE\nPanicSeconds=2\n"
        "PanicPauseMinutes=30\nAllowVirtual=A robot\nAllowVirtual=Another\n[Recipients]\ntraining=" +
        std::string("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f") +
        "\nbackup=8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a "
        "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f\n";
    corpus.add("policy", "least", as_bytes(least));
    corpus.add("policy", "most", as_bytes(most + "\0Everything you type is recorded.\n"s));
    corpus.add(
        "policy", "daemon",
        as_bytes("[Candord]\nEnabled=no\nRingBytes=16M\nSocketPeer=candor-shipper\nSpool=/s\nMetricsFile=none\n"));
    corpus.add("policy", "shipper",
               as_bytes("[Shipper]\nSource=/run/candor/frames.sock\nSpool=/var/lib/s\nSink=dir:/var/lib/l\n"
                        "SpoolBytes=16M\nSpoolDays=365\nMetricsFile=/run/m\n"));
    corpus.add("policy", "wrong", as_bytes("[Policy]\nConsentDays=366\nController=\n[Other]\nkey\n"));
}

void add_receipts(const Corpus& corpus, const Device& device, const std::filesystem::path& folder) {
    consent::ReceiptStore store(folder, device.identity);
    consent::Policy policy;
    policy.controller = "Example \"AG\"";
    policy.contact = "a@example.org";
    policy.purpose = "Übung";
    policy.retention = "two years";
    policy.recipients.push_back({"training", device.recipient.public_key, std::nullopt});
    const auto granted = store.grant(policy, {1000, device.subject.subject, "actions", {}, 1'790'000'000, 0});
    corpus.add("receipt", "granted", as_bytes(granted.value().json));
    corpus.add("receipt", "withdrawn",
               as_bytes(store.withdraw(1000, device.subject.subject, 1'790'000'100, true).json));
    corpus.add("receipt", "empty", as_bytes("{}"));
    std::filesystem::remove_all(folder);
}

wire::Tombstone tombstone_of(std::uint32_t last_epoch, std::uint8_t streams) {
    wire::Tombstone tombstone;
    tombstone.id = {4, 4};
    tombstone.subject = {1, 2, 3, 4};
    tombstone.last_epoch = last_epoch;
    for (std::uint8_t i = 0; i < streams; ++i) {
        tombstone.streams.push_back({{i}, 1, i + std::uint64_t{1}});
    }
    tombstone.reason = streams == 0 ? wire::TombstoneReason::erased : wire::TombstoneReason::deleted;
    tombstone.requested_ns = 1'700'000'000'000'000'000;
    return tombstone;
}

void add_objects(const Corpus& corpus, const Device& device) {
    const auto add = [&](const char* name, std::string_view magic, const Bytes& frame) {
        corpus.add("frame", name, frame);
        corpus.add("objects", name, wire::encode_single(magic, frame));
    };
    add("tombstone-all", wire::tombstone_magic, wire::make_tombstone(device.identity, tombstone_of(2, 0)));
    add("tombstone-streams", wire::tombstone_magic, wire::make_tombstone(device.identity, tombstone_of(0, 3)));
    wire::Note note;
    note.stream = {9, 8, 7};
    note.subject = {1, 2, 3, 4};
    note.noticed_ns = 1'700'000'000'000'000'000;
    add("note", wire::note_magic, wire::make_note(device.identity, note));
    corpus.add("objects", "frame", wire::make_note(device.identity, note));
    wire::Erasure erasure;
    erasure.tombstone = {4, 4};
    erasure.subject = {1, 2, 3, 4};
    erasure.identity = device.identity.public_key();
    erasure.segments = 12;
    erasure.bytes = 123'456;
    const auto receipt = wire::make_erasure(device.recipient.signer(), erasure);
    corpus.add("objects", "erasure", receipt);
    corpus.add("reply", "erasure", wire::encode_reply(wire::ErasureMessage{receipt}));
}

void add_daemon_state(const Corpus& corpus) {
    for (const std::uint32_t laps : {0u, 3u}) {
        Bytes input = {0xff};
        const auto image = test::lived_in_ring(laps);
        input.insert(input.end(), image.begin(), image.end());
        corpus.add("ring", laps == 0 ? "young" : "old", input);
    }
    const std::string id(32, 'a');
    const std::string person = "01020304" + std::string(24, '0');
    const std::string first = "candor streams 1\n";
    corpus.add("ledger", "empty", as_bytes(first));
    corpus.add("ledger", "one",
               as_bytes(first + "number " + person + " 1 7\nopen " + id + " " + person + " 1 7 1700000000\n"));
    corpus.add("ledger", "numbers",
               as_bytes(first + "number " + person + " 1 18446744073709551614\nnumber " + id + " 2 1\n"));
}

void add_answers(const Corpus& corpus) {
    for (const std::uint32_t sequence : {0u, 0xffffffffu}) {
        corpus.add("reply", sequence == 0 ? "first" : "last", wire::encode_reply(wire::Ack{{9, 8, 7}, sequence}));
    }
    corpus.add("reply", "shipping", wire::encode_reply(wire::Report{}));
    corpus.add("reply", "stalled",
               wire::encode_reply(wire::Report{wire::ShippingState::stalled, "the sink: No space left on device", 1, 2,
                                               3, 1'700'000'000'000'000'000, 5, 6}));
    corpus.add("frame", "hello", wire::make_hello({5, 6}, std::nullopt, 0));
    corpus.add("frame", "hello-stream", wire::make_hello({5, 6}, wire::Id16{7, 8}, 3));
    corpus.add("packing", "zeros", wire::pack(Bytes(8 * 300)));
    corpus.add("packing", "dense", wire::pack(Bytes(8 * 300, 0x55)));
}

void add_audit_logs(const Corpus& corpus, const Device& device) {
    audit::Entry entry;
    audit::Head head;
    std::string log;
    for (const audit::Act act : {audit::Act::started, audit::Act::granted, audit::Act::gate_opened}) {
        entry.number = head.entries + 1;
        entry.time = 1'700'000'000;
        entry.act = act;
        entry.subject = act == audit::Act::started ? std::nullopt : std::optional<std::uint32_t>(1000);
        entry.detail = "level \"full\"";
        const auto chained = audit::chain(entry, head.last);
        const std::string line = audit::write_entry(chained) + "\n";
        log += line;
        head = {entry.number, log.size(), chained.hash};
        corpus.add("audit", act == audit::Act::started ? "one" : "several", as_bytes(log));
    }
    corpus.add("audit", "torn", as_bytes(std::string_view(log).substr(0, log.size() - 40)));
    const std::string both = log + '\0' + audit::write_head(head, device.identity);
    corpus.add("audit", "with-head", as_bytes(both));
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        std::fprintf(stderr, "make_corpus FOLDER\n");
        return 2;
    }
    const std::filesystem::path folder(argv[1]);
    std::filesystem::create_directories(folder);
    const Corpus corpus(folder);
    const Device device;
    add_batches(corpus);
    add_streams(corpus, device);
    add_grant(corpus, device);
    add_policies(corpus);
    add_receipts(corpus, device, folder / "receipts.tmp");
    add_answers(corpus);
    add_objects(corpus, device);
    add_daemon_state(corpus);
    add_audit_logs(corpus, device);
}
