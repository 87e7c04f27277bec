// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/error.h"
#include "wire/keys.h"

#include <expected>
#include <filesystem>
#include <string>
#include <vector>

/// Which devices' recordings are accepted: a file, kept by the verb enroll (verbs.h).
namespace candor::refine {

inline constexpr std::size_t max_devices = 10'000;

struct Device {
    wire::PublicKey identity{};
    std::string name; ///< 1 to 128 bytes; no control characters, no blanks around it
};

/// $CANDOR_DEVICES; else /etc/candor-refine/devices.conf for root, and candor-refine/devices.conf below $XDG_CONFIG_HOME or ~/.config for others.
[[nodiscard]] std::filesystem::path default_devices_file();

/// A line a device: 64 hexadecimal digits, blanks, a name; empty lines and lines that begin with '#' are passed over. A missing file is
/// none. Refuses anything else, a device that is there twice, and more than max_devices, naming FILE:LINE.
[[nodiscard]] std::expected<std::vector<Device>, Refusal> load_devices(const std::filesystem::path& file);

} // namespace candor::refine
