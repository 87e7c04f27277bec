// SPDX-License-Identifier: Apache-2.0
#include "daemon/password_prompts.h"

#include "support/as_uid.h"
#include "support/catch.h"
#include "support/temporary_directory.h"

#include <chrono>
#include <fstream>
#include <optional>

using namespace candor;
using namespace std::chrono_literals;
using daemon::PasswordPrompts;

namespace {

/// A /run of its own.
struct Run {
    test::TemporaryDirectory root;
    std::filesystem::path systemd = root / "systemd";
    std::filesystem::path directory = systemd / "ask-password";
    EventLoop loop;
    int changes = 0;
    std::optional<PasswordPrompts> prompts;

    void make() const { std::filesystem::create_directories(directory); }
    void watch() {
        prompts.emplace(loop, directory, [this] { ++changes; });
    }
    static void touch(const std::filesystem::path& path) { std::ofstream(path) << "[Ask]\n"; }
    /// As systemd asks: see password_prompts.h.
    void ask(const std::string& id) const {
        touch(directory / ("tmp." + id));
        touch(directory / ("sck." + id));
        std::filesystem::rename(directory / ("tmp." + id), directory / ("ask." + id));
    }
    void answer(const std::string& id) const {
        std::filesystem::remove(directory / ("sck." + id));
        std::filesystem::remove(directory / ("ask." + id));
    }
    /// Whatever the kernel has to tell.
    void settle() {
        while (loop.run_once(0s)) {
        }
    }
};

std::optional<test::AsUid> as_nobody() {
    return ::geteuid() == 0 ? std::optional<test::AsUid>(std::in_place, 65534) : std::nullopt;
}

} // namespace

TEST_CASE("a question of systemd's is seen when it comes and when it was answered") {
    Run run;
    run.make();
    run.watch();
    CHECK(run.prompts->works());
    CHECK_FALSE(run.prompts->any());
    run.ask("a1B2c3");
    run.settle();
    CHECK(run.prompts->any());
    CHECK(run.changes == 1);
    run.answer("a1B2c3");
    run.settle();
    CHECK_FALSE(run.prompts->any());
    CHECK(run.changes == 2);
}

TEST_CASE("a question that is there at the start counts, without a call") {
    Run run;
    run.make();
    run.ask("a1B2c3");
    run.watch();
    CHECK(run.prompts->any());
    run.settle();
    CHECK(run.changes == 0);
}

TEST_CASE("of several questions each counts, and only the first and the last call") {
    Run run;
    run.make();
    run.watch();
    for (const char* id : {"a", "b", "c"}) {
        run.ask(id);
        run.settle();
    }
    run.answer("a");
    run.settle();
    run.answer("b");
    run.settle();
    CHECK(run.prompts->any());
    CHECK(run.changes == 1);
    run.answer("c");
    run.settle();
    CHECK_FALSE(run.prompts->any());
    CHECK(run.changes == 2);
}

TEST_CASE("files of other names are no questions: not the half-written one, not the socket") {
    Run run;
    run.make();
    run.watch();
    for (const char* name : {"tmp.a1B2c3", "sck.a1B2c3", ".ask.a1B2c3", "ask", "task.a"}) {
        Run::touch(run.directory / name);
    }
    run.settle();
    CHECK_FALSE(run.prompts->any());
    CHECK(run.changes == 0);
}

TEST_CASE("a question that came and went unseen changes nothing") {
    Run run;
    run.make();
    run.watch();
    run.ask("a");
    run.answer("a");
    run.settle();
    CHECK_FALSE(run.prompts->any());
    CHECK(run.changes == 0);
}

TEST_CASE("a question that is written in place or moved away is seen") {
    Run run;
    run.make();
    run.watch();
    Run::touch(run.directory / "ask.a");
    run.settle();
    CHECK(run.prompts->any());
    std::filesystem::rename(run.directory / "ask.a", run.systemd / "ask.a");
    run.settle();
    CHECK_FALSE(run.prompts->any());
    std::filesystem::rename(run.systemd / "ask.a", run.directory / "ask.a");
    run.settle();
    CHECK(run.prompts->any());
}

TEST_CASE("the directory may be made later, and so may those above it") {
    Run run;
    run.watch();
    CHECK(run.prompts->works());
    CHECK_FALSE(run.prompts->any());
    std::filesystem::create_directory(run.systemd);
    run.settle();
    std::filesystem::create_directory(run.directory);
    run.settle();
    CHECK(run.changes == 0);
    run.ask("a");
    run.settle();
    CHECK(run.prompts->any());
    CHECK(run.changes == 1);
}

TEST_CASE("a directory that is made with a question in it, before anybody looks, is seen") {
    Run run;
    run.watch();
    run.make();
    run.ask("a");
    run.settle();
    CHECK(run.prompts->any());
}

TEST_CASE("when the directory goes its questions go, and a new one is watched") {
    Run run;
    run.make();
    run.ask("a");
    run.watch();
    std::filesystem::remove_all(run.systemd);
    run.settle();
    CHECK(run.prompts->works());
    CHECK_FALSE(run.prompts->any());
    run.make();
    run.settle();
    run.ask("b");
    run.settle();
    CHECK(run.prompts->any());
}

TEST_CASE("a directory that was replaced before anybody looked is watched, not the one that went") {
    Run run;
    run.make();
    run.watch();
    std::filesystem::rename(run.directory, run.systemd / "old");
    run.make();
    run.settle();
    Run::touch(run.systemd / "old" / "ask.old");
    run.settle();
    CHECK_FALSE(run.prompts->any());
    run.ask("new");
    run.settle();
    CHECK(run.prompts->any());
}

TEST_CASE("more events than the kernel keeps do not hide the last of them") {
    Run run;
    run.make();
    run.watch();
    std::size_t most = 0;
    std::ifstream("/proc/sys/fs/inotify/max_queued_events") >> most;
    REQUIRE(most > 0);
    if (most > 50'000) {
        WARN("skipped: this kernel keeps more than 50000 events");
        return;
    }
    // Of the same event twice in a row the kernel keeps one.
    const auto one = run.directory / "one";
    const auto other = run.directory / "other";
    Run::touch(one);
    Run::touch(other);
    for (std::size_t i = 0; i <= most; ++i) {
        std::filesystem::permissions(i % 2 == 0 ? one : other, std::filesystem::perms(0600));
    }
    run.ask("a");
    run.settle();
    CHECK(run.prompts->any());
}

TEST_CASE("a directory that may not be looked into does not work, and works when it may") {
    Run run;
    run.make();
    run.ask("a");
    std::filesystem::permissions(run.root.path(), std::filesystem::perms(0755));
    std::filesystem::permissions(run.directory, std::filesystem::perms(0700));
    if (::geteuid() != 0) {
        std::filesystem::permissions(run.directory, std::filesystem::perms::none);
    }
    {
        const auto nobody = as_nobody();
        run.watch();
    }
    CHECK_FALSE(run.prompts->works());
    std::filesystem::permissions(run.directory, std::filesystem::perms(0755));
    {
        const auto nobody = as_nobody();
        run.settle();
    }
    CHECK(run.prompts->works());
    CHECK(run.prompts->any());
    CHECK(run.changes == 1);
}

TEST_CASE("a directory that is watched and then closed to us works no more") {
    Run run;
    run.make();
    std::filesystem::permissions(run.root.path(), std::filesystem::perms(0755));
    {
        const auto nobody = as_nobody();
        run.watch();
    }
    REQUIRE(run.prompts->works());
    std::filesystem::permissions(run.directory, std::filesystem::perms::none);
    {
        const auto nobody = as_nobody();
        run.settle();
    }
    CHECK_FALSE(run.prompts->works());
    CHECK(run.changes == 1);
    std::filesystem::permissions(run.directory, std::filesystem::perms(0755));
}

TEST_CASE("a file in the directory's place does not work, and a directory in the file's place does") {
    Run run;
    std::filesystem::create_directory(run.systemd);
    Run::touch(run.directory);
    run.watch();
    CHECK_FALSE(run.prompts->works());
    std::filesystem::remove(run.directory);
    run.make();
    run.settle();
    CHECK(run.prompts->works());
    CHECK(run.changes == 1);
}
