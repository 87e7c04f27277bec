// SPDX-License-Identifier: Apache-2.0
#include "commands.h"

#include <CLI/CLI.hpp>

#include <exception>
#include <iostream>

namespace {

using namespace candor::ctl;

std::string until_error(const std::string& text) {
    return parse_until(text) ? std::string() : "expected YYYY-MM-DD or YYYY-MM-DDTHH:MM:SSZ, not '" + text + "'";
}

int report(const Outcome& outcome) {
    if (!outcome) {
        std::cerr << "candorctl: " << outcome.error().message << "\n";
        return 1;
    }
    return 0;
}

int run(int argc, char** argv) {
    CLI::App app{"See whether input is recorded on this computer, and decide about it."};
    app.name("candorctl");
    app.require_subcommand(1);
    app.set_version_flag("--version", CANDOR_VERSION);
    app.footer("Exit status: 0 done, 1 refused or not possible, 2 wrong usage.");
    Outcome outcome;

    bool json = false;
    const auto with_json = [&json](CLI::App* command) {
        command->add_flag("--json", json, "Print JSON");
        return command;
    };
    with_json(app.add_subcommand("status", "Whether input is recorded, and why or why not"))->callback([&] {
        outcome = show_status(json);
    });
    with_json(app.add_subcommand("devices", "The input devices, and which are captured by what rule"))->callback([&] {
        outcome = show_devices(json);
    });
    app.add_subcommand("notice", "What is recorded when you consent")->callback([&] { outcome = show_notice(); });

    CLI::App* consent = app.add_subcommand("consent", "Your own consent");
    consent->require_subcommand(1);
    with_json(consent->add_subcommand("show", "Your receipt"))->callback([&] { outcome = show_consent(json); });

    GrantOptions options;
    CLI::App* grant = consent->add_subcommand("grant", "Show the notice, ask, and consent to being recorded");
    grant->add_option("--level", options.level, "What is recorded")
        ->check(CLI::IsMember({"full"}))
        ->capture_default_str();
    CLI::Option* until = grant->add_option("--until", options.until, "When the consent ends: a date, or a time in UTC");
    until->check(until_error);
    grant->add_option("--days", options.days, "For how many days")->check(CLI::Range(1, 365))->excludes(until);
    grant->add_flag("--yes", options.yes, "Do not ask; needed where there is no terminal");
    grant->callback([&] { outcome = grant_consent(options); });

    consent->add_subcommand("revoke", "Take your consent back: recording stops at once")->callback([&] {
        outcome = revoke_consent();
    });

    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : 2;
    }
    return report(outcome);
}

} // namespace

int main(int argc, char** argv) {
    try {
        return run(argc, argv);
    } catch (const std::exception& error) {
        std::cerr << "candorctl: " << error.what() << "\n";
        return 1;
    }
}
