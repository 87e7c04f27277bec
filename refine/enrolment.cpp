// SPDX-License-Identifier: Apache-2.0
#include "enrolment.h"

#include "base/file.h"
#include "base/hex.h"
#include "verbs.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <optional>
#include <string_view>

namespace candor::refine {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t max_file_bytes = 4 * 1024 * 1024;
constexpr std::size_t max_name_bytes = 128;
constexpr std::string_view first_words = "# Devices whose recordings are accepted: candor-refine enroll.";

bool is_name(std::string_view text) {
    return !text.empty() && text.size() <= max_name_bytes && printable(text) == text && text.front() != ' ' &&
           text.back() != ' ';
}

/// A line without its end; nothing when it is no device.
std::optional<Device> device_of(std::string_view line) {
    const std::size_t blank = std::min(line.find(' '), line.size());
    const std::string_view name = line.substr(std::min(line.find_first_not_of(' ', blank), line.size()));
    Device device;
    if (!from_hex_exactly(line.substr(0, blank), device.identity) || !is_name(name)) {
        return std::nullopt;
    }
    device.name = name;
    return device;
}

struct Line {
    std::string text; ///< without its end
    std::optional<Device> device;
};

/// All lines of the file, also those that are no devices: what people wrote into it stays.
std::expected<std::vector<Line>, Refusal> read_lines(const fs::path& file) {
    std::vector<Line> lines;
    std::error_code error;
    if (!fs::exists(file, error) && !error) {
        return lines;
    }
    const auto text = read_text(file, max_file_bytes);
    if (!text) {
        return std::unexpected(text.error());
    }
    std::map<wire::PublicKey, std::size_t> seen; // and in which line
    for (std::string_view rest = *text; !rest.empty();) {
        const std::string_view line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(line.size() + 1, rest.size()));
        lines.push_back({std::string(line), std::nullopt});
        if (line.empty() || line.front() == '#') {
            continue;
        }
        const auto refuse = [&](const std::string& what) {
            return std::unexpected(Refusal{file.string() + ":" + std::to_string(lines.size()) + ": " + what});
        };
        auto device = device_of(line);
        if (!device) {
            return refuse("expected 64 hexadecimal digits, a blank and a name");
        }
        const auto [first, is_new] = seen.emplace(device->identity, lines.size());
        if (!is_new) {
            return refuse("the device of line " + std::to_string(first->second) + " again");
        }
        if (seen.size() > max_devices) {
            return refuse("expected " + std::to_string(max_devices) + " devices at most");
        }
        lines.back().device = std::move(device);
    }
    return lines;
}

void save(const fs::path& file, const std::vector<Line>& lines) {
    std::string text;
    for (const Line& line : lines) {
        text += line.text + "\n";
    }
    struct stat status {};
    const mode_t mode = ::stat(file.c_str(), &status) == 0 ? status.st_mode & 0777u : 0644;
    write_file_atomically(file, as_bytes(text), mode);
}

/// Keeps other runs out while it lives, so that none undoes what another did. Throws std::system_error.
UniqueFd lock(const fs::path& folder) {
    UniqueFd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd || ::flock(fd.get(), LOCK_EX) < 0) {
        throw_errno("lock " + folder.string());
    }
    return fd;
}

int list(const std::vector<Line>& lines, Output& out) {
    for (const Line& line : lines) {
        if (line.device) {
            out.print("{} {}\n", to_hex(line.device->identity), line.device->name);
        }
    }
    return 0;
}

} // namespace

fs::path default_devices_file() {
    const auto variable = [](const char* name) -> std::string_view {
        const char* value = std::getenv(name);
        return value != nullptr ? value : "";
    };
    if (const auto named = variable("CANDOR_DEVICES"); !named.empty()) {
        return named;
    }
    if (::geteuid() == 0) {
        return "/etc/candor-refine/devices.conf";
    }
    // The XDG base directory specification: a path that is not absolute is to be ignored.
    const fs::path config = variable("XDG_CONFIG_HOME");
    const fs::path home = variable("HOME");
    return (config.is_absolute() ? config : home / ".config") / "candor-refine" / "devices.conf";
}

std::expected<std::vector<Device>, Refusal> load_devices(const fs::path& file) {
    auto lines = read_lines(file);
    if (!lines) {
        return std::unexpected(std::move(lines.error()));
    }
    std::vector<Device> devices;
    for (Line& line : *lines) {
        if (line.device) {
            devices.push_back(std::move(*line.device));
        }
    }
    return devices;
}

int enrol(const EnrolOptions& options, Output& out) {
    const fs::path file = options.devices.empty() ? default_devices_file() : fs::path(options.devices);
    wire::PublicKey identity{};
    if (!options.list && !from_hex_exactly(options.identity, identity)) {
        complain("expected a device's public key: 64 hexadecimal digits");
        return 1;
    }
    if (!options.list && !options.remove && !is_name(options.name)) {
        complain("--name: expected 1 to " + std::to_string(max_name_bytes) +
                 " printable characters, and no blanks around them");
        return 1;
    }
    UniqueFd locked;
    const fs::path folder = file.has_parent_path() ? file.parent_path() : fs::path(".");
    if (!options.list) {
        if (!options.remove) {
            fs::create_directories(folder);
        }
        // Without a folder there is nothing to remove, and nobody to be kept out.
        locked = fs::exists(folder) ? lock(folder) : UniqueFd();
    }
    auto lines = read_lines(file);
    if (!lines) {
        complain(lines.error().message);
        return 1;
    }
    if (options.list) {
        return list(*lines, out);
    }
    const auto found = std::ranges::find_if(
        *lines, [&](const Line& line) { return line.device && line.device->identity == identity; });
    if (options.remove) {
        if (found == lines->end()) {
            complain(options.identity + " is not enrolled in " + file.string());
            return 1;
        }
        lines->erase(found);
        save(file, *lines);
        return 0;
    }
    if (found != lines->end()) {
        complain(options.identity + " is enrolled already, as " + found->device->name);
        return 1;
    }
    if (std::ranges::count_if(*lines, [](const Line& line) { return line.device.has_value(); }) >=
        static_cast<std::ptrdiff_t>(max_devices)) {
        complain(file.string() + ": holds " + std::to_string(max_devices) + " devices, and takes no more");
        return 1;
    }
    if (lines->empty()) {
        lines->push_back({std::string(first_words), std::nullopt});
    }
    lines->push_back({to_hex(identity) + " " + options.name, std::nullopt});
    save(file, *lines);
    out.print("enrolled {} in {}\n", options.name, printable(file.string()));
    return 0;
}

} // namespace candor::refine
