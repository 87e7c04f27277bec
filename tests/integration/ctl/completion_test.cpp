// SPDX-License-Identifier: Apache-2.0
#include "run_ctl.h"

#include "support/catch.h"
#include "support/temporary_directory.h"

#include <algorithm>
#include <fstream>
#include <sstream>

using namespace candor::test;

namespace {

using Words = std::vector<std::string>;

/// What bash offers for the last word, sorted.
Words complete(const Words& words) {
    const std::string script = "source \"$0\"\n"
                               "COMP_WORDS=(candorctl \"$@\")\n"
                               "COMP_CWORD=$#\n"
                               "_candorctl candorctl\n"
                               "((${#COMPREPLY[@]} == 0)) || printf '%s\\n' \"${COMPREPLY[@]}\"\n";
    Arguments arguments = {"--norc", "--noprofile", "-c", script, program_of("CANDORCTL_COMPLETION")};
    arguments.insert(arguments.end(), words.begin(), words.end());
    const Result result = run_program("/bin/bash", arguments);
    INFO(result.errors);
    CHECK(result.status == 0);
    CHECK(result.errors.empty());
    std::istringstream lines(result.output);
    Words offered;
    for (std::string line; std::getline(lines, line);) {
        offered.push_back(line);
    }
    std::ranges::sort(offered);
    return offered;
}

struct Help {
    Words subcommands;
    Words options;
};

/// What a command's --help names.
Help help_of(Words path) {
    path.push_back("--help");
    const Result result = run_ctl(no_bus, path);
    REQUIRE(result.status == 0);
    std::istringstream lines(result.output);
    Help help;
    bool in_subcommands = false;
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words(line);
        std::string first;
        if (!line.starts_with("  ") || line.starts_with("   ")) {
            in_subcommands = line == "Subcommands:";
        } else if (words >> first; in_subcommands) {
            help.subcommands.push_back(first);
        } else if (const auto dashes = first.find("--"); dashes != std::string::npos) {
            help.options.push_back(first.substr(dashes));
        }
    }
    std::ranges::sort(help.subcommands);
    std::ranges::sort(help.options);
    return help;
}

Words with(Words words, const std::string& word) {
    words.push_back(word);
    return words;
}

/// Every subcommand and every option that the help of `path` names is completed, and so on below it.
int check_path(const Words& path) {
    const Help help = help_of(path);
    INFO((path.empty() ? "candorctl" : path.back()));
    if (!help.subcommands.empty()) {
        CHECK(complete(with(path, "")) == help.subcommands);
    }
    Words options = complete(with(path, "--"));
    std::erase(options, "--");
    CHECK(options == help.options);
    int commands = 1;
    for (const std::string& subcommand : help.subcommands) {
        commands += check_path(with(path, subcommand));
    }
    return commands;
}

} // namespace

TEST_CASE("every subcommand and option that the help names is completed, and no other") { CHECK(check_path({}) == 24); }

TEST_CASE("a word that was begun is completed") {
    CHECK(complete({"st"}) == Words{"status"});
    CHECK(complete({"consent", "r"}) == Words{"revoke"});
    CHECK(complete({"consent", "revoke", "--e"}) == Words{"--erase"});
    CHECK(complete({"nothing-of-this"}).empty());
}

TEST_CASE("levels and classes of devices are completed, lists and with '=' too") {
    CHECK(complete({"consent", "grant", "--level", "a"}) == Words{"actions", "activity"});
    CHECK(complete({"consent", "grant", "--level", "=", "f"}) == Words{"full"});
    CHECK(complete({"consent", "grant", "--level", "="}).size() == 5);
    CHECK(complete({"consent", "grant", "--devices", "to"}) == Words{"touchpad", "touchscreen"});
    CHECK(complete({"consent", "grant", "--devices", "keyboard,m"}) == Words{"keyboard,mouse"});
    CHECK(complete({"consent", "grant", "--days", ""}).empty());
}

TEST_CASE("my-data export completes files, and my-data's words are not consent's") {
    const TemporaryDirectory folder;
    std::ofstream(folder / "mine.jsonl") << "";
    CHECK(complete({"my-data", "export", (folder / "mi").string()}) == Words{(folder / "mine.jsonl").string()});
    CHECK(complete({"my-data", "s"}) == Words{"show"});
    CHECK(complete({"my-data", "delete", "--a"}) == Words{"--all"});
    CHECK(complete({"my-data", "show", "--from", ""}).empty());
}

TEST_CASE("policy check completes files, with blanks in their names too") {
    const TemporaryDirectory folder;
    std::ofstream(folder / "policy a.conf") << "";
    CHECK(complete({"policy", "check", (folder / "pol").string()}) == Words{(folder / "policy a.conf").string()});
}

TEST_CASE("inhibit completes the command behind its dashes, and none of candorctl's own words there") {
    const Words commands = complete({"inhibit", "--", "set"});
    CHECK(std::ranges::find(commands, "setsid") != commands.end());
    const Words arguments = complete({"inhibit", "--", "ls", "--"});
    CHECK(std::ranges::find(arguments, "--who") == arguments.end());
    CHECK(complete({"status", "--", ""}).empty());
}
