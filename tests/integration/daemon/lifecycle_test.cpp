// SPDX-License-Identifier: Apache-2.0
#include "machine.h"

#include "support/as_uid.h"
#include "support/program.h"

#include <sys/socket.h>
#include <sys/un.h>

using namespace candor;
using namespace candor::test;

namespace {

/// What candord says when it cannot start on this machine.
std::string refusal_to_start(const Machine& machine) {
    CandordProcess candord(machine.folders, machine.bus.address());
    CHECK(candord.wait_exit() == 1);
    return candord.messages();
}

UniqueFd connect_to(const std::filesystem::path& path) {
    UniqueFd fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.string().copy(static_cast<char*>(address.sun_path), sizeof address.sun_path - 1);
    if (!fd || ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0) {
        throw_errno("connect to " + path.string());
    }
    return fd;
}

} // namespace

TEST_CASE("SIGTERM ends it with status 0") {
    const Machine machine;
    Running running(machine);
    running.client.await_reasons("consent-none");
    CHECK(running.candord.terminate() == 0);
}

TEST_CASE("SIGTERM while recording ends it with status 0") {
    if (!may_record()) {
        return;
    }
    const Machine machine;
    Running running(machine);
    running.consent();
    CHECK(running.candord.terminate() == 0);
}

TEST_CASE("a bus that goes away ends it with a failure, so that systemd starts it again") {
    Machine machine(false);
    Running running(machine);
    machine.bus.stop();
    CHECK(running.candord.wait_exit() == 1);
    CHECK(has(running.candord.messages(), "candord ends: the system bus is gone\n"));
}

TEST_CASE("a second one on the same bus does not start") {
    const Machine machine;
    const Running running(machine);
    Machine second;
    CandordProcess candord(second.folders, machine.bus.address());
    CHECK(candord.wait_exit() == 1);
    CHECK(has(candord.messages(), "candord ends: take the name org.candor.Capture1: "));
}

TEST_CASE("an identity key that others may read is refused") {
    const Machine machine;
    {
        Running running(machine);
        CHECK(running.candord.terminate() == 0);
    }
    const auto key = machine.folders.state / "identity.key";
    std::filesystem::permissions(key, std::filesystem::perms(0644));
    CHECK(refusal_to_start(machine) ==
          "candord ends: " + key.string() + ": others may read or write it, expected mode 0600\n");
}

TEST_CASE("an identity key that is cut is refused and kept") {
    const Machine machine;
    {
        Running running(machine);
        CHECK(running.candord.terminate() == 0);
    }
    const auto key = machine.folders.state / "identity.key";
    std::filesystem::resize_file(key, 63);
    CHECK(refusal_to_start(machine) == "candord ends: " + key.string() + ": 63 bytes, expected 64\n");
    CHECK(std::filesystem::file_size(key) == 63);
}

TEST_CASE("a state folder that is missing is said") {
    const Machine machine;
    std::filesystem::remove(machine.folders.state);
    const std::string message = refusal_to_start(machine);
    INFO(message);
    CHECK(has(message, "candord ends: "));
    CHECK(has(message, (machine.folders.state / "identity.key").string()));
}

TEST_CASE("a shipper's user that does not exist is said") {
    const Machine machine;
    machine.write("candord.conf", "[Candord]\nSocketPeer=no-such-user\n");
    CHECK(refusal_to_start(machine) ==
          "candord ends: candord.conf: [Candord] SocketPeer: there is no user no-such-user\n");
}

TEST_CASE("it does not start without its socket") {
    const Machine machine;
    const Result result =
        run_program(program_of("CANDORD"), {"--config", machine.folders.config, "--state", machine.folders.state},
                    {{"DBUS_SYSTEM_BUS_ADDRESS", machine.bus.address()}});
    CHECK(result.status == 1);
    CHECK(result.errors == "candord ends: expected one listening SOCK_SEQPACKET socket from candor.socket\n");
}

TEST_CASE("its version and its help are status 0, wrong usage is 2") {
    const std::string candord = program_of("CANDORD");
    const Result version = run_program(candord, {"--version"});
    CHECK(version.status == 0);
    CHECK(version.output.starts_with("candord "));
    CHECK(run_program(candord, {"--help"}).status == 0);
    const Result wrong = run_program(candord, {"--record-everything"});
    CHECK(wrong.status == 2);
    CHECK(wrong.output.empty());
}

TEST_CASE("the shipper's uid is let in") {
    const Machine machine;
    Running running(machine);
    const UniqueFd shipper = connect_to(running.candord.socket());
    // Each question is a turn of its loop.
    int turns = 0;
    while (!running.client.shipper_connected() && turns < 1000) {
        ++turns;
    }
    CHECK(turns < 1000);
}

TEST_CASE("another uid is refused at the shipper's socket") {
    if (!may_be_another_uid()) {
        return;
    }
    const Machine machine;
    Running running(machine);
    UniqueFd other;
    {
        const AsUid as(machine.person);
        other = connect_to(running.candord.socket());
    }
    char byte = 0;
    CHECK(::recv(other.get(), &byte, 1, 0) == 0);
    running.candord.wait_message("refused a connection of uid " + std::to_string(machine.person) +
                                 ", expected the shipper's uid 0");
    CHECK_FALSE(running.client.shipper_connected());
}

TEST_CASE("its files are readable by itself alone") {
    if (!may_record()) {
        return;
    }
    const Machine machine;
    Running running(machine);
    running.client.await_reasons("consent-none");
    REQUIRE(running.client.consent().error.empty());
    REQUIRE(running.client.revoke().error.empty());
    std::size_t files = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(machine.folders.state)) {
        INFO(entry.path().string());
        const auto expected = entry.is_directory() ? std::filesystem::perms(0700) : std::filesystem::perms(0600);
        CHECK(entry.status().permissions() == expected);
        files += entry.is_directory() ? 0 : 1;
    }
    CHECK(files == 8); // identity, pseudonym, epoch, receipt and two numbered copies, audit log and its head
}
