// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/error.h"
#include "base/ini.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

/// How the two services run. What is recorded is in policy.h, never here.
namespace candor::consent {

/// candord.conf, section [Candord].
struct DaemonSettings {
    bool enabled = true; ///< Enabled=yes|no: no keeps the gate closed, whatever anybody consents to
    std::size_t ring_bytes = 16 * 1024 * 1024;  ///< RingBytes=1M..256M (suffixes K, M, G): sealed and not yet taken
    std::string socket_peer = "candor-shipper"; ///< SocketPeer=: name of the user that may read the frames socket
    std::filesystem::path spool = "/var/lib/candor-shipper"; ///< Spool=: absolute path; a person's unshipped streams
    /// MetricsFile=: absolute path, or none.
    std::optional<std::filesystem::path> metrics_file = "/run/candord/candord.prom";
};

/// shipper.conf, section [Shipper].
struct ShipperSettings {
    std::filesystem::path source = "/run/candor/frames.sock";      ///< Source=: absolute path of candord's socket
    std::filesystem::path spool = "/var/lib/candor-shipper";       ///< Spool=: absolute path
    std::filesystem::path sink_directory = "/var/lib/candor-lake"; ///< Sink=dir:ABSOLUTE PATH
    std::uint64_t spool_bytes = std::uint64_t{1} << 30;            ///< SpoolBytes=16M..1T: beyond it no frame is taken
    std::chrono::days spool_age{30}; ///< SpoolDays=1..365: older segments are given up, and declared
    /// MetricsFile=: absolute path, or none.
    std::optional<std::filesystem::path> metrics_file = "/run/candor-shipper/candor-shipper.prom";
};

/// Both read `path` and `path.d/*.conf`; a key in a later file replaces the earlier one's; a missing file is the
/// defaults. Anything unknown, repeated within a file, of a wrong type or out of range refuses the whole.
[[nodiscard]] std::expected<DaemonSettings, Refusal> load_daemon_settings(const std::filesystem::path& path);
[[nodiscard]] std::expected<ShipperSettings, Refusal> load_shipper_settings(const std::filesystem::path& path);

[[nodiscard]] std::expected<DaemonSettings, Refusal> make_daemon_settings(const std::vector<IniEntry>& entries);
[[nodiscard]] std::expected<ShipperSettings, Refusal> make_shipper_settings(const std::vector<IniEntry>& entries);

} // namespace candor::consent
