// SPDX-License-Identifier: Apache-2.0
// campaign_reader LAKE KEY: what a lake holds of a campaign, a JSON line a file. It shares nothing with candor-refine but the library that
// opens streams, so that the two are checked against each other.
#include "base/file.h"
#include "base/hex.h"
#include "wire/segment.h"
#include "wire/stream_opener.h"

#include <linux/input.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <stdexcept>

namespace {

using namespace candor;
namespace fs = std::filesystem;

template <typename T> T must(const fs::path& file, std::expected<T, Refusal> value) {
    if (!value) {
        throw std::runtime_error(file.string() + ": " + value.error().message);
    }
    return std::move(*value);
}

/// Numbers in ascending order, as [first, last] each.
class Ranges {
public:
    void add(std::int64_t number) {
        if (!ranges_.empty() && ranges_.back().second + 1 == number) {
            ++ranges_.back().second;
        } else {
            ranges_.emplace_back(number, number);
        }
    }
    [[nodiscard]] std::string json() const {
        std::string text = "[";
        for (const auto& [first, last] : ranges_) {
            text += (text.size() > 1 ? "," : "") + ("[" + std::to_string(first)) + "," + std::to_string(last) + "]";
        }
        return text + "]";
    }

private:
    std::vector<std::pair<std::int64_t, std::int64_t>> ranges_;
};

class Reader {
public:
    Reader(fs::path lake, const fs::path& key)
        : lake_(std::move(lake)), recipient_(must(key, wire::RecipientKeyPair::load(key))) {}

    void read(const fs::path& file) {
        const std::string suffix = file.extension().string();
        const auto bytes = must(file, read_file(file, wire::max_segment_bytes));
        if (suffix == wire::segment_suffix) {
            segment(file, bytes, wire::segment_magic);
        } else if (suffix == wire::expired_suffix) {
            segment(file, bytes, wire::expired_magic);
        } else if (suffix == wire::note_suffix) {
            const wire::Note note =
                must(file, wire::check_note(must(file, wire::read_single(bytes, wire::note_magic))));
            std::printf(R"({"kind":"note","stream":"%s","subject":"%s","epoch":%u,"number":%llu,"noticed_ns":%lld})"
                        "\n",
                        to_hex(note.stream).c_str(), to_hex(note.subject).c_str(), note.epoch,
                        static_cast<unsigned long long>(note.number), static_cast<long long>(note.noticed_ns));
        }
    }

private:
    wire::StreamOpener opener_for(const wire::Open& open) {
        const fs::path file = lake_ / "grants" / to_hex(open.subject) / (to_hex(open.grant) + ".grant");
        const auto grant =
            must(file, wire::read_single(must(file, read_file(file, wire::max_segment_bytes)), wire::grant_magic));
        return wire::StreamOpener(must(file, wire::open_grant(grant, recipient_)));
    }

    void segment(const fs::path& file, std::span<const std::uint8_t> bytes, std::string_view magic) {
        wire::SegmentReader reader(bytes);
        std::optional<wire::Open> open;
        std::optional<wire::StreamOpener> opener;
        std::optional<wire::Close> close;
        Ranges numbers;
        std::uint64_t events = 0;
        std::size_t frames = 0;
        std::string gaps;
        while (const auto message = must(file, reader.next(magic))) {
            ++frames;
            if (!open) {
                open = must(file, wire::check_open(*message));
                if (magic == wire::segment_magic) {
                    opener = opener_for(*open);
                }
            }
            if (!opener) {
                const auto frame = must(file, wire::parse_frame(*message));
                if (const auto* end = std::get_if<wire::Close>(&frame.body)) {
                    close = *end;
                }
                continue;
            }
            const auto item = must(file, opener->next(*message));
            close = opener->close();
            if (item.batch) {
                item.batch->packets.for_each([&](const input::Packet& packet) {
                    events += packet.events.size();
                    if (packet.events.size() != 2 || packet.events[0].type != EV_REL) {
                        throw std::runtime_error(file.string() + ": a packet that was never produced");
                    }
                    numbers.add(packet.events[0].value);
                });
            } else if (const auto* gap = std::get_if<wire::Gap>(&item.frame.body)) {
                gaps += (gaps.empty() ? "" : ",") +
                        (R"({"reason":")" + std::string(wire::gap_reason_name(gap->reason))) + R"(","from_us":)" +
                        std::to_string(gap->from_us) + R"(,"to_us":)" + std::to_string(gap->to_us) + R"(,"events":)" +
                        (gap->events ? std::to_string(*gap->events) : "null") + "}";
            }
        }
        if (!open) {
            throw std::runtime_error(file.string() + ": holds no Open");
        }
        const auto or_null = [&](std::uint64_t wire::Close::*field) {
            return close ? std::to_string((*close).*field) : std::string("null");
        };
        std::printf(
            R"({"kind":"%s","stream":"%s","subject":"%s","epoch":%u,"number":%llu,"identity":"%s","frames":%zu,)"
            R"("events":%llu,"closed":%s,"produced":%s,"stored":%s,"declared":%s,"gaps":[%s],"numbers":%s})"
            "\n",
            opener ? "segment" : "expired", to_hex(open->stream).c_str(), to_hex(open->subject).c_str(), open->epoch,
            static_cast<unsigned long long>(open->number), to_hex(open->identity).c_str(), frames,
            static_cast<unsigned long long>(events),
            close ? ("\"" + std::string(wire::close_reason_name(close->reason)) + "\"").c_str() : "null",
            or_null(&wire::Close::produced).c_str(), or_null(&wire::Close::stored).c_str(),
            or_null(&wire::Close::declared).c_str(), gaps.c_str(), numbers.json().c_str());
    }

    fs::path lake_;
    wire::RecipientKeyPair recipient_;
};

} // namespace

int main(int argc, char** argv) {
    if (argc != 3) {
        std::fputs("campaign_reader LAKE KEY\n", stderr);
        return 2;
    }
    try {
        wire::init_crypto();
        Reader reader(argv[1], argv[2]);
        for (const auto& entry : fs::recursive_directory_iterator(argv[1])) {
            if (entry.is_regular_file()) {
                reader.read(entry.path());
            }
        }
        return EXIT_SUCCESS;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "campaign_reader: %s\n", error.what());
        return EXIT_FAILURE;
    }
}
