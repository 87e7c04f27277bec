// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "audit/log.h"
#include "base/file.h"
#include "support/temporary_directory.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace candor::test {

inline audit::Entry entry(audit::Act act, std::string detail = {}, std::optional<std::uint32_t> uid = 1000,
                          std::optional<std::uint32_t> subject = 1000) {
    audit::Entry entry;
    entry.time = 1'700'000'000;
    entry.act = act;
    entry.uid = uid;
    entry.subject = subject;
    entry.detail = std::move(detail);
    return entry;
}

inline std::string bytes_of(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

inline void put(const std::filesystem::path& path, std::string_view bytes) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

/// Each with its newline.
inline std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    for (std::size_t begin = 0; begin < text.size();) {
        const std::size_t end = std::min(text.find('\n', begin), text.size() - 1) + 1;
        lines.push_back(text.substr(begin, end - begin));
        begin = end;
    }
    return lines;
}

inline std::string join(const std::vector<std::string>& lines) {
    std::string text;
    for (const std::string& line : lines) {
        text += line;
    }
    return text;
}

/// A device with a folder for its log.
struct Device {
    TemporaryDirectory directory;
    wire::Identity identity = (wire::init_crypto(), wire::Identity::generate());
    std::filesystem::path log = directory / "audit.log";
    std::filesystem::path head = directory / "audit.head";

    /// Throws what open() refuses.
    [[nodiscard]] audit::Log open() const {
        auto opened = audit::Log::open(directory.path(), identity);
        if (!opened) {
            throw std::runtime_error(opened.error().message);
        }
        return std::move(*opened);
    }
    /// Why it does not open; empty when it does.
    [[nodiscard]] std::string refusal() const {
        const auto opened = audit::Log::open(directory.path(), identity);
        return opened ? "" : opened.error().message;
    }
    void write(int entries) const {
        audit::Log opened = open();
        for (int i = 0; i < entries; ++i) {
            opened.append(entry(audit::Act::paused, "until " + std::to_string(i)));
        }
    }
    [[nodiscard]] audit::Verification verify() const { return audit::verify(directory.path(), identity.public_key()); }
    /// Both files.
    [[nodiscard]] std::pair<std::string, std::string> files() const { return {bytes_of(log), bytes_of(head)}; }
    void put_files(const std::pair<std::string, std::string>& files) const {
        put(log, files.first);
        put(head, files.second);
    }
};

inline std::vector<std::string> all_of(const audit::Log& log) {
    return log.read(0, 1'000'000, [](const audit::Entry&) { return true; }).value();
}

} // namespace candor::test
