// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/unique_fd.h"

#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

struct sd_bus_message;

namespace candor::test {

/// org.candor.Capture1 with the answers that a test wants, in a thread of its own.
class FakeCandord {
public:
    struct Grant {
        std::string level;
        std::string policy_hash;
        std::int64_t expiry = 0;
    };

    /// What it answers; set it before the first call.
    struct Answers {
        bool recording = false;
        std::string device_name = "Keyboard";
        std::int64_t consent_until = 0;
        std::string receipt_state = "none";
        std::string receipt;
        std::string error;     ///< name of the D-Bus error that every call gets; empty: none
        bool nonsense = false; ///< answers of the wrong types
    };

    FakeCandord(const std::string& address, Answers answers);
    ~FakeCandord();
    FakeCandord(const FakeCandord&) = delete;
    FakeCandord& operator=(const FakeCandord&) = delete;

    [[nodiscard]] std::vector<Grant> grants();
    [[nodiscard]] int revocations();

    static const std::string notice;
    static const std::string policy_hash;
    static const std::string given;

private:
    void serve(const std::string& address, int ready);
    int answer(sd_bus_message* message);
    int answer_properties(sd_bus_message* message);

    Answers answers_;
    std::mutex mutex_;
    std::vector<Grant> grants_;
    int revocations_ = 0;
    UniqueFd stop_;
    std::thread thread_;
};

} // namespace candor::test
