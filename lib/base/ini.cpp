// SPDX-License-Identifier: Apache-2.0
#include "base/ini.h"

#include "base/file.h"

#include <algorithm>
#include <cctype>

namespace candor {
namespace {

std::string_view trim(std::string_view text) {
    const auto blank = [](char c) { return c == ' ' || c == '\t'; };
    while (!text.empty() && blank(text.front())) {
        text.remove_prefix(1);
    }
    while (!text.empty() && blank(text.back())) {
        text.remove_suffix(1);
    }
    return text;
}

bool is_name(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, [](char c) {
        return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_' || c == '.';
    });
}

bool has_control_character(std::string_view text) {
    return std::ranges::any_of(text, [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return (byte < 0x20 && c != '\t') || byte == 0x7f;
    });
}

} // namespace

Refusal IniEntry::refuse(std::string_view problem) const {
    return {file + ":" + std::to_string(line) + ": [" + section + "] " + key + ": " + std::string(problem)};
}

std::expected<std::vector<IniEntry>, Refusal> parse_ini(std::string_view text, const std::string& file) {
    std::vector<IniEntry> entries;
    std::string section;
    std::size_t number = 0;
    const auto refuse = [&](const std::string& problem) {
        return std::unexpected(Refusal{file + ":" + std::to_string(number) + ": " + problem});
    };
    if (text.size() > max_config_bytes) {
        return std::unexpected(
            Refusal{file + ": larger than the limit of " + std::to_string(max_config_bytes) + " bytes"});
    }
    while (!text.empty()) {
        ++number;
        const std::size_t end = text.find('\n');
        const std::string_view raw = text.substr(0, end);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        const std::string_view line = trim(raw);
        if (has_control_character(line)) {
            return refuse("a control character, expected text");
        }
        if (line.empty() || line.front() == '#' || line.front() == ';') {
            continue;
        }
        if (line.front() == '[') {
            if (line.back() != ']' || !is_name(line.substr(1, line.size() - 2))) {
                return refuse("expected a section as [Name]");
            }
            section = line.substr(1, line.size() - 2);
            continue;
        }
        const std::size_t equals = line.find('=');
        if (equals == std::string_view::npos) {
            return refuse("expected Key=Value, [Section] or a comment that begins with # or ;");
        }
        const std::string_view key = trim(line.substr(0, equals));
        if (!is_name(key)) {
            return refuse("expected a key of letters, digits, '-', '_' and '.' before '='");
        }
        if (section.empty()) {
            return refuse("'" + std::string(key) + "' stands before the first [Section]");
        }
        entries.push_back({file, number, section, std::string(key), std::string(trim(line.substr(equals + 1)))});
    }
    return entries;
}

std::expected<std::vector<IniEntry>, Refusal> read_ini_with_drop_ins(const std::filesystem::path& path) {
    namespace fs = std::filesystem;
    std::vector<fs::path> files;
    std::error_code error;
    if (fs::exists(fs::symlink_status(path, error))) {
        files.push_back(path);
    }
    const fs::path folder = path.string() + ".d";
    if (fs::exists(fs::symlink_status(folder, error))) {
        std::vector<fs::path> drop_ins;
        fs::directory_iterator entries(folder, error);
        if (error) {
            return std::unexpected(Refusal{folder.string() + ": " + error.message()});
        }
        for (const auto& entry : entries) {
            if (entry.path().extension() == ".conf") {
                drop_ins.push_back(entry.path());
            }
        }
        std::ranges::sort(drop_ins);
        files.insert(files.end(), drop_ins.begin(), drop_ins.end());
    }
    std::vector<IniEntry> all;
    for (const fs::path& file : files) {
        const auto text = read_text(file, max_config_bytes);
        if (!text) {
            return std::unexpected(text.error());
        }
        auto entries = parse_ini(*text, file.string());
        if (!entries) {
            return std::unexpected(std::move(entries.error()));
        }
        std::ranges::move(*entries, std::back_inserter(all));
    }
    return all;
}

} // namespace candor
