// SPDX-License-Identifier: Apache-2.0
#include "fake_candord.h"
#include "run_ctl.h"

#include "support/catch.h"

using namespace candor::test;

namespace {

/// All that ask candord; inhibit, which runs a command, has its own tests.
const std::vector<Arguments> commands = {{"status"},
                                         {"status", "--json"},
                                         {"devices"},
                                         {"identity"},
                                         {"notice"},
                                         {"my-data", "list"},
                                         {"my-data", "list", "--json"},
                                         {"my-data", "show"},
                                         {"my-data", "show", "--json"},
                                         {"my-data", "delete", "--all", "--yes"},
                                         {"consent", "show"},
                                         {"consent", "grant", "--yes"},
                                         {"consent", "revoke"},
                                         {"consent", "revoke", "--erase"},
                                         {"pause"},
                                         {"resume"},
                                         {"audit"},
                                         {"audit", "--all"},
                                         {"audit", "verify"},
                                         {"policy", "reload"},
                                         {"enable"},
                                         {"disable"}};

/// What every command says when every call gets this error.
void check_error(const std::string& error, int status, const std::string& said) {
    const PrivateBus bus;
    const FakeCandord service(bus.address(), {.errors = {{"*", error}}});
    for (const Arguments& command : commands) {
        const Result result = run_ctl(bus.address(), command);
        INFO(command.front() + " " + command.back());
        CHECK(result.status == status);
        CHECK(result.output.empty());
        CHECK(has(result.errors, "candorctl: " + said));
    }
}

} // namespace

TEST_CASE("every command says so when candord is not running, with exit status 3") {
    const PrivateBus bus;
    for (const Arguments& command : commands) {
        const Result result = run_ctl(bus.address(), command);
        INFO(command.front() + " " + command.back());
        CHECK(result.status == 3);
        CHECK(result.output.empty());
        CHECK(result.errors == "candorctl: candord is not running (systemctl status candord); nothing is recorded\n");
    }
}

TEST_CASE("a bus that cannot be reached is said: it is not known whether candord is there") {
    for (const Arguments& command : commands) {
        const Result result = run_ctl(no_bus, command);
        CHECK(result.status == 1);
        CHECK(has(result.errors, "candorctl: cannot reach the system bus: "));
    }
}

TEST_CASE("a refusal of candord's is passed on in its words, with exit status 1") {
    check_error("org.candor.Capture1.Error.PolicyRefused", 1, "what the service says");
    check_error("org.candor.Capture1.Error.InvalidArgument", 1, "what the service says");
}

TEST_CASE("what candord, polkit or the bus does not authorise has exit status 4") {
    check_error("org.candor.Capture1.Error.NotAuthorized", 4, "not authorised: what the service says\n");
    check_error("org.freedesktop.DBus.Error.AccessDenied", 4, "not authorised: what the service says\n");
    check_error("org.freedesktop.DBus.Error.InteractiveAuthorizationRequired", 4,
                "not authorised: polkit has to ask for a password, and nothing here can: run this on a terminal\n");
}

TEST_CASE("a call that candord does not know is one of another version") {
    check_error("org.freedesktop.DBus.Error.UnknownMethod", 1, "candord does not know this: it is of another version");
}

TEST_CASE("a candord that does not answer is not taken for one that is not there") {
    check_error("org.freedesktop.DBus.Error.NoReply", 1, "candord does not answer (journalctl -u candord)\n");
}

TEST_CASE("an answer of the wrong types is refused, not guessed") {
    const PrivateBus bus;
    const FakeCandord service(bus.address(), {.nonsense = true});
    for (const Arguments& command : commands) {
        if (command[0] == "resume" || command[0] == "enable" || command[0] == "disable") {
            continue; // there is nothing in their answers
        }
        const Result result = run_ctl(bus.address(), command);
        INFO(command.front() + " " + command.back());
        CHECK(result.status == 1);
        CHECK(result.output.empty());
        CHECK(has(result.errors, "is not understood"));
    }
}

TEST_CASE("what cannot be written is a failure") {
    const PrivateBus bus;
    const FakeCandord service(bus.address(), {});
    const Result result =
        run_program("/bin/sh", {"-c", "\"$CANDORCTL\" status > /dev/full"}, environment_of(bus.address()));
    CHECK(result.status == 1);
    CHECK(result.errors == "candorctl: cannot write to standard output\n");
}

TEST_CASE("wrong usage is exit status 2") {
    const std::vector<Arguments> wrong = {{},
                                          {"record"},
                                          {"status", "extra"},
                                          {"status", "--jsn"},
                                          {"consent"},
                                          {"consent", "grant", "--level", "some"},
                                          {"consent", "grant", "--devices", "keyboard,nose"},
                                          {"consent", "grant", "--days", "0"},
                                          {"consent", "grant", "--days", "366"},
                                          {"consent", "grant", "--until", "tomorrow"},
                                          {"consent", "grant", "--until", "2027-02-30"},
                                          {"consent", "grant", "--days", "1", "--until", "2027-01-01"},
                                          {"consent", "revoke", "--json"},
                                          {"identity", "x"},
                                          {"my-data"},
                                          {"my-data", "show", "--from", "yesterday"},
                                          {"my-data", "show", "--from", "25:00"},
                                          {"my-data", "show", "--to", "2027-02-30"},
                                          {"my-data", "show", "--events", "--json"},
                                          {"my-data", "show", "--from", "2027-01-02", "--to", "2027-01-01"},
                                          {"my-data", "export"},
                                          {"my-data", "delete", "--yes"},
                                          {"my-data", "delete", "--all", "--from", "10:00"},
                                          {"my-data", "list", "--from", "10:00"},
                                          {"pause", "1h", "2h"},
                                          {"resume", "now"},
                                          {"audit", "--all", "verify"},
                                          {"audit", "check"},
                                          {"policy"},
                                          {"policy", "check"},
                                          {"policy", "reload", "x"},
                                          {"enable", "--yes"}};
    for (const Arguments& arguments : wrong) {
        const Result result = run_ctl(no_bus, arguments);
        INFO(result.errors);
        CHECK(result.status == 2);
        CHECK_FALSE(result.errors.empty());
        CHECK(result.output.empty());
    }
}

TEST_CASE("help and version are exit status 0, and help names every exit status") {
    for (const Arguments& arguments :
         {Arguments{"--help"}, {"--version"}, {"consent", "grant", "--help"}, {"inhibit", "--help"}}) {
        CHECK(run_ctl(no_bus, arguments).status == 0);
    }
    const std::string help = run_ctl(no_bus, {"--help"}).output;
    for (const char* status :
         {"0 done", "1 refused", "2 wrong usage", "3 candord is not running", "4 not authorised"}) {
        CHECK(has(help, status));
    }
}
