// SPDX-License-Identifier: Apache-2.0
#include "consent/pause_store.h"

#include "base/file.h"
#include "base/hex.h"

#include <nlohmann/json.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include <stdexcept>

// A pause is this program's own JSON. Reading writes it again and compares bytes: whatever is not as it was written is
// damaged, and a damaged pause holds.
namespace candor::consent {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t max_pause_bytes = 1024;
constexpr std::int64_t second_ns = 1'000'000'000;
constexpr std::int64_t last_second = 253'402'300'799; // of the year 9999

struct Stored {
    std::uint32_t uid = 0;
    BootId boot{};
    std::uint64_t boottime_until_ns = 0;
    std::int64_t until = 0;
};

std::int64_t floor_seconds(std::int64_t nanoseconds) {
    return nanoseconds / second_ns - (nanoseconds % second_ns < 0 ? 1 : 0);
}

std::string serialise(const Stored& stored) {
    const Json json{{"uid", stored.uid},
                    {"boot_id", to_hex(stored.boot)},
                    {"boottime_until_ns", stored.boottime_until_ns},
                    {"until", stored.until}};
    return json.dump(2) + "\n";
}

/// Throws std::runtime_error or a Json::exception when it is not what serialise() writes.
Stored parse(const std::string& text) {
    const Json json = Json::parse(text);
    Stored stored;
    stored.uid = json.at("uid").get<std::uint32_t>();
    stored.boottime_until_ns = json.at("boottime_until_ns").get<std::uint64_t>();
    stored.until = json.at("until").get<std::int64_t>();
    if (!from_hex_exactly(json.at("boot_id").get<std::string>(), stored.boot) || serialise(stored) != text) {
        throw std::runtime_error("not as it was written");
    }
    if (stored.until < 0 || stored.until > last_second) {
        throw std::runtime_error("a time out of range");
    }
    return stored;
}

/// Whether so much is left; throws when it is more than any pause lasts.
bool remains(std::int64_t seconds) {
    if (seconds > longest_pause.count()) {
        throw std::runtime_error("ends later than any pause can");
    }
    return seconds > 0;
}

Pause judge(const Stored& stored, const ClockAnchor& now, const BootId& boot) {
    const std::int64_t wall = floor_seconds(now.realtime_ns);
    if (stored.boot != boot) {
        const bool holds = stored.until > wall && remains(stored.until - wall);
        return {holds, holds ? stored.until : 0, {}};
    }
    if (stored.boottime_until_ns <= now.boottime_ns) {
        return {};
    }
    const std::uint64_t left_ns = stored.boottime_until_ns - now.boottime_ns;
    const auto left = static_cast<std::int64_t>(left_ns / second_ns + (left_ns % second_ns != 0 ? 1 : 0));
    return {remains(left), wall + left, {}};
}

} // namespace

PauseStore::PauseStore(std::filesystem::path directory) : directory_(std::move(directory)) {
    if (::mkdir(directory_.c_str(), 0700) < 0 && errno != EEXIST) {
        throw_errno("create " + directory_.string());
    }
}

std::filesystem::path PauseStore::path_of(std::uint32_t uid) const {
    return directory_ / (std::to_string(uid) + ".json");
}

Pause PauseStore::read(std::uint32_t uid, const ClockAnchor& now, const BootId& boot) const {
    const std::filesystem::path path = path_of(uid);
    const auto damaged = [&path](const std::string& why) { return Pause{true, 0, path.string() + ": " + why}; };
    std::error_code ignored; // what cannot be looked at cannot be read either
    if (std::filesystem::symlink_status(path, ignored).type() == std::filesystem::file_type::not_found) {
        return {};
    }
    const auto text = read_text(path, max_pause_bytes);
    if (!text) {
        return Pause{true, 0, text.error().message};
    }
    try {
        const Stored stored = parse(*text);
        return stored.uid == uid ? judge(stored, now, boot) : damaged("of another uid");
    } catch (const Json::exception&) {
        return damaged("not a pause"); // its text would quote the file
    } catch (const std::runtime_error& what) {
        return damaged(what.what());
    }
}

Pause PauseStore::begin(std::uint32_t uid, std::chrono::seconds duration, const ClockAnchor& now, const BootId& boot) {
    if (duration < std::chrono::seconds(1) || duration > longest_pause) {
        throw std::invalid_argument("a pause of " + std::to_string(duration.count()) + " seconds");
    }
    const Stored stored{uid, boot,
                        now.boottime_ns + static_cast<std::uint64_t>(std::chrono::nanoseconds(duration).count()),
                        floor_seconds(now.realtime_ns) + duration.count()};
    write_file_atomically(path_of(uid), as_bytes(serialise(stored)), 0600);
    return read(uid, now, boot);
}

void PauseStore::end(std::uint32_t uid) {
    const std::filesystem::path path = path_of(uid);
    if (::unlink(path.c_str()) < 0) {
        if (errno == ENOENT) {
            return;
        }
        throw_errno("remove " + path.string());
    }
    sync_directory(directory_);
}

} // namespace candor::consent
