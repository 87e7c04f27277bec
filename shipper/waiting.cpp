// SPDX-License-Identifier: Apache-2.0
#include "shipper/waiting.h"

#include "base/hex.h"

#include <sys/stat.h>
#include <sys/xattr.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <optional>
#include <string_view>

namespace candor::shipper {
namespace {

/// "BOOT SECONDS": the boot's id in hex, and CLOCK_BOOTTIME.
constexpr const char* attribute = "user.candor.waits";

/// As systemd tells it in the environment: the service's /proc shows it nothing of the kernel's. All zero without.
BootId this_boot() {
    BootId boot{};
    const char* const told = std::getenv("CANDOR_BOOT_ID");
    return told != nullptr && from_hex_exactly(told, boot) ? boot : BootId{};
}

/// Since when the file waits, in CLOCK_BOOTTIME of this boot; nothing when it does not say so.
std::optional<std::chrono::seconds> begun(const std::filesystem::path& file, const Waiting::Now& now) {
    std::array<char, 64> buffer{};
    const ssize_t size = ::getxattr(file.c_str(), attribute, buffer.data(), buffer.size());
    const std::string_view said(buffer.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
    const std::string boot = to_hex(now.boot) + " ";
    std::int64_t seconds = 0;
    if (now.boot == BootId{} || !said.starts_with(boot)) {
        return std::nullopt;
    }
    const char* const end = said.data() + said.size();
    const auto [stopped, error] = std::from_chars(said.data() + boot.size(), end, seconds);
    const std::chrono::seconds since(seconds);
    return error == std::errc() && stopped == end && since <= now.boottime ? std::optional(since) : std::nullopt;
}

} // namespace

void Waiting::begin(const std::filesystem::path& file) {
    const Now now = clock_();
    seen_[file.filename().string()] = {now.boottime, std::chrono::seconds(0)};
    if (now.boot != BootId{}) {
        const std::string said = to_hex(now.boot) + " " + std::to_string(now.boottime.count());
        static_cast<void>(::setxattr(file.c_str(), attribute, said.data(), said.size(), 0));
    }
}

Waiting::Now Waiting::read_clock() {
    const ClockAnchor anchor = read_clock_anchor();
    return {std::chrono::seconds(anchor.boottime_ns / 1'000'000'000),
            std::chrono::seconds(anchor.realtime_ns / 1'000'000'000), this_boot()};
}

std::chrono::seconds Waiting::of(const std::filesystem::path& file) {
    const Now now = clock_();
    const auto [at, first] = seen_.try_emplace(file.filename().string());
    if (const auto since = first ? begun(file, now) : std::nullopt) {
        at->second = {*since, std::chrono::seconds(0)};
    } else if (first) {
        struct stat status {};
        const bool known = ::stat(file.c_str(), &status) == 0;
        const std::chrono::seconds written(known ? status.st_mtim.tv_sec : now.realtime.count());
        at->second = {now.boottime, std::max(now.realtime - written, std::chrono::seconds(0))};
    }
    return at->second.waited + (now.boottime - at->second.boottime);
}

void Waiting::forget_others(const std::map<std::string, bool>& there) {
    std::erase_if(seen_, [&](const auto& each) { return !there.contains(each.first); });
}

} // namespace candor::shipper
