// SPDX-License-Identifier: Apache-2.0
#include "fake_candord.h"
#include "run_ctl.h"

#include "support/catch.h"

#include <chrono>
#include <csignal>
#include <optional>

using namespace candor::test;

namespace {

Arguments inhibit(const std::string& script) { return {"inhibit", "--", "/bin/sh", "-c", script}; }

constexpr const char* waits = "echo started; while :; do sleep 0.02; done";

} // namespace

TEST_CASE("recording is held off while the command runs, and no longer") {
    const PrivateBus bus;
    FakeCandord service(bus.address(), {});
    StartedCtl ctl(bus.address(), {"inhibit", "--who", "me", "--why", "a secret", "--", "/bin/sh", "-c", waits});
    ctl.wait_for("started");
    CHECK(service.held() == 1);
    CHECK(service.calls() == std::vector<std::string>{"Inhibit me: a secret"});
    ctl.send(SIGTERM);
    CHECK(ctl.finish().status == 128 + SIGTERM);
    CHECK(service.held() == 0);
}

TEST_CASE("the command's exit status, or its signal, is passed on") {
    const PrivateBus bus;
    const FakeCandord service(bus.address(), {});
    CHECK(run_ctl(bus.address(), inhibit("exit 0")).status == 0);
    CHECK(run_ctl(bus.address(), inhibit("exit 7")).status == 7);
    CHECK(run_ctl(bus.address(), inhibit("kill -KILL $$")).status == 128 + SIGKILL);
    CHECK(run_ctl(bus.address(), {"inhibit", "--", "/nonexistent/program"}).status == 127);
    CHECK(run_ctl(bus.address(), {"inhibit", "--", "/etc/passwd"}).status == 126);
}

TEST_CASE("the command is found as a shell finds it, and gets its arguments unchanged") {
    const PrivateBus bus;
    const FakeCandord service(bus.address(), {});
    const Result result =
        run_ctl(bus.address(), {"inhibit", "--", "printf", "<%s>", "--json", "[a,b]", "", "--", "-h", "status"});
    CHECK(result.status == 0);
    CHECK(result.output == "<--json><[a,b]><><--><-h><status>");
    CHECK(result.errors.empty());
}

TEST_CASE("without --who the command's name holds it off, but none that could mislead") {
    const PrivateBus bus;
    FakeCandord service(bus.address(), {});
    CHECK(run_ctl(bus.address(), {"inhibit", "--", "/bin/true", "--secret"}).status == 0);
    CHECK(run_ctl(bus.address(), {"inhibit", "--", "/nonexistent/a\x1b\xff"}).status == 127);
    CHECK(service.calls() == std::vector<std::string>{"Inhibit true: a command runs that asked for it",
                                                      "Inhibit a command: a command runs that asked for it"});
}

TEST_CASE("the command has no descriptor of candorctl's, and what it leaves behind does not hold recording off") {
    const PrivateBus bus;
    FakeCandord service(bus.address(), {});
    const Result own = run_program("/bin/ls", {"/proc/self/fd"});
    CHECK(run_ctl(bus.address(), {"inhibit", "--", "/bin/ls", "/proc/self/fd"}).output == own.output);
    CHECK(run_ctl(bus.address(), inhibit("sleep 5 </dev/null >/dev/null 2>&1 &")).status == 0);
    CHECK(service.held() == 0);
}

TEST_CASE("a signal is passed on, and the command decides what to make of it") {
    const PrivateBus bus;
    FakeCandord service(bus.address(), {});
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
        StartedCtl ctl(bus.address(), inhibit("trap 'echo caught; exit 9' INT TERM HUP; " + std::string(waits)));
        ctl.wait_for("started");
        ctl.send(signal);
        const Result result = ctl.finish();
        CHECK(result.output == "started\ncaught\n");
        CHECK(result.status == 9);
    }
    CHECK(service.held() == 0);
}

TEST_CASE("Ctrl-C on a terminal reaches the command once") {
    const PrivateBus bus;
    const FakeCandord service(bus.address(), {});
    StartedCtl ctl(
        bus.address(),
        inhibit("trap 'n=x$n' INT; echo started; for i in 1 2 3 4 5 6 7 8; do sleep 0.05; done; echo \"n=$n.\""), true);
    ctl.wait_for("started");
    ctl.type("\x03");
    const Result result = ctl.finish();
    CHECK(result.status == 0);
    CHECK(has(result.output, "n=x."));
}

TEST_CASE("the command does not outlive candorctl: nothing would hold recording off") {
    const PrivateBus bus;
    FakeCandord service(bus.address(), {});
    StartedCtl ctl(bus.address(), inhibit("echo started; exec sleep 30"));
    ctl.wait_for("started");
    const auto start = std::chrono::steady_clock::now();
    ctl.send(SIGKILL);
    static_cast<void>(ctl.finish()); // reads until the command is gone too
    CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(20));
    CHECK(service.held() == 0);
}

TEST_CASE("a command ends as usual where SIGCHLD was ignored") {
    const PrivateBus bus;
    const FakeCandord service(bus.address(), {});
    std::signal(SIGCHLD, SIG_IGN);
    StartedCtl ctl(bus.address(), inhibit("exit 5"));
    std::signal(SIGCHLD, SIG_DFL);
    CHECK(ctl.finish().status == 5);
}

TEST_CASE("without candord the command is run, and that is said") {
    const PrivateBus bus;
    const Result result = run_ctl(bus.address(), inhibit("echo done; exit 3"));
    CHECK(result.status == 3);
    CHECK(result.output == "done\n");
    CHECK(result.errors ==
          "candorctl: candord is not running: nothing is recorded, and the command is run without an inhibitor\n");
}

TEST_CASE("where candord refuses, or does not answer as it should, the command is not run") {
    const PrivateBus bus;
    const auto refused = [&bus](FakeCandord::Answers answers) {
        FakeCandord service(bus.address(), std::move(answers));
        const Result result = run_ctl(bus.address(), inhibit("echo done"));
        CHECK(result.output.empty());
        CHECK(has(result.errors, "candorctl: the command is not run: "));
        return result.status;
    };
    CHECK(refused({.errors = {{"Inhibit", "org.candor.Capture1.Error.LimitReached"}}}) == 1);
    CHECK(refused({.errors = {{"Inhibit", "org.candor.Capture1.Error.NotAuthorized"}}}) == 4);
    CHECK(refused({.nonsense = true}) == 1);
}

TEST_CASE("where the bus cannot be reached, nobody knows whether it is recorded: the command is not run") {
    const Result result = run_ctl(no_bus, inhibit("echo done"));
    CHECK(result.status == 1);
    CHECK(result.output.empty());
    CHECK(has(result.errors, "the command is not run: cannot reach the system bus"));
}

TEST_CASE("recording is held off again when candord comes back while the command runs") {
    const PrivateBus bus;
    std::optional<FakeCandord> service;
    service.emplace(bus.address(), FakeCandord::Answers{});
    StartedCtl ctl(bus.address(), inhibit(waits));
    ctl.wait_for("started");
    for (int i = 0; i < 2; ++i) {
        service.reset();
        ctl.wait_for("candord has ended");
        service.emplace(bus.address(), FakeCandord::Answers{});
        CHECK(service->wait_until_held(1));
    }
    ctl.send(SIGTERM);
    CHECK(has(ctl.finish().output, "candord is running: recording is held off\n"));
    CHECK(service->held() == 0);
}

TEST_CASE("recording is held off when candord comes only after the command was started") {
    const PrivateBus bus;
    StartedCtl ctl(bus.address(), inhibit(waits));
    ctl.wait_for("started");
    FakeCandord service(bus.address(), {});
    CHECK(service.wait_until_held(1));
    ctl.send(SIGTERM);
    CHECK(ctl.finish().status == 128 + SIGTERM);
    CHECK(service.held() == 0);
}

TEST_CASE("a candord that comes back and refuses is told of, and the command goes on") {
    const PrivateBus bus;
    StartedCtl ctl(bus.address(), inhibit(waits));
    ctl.wait_for("started");
    const FakeCandord service(bus.address(), {.errors = {{"Inhibit", "org.candor.Capture1.Error.LimitReached"}}});
    ctl.wait_for("recording is not held off: what the service says");
    ctl.send(SIGTERM);
    CHECK(ctl.finish().status == 128 + SIGTERM);
}

TEST_CASE("inhibit without a command, or with labels that nobody could read, is wrong usage") {
    for (const Arguments& arguments : {Arguments{"inhibit"},
                                       {"inhibit", "--"},
                                       {"inhibit", "true"},
                                       {"inhibit", "--who", "", "--", "true"},
                                       {"inhibit", "--why", "a\nb", "--", "true"},
                                       {"inhibit", "--who", std::string(129, 'x'), "--", "true"},
                                       {"status", "--", "true"}}) {
        const Result result = run_ctl(no_bus, arguments);
        INFO(result.errors);
        CHECK(result.status == 2);
    }
}
