// SPDX-License-Identifier: Apache-2.0
#include "command_line.h"

#include "commands.h"
#include "privacy/level.h"
#include "when.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <ctime>
#include <functional>
#include <iostream>

namespace candor::ctl {
namespace {

constexpr const char* exit_statuses =
    "Exit status: 0 done, 1 refused or not possible, 2 wrong usage, 3 candord is not running,\n"
    "4 not authorised. inhibit passes on the command's own, 128 + N when signal N ended it.";

/// What the command line says; the subcommands' callbacks choose the action.
struct Wanted {
    std::function<Outcome()> action;
    bool json = false;
    bool all = false;
    bool erase = false;
    std::string duration = "15min";
    std::string file;
    bool events = false;
    DataRange range;
    ExportOptions export_to;
    bool yes = false;
    GrantOptions grant;
    InhibitOptions inhibit{.why = "a command runs that asked for it"};
};

std::string until_error(const std::string& text) {
    return parse_until(text) ? std::string() : "expected YYYY-MM-DD or YYYY-MM-DDTHH:MM:SSZ, not '" + text + "'";
}

std::string moment_error(const std::string& text) {
    return parse_moment(text, Edge::begin, std::time(nullptr))
               ? std::string()
               : "expected YYYY-MM-DD, HH:MM, \"YYYY-MM-DD HH:MM\" or YYYY-MM-DDTHH:MM:SSZ, not '" + text + "'";
}

std::string duration_error(const std::string& text) {
    return parse_duration(text)
               ? std::string()
               : "expected a number and s, min, h or d, at most 366d, as 90s, 15min, 2h, not '" + text + "'";
}

/// As Inhibit takes them; everybody reads them.
std::string label_error(const std::string& text) {
    const bool control = std::ranges::any_of(text, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
    return text.empty() || text.size() > 128 || control ? "expected 1 to 128 bytes without control characters"
                                                        : std::string();
}

CLI::App* add(CLI::App& parent, Wanted& wanted, const char* name, const char* help, std::function<Outcome()> action) {
    CLI::App* command = parent.add_subcommand(name, help);
    command->callback([&wanted, action = std::move(action)] { wanted.action = action; });
    return command;
}

void add_json(CLI::App* command, Wanted& wanted) { command->add_flag("--json", wanted.json, "Print JSON"); }

void add_person(CLI::App& app, Wanted& wanted) {
    add_json(add(app, wanted, "status", "Whether input is recorded, and why or why not",
                 [&wanted] { return show_status(wanted.json); }),
             wanted);
    add_json(add(app, wanted, "devices", "The input devices, and which are captured by what rule",
                 [&wanted] { return show_devices(wanted.json); }),
             wanted);
    add_json(add(app, wanted, "identity", "The key that signs what this computer records, and how to enroll it",
                 [&wanted] { return show_identity(wanted.json); }),
             wanted);
    add(app, wanted, "pause", "Nothing of yours is recorded for a while",
        [&wanted] { return pause_recording(parse_duration(wanted.duration).value()); })
        ->add_option("DURATION", wanted.duration, "90s, 15min, 2h, 1d; without a unit: minutes")
        ->check(duration_error)
        ->capture_default_str();
    add(app, wanted, "resume", "End your pause", resume_recording);
    CLI::App* inhibiting = add(app, wanted, "inhibit", "Run a command with recording held off: inhibit -- COMMAND...",
                               [&wanted] { return inhibit(wanted.inhibit); });
    inhibiting
        ->add_option("--who", wanted.inhibit.who, "Who holds it off, for everybody to read; else the command's name")
        ->check(label_error);
    inhibiting->add_option("--why", wanted.inhibit.why, "Why, for everybody to read")
        ->check(label_error)
        ->capture_default_str();
    inhibiting->footer(std::string("The command: candorctl inhibit [OPTIONS] -- COMMAND [ARGUMENT...]\n") +
                       exit_statuses);
}

void add_consent(CLI::App& app, Wanted& wanted) {
    add(app, wanted, "notice", "What is recorded when you consent, and what you can choose", show_notice);
    CLI::App* consent = app.add_subcommand("consent", "Your own consent: show, grant, revoke");
    consent->require_subcommand(1);
    add_json(add(*consent, wanted, "show", "Your receipt", [&wanted] { return show_consent(wanted.json); }), wanted);
    CLI::App* grant = add(*consent, wanted, "grant", "Show the notice, ask, and consent to being recorded",
                          [&wanted] { return grant_consent(wanted.grant); });
    grant
        ->add_option(
            "--level", wanted.grant.level,
            "How much is kept, at most what the policy allows; else actions, or less where the policy is stricter")
        ->check(CLI::IsMember(std::vector<std::string>(privacy::level_names.begin(), privacy::level_names.end())));
    grant
        ->add_option("--devices", wanted.grant.devices,
                     "Classes of devices, by commas; else all that the policy allows")
        ->delimiter(',')
        ->check(CLI::IsMember({"keyboard", "mouse", "touchpad", "touchscreen", "tablet"}));
    CLI::Option* until =
        grant->add_option("--until", wanted.grant.until, "When the consent ends: a date, or a time in UTC");
    until->check(until_error);
    grant->add_option("--days", wanted.grant.days, "For how many days")->check(CLI::Range(1, 365))->excludes(until);
    grant->add_flag("--yes", wanted.grant.yes, "Do not ask; needed where there is no terminal");
    add(*consent, wanted, "revoke", "Take your consent back: recording stops at once", [&wanted] {
        return revoke_consent(wanted.erase);
    })->add_flag("--erase", wanted.erase, "Erase what was recorded before, too, here and where it was shipped");
}

std::vector<CLI::Option*> add_range(CLI::App* command, Wanted& wanted) {
    return {
        command
            ->add_option("--from", wanted.range.from, "From this time on: a day, HH:MM of today, or both; or RFC 3339")
            ->check(moment_error),
        command->add_option("--to", wanted.range.to, "Up to this time; of a day, to its end")->check(moment_error)};
}

void add_my_data(CLI::App& app, Wanted& wanted) {
    CLI::App* data =
        app.add_subcommand("my-data", "What was recorded of you and waits here: list, show, export, delete");
    data->require_subcommand(1);
    add_json(add(*data, wanted, "list", "The streams of it, and when each may leave this computer",
                 [&wanted] { return list_my_data(wanted.json); }),
             wanted);
    CLI::App* show = add(*data, wanted, "show", "What will be shipped, in words; asks for your password",
                         [&wanted] { return show_my_data(wanted.range, wanted.events, wanted.json); });
    add_range(show, wanted);
    CLI::Option* events = show->add_flag("--events", wanted.events, "Every event, too; export has them as JSON");
    show->add_flag("--json", wanted.json, "Print JSON")->excludes(events);
    CLI::App* exporting = add(*data, wanted, "export", "All of it as JSON lines; asks for your password", [&wanted] {
        wanted.export_to.range = wanted.range;
        return export_my_data(wanted.export_to);
    });
    exporting->add_option("FILE", wanted.export_to.file, "A new file, which only you can read")->required();
    add_range(exporting, wanted);
    exporting->add_flag("--force", wanted.export_to.force, "Replace a file that is there");
    CLI::App* deleting = data->add_subcommand("delete", "Delete it before it is shipped, in whole streams");
    const auto ends = add_range(deleting, wanted);
    CLI::Option* all = deleting->add_flag("--all", wanted.all, "Everything that waits here");
    for (CLI::Option* end : ends) {
        all->excludes(end);
    }
    deleting->add_flag("--yes", wanted.yes, "Do not ask; needed where there is no terminal");
    deleting->callback([&wanted] {
        if (!wanted.all && wanted.range.from.empty() && wanted.range.to.empty()) {
            throw CLI::RequiredError("--from, --to or --all");
        }
        wanted.action = [&wanted] { return delete_my_data({wanted.range, wanted.yes}); };
    });
}

void add_administration(CLI::App& app, Wanted& wanted) {
    CLI::App* audit =
        app.add_subcommand("audit", "What was decided about recording, by whom, as far as it concerns you");
    CLI::Option* all = audit->add_flag("--all", wanted.all, "All entries, for the administrator");
    add_json(audit, wanted);
    CLI::App* verify = add(*audit, wanted, "verify", "Check that nothing was changed in the log; exit status 1 if so",
                           [&wanted] { return verify_audit(wanted.json); });
    add_json(verify, wanted);
    verify->excludes(all);
    audit->callback([&wanted, verify] {
        if (!verify->parsed()) {
            wanted.action = [&wanted] { return show_audit(wanted.all, wanted.json); };
        }
    });
    CLI::App* policy = app.add_subcommand("policy", "The administrator's policy: check, reload");
    policy->require_subcommand(1);
    add(*policy, wanted, "check", "Whether candord would take a policy.conf, and what the person would be shown",
        [&wanted] { return check_policy(wanted.file); })
        ->add_option("FILE", wanted.file, "With FILE.d/*.conf and notice.txt beside it")
        ->required();
    add(*policy, wanted, "reload", "candord reads configuration, policy and notice again", reload_policy);
    add(app, wanted, "enable", "The administrator allows recording again", [] { return set_enabled(true); });
    add(app, wanted, "disable", "The administrator switches recording off for everybody",
        [] { return set_enabled(false); });
}

/// Cuts off what follows the first "--" after "inhibit": it is another program's, down to its empty and bracketed words.
std::vector<std::string> cut_command(std::vector<std::string>& arguments) {
    const auto dashes = std::ranges::find(arguments, "--");
    if (arguments.empty() || arguments.front() != "inhibit" || dashes == arguments.end()) {
        return {};
    }
    std::vector<std::string> command(dashes + 1, arguments.end());
    arguments.erase(dashes, arguments.end());
    return command;
}

int fail(const Failure& failure) {
    std::cerr << "candorctl: " << failure.message << std::endl;
    return static_cast<int>(failure.exit);
}

} // namespace

int run(int argc, char** argv) {
    Wanted wanted;
    CLI::App app{"See whether input is recorded on this computer, and decide about it."};
    app.name("candorctl");
    app.require_subcommand(1);
    app.set_version_flag("--version", CANDOR_VERSION);
    app.footer(exit_statuses);
    add_person(app, wanted);
    add_consent(app, wanted);
    add_my_data(app, wanted);
    add_administration(app, wanted);

    std::vector<std::string> arguments(argv + 1, argv + argc);
    wanted.inhibit.command = cut_command(arguments);
    try {
        std::ranges::reverse(arguments); // CLI11 takes them from the back
        app.parse(std::move(arguments));
        if (app.got_subcommand("inhibit") && wanted.inhibit.command.empty()) {
            throw CLI::RequiredError("-- COMMAND [ARGUMENT...]");
        }
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : static_cast<int>(Exit::usage);
    }
    const Outcome outcome = wanted.action();
    if (!outcome) {
        return fail(outcome.error());
    }
    if (!std::cout.flush()) {
        return fail({"cannot write to standard output"});
    }
    return *outcome;
}

} // namespace candor::ctl
