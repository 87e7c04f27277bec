// SPDX-License-Identifier: Apache-2.0
#include "recorder_fixture.h"

using namespace candor;
using candor::test::RecorderFixture;

namespace {

/// One random life of a recorder: devices, packets, holes, a shipper that comes and goes, a gate that opens and closes.
class Life {
public:
    Life(std::uint64_t seed, std::size_t ring_bytes) : f_(ring_bytes), random_(seed) { f_.random.seed(seed); }

    void live(int steps) {
        for (int i = 0; i < steps; ++i) {
            step();
            REQUIRE(f_.ring.bytes() <= f_.ring.bound());
        }
        end();
        f_.take();
        // What the ring had no room to declare waits for the next stream.
        f_.begin();
        f_.recorder.end(wire::CloseReason::stopped);
        f_.take();
        f_.check_accounts();
        CHECK(f_.ring.bytes() == 0);
    }

private:
    std::uint32_t below(std::uint32_t limit) { return static_cast<std::uint32_t>(random_() % limit); }

    void step() {
        if (!f_.recorder.is_active()) {
            below(2) == 0 ? f_.take(below(40)) : begin();
            return;
        }
        switch (below(16)) {
        case 0:
            plug();
            break;
        case 1:
            hole();
            break;
        case 2:
            f_.take(below(10));
            break;
        case 3:
            f_.recorder.flush();
            break;
        case 4:
            f_.recorder.clock_changed();
            break;
        case 5:
            f_.ring.rewind();
            break;
        case 6:
            if (below(4) == 0) {
                end();
            }
            break;
        case 7:
        case 8:
        case 9:
            f_.noise(device(), 1 + below(1024));
            break;
        default:
            f_.key(device(), static_cast<std::uint16_t>(16 + below(40)));
        }
    }

    void begin() {
        f_.begin();
        devices_.clear();
        plug();
    }
    void end() { f_.recorder.end(below(2) == 0 ? wire::CloseReason::gate_closed : wire::CloseReason::stopped); }

    void plug() {
        for (std::uint32_t count = below(10) == 0 ? 100 : 1; count > 0; --count) {
            devices_.push_back(next_device_++);
            f_.plug(devices_.back());
        }
    }
    std::uint32_t device() { return devices_[below(static_cast<std::uint32_t>(devices_.size()))]; }

    void hole() {
        const auto reason = static_cast<input::HoleReason>(below(3));
        const std::uint64_t from = f_.now_us - below(100'000);
        std::optional<std::uint64_t> events;
        if (below(2) == 0) {
            events = below(1000);
        }
        const std::uint32_t holed = device();
        f_.hole({holed, reason, from, f_.now_us, events});
        if (reason == input::HoleReason::device_gone) {
            // Nothing more comes of it.
            std::erase(devices_, holed);
            plug();
        }
    }

    RecorderFixture f_;
    std::mt19937_64 random_;
    std::vector<std::uint32_t> devices_;
    std::uint32_t next_device_ = 0;
};

} // namespace

TEST_CASE("every event is stored or declared lost, whatever comes in whatever order") {
    // The tiny ring is full most of the time, the middle one now and then, the large one never.
    for (const std::size_t ring_bytes :
         {std::size_t{196} * 1024, std::size_t{320} * 1024, std::size_t{64} * 1024 * 1024}) {
        for (std::uint64_t seed = 1; seed <= 25; ++seed) {
            INFO("ring of " << ring_bytes << " bytes, seed " << seed);
            Life(seed, ring_bytes).live(400);
        }
    }
}
