// SPDX-License-Identifier: Apache-2.0
#include "shipper/waiting.h"

#include "base/clock.h"

#include <sys/stat.h>

#include <algorithm>

namespace candor::shipper {

Waiting::Now Waiting::read_clock() {
    const ClockAnchor anchor = read_clock_anchor();
    return {std::chrono::seconds(anchor.boottime_ns / 1'000'000'000),
            std::chrono::seconds(anchor.realtime_ns / 1'000'000'000)};
}

std::chrono::seconds Waiting::of(const std::filesystem::path& file) {
    const Now now = clock_();
    const auto [at, first] = seen_.try_emplace(file.filename().string());
    if (first) {
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
