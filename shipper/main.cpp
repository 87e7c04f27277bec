// SPDX-License-Identifier: Apache-2.0
// candor-shipper: stores sealed frames and delivers segments. It has no key and opens nothing.
#include "base/journal.h"
#include "consent/settings.h"
#include "shipper/delivery.h"
#include "shipper/directory_sink.h"
#include "shipper/frame_client.h"

#include <getopt.h>
#include <sys/stat.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>

namespace {

using namespace candor;

constexpr const char* usage = "candor-shipper [--config FILE] [--version] [--help]\n"
                              "Started by systemd. See candor.conf(5).\n";

int run(const std::filesystem::path& config) {
    ::umask(0027);
    wire::init_crypto();
    const auto settings = consent::load_shipper_settings(config);
    if (!settings) {
        throw std::runtime_error(settings.error().message);
    }
    const auto warn = [](const std::string& message) { journal::warning(message); };

    EventLoop loop;
    const auto on_term = loop.add_signal(SIGTERM, [&] { loop.stop(); });
    const auto on_int = loop.add_signal(SIGINT, [&] { loop.stop(); });
    shipper::Spool spool(settings->spool, warn);
    shipper::DirectorySink sink(settings->sink_directory);
    shipper::Delivery delivery(loop, spool, sink, warn);
    shipper::FrameClient client(
        loop, settings->source, spool, [&] { delivery.run(); }, warn);
    delivery.run();
    client.connect();
    loop.run();
    return EXIT_SUCCESS;
}

} // namespace

int main(int argc, char** argv) {
    std::filesystem::path config = "/etc/candor/shipper.conf";
    const option options[] = {{"config", required_argument, nullptr, 'c'},
                              {"version", no_argument, nullptr, 'v'},
                              {"help", no_argument, nullptr, 'h'},
                              {nullptr, 0, nullptr, 0}};
    for (int c = 0; (c = ::getopt_long(argc, argv, "", options, nullptr)) != -1;) {
        if (c == 'c') {
            config = optarg;
        } else {
            std::fputs(c == 'v' ? "candor-shipper " CANDOR_VERSION "\n" : usage, c == '?' ? stderr : stdout);
            return c == '?' ? 2 : EXIT_SUCCESS;
        }
    }
    try {
        return run(config);
    } catch (const std::exception& error) {
        candor::journal::error(std::string("candor-shipper ends: ") + error.what());
        return EXIT_FAILURE;
    }
}
