// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/hex.h"
#include "support/catch.h"
#include "support/program.h"
#include "support/temporary_directory.h"
#include "unit/wire/stream_fixture.h"
#include "wire/segment.h"

#include <nlohmann/json.hpp>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace candor::test {

using Json = nlohmann::json;
using Bytes = std::vector<std::uint8_t>;

inline bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

inline void write_bytes(const std::filesystem::path& path, std::span<const std::uint8_t> bytes) {
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

inline Bytes file_of(const std::vector<wire::FrameBytes>& frames, std::string_view magic = wire::segment_magic) {
    Bytes file(magic.begin(), magic.end());
    std::uint32_t place = 0;
    for (const auto& frame : frames) {
        const auto record = wire::encode_record(frame, place++);
        file.insert(file.end(), record.begin(), record.end());
    }
    return file;
}

/// Where each record of these frames begins in the file, and the file's end.
inline std::vector<std::size_t> offsets_of(const std::vector<wire::FrameBytes>& frames) {
    std::vector<std::size_t> offsets{wire::segment_magic.size()};
    for (std::uint32_t place = 0; place < frames.size(); ++place) {
        offsets.push_back(offsets.back() + wire::encode_record(frames[place], place).size());
    }
    return offsets;
}

inline wire::Id16 stream_of(const std::vector<wire::FrameBytes>& frames) {
    return std::get<wire::Open>(wire::parse_frame(frames.at(0))->body).stream;
}

inline std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) {
        lines.push_back(line);
    }
    return lines;
}

inline Result refine(const Arguments& arguments) {
    return run_program(program_of("CANDOR_REFINE"), arguments,
                       {{"TZ", "UTC"}, {"CANDOR_DEVICES", "/nonexistent/devices"}});
}

/// A lake of one device and one person, with the grant and the recipient's key.
class Lake {
public:
    Lake() {
        std::filesystem::create_directories(folder());
        std::filesystem::create_directories(grant().parent_path());
        std::ofstream(key()) << to_hex(keys.recipient.secret_key.bytes()) << "\n";
        write_bytes(grant(),
                    file_of({wire::make_grant(keys.identity, keys.subject, std::vector{keys.recipient.public_key})},
                            wire::grant_magic));
    }

    [[nodiscard]] std::filesystem::path root() const { return root_ / "lake"; }
    /// Of the person.
    [[nodiscard]] std::filesystem::path folder() const { return root() / to_hex(keys.subject.subject); }
    [[nodiscard]] std::filesystem::path key() const { return root_ / "recipient.key"; }
    [[nodiscard]] std::filesystem::path grant() const {
        return root() / "grants" / to_hex(keys.subject.subject) /
               (to_hex(wire::grant_id(keys.subject, std::vector{keys.recipient.public_key})) + ".grant");
    }
    /// A stream of another place among the person's.
    [[nodiscard]] std::vector<wire::FrameBytes> numbered(std::uint64_t number) const {
        auto context = keys.context();
        context.number = number;
        return keys.stream(context);
    }
    [[nodiscard]] std::filesystem::path path_of(const std::vector<wire::FrameBytes>& frames) const {
        return folder() / (to_hex(stream_of(frames)) + ".candor");
    }
    std::filesystem::path add(const std::vector<wire::FrameBytes>& frames) const {
        write_bytes(path_of(frames), file_of(frames));
        return path_of(frames);
    }
    /// A file beside the segments.
    std::filesystem::path add(const std::string& name, std::span<const std::uint8_t> bytes) const {
        write_bytes(folder() / name, bytes);
        return folder() / name;
    }

    [[nodiscard]] Result verify(Arguments more = {}) const { return run("verify", std::move(more)); }
    [[nodiscard]] Result dump(Arguments more = {}) const { return run("dump", std::move(more)); }
    [[nodiscard]] Result erase(Arguments more = {}) const { return run("erase", std::move(more)); }

    StreamFixture keys;

private:
    /// Of any device, unless the arguments name some.
    [[nodiscard]] Result run(const std::string& verb, Arguments more) const {
        const bool named = std::ranges::any_of(more, [](const std::string& each) {
            return each == "--identity" || each == "--devices" || each == "--any-device";
        });
        Arguments arguments{verb, "--key", key()};
        if (!named) {
            arguments.push_back("--any-device");
        }
        arguments.insert(arguments.end(), more.begin(), more.end());
        arguments.push_back(root());
        return refine(arguments);
    }

    TemporaryDirectory root_;
};

} // namespace candor::test
