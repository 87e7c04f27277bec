// SPDX-License-Identifier: Apache-2.0
// candor-shipper: stores sealed frames and delivers segments. It has no key and opens nothing.
#include "base/journal.h"
#include "base/printable.h"
#include "consent/settings.h"
#include "shipper/delivery.h"
#include "shipper/directory_sink.h"
#include "shipper/frame_client.h"
#include "shipper/fsck.h"
#include "shipper/status.h"

#include <fcntl.h>
#include <getopt.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

using namespace candor;

constexpr const char* usage = "candor-shipper [--config FILE] [--version] [--help]\n"
                              "candor-shipper fsck [--config FILE] [--dry-run]\n"
                              "The first is started by systemd. See candor-shipper(8).\n";

/// Held for as long as the process lives: two would each move the other's files. Nothing where the disk does not take the file.
UniqueFd lock(const std::filesystem::path& spool) {
    UniqueFd fd(::open((spool / "lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640));
    if (fd && ::flock(fd.get(), LOCK_EX | LOCK_NB) < 0) {
        throw std::runtime_error(spool.string() + ": in use by another process");
    }
    return fd;
}

std::string told(const shipper::Findings::Finding& finding) {
    return printable(finding.file) + ": " + printable(finding.problem) + ": " + finding.done;
}

/// 0: nothing was wrong; 1: something was.
int check(const consent::ShipperSettings& settings, bool dry_run) {
    const UniqueFd held = lock(settings.spool);
    const auto found = shipper::check_spool(settings.spool, !dry_run);
    for (const auto& finding : found.findings) {
        std::printf("%s\n", told(finding).c_str());
    }
    std::printf("%zu files, %zu not as they should be\n", found.files, found.findings.size());
    return found.findings.empty() ? EXIT_SUCCESS : EXIT_FAILURE;
}

int run(const consent::ShipperSettings& settings) {
    const auto info = [](const std::string& message) { journal::info(message); };
    const auto warn = [](const std::string& message) { journal::warning(message); };

    EventLoop loop;
    const auto on_term = loop.add_signal(SIGTERM, [&] { loop.stop(); });
    const auto on_int = loop.add_signal(SIGINT, [&] { loop.stop(); });
    const UniqueFd held = lock(settings.spool);
    try {
        for (const auto& finding : shipper::check_spool(settings.spool, true).findings) {
            warn("the spool: " + told(finding));
        }
    } catch (const std::system_error& error) {
        // No reason to end: what fails is tried again, and told, with the first frame.
        warn(std::string("the spool is not checked: ") + error.what());
    }
    shipper::Spool spool(settings.spool, settings.spool_bytes, warn);
    shipper::DirectorySink sink(settings.sink_directory);
    std::function<void()> changed = [] {};
    std::optional<shipper::FrameClient> client;
    shipper::Delivery delivery(loop, spool, sink, {.most_age = settings.spool_age},
                               {warn,
                                [&] {
                                    changed();
                                    if (client) {
                                        client->room();
                                    }
                                },
                                [&](const std::vector<std::uint8_t>& receipt) {
                                    return client && client->tell(wire::ErasureMessage{receipt});
                                }});
    client.emplace(loop, settings.source, spool,
                   shipper::FrameClient::Callbacks{[&] { delivery.run(); }, [&] { changed(); }, warn});
    shipper::Status status(loop, spool, delivery, *client, settings.metrics_file, {info, warn});
    changed = [&] { status.changed(); };
    delivery.run();
    client->connect();
    loop.run();
    changed = [] {};
    return EXIT_SUCCESS;
}

} // namespace

int main(int argc, char** argv) {
    std::filesystem::path config = "/etc/candor/shipper.conf";
    bool dry_run = false;
    const option options[] = {{"config", required_argument, nullptr, 'c'},
                              {"dry-run", no_argument, nullptr, 'n'},
                              {"version", no_argument, nullptr, 'v'},
                              {"help", no_argument, nullptr, 'h'},
                              {nullptr, 0, nullptr, 0}};
    for (int c = 0; (c = ::getopt_long(argc, argv, "", options, nullptr)) != -1;) {
        if (c == 'c') {
            config = optarg;
        } else if (c == 'n') {
            dry_run = true;
        } else {
            std::fputs(c == 'v' ? "candor-shipper " CANDOR_VERSION "\n" : usage, c == '?' ? stderr : stdout);
            return c == '?' ? 2 : EXIT_SUCCESS;
        }
    }
    const bool fsck = optind + 1 == argc && std::strcmp(argv[optind], "fsck") == 0;
    if ((optind < argc && !fsck) || (dry_run && !fsck)) {
        std::fputs(usage, stderr);
        return 2;
    }
    try {
        ::umask(0027);
        wire::init_crypto();
        const auto settings = consent::load_shipper_settings(config);
        if (!settings) {
            throw std::runtime_error(settings.error().message);
        }
        return fsck ? check(*settings, dry_run) : run(*settings);
    } catch (const std::exception& error) {
        candor::journal::error(std::string("candor-shipper ends: ") + error.what());
        return EXIT_FAILURE;
    }
}
