// SPDX-License-Identifier: Apache-2.0
// segment_size TRACE [FOLDER]: writes a raw stream of input events as segments, reads them back, compares every event, and
// prints what they take on disk as JSON. With FOLDER the segments are left there.
#include "segment_writer.h"
#include "wire/stream_opener.h"

#include <cstdio>
#include <exception>
#include <fstream>

namespace {

using namespace candor;

template <typename T> T checked(std::expected<T, Refusal> result) {
    if (!result) {
        throw std::runtime_error("read back: " + result.error().message);
    }
    return std::move(*result);
}

void read_back(const bench::SegmentWriter& writer, const bench::Trace& trace, const wire::SubjectKeys& subject) {
    bench::Comparison comparison(trace);
    for (const auto& segment : writer.segments()) {
        wire::SymmetricKey key;
        std::copy(subject.epoch_key.bytes().begin(), subject.epoch_key.bytes().end(), key.bytes().begin());
        wire::StreamOpener opener(std::move(key));
        wire::SegmentReader reader(segment);
        while (const auto message = checked(reader.next())) {
            const auto item = checked(opener.next(*message));
            if (item.batch) {
                comparison.read(item.batch->packets);
            }
        }
        if (!opener.close()) {
            throw std::runtime_error("read back: a segment without its end");
        }
    }
    comparison.end();
}

int run(const std::string& path, const std::string& folder) {
    wire::init_crypto();
    const wire::Identity identity = wire::Identity::generate();
    const wire::SubjectKeys subject = bench::any_subject();
    const bench::Trace trace = bench::read_trace(path);
    bench::SegmentWriter writer(identity, subject, [] {
        auto encoder = std::make_shared<wire::BatchEncoder>();
        return [encoder](const wire::Batch& batch) { return encoder->encode(batch); };
    });
    writer.write(trace);
    read_back(writer, trace, subject);
    for (std::size_t i = 0; !folder.empty() && i < writer.segments().size(); ++i) {
        const auto& segment = writer.segments()[i];
        std::ofstream file(folder + "/" + std::to_string(i) + ".candor", std::ios::binary);
        file.write(reinterpret_cast<const char*>(segment.data()), static_cast<std::streamsize>(segment.size()));
        if (!file.flush()) {
            throw std::runtime_error("cannot write into " + folder);
        }
    }
    std::printf("{\"events\": %zu, \"packets\": %zu, \"bytes\": %zu, \"segments\": %zu, \"batches\": %zu}\n",
                trace.packets.events(), trace.packets.packets(), writer.bytes(), writer.segments().size(),
                writer.batches());
    return 0;
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 2 && argc != 3) {
        std::fprintf(stderr, "usage: segment_size TRACE [FOLDER]\n");
        return 2;
    }
    try {
        return run(argv[1], argc == 3 ? argv[2] : "");
    } catch (const std::exception& error) {
        std::fprintf(stderr, "segment_size: %s\n", error.what());
        return 1;
    }
}
