// SPDX-License-Identifier: Apache-2.0
// Events a second and core through the codec and the seal, on made-up desk work, and on the recording that CANDOR_TRACE
// names (24-byte struct input_events of one device).
#include "batch_fixture.h"
#include "segment_writer.h"
#include "wire/stream_opener.h"

#include <benchmark/benchmark.h>

#include <cstdlib>

namespace {

using namespace candor;

struct Work {
    std::vector<wire::Batch> batches; ///< without device tables
    std::vector<input::DeviceInfo> devices;
    std::uint64_t events = 0;
};

Work desk_work() {
    Work work;
    test::Desk desk(1);
    for (int i = 0; i < 300; ++i) {
        wire::Batch batch = desk.next(400);
        if (!batch.devices.empty()) {
            work.devices = std::move(batch.devices);
            batch.devices.clear();
        }
        work.events += batch.packets.events();
        work.batches.push_back(std::move(batch));
    }
    return work;
}

Work traced_work(const std::string& path) {
    const bench::Trace trace = bench::read_trace(path);
    Work work;
    work.devices = {trace.device};
    work.batches = bench::cut_batches(trace);
    work.events = trace.packets.events();
    return work;
}

wire::SymmetricKey fixed_key() {
    wire::SymmetricKey key;
    std::fill(key.bytes().begin(), key.bytes().end(), std::uint8_t{7});
    return key;
}

/// What the daemon does with a batch: the frames of all streams. Rotation by size as in daemon/recorder.cpp.
template <typename Sink>
void encode(Work& work, const wire::Identity& identity, const wire::SymmetricKey& key, Sink&& sink) {
    std::optional<wire::StreamSealer> sealer;
    std::optional<wire::BatchEncoder> encoder;
    std::uint64_t produced = 0;
    const auto close = [&] {
        sink(sealer->close(wire::CloseReason::rotated, produced));
        sealer.reset();
    };
    for (wire::Batch& batch : work.batches) {
        if (!sealer) {
            sealer.emplace(identity, key, wire::StreamContext{});
            encoder.emplace();
            produced = 0;
            batch.devices = work.devices;
            sink(sealer->open());
        }
        produced += batch.packets.events();
        sink(sealer->batch(encoder->encode(batch), batch.packets.events()));
        batch.devices.clear();
        if (sealer->bytes() >= wire::rotate_bytes) {
            close();
        }
    }
    if (sealer) {
        close();
    }
}

void encode_seal(benchmark::State& state, Work work) {
    const wire::Identity identity = wire::Identity::generate();
    const wire::SymmetricKey key = fixed_key();
    std::size_t bytes = 0;
    for (auto _ : state) {
        bytes = 0;
        encode(work, identity, key, [&](const wire::FrameBytes& frame) { bytes += frame.size(); });
        benchmark::DoNotOptimize(bytes);
    }
    state.SetItemsProcessed(static_cast<std::int64_t>(work.events) * static_cast<std::int64_t>(state.iterations()));
    state.counters["bytes/event"] = static_cast<double>(bytes) / static_cast<double>(work.events);
}

void open_decode(benchmark::State& state, Work work) {
    const wire::Identity identity = wire::Identity::generate();
    std::vector<wire::FrameBytes> frames;
    encode(work, identity, fixed_key(), [&](wire::FrameBytes frame) { frames.push_back(std::move(frame)); });
    for (auto _ : state) {
        std::uint64_t events = 0;
        std::optional<wire::StreamOpener> opener;
        for (const auto& frame : frames) {
            if (!opener) {
                opener.emplace(fixed_key());
            }
            const auto item = opener->next(frame);
            if (!item) {
                throw std::runtime_error(item.error().message);
            }
            if (opener->close()) {
                events += opener->events();
                opener.reset();
            }
        }
        if (events != work.events) {
            throw std::runtime_error("not every event came back");
        }
    }
    state.SetItemsProcessed(static_cast<std::int64_t>(work.events) * static_cast<std::int64_t>(state.iterations()));
}

} // namespace

int main(int argc, char** argv) {
    wire::init_crypto();
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) {
        return 2;
    }
    try {
        benchmark::RegisterBenchmark("encode_seal/desk", encode_seal, desk_work())->Unit(benchmark::kMillisecond);
        benchmark::RegisterBenchmark("open_decode/desk", open_decode, desk_work())->Unit(benchmark::kMillisecond);
        if (const char* path = std::getenv("CANDOR_TRACE")) {
            benchmark::RegisterBenchmark("encode_seal/trace", encode_seal, traced_work(path))
                ->Unit(benchmark::kMillisecond);
            benchmark::RegisterBenchmark("open_decode/trace", open_decode, traced_work(path))
                ->Unit(benchmark::kMillisecond);
        }
        benchmark::RunSpecifiedBenchmarks();
    } catch (const std::exception& error) {
        std::fprintf(stderr, "codec_bench: %s\n", error.what());
        return 1;
    }
    return 0;
}
