// SPDX-License-Identifier: Apache-2.0
#include "audit_fixture.h"
#include "support/catch.h"

#include <algorithm>
#include <random>

// Random logs, each with many random mutations: whatever changes a byte of either file is seen.
using namespace candor;
using audit::Act;
using audit::Log;
using test::Device;

namespace {

class Mutator {
public:
    explicit Mutator(std::uint32_t seed) : random_(seed) {}

    std::size_t below(std::size_t bound) { return std::uniform_int_distribution<std::size_t>(0, bound - 1)(random_); }

    audit::Entry entry() {
        audit::Entry entry;
        entry.time = static_cast<std::int64_t>(below(2'000'000'000));
        entry.act = static_cast<Act>(below(static_cast<std::size_t>(Act::data_deleted) + 1));
        if (below(2) == 0) {
            entry.uid = static_cast<std::uint32_t>(below(3000));
        }
        if (below(2) == 0) {
            entry.subject = static_cast<std::uint32_t>(below(3000));
        }
        entry.detail.resize(below(4) == 0 ? below(1500) : below(40));
        std::ranges::generate(entry.detail, [this] { return static_cast<char>(below(256)); });
        return entry;
    }

    /// One of many small changes of the log.
    std::string mutated(const std::string& text) {
        auto lines = test::lines_of(text);
        const std::size_t i = below(lines.size());
        const std::size_t j = below(lines.size());
        switch (below(9)) {
        case 0:
            return flipped(text);
        case 1:
            return text.substr(0, below(text.size()));
        case 2:
            std::swap(lines[i], lines[j]);
            return test::join(lines);
        case 3:
            lines.erase(lines.begin() + static_cast<std::ptrdiff_t>(i));
            return test::join(lines);
        case 4:
            lines.insert(lines.begin() + static_cast<std::ptrdiff_t>(j), std::string(lines[i]));
            return test::join(lines);
        case 5:
            return std::string(text).erase(below(text.size()), 1 + below(8));
        case 6:
            return std::string(text).insert(below(text.size() + 1), 1 + below(8), static_cast<char>(below(256)));
        case 7:
            lines[i] = lines[j];
            return test::join(lines);
        default:
            return text + lines[i].substr(0, 1 + below(lines[i].size()));
        }
    }

    std::string flipped(std::string text) {
        const std::size_t place = below(text.size());
        text[place] = static_cast<char>(text[place] ^ (1 << below(8)));
        return text;
    }

private:
    std::mt19937 random_;
};

} // namespace

TEST_CASE("a random mutation of a random log or its head is always seen") {
    int changes = 0;
    for (std::uint32_t seed = 1; seed <= 12; ++seed) {
        Mutator mutator(seed);
        const Device device;
        {
            Log log = device.open();
            for (std::size_t left = 1 + mutator.below(12); left > 0; --left) {
                log.append(mutator.entry());
            }
        }
        const auto files = device.files();
        REQUIRE(device.verify().intact);
        for (int i = 0; i < 400; ++i) {
            auto changed = files;
            for (std::size_t times = 1 + mutator.below(2); times > 0 && !changed.first.empty(); --times) {
                changed.first = mutator.mutated(changed.first);
            }
            if (mutator.below(10) == 0) {
                changed = {files.first, mutator.flipped(files.second)};
            }
            device.put_files(changed);
            const bool same = changed == files;
            CAPTURE(seed, i, changed.first, changed.second);
            REQUIRE(device.verify().intact == same);
            changes += same ? 0 : 1;
        }
    }
    CHECK(changes > 4000);
}

TEST_CASE("whatever a random mutation leaves, open() keeps the entries that the head covers or refuses") {
    for (std::uint32_t seed = 1; seed <= 6; ++seed) {
        Mutator mutator(seed);
        const Device device;
        {
            Log log = device.open();
            for (std::size_t left = 1 + mutator.below(6); left > 0; --left) {
                log.append(mutator.entry());
            }
        }
        const auto files = device.files();
        for (int i = 0; i < 100; ++i) {
            const std::string changed = mutator.mutated(files.first);
            device.put_files({changed, files.second});
            CAPTURE(seed, i, changed);
            if (device.refusal().empty()) {
                CHECK(changed.starts_with(files.first));
                CHECK(test::bytes_of(device.log).starts_with(files.first));
                CHECK(device.verify().intact);
            } else {
                CHECK(test::bytes_of(device.log) == changed);
            }
        }
    }
}
