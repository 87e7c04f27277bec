// SPDX-License-Identifier: Apache-2.0
// try_keys SEGMENT... -- FILE...: tries everything in the files as a key to the segments. Every 32 bytes in a row, at every offset, and
// every 64 hexadecimal digits, are tried as the epoch's key and as the stream's own. Prints how many were tried, and each that opened something:
// "opened SEGMENT with FILE:OFFSET as epoch key". Exit status 0 when something opened, 1 when nothing did.
#include "base/file.h"
#include "base/hex.h"
#include "wire/segment.h"
#include "wire/stream_opener.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

using namespace candor;

namespace {

struct Segment {
    std::string path;
    wire::Open open;
    std::vector<std::vector<std::uint8_t>> messages;
};

std::vector<std::uint8_t> bytes_of(const std::string& path) {
    const auto bytes = read_file(path, 64 * 1024 * 1024);
    return bytes ? *bytes : std::vector<std::uint8_t>();
}

Segment load(const std::string& path) {
    Segment segment{path, {}, {}};
    const auto bytes = bytes_of(path);
    wire::SegmentReader reader(bytes);
    for (;;) {
        auto message = reader.next();
        if (!message || !*message) {
            break;
        }
        segment.messages.push_back(std::move(**message));
    }
    const auto frame =
        segment.messages.empty() ? std::unexpected(Refusal{"empty"}) : wire::parse_frame(segment.messages.front());
    if (!frame || !std::holds_alternative<wire::Open>(frame->body)) {
        std::fprintf(stderr, "%s: no segment\n", path.c_str());
        std::exit(2);
    }
    segment.open = std::get<wire::Open>(frame->body);
    return segment;
}

wire::SymmetricKey key_of(std::span<const std::uint8_t> bytes) {
    wire::SymmetricKey key;
    std::copy_n(bytes.begin(), 32, key.bytes().begin());
    return key;
}

/// Whether any batch opens with it as the stream's key.
bool opens(const Segment& segment, wire::SymmetricKey key) {
    auto opener = wire::StreamOpener::with_stream_key(std::move(key));
    for (const auto& message : segment.messages) {
        const auto item = opener.next(message);
        if (!item) {
            return false;
        }
        if (item->batch) {
            return true;
        }
    }
    return false;
}

struct Trial {
    std::uint64_t tried = 0;
    bool opened = false;

    void attempt(const std::vector<Segment>& segments, std::span<const std::uint8_t> bytes, const std::string& place) {
        ++tried;
        for (const Segment& segment : segments) {
            if (const auto key = wire::stream_key(segment.open, key_of(bytes));
                key && opens(segment, key_of(key->bytes()))) {
                std::printf("opened %s with %s as epoch key\n", segment.path.c_str(), place.c_str());
                opened = true;
            }
            if (opens(segment, key_of(bytes))) {
                std::printf("opened %s with %s as stream key\n", segment.path.c_str(), place.c_str());
                opened = true;
            }
        }
    }
};

} // namespace

int main(int argc, char** argv) {
    wire::init_crypto();
    std::vector<Segment> segments;
    int i = 1;
    for (; i < argc && std::string(argv[i]) != "--"; ++i) {
        segments.push_back(load(argv[i]));
    }
    Trial trial;
    for (++i; i < argc; ++i) {
        const auto bytes = bytes_of(argv[i]);
        for (std::size_t at = 0; at + 32 <= bytes.size(); ++at) {
            const auto place = std::string(argv[i]) + ":" + std::to_string(at);
            trial.attempt(segments, std::span(bytes).subspan(at, 32), place);
            std::array<std::uint8_t, 32> decoded{};
            if (at + 64 <= bytes.size() &&
                from_hex_exactly({reinterpret_cast<const char*>(bytes.data()) + at, 64}, decoded)) {
                trial.attempt(segments, decoded, place + " (hexadecimal)");
            }
        }
    }
    std::printf("%llu keys tried on %zu segments\n", static_cast<unsigned long long>(trial.tried), segments.size());
    return trial.opened ? 0 : 1;
}
