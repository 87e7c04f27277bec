// SPDX-License-Identifier: Apache-2.0
#include "daemon/audit_trail.h"

#include "support/catch.h"
#include "support/temporary_directory.h"

#include <sys/resource.h>

#include <csignal>

using namespace candor;
using audit::Act;
using daemon::AuditTrail;

namespace {

/// While one lives no file of this process grows.
class NoRoom {
public:
    NoRoom() : before_(std::signal(SIGXFSZ, SIG_IGN)) {
        ::getrlimit(RLIMIT_FSIZE, &limit_);
        rlimit none = limit_;
        none.rlim_cur = 0;
        ::setrlimit(RLIMIT_FSIZE, &none);
    }
    ~NoRoom() {
        ::setrlimit(RLIMIT_FSIZE, &limit_);
        std::signal(SIGXFSZ, before_);
    }
    NoRoom(const NoRoom&) = delete;
    NoRoom& operator=(const NoRoom&) = delete;

private:
    void (*before_)(int);
    rlimit limit_{};
};

struct Fixture {
    test::TemporaryDirectory directory;
    wire::Identity identity = [] {
        wire::init_crypto();
        return wire::Identity::generate();
    }();
    AuditTrail trail{directory.path(), identity};

    [[nodiscard]] std::size_t count(const std::string& act) const {
        const auto entries = trail.read(0, 1000, std::nullopt);
        REQUIRE(entries);
        std::size_t found = 0;
        for (const std::string& entry : *entries) {
            found += entry.find("\"act\":\"" + act + "\"") != std::string::npos ? 1 : 0;
        }
        return found;
    }
};

} // namespace

TEST_CASE("what the disk does not take is a problem until it takes an entry again, which says so") {
    Fixture f;
    REQUIRE(f.trail.note(Act::started, std::nullopt, std::nullopt));
    {
        const NoRoom full;
        CHECK_FALSE(f.trail.note(Act::paused, 1000, 1000));
        CHECK_FALSE(f.trail.problem().empty());
        f.trail.retry();
        CHECK_FALSE(f.trail.problem().empty());
    }
    f.trail.retry();
    CHECK(f.trail.problem().empty());
    CHECK(f.count("paused") == 0);
    CHECK(f.count("repaired") == 1);
    CHECK(f.trail.verify().intact);
    f.trail.retry();
    CHECK(f.count("repaired") == 1);
}

TEST_CASE("a log that was refused at the start stays refused") {
    Fixture f;
    REQUIRE(f.trail.note(Act::started, std::nullopt, std::nullopt));
    test::TemporaryDirectory other;
    std::filesystem::copy_file(f.directory / "audit.log", other / "audit.log");
    AuditTrail refused(other.path(), f.identity);
    CHECK_FALSE(refused.problem().empty());
    refused.retry();
    CHECK_FALSE(refused.problem().empty());
    CHECK_FALSE(refused.note(Act::started, std::nullopt, std::nullopt));
    CHECK_FALSE(refused.verify().intact);
}

TEST_CASE("a method that is denied again and again is one entry a minute, for each uid and method") {
    Fixture f;
    for (int i = 0; i < 100; ++i) {
        f.trail.denied(1000, "Resume");
        f.trail.denied(1001, "Resume");
        f.trail.denied(1001, "Consent.Grant");
    }
    CHECK(f.count("denied") == 3);
}

TEST_CASE("denials of more pairs than are told apart share one entry") {
    Fixture f;
    for (std::uint32_t uid = 0; uid < 1000; ++uid) {
        f.trail.denied(uid, "Resume");
    }
    CHECK(f.count("denied") == 257);
}
