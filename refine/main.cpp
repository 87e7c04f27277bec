// SPDX-License-Identifier: Apache-2.0
#include "enrolment.h"
#include "secret.h"
#include "verbs.h"

#include "base/hex.h"

#include <CLI/CLI.hpp>
#include <sodium.h>
#include <unistd.h>

#include <algorithm>

namespace {

using namespace candor;
using namespace candor::refine;

/// Takes exactly so many hexadecimal digits.
CLI::Validator hexadecimal(std::size_t digits) {
    return CLI::Validator(
        [digits](const std::string& text) {
            const bool good = text.size() == digits && text.find_first_not_of("0123456789abcdef") == std::string::npos;
            return good ? "" : "expected " + std::to_string(digits) + " hexadecimal digits, not '" + text + "'";
        },
        "");
}

struct Arguments {
    std::vector<std::string> paths;
    KeySource key;
    std::string grants;
    std::string devices;
    std::vector<std::string> identities;
    bool any_device = false;

    void add_paths(CLI::App* command, const char* what) { command->add_option("PATH", paths, what)->required(); }
    void add_access(CLI::App* command, bool key_required) {
        auto* source = command->add_option_group("key", "The recipient's secret key");
        source->add_option("--key", key.file, "Its file, as keygen made it");
        source->add_option("--credential", key.credential, "Its name among the credentials of a systemd service");
        source->require_option(key_required ? 1 : 0, 1);
        command->add_option("--passphrase-file", key.passphrase_file,
                            "Whose first line is the key's passphrase; else the terminal is asked");
        command->add_option("--grants", grants, "Folder of grants; else those of the lake");
        command->add_option("--devices", devices, "File of enrolled devices; else the one that enroll writes");
        command->add_option("--identity", identities, "Public key of a device that counts as enrolled; may be repeated")
            ->allow_extra_args(false)
            ->check(hexadecimal(64));
        command->add_flag("--any-device", any_device, "Accept devices that are not enrolled");
    }

    /// Throws std::runtime_error for a key or a list of devices that cannot be loaded.
    [[nodiscard]] Access access() const {
        Access access;
        auto pair = load_key(key);
        if (!pair) {
            throw std::runtime_error(pair.error().message);
        }
        access.key = std::move(*pair);
        access.grants = grants;
        access.any_device = any_device;
        const auto enrolled = load_devices(devices.empty() ? default_devices_file() : std::filesystem::path(devices));
        if (!enrolled) {
            throw std::runtime_error(enrolled.error().message);
        }
        for (const Device& device : *enrolled) {
            access.identities.push_back(device.identity);
        }
        for (const std::string& text : identities) {
            static_cast<void>(from_hex_exactly(text, access.identities.emplace_back()));
        }
        if (access.identities.empty() && !any_device) {
            throw std::runtime_error("no device is enrolled: candor-refine enroll, or --any-device");
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
    std::string key_file;
    std::string passphrase_file;
    bool no_passphrase = false;
    CLI::App* make =
        app.add_subcommand("keygen", "Make a recipient's key; prints the line for [Recipients] in policy.conf");
    make->add_option("FILE", key_file, "Where the secret key goes; it must not exist")->required();
    make->add_option("--name", name, "The recipient's name in the policy")
        ->capture_default_str()
        ->check(recipient_name);
    auto* unprotected = make->add_flag("--no-passphrase", no_passphrase, "Leave the secret key unprotected");
    make->add_option("--passphrase-file", passphrase_file,
                     "Whose first line protects the key; else the terminal is asked twice")
        ->excludes(unprotected);
    make->callback([&] {
        std::optional<std::string> passphrase;
        if (!no_passphrase) {
            auto given = new_passphrase(passphrase_file);
            if (!given) {
                throw std::runtime_error(given.error().message);
            }
            passphrase = std::move(*given);
        }
        status = keygen(key_file, name, passphrase, out);
        if (passphrase) {
            sodium_memzero(passphrase->data(), passphrase->size());
        }
    });

    EnrolOptions enrolment;
    CLI::App* take_in =
        app.add_subcommand("enroll", "Accept the recordings of a device, whose key candorctl identity tells");
    take_in->add_option("IDENTITY", enrolment.identity, "Public key of the device")->check(hexadecimal(64));
    take_in->add_option("--name", enrolment.name, "What to call it");
    take_in->add_option("--devices", enrolment.devices, "File of enrolled devices");
    take_in->add_flag("--remove", enrolment.remove, "Accept it no more");
    take_in->add_flag("--list", enrolment.list, "Show those that are enrolled");
    take_in->callback([&] {
        if (enrolment.list != enrolment.identity.empty()) {
            throw CLI::ValidationError("enroll", "expected an IDENTITY, or --list alone");
        }
        if (!enrolment.list && !enrolment.remove && enrolment.name.empty()) {
            enrolment.name = enrolment.identity.substr(0, 16);
        }
        status = enrol(enrolment, out);
    });

    VerifyOptions options;
    CLI::App* look =
        app.add_subcommand("inspect", "Show what segments, grants and the like say in the clear; nothing is checked");
    look->add_flag("--json", options.json, "Print JSON");
    arguments.add_paths(look, "Files of a lake");
    look->callback([&] { status = inspect(arguments.paths, options.json, out); });

    bool read_only = false;
    CLI::App* print = app.add_subcommand("dump", "Open streams and print them as JSON lines in the order of time");
    arguments.add_access(print, true);
    print->add_flag("--read-only", read_only, "Leave what has to be erased where it is; it is not opened all the same");
    arguments.add_paths(print, "Lakes, or segments");
    print->callback([&] { status = dump(arguments.paths, arguments.access(), read_only, out); });

    CLI::App* check = app.add_subcommand(
        "verify",
        "Check signatures, order, holes and counts, and that no stream is missing; with a key, the seals too");
    check->add_flag("--json", options.json, "Print JSON");
    check->add_flag("--allow-unclosed", options.allow_unclosed,
                    "Accept streams that end without Close, as one that is still recorded");
    check->add_option("--device", options.device, "Only this device's streams")->check(hexadecimal(64));
    check->add_option("--stream", options.stream, "Only this stream")->check(hexadecimal(32));
    arguments.add_access(check, false);
    arguments.add_paths(check, "Lakes, or segments");
    check->callback([&] { status = verify(arguments.paths, arguments.access(), options, out); });

    CLI::App* destroy =
        app.add_subcommand("erase", "Destroy what people have asked to be erased, and write the receipts");
    arguments.add_access(destroy, true);
    arguments.add_paths(destroy, "Lakes");
    destroy->callback([&] { status = erase(arguments.paths, arguments.access(), out); });

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
