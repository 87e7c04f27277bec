// SPDX-License-Identifier: Apache-2.0
#include "daemon/inhibitors.h"

#include "support/catch.h"

#include <csignal>
#include <fcntl.h>
#include <sys/wait.h>

#include <chrono>
#include <vector>

using namespace candor;
using namespace std::chrono_literals;
using daemon::Inhibitors;

namespace {

struct Desk {
    EventLoop loop;
    std::vector<std::string> released;
    Inhibitors inhibitors{loop, [this](const Inhibitors::Inhibitor& gone) {
                              released.push_back(gone.who + " " + std::to_string(inhibitors.list().size()));
                          }};

    UniqueFd add(const std::string& who, std::uint32_t uid = 1000) {
        auto fd = inhibitors.add(uid, who, "because");
        REQUIRE(fd);
        return std::move(*fd);
    }
    [[nodiscard]] std::string names() const {
        std::string names;
        for (const auto& inhibitor : inhibitors.list()) {
            names += inhibitor.who + " ";
        }
        return names;
    }
    void settle() {
        while (loop.run_once(0s)) {
        }
    }
};

} // namespace

TEST_CASE("an inhibitor is there until its descriptor is closed, and its release is told after it has gone") {
    Desk desk;
    CHECK(desk.inhibitors.empty());
    UniqueFd fd = desk.add("backup");
    CHECK_FALSE(desk.inhibitors.empty());
    desk.settle();
    REQUIRE(desk.inhibitors.list().size() == 1);
    const auto inhibitor = desk.inhibitors.list().front();
    CHECK(inhibitor.who == "backup");
    CHECK(inhibitor.why == "because");
    CHECK(inhibitor.uid == 1000);
    fd.reset();
    desk.settle();
    CHECK(desk.inhibitors.empty());
    CHECK(desk.released == std::vector<std::string>{"backup 0"});
}

TEST_CASE("inhibitors are listed in the order of their coming, whichever goes") {
    Desk desk;
    const UniqueFd a = desk.add("a");
    UniqueFd b = desk.add("b");
    const UniqueFd c = desk.add("c");
    CHECK(desk.names() == "a b c ");
    b.reset();
    desk.settle();
    CHECK(desk.names() == "a c ");
    const UniqueFd d = desk.add("d");
    CHECK(desk.names() == "a c d ");
    CHECK(desk.released == std::vector<std::string>{"b 2"});
}

TEST_CASE("an inhibitor lasts as long as the last copy of its descriptor") {
    Desk desk;
    UniqueFd fd = desk.add("a");
    UniqueFd copy(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 0));
    fd.reset();
    desk.settle();
    CHECK_FALSE(desk.inhibitors.empty());
    copy.reset();
    desk.settle();
    CHECK(desk.inhibitors.empty());
}

TEST_CASE("a process that ends, however it ends, releases what it held") {
    Desk desk;
    UniqueFd fd = desk.add("a");
    const pid_t child = ::fork();
    if (child == 0) {
        ::pause();
        ::_exit(0);
    }
    REQUIRE(child > 0);
    fd.reset();
    desk.settle();
    CHECK_FALSE(desk.inhibitors.empty());
    REQUIRE(::kill(child, SIGKILL) == 0);
    REQUIRE(::waitpid(child, nullptr, 0) == child);
    desk.settle();
    CHECK(desk.inhibitors.empty());
    CHECK(desk.released.size() == 1);
}

TEST_CASE("what a holder writes neither releases nor wakes, and cannot block the holder") {
    Desk desk;
    UniqueFd fd = desk.add("a");
    const std::vector<char> bytes(1024 * 1024);
    ssize_t written = 0;
    ssize_t n = 0;
    while ((n = ::write(fd.get(), bytes.data(), bytes.size())) > 0) {
        written += n;
    }
    CHECK(errno == EAGAIN);
    CHECK(written <= 65536);
    CHECK_FALSE(desk.loop.run_once(50ms));
    CHECK(desk.names() == "a ");
    fd.reset();
    desk.settle();
    CHECK(desk.inhibitors.empty());
}

TEST_CASE("the descriptor can only be written to and is not inherited") {
    Desk desk;
    const UniqueFd fd = desk.add("a");
    char byte = 0;
    CHECK(::read(fd.get(), &byte, 1) < 0);
    CHECK(errno == EBADF);
    CHECK((::fcntl(fd.get(), F_GETFD) & FD_CLOEXEC) != 0);
}

TEST_CASE("one uid gets sixteen at once, and one more for each that it gives back") {
    Desk desk;
    std::vector<UniqueFd> held;
    for (std::size_t i = 0; i < Inhibitors::most_of_uid; ++i) {
        held.push_back(desk.add("a"));
    }
    const auto refused = desk.inhibitors.add(1000, "a", "b");
    REQUIRE_FALSE(refused);
    CHECK(refused.error().failure == Inhibitors::Failure::limit_reached);
    CHECK(refused.error().message == "uid 1000 has 16 inhibitors already");
    const UniqueFd other = desk.add("a", 1001);
    held.pop_back();
    desk.settle();
    CHECK(desk.inhibitors.add(1000, "a", "b"));
}

TEST_CASE("all together get sixty-four at once") {
    Desk desk;
    std::vector<UniqueFd> held;
    for (std::size_t i = 0; i < Inhibitors::most; ++i) {
        held.push_back(desk.add("a", static_cast<std::uint32_t>(i / 10)));
    }
    const auto refused = desk.inhibitors.add(2000, "a", "b");
    REQUIRE_FALSE(refused);
    CHECK(refused.error().failure == Inhibitors::Failure::limit_reached);
    CHECK(refused.error().message == "there are 64 inhibitors already");
    held.clear();
    desk.settle();
    CHECK(desk.inhibitors.empty());
    CHECK(desk.released.size() == Inhibitors::most);
}

TEST_CASE("texts that are empty, too long, no UTF-8 or have control characters are refused, naming the one") {
    Desk desk;
    for (const std::string& text :
         {std::string(), std::string(129, 'a'), std::string("a\nb"), std::string("a\0b", 3), std::string("\x1b[2J"),
          std::string("\x7f"), std::string("\xc2\x9b"), std::string("\xff"), std::string("\xc3")}) {
        CAPTURE(text);
        const auto who = desk.inhibitors.add(1000, text, "why");
        REQUIRE_FALSE(who);
        CHECK(who.error().failure == Inhibitors::Failure::invalid_argument);
        CHECK(who.error().message.starts_with("who: "));
        const auto why = desk.inhibitors.add(1000, "who", text);
        REQUIRE_FALSE(why);
        CHECK(why.error().message.starts_with("why: "));
    }
    CHECK(desk.inhibitors.empty());
    CHECK(desk.inhibitors.add(1000, std::string(128, 'a'), "für später"));
}

TEST_CASE("a callback may add an inhibitor when one was released") {
    EventLoop loop;
    UniqueFd next;
    Inhibitors* all = nullptr;
    Inhibitors inhibitors(loop, [&](const Inhibitors::Inhibitor& gone) {
        auto added = all->add(gone.uid, "after " + gone.who, gone.why);
        REQUIRE(added);
        next = std::move(*added);
    });
    all = &inhibitors;
    REQUIRE(inhibitors.add(1000, "a", "b"));
    CHECK(loop.run_once(10s));
    REQUIRE(inhibitors.list().size() == 1);
    CHECK(inhibitors.list().front().who == "after a");
    CHECK_FALSE(loop.run_once(0s));
}
