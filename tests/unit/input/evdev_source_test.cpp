// SPDX-License-Identifier: Apache-2.0
// How an event device is opened: ioctl() is answered here for one file, which thereby is an event device, and as ever for all
// others.
#include "input/evdev_reader.h"
#include "support/catch.h"
#include "support/temporary_directory.h"

#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstring>
#include <ctime>
#include <fstream>
#include <map>
#include <string>
#include <vector>

using namespace candor;
using candor::test::TemporaryDirectory;
using input::EventMask;

namespace {

/// A kernel's side of an event device without any capability.
struct FakeDevice {
    std::string path;
    int refuse_type = -1; ///< whose mask is refused, with:
    int error = EINVAL;

    std::vector<std::string> asked; ///< "mask 1", "clock 1"; "state" for all that libevdev asks
    std::map<std::uint32_t, std::vector<unsigned long>> masks;

    int answer(unsigned long request, void* argument) {
        if (request == EVIOCSMASK) {
            input_mask mask{};
            std::memcpy(&mask, argument, sizeof mask);
            asked.push_back("mask " + std::to_string(mask.type));
            if (static_cast<int>(mask.type) == refuse_type) {
                return -error;
            }
            // bits_from_user() in the kernel.
            if (mask.codes_size % sizeof(unsigned long) != 0) {
                return -EINVAL;
            }
            auto& words = masks[mask.type];
            words.resize(mask.codes_size / sizeof(unsigned long));
            std::memcpy(words.data(), reinterpret_cast<const void*>(static_cast<std::uintptr_t>(mask.codes_ptr)),
                        mask.codes_size);
            return 0;
        }
        if (request == EVIOCSCLOCKID) {
            int clock = 0;
            std::memcpy(&clock, argument, sizeof clock);
            asked.push_back("clock " + std::to_string(clock));
            return 0;
        }
        if (request == EVIOCGVERSION) {
            std::memset(argument, 0, sizeof(int));
            return 0;
        }
        if (asked.empty() || asked.back() != "state") {
            asked.emplace_back("state");
        }
        std::memset(argument, 0, _IOC_SIZE(request));
        return 0;
    }
};

FakeDevice* fake = nullptr;

bool is_fake(int fd) {
    struct stat of_fd {};
    struct stat of_path {};
    return fake != nullptr && ::fstat(fd, &of_fd) == 0 && ::stat(fake->path.c_str(), &of_path) == 0 &&
           of_fd.st_dev == of_path.st_dev && of_fd.st_ino == of_path.st_ino;
}

struct SourceFixture {
    SourceFixture() {
        device.path = directory / "event";
        std::ofstream(device.path) << "";
        fake = &device;
    }
    ~SourceFixture() { fake = nullptr; }
    SourceFixture(const SourceFixture&) = delete;
    SourceFixture& operator=(const SourceFixture&) = delete;

    TemporaryDirectory directory;
    FakeDevice device;
};

EventMask scroll_lock_only() {
    EventMask mask;
    mask.types.set(EV_LED);
    mask.codes[EV_LED].set(LED_SCROLLL);
    return mask;
}

const std::vector<std::string> masked = {"mask 0", "mask 1",  "mask 2",  "mask 3", "mask 4",
                                         "mask 5", "mask 17", "mask 18", "mask 21"};

} // namespace

extern "C" int ioctl(int fd, unsigned long request, ...) noexcept {
    std::va_list arguments;
    va_start(arguments, request);
    void* argument = va_arg(arguments, void*);
    va_end(arguments);
    if (!is_fake(fd)) {
        return static_cast<int>(::syscall(SYS_ioctl, fd, request, argument));
    }
    const int result = fake->answer(request, argument);
    if (result < 0) {
        errno = -result;
        return -1;
    }
    return result;
}

TEST_CASE("an event device is masked first, then its clock is set, then its state is asked for") {
    SourceFixture f;
    REQUIRE(input::EvdevSource::open(f.device.path, scroll_lock_only()));
    auto expected = masked;
    expected.push_back("clock " + std::to_string(CLOCK_MONOTONIC));
    expected.emplace_back("state");
    CHECK(f.device.asked == expected);
}

TEST_CASE("the kernel is told which types come and which codes of each") {
    SourceFixture f;
    REQUIRE(input::EvdevSource::open(f.device.path, scroll_lock_only()));
    CHECK(f.device.masks[EV_SYN].front() == (1UL << EV_SYN | 1UL << EV_LED));
    CHECK(f.device.masks[EV_LED].front() == 1UL << LED_SCROLLL);
    CHECK(f.device.masks[EV_KEY].front() == 0);
    CHECK(f.device.masks[EV_KEY].size() * sizeof(unsigned long) * 8 >= KEY_CNT);
}

TEST_CASE("an event device that does not mask any one type is refused, and the refusal says why") {
    SourceFixture f;
    f.device.refuse_type = GENERATE(0, EV_KEY, EV_MSC, EV_LED);
    const auto source = input::EvdevSource::open(f.device.path, scroll_lock_only());
    REQUIRE_FALSE(source.has_value());
    CHECK(source.error().message == "cannot open " + f.device.path + ": its events cannot be masked: Invalid argument");
    CHECK(f.device.asked.back() == "mask " + std::to_string(f.device.refuse_type));
}

TEST_CASE("a mask that is set later replaces every type's mask, those without a list of codes too") {
    SourceFixture f;
    const auto source = input::EvdevSource::open(f.device.path, scroll_lock_only());
    REQUIRE(source);
    f.device.asked.clear();
    CHECK((*source)->set_mask(EventMask::all()) == 0);
    CHECK(f.device.asked == masked);
    CHECK(f.device.masks[EV_SYN].front() == (1UL << EV_CNT) - 1);
    for (const unsigned long word : f.device.masks[EV_LED]) {
        CHECK(word == ~0UL);
    }
}

TEST_CASE("a mask that is refused later is an error, and so is that of a device that is gone") {
    SourceFixture f;
    const auto source = input::EvdevSource::open(f.device.path, EventMask::all());
    REQUIRE(source);
    f.device.refuse_type = EV_LED;
    f.device.error = GENERATE(EINVAL, ENODEV);
    CHECK((*source)->set_mask(scroll_lock_only()) == -f.device.error);
}
