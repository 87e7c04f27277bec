// SPDX-License-Identifier: Apache-2.0
// Anything that may happen, in any order: the gate is open exactly while every condition holds, and the audit log tells
// each transition.
#include "machine.h"

#include <array>
#include <random>

using namespace candor;
using namespace candor::test;

namespace {

constexpr int steps = 400;

/// What the gate is a function of, as this test has made it.
struct World {
    bool policy_sound = true;
    bool consented = false;
    bool paused = false;
    bool prompted = false;
    bool asleep = false;
    bool enabled = true;
    bool lit = true; ///< there is a light
    std::optional<FakeSession> session;
    std::vector<UniqueFd> inhibitors;

    [[nodiscard]] bool open(uid_t person) const {
        return policy_sound && consented && !paused && !prompted && !asleep && enabled && lit && inhibitors.empty() &&
               session && session->uid == person && session->active && !session->locked && !session->remote &&
               session->session_class == "user";
    }
    /// Only from the active session are consent and resumption taken.
    [[nodiscard]] bool at_seat(uid_t person) const {
        return session && session->uid == person && session->active && !session->remote &&
               session->session_class == "user";
    }
};

class Play {
public:
    Play() : running_(make(machine_)), random_(20'261'125) { world_.session = machine_.session(); }

    void step() {
        const bool was_open = world_.open(machine_.person);
        act();
        const bool open = world_.open(machine_.person);
        INFO("after " << done_);
        running_.client.await_state(open ? "recording" : "closed");
        check_log(was_open, open);
    }

    void check_end() {
        const Answer verified = running_.client.verify();
        REQUIRE(verified.values.size() == 3);
        CHECK(verified.values[0] == "true");
        CHECK(verified.values[2].empty());
        CHECK(running_.candord.terminate() == 0);
        CHECK_FALSE(machine_.is_lit("input3"));
    }

private:
    static const Machine& make(const Machine& machine) {
        machine.write_policy("RequiredIndicators=light\n");
        machine.add_light("input3");
        return machine;
    }

    void act() {
        switch (random_() % 12) {
        case 0:
            // Also the one by which it is opened again; the more often.
        case 1:
            did("grant");
            if (world_.at_seat(machine_.person) && world_.policy_sound) {
                CHECK(running_.client.consent().error.empty());
                world_.consented = true;
            }
            break;
        case 2:
            did("revoke");
            CHECK(running_.client.revoke(random_() % 2 == 0).error.empty());
            world_.consented = false;
            break;
        case 3:
            did("pause");
            CHECK(running_.client.pause(3600).error.empty());
            world_.paused = true;
            break;
        case 4:
            did("resume");
            CHECK(running_.client.resume().error == (world_.at_seat(machine_.person) ? "" : "NotAuthorized"));
            world_.paused = world_.paused && !world_.at_seat(machine_.person);
            break;
        case 5:
            did("inhibit");
            if (world_.inhibitors.size() < 3) {
                CHECK(running_.client.inhibit("test", "plays", world_.inhibitors.emplace_back()).error.empty());
            }
            break;
        case 6:
            did("release");
            world_.inhibitors.clear();
            break;
        case 7:
            did("prompt");
            world_.prompted = !world_.prompted;
            machine_.ask_password(world_.prompted);
            break;
        case 8:
            did("sleep");
            world_.asleep = !world_.asleep;
            machine_.logind->prepare_for_sleep(world_.asleep);
            break;
        case 9:
            did("reload");
            world_.policy_sound = !world_.policy_sound;
            machine_.write_policy(std::string("RequiredIndicators=light\n") +
                                  (world_.policy_sound ? "" : "Colour=blue\n"));
            running_.reload();
            break;
        case 10:
            did("enable");
            world_.enabled = !world_.enabled;
            CHECK(administrator_.set_enabled(world_.enabled).error.empty());
            break;
        default:
            did("session");
            change_session();
            break;
        }
    }

    void change_session() {
        const std::array<std::function<void(FakeSession&)>, 5> changes = {
            [](FakeSession& session) { session.locked = true; },
            [](FakeSession& session) { session.session_class = "greeter"; },
            [](FakeSession& session) { session.active = false; },
            [](FakeSession& session) { session.remote = true; },
            [this](FakeSession& session) {
                session.id = "2";
                session.uid = machine_.another;
            },
        };
        const std::size_t choice = random_() % (2 * changes.size());
        FakeSession session = machine_.session();
        if (choice < changes.size()) {
            changes[choice](session);
        }
        world_.session = choice == changes.size() ? std::nullopt : std::optional(session);
        machine_.logind->set(world_.session);
        await_session();
    }

    /// The signal and the calls that follow come from two peers: their order is the bus' own.
    void await_session() {
        CaptureClient& client = running_.client;
        const bool locked = world_.session && world_.session->locked;
        client.await("candord to see the session", [&] {
            const bool at_seat = client.grant(std::string(64, '0'), "actions").error != "NotAuthorized";
            return at_seat == world_.at_seat(machine_.person) && has(client.reasons(), "session-locked") == locked;
        });
    }

    void did(const char* what) { done_ = what; }

    /// A closed gate that stays closed was not open in between; an open one ends its entries with being open.
    void check_log(bool was_open, bool open) {
        std::size_t opened = 0;
        for (const std::string& entry : administrator_.entries(seen_, 1000, true).values) {
            ++seen_;
            if (!has(entry, "\"gate-opened\"") && !has(entry, "\"gate-closed\"")) {
                continue;
            }
            const bool opens = has(entry, "\"gate-opened\"");
            opened += opens ? 1 : 0;
            CHECK(opens != told_open_); // they alternate
            told_open_ = opens;
        }
        CHECK(told_open_ == open);
        if (!was_open && !open) {
            CHECK(opened == 0);
        }
    }

    Machine machine_;
    Running running_;
    CaptureClient administrator_ = machine_.client_of(0);
    World world_;
    std::mt19937 random_;
    std::string done_;
    std::uint64_t seen_ = 0;
    bool told_open_ = false;
};

} // namespace

TEST_CASE(
    "whatever happens in whatever order, the gate is open exactly while every condition holds, and the log says so") {
    if (!may_record() || !may_be_another_uid()) {
        return;
    }
    Play play;
    for (int i = 0; i < steps; ++i) {
        play.step();
    }
    play.check_end();
}
