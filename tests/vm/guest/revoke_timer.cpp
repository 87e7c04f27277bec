// SPDX-License-Identifier: Apache-2.0
// revoke_timer UID PID LEVEL ROUNDS: as UID, grants and revokes over the system bus, and looks as root at the descriptors of
// candord (PID) all the while. A line a round: "DESCRIPTORS CLOSED ANSWERED WORST", all but the first in microseconds of
// CLOCK_MONOTONIC: from before Revoke is sent until no event device is open, until the answer is here, and the longest time
// between two looks.
#include <systemd/sd-bus.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <unistd.h>

namespace {

using Clock = std::chrono::steady_clock;
constexpr const char* service = "org.candor.Capture1";
constexpr const char* object = "/org/candor/Capture1";
constexpr const char* consent = "org.candor.Capture1.Consent";

void check(int result, const char* what, const sd_bus_error* error = nullptr) {
    if (result < 0) {
        throw std::runtime_error(
            std::string(what) + ": " +
            (error != nullptr && error->message != nullptr ? error->message : std::strerror(-result)));
    }
}

/// The bus takes the effective uid of the moment of connecting for the caller's.
sd_bus* connect_as(uid_t uid) {
    check(seteuid(uid) == 0 ? 0 : -errno, "seteuid");
    sd_bus* bus = nullptr;
    check(sd_bus_open_system(&bus), "the system bus");
    const char* name = nullptr;
    check(sd_bus_get_unique_name(bus, &name), "the bus");
    check(seteuid(0) == 0 ? 0 : -errno, "seteuid");
    return bus;
}

std::vector<std::string> event_descriptors(const std::string& folder) {
    std::vector<std::string> found;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
        const auto target = std::filesystem::read_symlink(entry.path(), error);
        if (!error && target.string().starts_with("/dev/input/event")) {
            found.push_back(entry.path().string());
        }
    }
    return found;
}

bool is_event_device(const std::string& descriptor) {
    char target[64];
    const ssize_t length = readlink(descriptor.c_str(), target, sizeof target - 1);
    if (length < 0) {
        return false;
    }
    target[length] = '\0';
    return std::strncmp(target, "/dev/input/event", 16) == 0;
}

void grant(sd_bus* bus, const char* level) {
    sd_bus_error error{};
    sd_bus_message* notice = nullptr;
    check(sd_bus_call_method(bus, service, object, consent, "GetNotice", &error, &notice, ""), "GetNotice", &error);
    const char *text = nullptr, *hash = nullptr;
    check(sd_bus_message_read(notice, "ss", &text, &hash), "GetNotice");
    sd_bus_message* answer = nullptr;
    check(sd_bus_call_method(bus, service, object, consent, "Grant", &error, &answer, "ssasx", hash, level, 0,
                             static_cast<std::int64_t>(0)),
          "Grant", &error);
    sd_bus_message_unref(answer);
    sd_bus_message_unref(notice);
}

/// Until the same descriptors are there twice, 20 ms apart.
std::vector<std::string> wait_for_descriptors(const std::string& folder) {
    std::vector<std::string> before;
    for (int i = 0; i < 500; ++i) {
        auto now = event_descriptors(folder);
        if (!now.empty() && now == before) {
            return now;
        }
        before = std::move(now);
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    throw std::runtime_error("recording did not begin");
}

void revoke_once(sd_bus* bus, const std::string& folder) {
    const std::vector<std::string> descriptors = wait_for_descriptors(folder);
    std::atomic<bool> looking = false;
    Clock::time_point closed;
    Clock::duration worst{};
    std::thread poller([&] {
        auto last = Clock::now();
        for (std::size_t open = descriptors.size(); open != 0;) {
            while (open != 0 && !is_event_device(descriptors[open - 1])) {
                --open;
            }
            const auto now = Clock::now();
            worst = std::max(worst, now - last);
            last = now;
            looking = true;
        }
        closed = last;
    });
    while (!looking) {
    }
    sd_bus_error error{};
    sd_bus_message* answer = nullptr;
    const auto sent = Clock::now();
    const int result = sd_bus_call_method(bus, service, object, consent, "Revoke", &error, &answer, "b", 0);
    const auto answered = Clock::now();
    const std::size_t left = event_descriptors(folder).size();
    if (result < 0 || left != 0) {
        poller.detach();
        check(result, "Revoke", &error);
        throw std::runtime_error(std::to_string(left) + " descriptors are open after the answer");
    }
    poller.join();
    sd_bus_message_unref(answer);
    const auto us = [](Clock::duration span) {
        return static_cast<long long>(std::chrono::duration_cast<std::chrono::microseconds>(span).count());
    };
    std::printf("%zu %lld %lld %lld\n", descriptors.size(), us(closed - sent), us(answered - sent), us(worst));
    std::fflush(stdout);
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 5) {
        std::fputs("revoke_timer UID PID LEVEL ROUNDS\n", stderr);
        return 2;
    }
    try {
        sd_bus* bus = connect_as(static_cast<uid_t>(std::strtoul(argv[1], nullptr, 10)));
        const std::string folder = std::string("/proc/") + argv[2] + "/fd";
        for (int round = std::atoi(argv[4]); round > 0; --round) {
            grant(bus, argv[3]);
            revoke_once(bus, folder);
        }
        sd_bus_unref(bus);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "revoke_timer: %s\n", error.what());
        std::_Exit(1); // a poller may still look
    }
    return 0;
}
