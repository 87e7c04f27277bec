// SPDX-License-Identifier: Apache-2.0
#include "consent/settings.h"

#include "support/catch.h"
#include "support/temporary_directory.h"

#include <fstream>

using namespace candor;
using namespace candor::consent;

namespace {

std::expected<DaemonSettings, Refusal> daemon_of(const std::string& lines) {
    return make_daemon_settings(parse_ini("[Candord]\n" + lines, "candord.conf").value());
}

std::expected<ShipperSettings, Refusal> shipper_of(const std::string& lines) {
    return make_shipper_settings(parse_ini("[Shipper]\n" + lines, "shipper.conf").value());
}

} // namespace

TEST_CASE("settings that say nothing are the documented defaults") {
    const test::TemporaryDirectory directory;
    const auto daemon = load_daemon_settings(directory / "candord.conf");
    REQUIRE(daemon.has_value());
    CHECK(daemon->enabled);
    CHECK(daemon->ring_bytes == 16u * 1024 * 1024);
    CHECK(daemon->socket_peer == "candor-shipper");
    CHECK(daemon->spool == "/var/lib/candor-shipper");
    CHECK(daemon->metrics_file == "/run/candord/candord.prom");
    const auto shipper = load_shipper_settings(directory / "shipper.conf");
    REQUIRE(shipper.has_value());
    CHECK(shipper->source == "/run/candor/frames.sock");
    CHECK(shipper->spool == "/var/lib/candor-shipper");
    CHECK(shipper->sink_directory == "/var/lib/candor-lake");
    CHECK(shipper->spool_bytes == 1024u * 1024 * 1024);
    CHECK(shipper->spool_age == std::chrono::days(30));
    CHECK(shipper->metrics_file == "/run/candor-shipper/candor-shipper.prom");
}

TEST_CASE("every key of the settings is read") {
    const auto daemon = daemon_of("Enabled=no\nRingBytes=256M\nSocketPeer=_ship-2\nSpool=/srv/spool\n"
                                  "MetricsFile=/run/metrics/a file.prom\n");
    REQUIRE(daemon.has_value());
    CHECK_FALSE(daemon->enabled);
    CHECK(daemon->ring_bytes == 256u * 1024 * 1024);
    CHECK(daemon->socket_peer == "_ship-2");
    CHECK(daemon->spool == "/srv/spool");
    CHECK(daemon->metrics_file == "/run/metrics/a file.prom");
    CHECK(daemon_of("MetricsFile=none\n")->metrics_file == std::nullopt);
    CHECK(daemon_of("RingBytes=1048576\n")->ring_bytes == 1024u * 1024);
    CHECK(daemon_of("RingBytes=2048K\n")->ring_bytes == 2u * 1024 * 1024);
    const auto shipper = shipper_of("Source=/run/x.sock\nSpool=/srv/spool\nSink=dir:/srv/lake here\nSpoolBytes=16M\n"
                                    "SpoolDays=365\nMetricsFile=/run/m.prom\n");
    REQUIRE(shipper.has_value());
    CHECK(shipper->source == "/run/x.sock");
    CHECK(shipper->spool == "/srv/spool");
    CHECK(shipper->sink_directory == "/srv/lake here");
    CHECK(shipper->spool_bytes == 16u * 1024 * 1024);
    CHECK(shipper->spool_age == std::chrono::days(365));
    CHECK(shipper->metrics_file == "/run/m.prom");
    CHECK(shipper_of("MetricsFile=none\n")->metrics_file == std::nullopt);
    CHECK(shipper_of("SpoolBytes=1024G\n")->spool_bytes == std::uint64_t{1} << 40);
    CHECK(shipper_of("SpoolBytes=16777216\nSpoolDays=1\n")->spool_bytes == 16u * 1024 * 1024);
}

TEST_CASE("bad settings are refused with their place and what was expected") {
    const auto daemon = [](const std::string& lines) { return daemon_of(lines).error().message; };
    const auto shipper = [](const std::string& lines) { return shipper_of(lines).error().message; };
    for (const char* value : {"", "true", "Yes", "1", "yes please"}) {
        CHECK(daemon(std::string("Enabled=") + value) == "candord.conf:2: [Candord] Enabled: expected yes or no");
    }
    for (const char* value :
         {"", "M", "0", "1023K", "257M", "1G", "16 M", "16m", "-1M", "17179869184G", "99999999999999999999"}) {
        CHECK(daemon(std::string("RingBytes=") + value) ==
              "candord.conf:2: [Candord] RingBytes: expected a size from 1M to 256M, in bytes or with K, M or G");
    }
    for (const char* value : {"", "Root", "a b", "-x", "0", "a/b"}) {
        CHECK(daemon(std::string("SocketPeer=") + value) ==
              "candord.conf:2: [Candord] SocketPeer: expected a user name of lower-case letters, digits, '_' and '-'");
    }
    CHECK(daemon("RingByte=16M") == "candord.conf:2: [Candord] RingByte: unknown key, expected Enabled, RingBytes, "
                                    "SocketPeer, Spool or MetricsFile");
    CHECK(daemon("Enabled=yes\nEnabled=yes") ==
          "candord.conf:3: [Candord] Enabled: repeated, expected once (first in line 2)");
    CHECK(daemon("[Shipper]\nSpool=/x") == "candord.conf:3: [Shipper] Spool: unknown section, expected [Candord]");
    for (const char* value : {"", "/", "relative", "/a/../b", "/a/./b"}) {
        CHECK(shipper(std::string("Spool=") + value) ==
              "shipper.conf:2: [Shipper] Spool: expected an absolute path without '.' and '..'");
    }
    CHECK(shipper("Sink=/srv") == "shipper.conf:2: [Shipper] Sink: expected dir:ABSOLUTE PATH");
    CHECK(shipper("Sink=dir:srv") == "shipper.conf:2: [Shipper] Sink: expected an absolute path without '.' and '..'");
    for (const char* value : {"", "0", "15M", "16777215", "1025G", "1T", "-16M", "lots"}) {
        CHECK(shipper(std::string("SpoolBytes=") + value) ==
              "shipper.conf:2: [Shipper] SpoolBytes: expected a size from 16M to 1024G, in bytes or with K, M or G");
    }
    for (const char* value : {"", "0", "366", "30d"}) {
        CHECK(shipper(std::string("SpoolDays=") + value) ==
              "shipper.conf:2: [Shipper] SpoolDays: expected a number from 1 to 365");
    }
    for (const char* value : {"", "None", "no", "candord.prom", "/run/../etc/x"}) {
        const std::string expected = "MetricsFile: expected an absolute path without '.' and '..'";
        CHECK(daemon(std::string("MetricsFile=") + value) == "candord.conf:2: [Candord] " + expected);
        CHECK(shipper(std::string("MetricsFile=") + value) == "shipper.conf:2: [Shipper] " + expected);
    }
    CHECK(daemon("Spool=none") == "candord.conf:2: [Candord] Spool: expected an absolute path without '.' and '..'");
    CHECK(shipper("Sinks=dir:/srv") == "shipper.conf:2: [Shipper] Sinks: unknown key, expected Source, Spool, Sink, "
                                       "SpoolBytes, SpoolDays or MetricsFile");
}

TEST_CASE("the installed files show the defaults") {
    const test::TemporaryDirectory directory;
    for (const auto& [name, keys] :
         {std::pair(std::string("candord.conf"), 5u), std::pair(std::string("shipper.conf"), 6u)}) {
        std::ifstream file(std::filesystem::path(CANDOR_SOURCE "/docs") / name);
        std::ofstream uncommented(directory / name);
        for (std::string line; std::getline(file, line);) {
            const bool shown =
                line.starts_with("#") && line.size() > 1 && line[1] != ' ' && line.find('=') != std::string::npos;
            uncommented << (shown ? line.substr(1) : line) << "\n";
        }
        uncommented.close();
        CHECK(read_ini_with_drop_ins(std::filesystem::path(CANDOR_SOURCE "/docs") / name).value().empty());
        CHECK(read_ini_with_drop_ins(directory / name).value().size() == keys);
    }
    const auto daemon = load_daemon_settings(directory / "candord.conf");
    REQUIRE(daemon.has_value());
    CHECK(daemon->enabled == DaemonSettings{}.enabled);
    CHECK(daemon->ring_bytes == DaemonSettings{}.ring_bytes);
    CHECK(daemon->socket_peer == DaemonSettings{}.socket_peer);
    CHECK(daemon->spool == DaemonSettings{}.spool);
    CHECK(daemon->metrics_file == DaemonSettings{}.metrics_file);
    const auto shipper = load_shipper_settings(directory / "shipper.conf");
    REQUIRE(shipper.has_value());
    CHECK(shipper->source == ShipperSettings{}.source);
    CHECK(shipper->spool == ShipperSettings{}.spool);
    CHECK(shipper->sink_directory == ShipperSettings{}.sink_directory);
    CHECK(shipper->spool_bytes == ShipperSettings{}.spool_bytes);
    CHECK(shipper->spool_age == ShipperSettings{}.spool_age);
    CHECK(shipper->metrics_file == ShipperSettings{}.metrics_file);
}

TEST_CASE("a drop-in replaces what the file says") {
    const test::TemporaryDirectory directory;
    const std::string file = directory / "candord.conf";
    std::filesystem::create_directory(file + ".d");
    std::ofstream(file) << "[Candord]\nEnabled=yes\nRingBytes=2M\n";
    std::ofstream(file + ".d/50-off.conf") << "[Candord]\nEnabled=no\n";
    const auto settings = load_daemon_settings(file);
    REQUIRE(settings.has_value());
    CHECK_FALSE(settings->enabled);
    CHECK(settings->ring_bytes == 2u * 1024 * 1024);
}
