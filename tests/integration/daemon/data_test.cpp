// SPDX-License-Identifier: Apache-2.0
// What was recorded of a person and is still here: the bus side of it, with a spool that holds a stream of theirs.
#include "machine.h"

#include "base/file.h"
#include "unit/wire/stream_fixture.h"
#include "wire/objects.h"
#include "wire/segment.h"
#include "wire/subject_store.h"

#include <sys/socket.h>
#include <sys/un.h>

using namespace candor;
using namespace candor::test;

namespace {

/// A segment of a person in the spool, as candord on this machine would have sealed it. Returns its name.
std::string leave_stream(const Machine& machine, uid_t uid, std::int64_t began = 1'800'000'000) {
    const auto identity = wire::Identity::load_or_create(machine.folders.state / "identity.key");
    REQUIRE(identity.has_value());
    const auto keys = wire::SubjectStore(machine.folders.state / "subjects").current(uid, std::chrono::days(30), began);
    REQUIRE(keys.has_value());
    wire::StreamContext context;
    context.subject = keys->subject;
    context.epoch = keys->epoch;
    context.anchor.realtime_ns = began * 1'000'000'000;
    wire::StreamSealer sealer(*identity, keys->epoch_key, context);
    wire::BatchEncoder encoder;
    const wire::Batch batch = StreamFixture::typed({30, 31});
    std::vector<std::uint8_t> bytes(wire::segment_magic.begin(), wire::segment_magic.end());
    for (const auto& frame : {sealer.open(), sealer.batch(encoder.encode(batch), batch.packets.events()),
                              sealer.close(wire::CloseReason::gate_closed, batch.packets.events())}) {
        const auto record = wire::encode_record(frame);
        bytes.insert(bytes.end(), record.begin(), record.end());
    }
    const std::string name = to_hex(sealer.stream());
    write_file_atomically(machine.spool / (name + ".candor"), bytes, 0640);
    return name;
}

/// The shipper's end: what arrives until a tombstone does.
wire::Tombstone await_tombstone(const std::filesystem::path& socket) {
    const UniqueFd fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    socket.string().copy(static_cast<char*>(address.sun_path), sizeof address.sun_path - 1);
    REQUIRE(::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    for (;;) {
        std::vector<std::uint8_t> buffer(wire::max_frame_bytes);
        const ssize_t n = ::recv(fd.get(), buffer.data(), buffer.size(), 0);
        REQUIRE(n > 0);
        buffer.resize(static_cast<std::size_t>(n));
        const auto frame = wire::parse_frame(buffer);
        REQUIRE(frame.has_value());
        if (std::holds_alternative<wire::Tombstone>(frame->body)) {
            const auto tombstone = wire::check_tombstone(buffer);
            REQUIRE(tombstone.has_value());
            return *tombstone;
        }
    }
}

bool has_entry(CaptureClient& client, const std::string& act) {
    for (const std::string& entry : client.entries().values) {
        if (has(entry, "\"" + act + "\"")) {
            return true;
        }
    }
    return false;
}

} // namespace

TEST_CASE("a person sees their own streams in the spool, and nobody else's") {
    const Machine machine;
    Running running(machine);
    running.await_closed();
    const std::string mine = leave_stream(machine, machine.person);
    leave_stream(machine, machine.another);
    CHECK(running.client.my_streams().values == std::vector<std::string>{mine + " full ended"});
}

TEST_CASE("without the person's own password nothing is shown, and the attempt is in the audit log") {
    const Machine machine;
    Running running(machine);
    running.await_closed();
    leave_stream(machine, machine.person);
    CHECK(running.client.open_mine(0, 0).error == "NotAuthorized");
    CHECK(has_entry(running.client, "denied"));
    CHECK_FALSE(has_entry(running.client, "data-read"));
}

TEST_CASE("deleting sends a tombstone that names the streams, and nothing else is touched") {
    const Machine machine;
    Running running(machine);
    running.await_closed();
    const std::string mine = leave_stream(machine, machine.person);
    CHECK(running.client.delete_mine(1, 2).values == std::vector<std::string>{"0"});
    CHECK(running.client.delete_mine(1'800'000'000, 0).values == std::vector<std::string>{"1"});
    const wire::Tombstone tombstone = await_tombstone(running.candord.socket());
    CHECK(tombstone.reason == wire::TombstoneReason::deleted);
    REQUIRE(tombstone.streams.size() == 1);
    CHECK(to_hex(tombstone.streams[0].stream) == mine);
    CHECK(has_entry(running.client, "data-deleted"));
}

TEST_CASE("a time that ends before it begins is refused") {
    const Machine machine;
    Running running(machine);
    running.await_closed();
    CHECK(running.client.delete_mine(10, 5).error == "InvalidArgument");
    CHECK(running.client.delete_mine(-1, 0).error == "InvalidArgument");
}

TEST_CASE("a withdrawal with erasure destroys the keys at once and sends a tombstone for the epoch") {
    const Machine machine;
    Running running(machine);
    running.await_closed();
    leave_stream(machine, machine.person);
    const auto key = (machine.folders.state / "subjects") / std::to_string(machine.person) / "epoch-1.key";
    REQUIRE(std::filesystem::exists(key));
    CHECK(running.client.revoke(true).error.empty());
    CHECK_FALSE(std::filesystem::exists(key));
    CHECK(has_entry(running.client, "keys-destroyed"));
    const wire::Tombstone tombstone = await_tombstone(running.candord.socket());
    CHECK(tombstone.reason == wire::TombstoneReason::erased);
    CHECK(tombstone.last_epoch == 1);
}

TEST_CASE("a withdrawal without erasure leaves the keys, which open what is still here") {
    const Machine machine;
    Running running(machine);
    running.await_closed();
    leave_stream(machine, machine.person);
    CHECK(running.client.revoke(false).error.empty());
    CHECK(
        std::filesystem::exists((machine.folders.state / "subjects") / std::to_string(machine.person) / "epoch-1.key"));
}

TEST_CASE("a tombstone that the shipper has not taken is sent by the next candord too") {
    const Machine machine;
    {
        Running running(machine);
        running.await_closed();
        leave_stream(machine, machine.person);
        CHECK(running.client.revoke(true).error.empty());
        CHECK(running.candord.terminate() == 0);
    }
    Running again(machine);
    again.await_closed();
    CHECK(await_tombstone(again.candord.socket()).last_epoch == 1);
}

TEST_CASE("the identity is told to everybody, and is the one that signs") {
    const Machine machine;
    Running running(machine);
    running.await_closed();
    const auto identity = wire::Identity::load_or_create(machine.folders.state / "identity.key");
    REQUIRE(identity.has_value());
    CHECK(running.client.text_property("Identity") == to_hex(identity->public_key()));
}

TEST_CASE("the metrics are in their file from the start, whole") {
    const Machine machine;
    Running running(machine);
    running.await_closed();
    const auto text = read_text(machine.metrics(), 64 * 1024);
    REQUIRE(text.has_value());
    CHECK(has(*text, "candor_recording{state=\"closed\"} 1"));
    CHECK(has(*text, "candor_shipping{state=\"disconnected\"} 1"));
    CHECK(has(*text, "candor_gaps_total{reason=\"ring_full\"} 0"));
    CHECK(text->ends_with("# EOF\n"));
}

TEST_CASE("a damaged ledger of streams is kept, and everybody's numbers begin again in a new epoch") {
    const Machine machine;
    {
        Running running(machine);
        running.await_closed();
        leave_stream(machine, machine.person);
        CHECK(running.candord.terminate() == 0);
    }
    write_file_atomically(machine.folders.state / "streams", as_bytes("something else\n"), 0600);
    Running again(machine);
    again.await_closed();
    CHECK(std::filesystem::exists(machine.folders.state / "streams.damaged"));
    CHECK(wire::SubjectStore(machine.folders.state / "subjects").last_epoch(machine.person) == 2);
}

TEST_CASE("a candord that dies before its first stream leaves the loss to be declared in the person's next one") {
    if (!may_record()) {
        return;
    }
    const Machine machine;
    {
        Running running(machine);
        running.consent();
        running.candord.kill(SIGKILL);
        static_cast<void>(running.candord.wait_exit());
    }
    Running again(machine);
    again.client.await_state("recording");
    // Sealed at the next tick of the grid: a stream with nothing but the gap in it.
    while (again.client.counter("Gaps") == 0) {
        ::usleep(10'000);
    }
    CHECK(again.client.counter("Streams") == 1);
    CHECK(again.client.counter("EventsDeclaredLost") == 0);
    CHECK(again.client.revoke().error.empty());
    again.candord.kill(SIGKILL);
    static_cast<void>(again.candord.wait_exit());
    // It was not recording any more.
    Running third(machine);
    third.client.await_reasons("consent-withdrawn");
    CHECK(third.client.consent().error.empty());
    third.client.await_state("recording");
    ::usleep(1'200'000);
    CHECK(third.client.counter("Streams") == 0);
}
