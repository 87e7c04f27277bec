// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/unique_fd.h"

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

struct sd_bus_message;

namespace candor::test {

/// org.candor.Capture1 with the answers that a test wants, in a thread of its own.
class FakeCandord {
public:
    struct Grant {
        std::string policy_hash;
        std::string level;
        std::vector<std::string> device_classes;
        std::int64_t until = 0;
    };
    struct Inhibitor {
        std::string who;
        std::string why;
        std::uint32_t uid = 0;
    };
    struct Indicator {
        std::string name;
        bool required = false;
        bool works = false;
        std::string text;
    };

    /// What was recorded of the caller.
    struct Stream {
        std::string id;
        std::int64_t from = 0;
        std::int64_t to = 0;
        std::string level = "full";
        std::vector<std::uint8_t> segment = {};
        std::vector<std::uint8_t> key = {};
        bool ended = true;
        bool opens = true; ///< Open gives it
        bool pipe = false; ///< instead of a file
    };

    /// What it answers; set it before the first call.
    struct Answers {
        bool recording = false;
        std::string level = "actions"; ///< while recording
        std::vector<std::pair<std::string, std::string>> reasons = {
            {"consent-none", "the person at the seat has not consented"}}; ///< while not
        std::string device_name = "Keyboard";
        std::int64_t consent_until = 0;
        std::int64_t paused_until = 0;
        std::vector<Inhibitor> inhibitors = {};
        std::vector<Indicator> indicators = {{"light", true, true, "lit"}};
        bool enabled = true;
        bool context_alive = false;
        std::string level_ceiling = "full";
        std::vector<std::string> device_classes = {"keyboard", "mouse"};
        std::pair<std::string, std::string> shipping = {"shipping", ""};
        std::map<std::string, std::uint64_t> spool = {};
        std::string identity = std::string(64, 'b');
        std::vector<Stream> streams = {};
        std::uint64_t frames_on_their_way = 0;
        std::size_t page = 64; ///< streams of one Open
        std::string receipt_state = "none";
        std::string receipt = {};
        std::vector<std::pair<std::uint64_t, std::string>> entries = {}; ///< of the audit log, with their numbers
        bool intact = true;
        std::map<std::string, std::string> errors = {}; ///< name of the D-Bus error that a member gets; "*" for all
        std::string error_text = "what the service says";
        std::string missing = {}; ///< a property that is not answered
        bool nonsense = false;    ///< answers of the wrong types
    };

    FakeCandord(const std::string& address, Answers answers);
    ~FakeCandord();
    FakeCandord(const FakeCandord&) = delete;
    FakeCandord& operator=(const FakeCandord&) = delete;

    /// Every call in its order: the member and its arguments ("Pause 900"), "!" behind it when polkit may ask.
    [[nodiscard]] std::vector<std::string> calls();
    [[nodiscard]] bool was_called(const std::string& member);
    [[nodiscard]] std::vector<Grant> grants();
    /// How many inhibitors it has given out and are held.
    [[nodiscard]] int held();
    /// Waits until so many are held; false when they are not within ten seconds.
    [[nodiscard]] bool wait_until_held(int number);

    static const std::string notice;
    static const std::string policy_hash;
    static const std::string given;
    static const std::int64_t paused_until = 1'798'761'600; ///< what Pause answers: 2027-01-01

private:
    void serve(const std::string& address, int ready);
    int answer(sd_bus_message* message);
    int answer_call(sd_bus_message* message, const std::string& interface, const std::string& member);
    int answer_properties(sd_bus_message* message);
    int answer_entries(sd_bus_message* message);
    int answer_grant(sd_bus_message* message);
    int answer_inhibit(sd_bus_message* message);
    int answer_list(sd_bus_message* message);
    int answer_open(sd_bus_message* message);
    int answer_delete(sd_bus_message* message);
    void append_status(sd_bus_message* reply);
    void note(const std::string& call);

    Answers answers_;
    std::mutex mutex_;
    std::vector<std::string> calls_;
    std::vector<Grant> grants_;
    std::vector<UniqueFd> inhibitors_; ///< the ends that tell when the other one is closed
    std::vector<UniqueFd> pipes_;      ///< what was given out instead of a file
    UniqueFd stop_;
    std::thread thread_;
};

} // namespace candor::test
