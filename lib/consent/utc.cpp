// SPDX-License-Identifier: Apache-2.0
#include "consent/utc.h"

#include <array>
#include <ctime>
#include <stdexcept>

namespace candor::consent {

std::string format_utc(std::int64_t seconds) {
    const std::time_t time = seconds;
    std::tm parts{};
    if (seconds < 0 || ::gmtime_r(&time, &parts) == nullptr || parts.tm_year > 9999 - 1900) {
        throw std::out_of_range("a time outside of the years 1970 to 9999");
    }
    std::array<char, 32> text{};
    return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

std::optional<std::int64_t> parse_utc(std::string_view text) {
    const std::string copy(text);
    std::tm parts{};
    const char* end = ::strptime(copy.c_str(), "%Y-%m-%dT%H:%M:%SZ", &parts);
    if (end != copy.c_str() + copy.size() || copy.empty()) {
        return std::nullopt;
    }
    const std::int64_t seconds = ::timegm(&parts);
    // strptime takes less than this form, and days that no month has.
    return seconds >= 0 && seconds < 253'402'300'800 && format_utc(seconds) == text ? std::optional(seconds)
                                                                                    : std::nullopt;
}

} // namespace candor::consent
