// SPDX-License-Identifier: Apache-2.0
#include "verbs.h"

#include "base/hex.h"

#include <CLI/CLI.hpp>
#include <unistd.h>

#include <algorithm>

namespace {

using namespace candor;
using namespace candor::refine;

struct Arguments {
    std::vector<std::string> paths;
    std::string key;
    std::string grants;
    std::vector<std::string> identities;

    void add_paths(CLI::App* command, const char* what) { command->add_option("PATH", paths, what)->required(); }
    void add_access(CLI::App* command, bool key_required) {
        command->add_option("--key", key, "The recipient's secret key, as keygen made it")->required(key_required);
        command->add_option("--grants", grants, "Folder of grants; else they lie beside the segments");
        command
            ->add_option("--identity", identities,
                         "Public key of an enrolled device; may be repeated. None: any device")
            ->allow_extra_args(false)
            ->check([](const std::string& text) {
                wire::PublicKey ignored{};
                return from_hex_exactly(text, ignored) ? "" : "expected 64 hexadecimal digits, not '" + text + "'";
            });
    }

    /// Throws std::runtime_error for a key that cannot be loaded.
    [[nodiscard]] Access access() const {
        Access access;
        if (!key.empty()) {
            auto pair = wire::RecipientKeyPair::load(key);
            if (!pair) {
                throw std::runtime_error(pair.error().message);
            }
            access.key = std::move(*pair);
        }
        access.grants = grants;
        for (const std::string& text : identities) {
            static_cast<void>(from_hex_exactly(text, access.identities.emplace_back()));
        }
        return access;
    }
};

/// What policy.conf takes as a key in [Recipients].
std::string recipient_name(const std::string& text) {
    const auto good = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
               c == '.';
    };
    return !text.empty() && text.size() <= 64 && std::ranges::all_of(text, good)
               ? ""
               : "expected 1 to 64 letters, digits, '-', '_' and '.', not '" + text + "'";
}

int run(int argc, char** argv, Output& out) {
    CLI::App app{"Check what was recorded, and open it with the recipient's key."};
    app.name("candor-refine");
    app.require_subcommand(1);
    app.set_version_flag("--version", CANDOR_VERSION);
    app.footer("Exit status: 0 done, 1 something was refused, 2 wrong usage.");
    Arguments arguments;
    int status = 0;

    std::string name = "recipient";
    CLI::App* make =
        app.add_subcommand("keygen", "Make a recipient's key; prints the line for [Recipients] in policy.conf");
    make->add_option("FILE", arguments.key, "Where the secret key goes; it must not exist")->required();
    make->add_option("--name", name, "The recipient's name in the policy")
        ->capture_default_str()
        ->check(recipient_name);
    make->callback([&] { status = keygen(arguments.key, name, out); });

    VerifyOptions options;
    CLI::App* look =
        app.add_subcommand("inspect", "Show what segments and grants say in the clear; nothing is checked");
    look->add_flag("--json", options.json, "Print JSON");
    arguments.add_paths(look, "Segments or grants");
    look->callback([&] { status = inspect(arguments.paths, options.json, out); });

    CLI::App* print = app.add_subcommand("dump", "Open streams and print them as JSON lines in the order of time");
    arguments.add_access(print, true);
    arguments.add_paths(print, "Segments, or folders of them");
    print->callback([&] { status = dump(arguments.paths, arguments.access(), out); });

    CLI::App* check =
        app.add_subcommand("verify", "Check signatures, order, holes and counts; with a key, the seals too");
    check->add_flag("--json", options.json, "Print JSON");
    check->add_flag("--allow-unclosed", options.allow_unclosed,
                    "Accept streams that end without Close, as after a crash");
    arguments.add_access(check, false);
    arguments.add_paths(check, "Segments, or folders of them");
    check->callback([&] { status = verify(arguments.paths, arguments.access(), options, out); });

    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : 2;
    }
    out.flush();
    return status;
}

} // namespace

int main(int argc, char** argv) {
    try {
        wire::init_crypto();
        Output out(STDOUT_FILENO);
        return run(argc, argv, out);
    } catch (const std::system_error& error) {
        // Nobody reads on: no reason to complain, but not a success either.
        if (error.code() != std::errc::broken_pipe) {
            complain(error.what());
        }
    } catch (const std::exception& error) {
        complain(error.what());
    }
    return 1;
}
