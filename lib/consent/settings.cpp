// SPDX-License-Identifier: Apache-2.0
#include "consent/settings.h"

#include "consent/values.h"

#include <algorithm>

namespace candor::consent {
namespace {

constexpr std::uint64_t least_ring_bytes = 1024 * 1024;
constexpr std::uint64_t most_ring_bytes = 256 * 1024 * 1024;
constexpr std::uint64_t least_spool_bytes = 16 * 1024 * 1024;
constexpr std::uint64_t most_spool_bytes = std::uint64_t{1} << 40;

/// A name that useradd would take.
Parsed<std::string> parse_user_name(const IniEntry& entry) {
    const auto& name = entry.value;
    const auto good = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-'; };
    if (name.empty() || name.size() > 31 || !std::ranges::all_of(name, good) || name.front() == '-' ||
        (name.front() >= '0' && name.front() <= '9')) {
        return std::unexpected(entry.refuse("expected a user name of lower-case letters, digits, '_' and '-'"));
    }
    return name;
}

Parsed<std::optional<std::filesystem::path>> parse_path_or_none(const IniEntry& entry) {
    if (entry.value == "none") {
        return std::optional<std::filesystem::path>();
    }
    auto path = parse_absolute_path(entry, entry.value);
    if (!path) {
        return std::unexpected(std::move(path.error()));
    }
    return std::optional<std::filesystem::path>(std::move(*path));
}

/// Stores a parsed value, or passes on why there is none.
template <typename Target, typename T> std::expected<void, Refusal> store(Target& target, Parsed<T> parsed) {
    if (!parsed) {
        return std::unexpected(std::move(parsed.error()));
    }
    target = std::move(*parsed);
    return {};
}

std::expected<void, Refusal> apply(DaemonSettings& settings, const IniEntry& entry) {
    if (entry.key == "Enabled") {
        return store(settings.enabled, parse_yes_no(entry));
    }
    if (entry.key == "RingBytes") {
        return store(settings.ring_bytes, parse_size(entry, least_ring_bytes, most_ring_bytes, "1M to 256M"));
    }
    if (entry.key == "SocketPeer") {
        return store(settings.socket_peer, parse_user_name(entry));
    }
    if (entry.key == "Spool") {
        return store(settings.spool, parse_absolute_path(entry, entry.value));
    }
    if (entry.key == "MetricsFile") {
        return store(settings.metrics_file, parse_path_or_none(entry));
    }
    return std::unexpected(entry.refuse("unknown key, expected Enabled, RingBytes, SocketPeer, Spool or MetricsFile"));
}

std::expected<void, Refusal> apply(ShipperSettings& settings, const IniEntry& entry) {
    if (entry.key == "Source") {
        return store(settings.source, parse_absolute_path(entry, entry.value));
    }
    if (entry.key == "Spool") {
        return store(settings.spool, parse_absolute_path(entry, entry.value));
    }
    if (entry.key == "Sink") {
        constexpr std::string_view kind = "dir:";
        if (!entry.value.starts_with(kind)) {
            return std::unexpected(entry.refuse("expected dir:ABSOLUTE PATH"));
        }
        return store(settings.sink_directory,
                     parse_absolute_path(entry, std::string_view(entry.value).substr(kind.size())));
    }
    if (entry.key == "SpoolBytes") {
        return store(settings.spool_bytes, parse_size(entry, least_spool_bytes, most_spool_bytes, "16M to 1024G"));
    }
    if (entry.key == "SpoolDays") {
        const auto days = parse_number(entry, 1, 365);
        if (!days) {
            return std::unexpected(days.error());
        }
        settings.spool_age = std::chrono::days(static_cast<int>(*days));
        return {};
    }
    if (entry.key == "MetricsFile") {
        return store(settings.metrics_file, parse_path_or_none(entry));
    }
    return std::unexpected(
        entry.refuse("unknown key, expected Source, Spool, Sink, SpoolBytes, SpoolDays or MetricsFile"));
}

template <typename Settings>
std::expected<Settings, Refusal> make(const std::vector<IniEntry>& entries, const std::string& section) {
    Settings settings;
    OncePerFile once;
    for (const IniEntry& entry : entries) {
        if (entry.section != section) {
            return std::unexpected(entry.refuse("unknown section, expected [" + section + "]"));
        }
        if (auto seen = once.see(entry); !seen) {
            return std::unexpected(std::move(seen.error()));
        }
        if (auto applied = apply(settings, entry); !applied) {
            return std::unexpected(std::move(applied.error()));
        }
    }
    return settings;
}

} // namespace

std::expected<DaemonSettings, Refusal> make_daemon_settings(const std::vector<IniEntry>& entries) {
    return make<DaemonSettings>(entries, "Candord");
}

std::expected<ShipperSettings, Refusal> make_shipper_settings(const std::vector<IniEntry>& entries) {
    return make<ShipperSettings>(entries, "Shipper");
}

std::expected<DaemonSettings, Refusal> load_daemon_settings(const std::filesystem::path& path) {
    const auto entries = read_ini_with_drop_ins(path);
    return entries ? make_daemon_settings(*entries) : std::unexpected(entries.error());
}

std::expected<ShipperSettings, Refusal> load_shipper_settings(const std::filesystem::path& path) {
    const auto entries = read_ini_with_drop_ins(path);
    return entries ? make_shipper_settings(*entries) : std::unexpected(entries.error());
}

} // namespace candor::consent
