// SPDX-License-Identifier: Apache-2.0
// Makes devices through uinput in the guest.
//   uinput_player play DESCRIPTION   a device by an evemu description ("N:", "I:", "P:", "B:", "A:" lines); then reads lines
//                                    "DELAY_US TYPE CODE VALUE" from standard input and writes the events in their time
//   uinput_player mice COUNT RATE SECONDS   mice that move at RATE reports a second each; prints what each one wrote
//   uinput_player hotplug COUNT      a mouse that appears, moves once and vanishes, COUNT times
// Prints "ready NODE" when a device is there; with play, ends when standard input does.
#include <libevdev/libevdev-uinput.h>
#include <libevdev/libevdev.h>

#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

class Device {
public:
    explicit Device(libevdev* description) {
        const int result = libevdev_uinput_create_from_device(description, LIBEVDEV_UINPUT_OPEN_MANAGED, &device_);
        libevdev_free(description);
        if (result < 0) {
            throw std::runtime_error("cannot make a uinput device: " + std::to_string(result));
        }
    }
    ~Device() { libevdev_uinput_destroy(device_); }
    Device(const Device&) = delete;
    Device& operator=(const Device&) = delete;

    void write(unsigned type, unsigned code, int value) {
        if (libevdev_uinput_write_event(device_, type, code, value) < 0) {
            throw std::runtime_error("cannot write an event");
        }
    }
    [[nodiscard]] const char* node() const { return libevdev_uinput_get_devnode(device_); }

private:
    libevdev_uinput* device_ = nullptr;
};

libevdev* describe_mouse(const std::string& name) {
    libevdev* device = libevdev_new();
    libevdev_set_name(device, name.c_str());
    libevdev_set_id_bustype(device, BUS_USB);
    libevdev_set_id_vendor(device, 0x1209);
    libevdev_set_id_product(device, 1);
    for (const unsigned code : {unsigned{REL_X}, unsigned{REL_Y}, unsigned{REL_WHEEL}}) {
        libevdev_enable_event_code(device, EV_REL, code, nullptr);
    }
    for (const unsigned code : {unsigned{BTN_LEFT}, unsigned{BTN_RIGHT}, unsigned{BTN_MIDDLE}}) {
        libevdev_enable_event_code(device, EV_KEY, code, nullptr);
    }
    return device;
}

/// "B: TYPE BYTES…" lines: which codes of a type there are, 8 a byte, lowest first; several lines follow on.
libevdev* read_description(const std::string& path) {
    std::ifstream file(path);
    libevdev* device = libevdev_new();
    unsigned next_code[EV_CNT] = {};
    unsigned next_property = 0;
    std::vector<std::pair<unsigned, unsigned>> absolute;
    std::string line;
    while (std::getline(file, line)) {
        if (line.size() < 3 || line[1] != ':') {
            continue;
        }
        std::istringstream fields(line.substr(2));
        fields >> std::hex;
        if (line[0] == 'N') {
            libevdev_set_name(device, line.substr(3).c_str());
        } else if (line[0] == 'I') {
            int bus = 0, vendor = 0, product = 0, version = 0;
            fields >> bus >> vendor >> product >> version;
            libevdev_set_id_bustype(device, bus);
            libevdev_set_id_vendor(device, vendor);
            libevdev_set_id_product(device, product);
            libevdev_set_id_version(device, version);
        } else if (line[0] == 'P') {
            for (unsigned byte = 0; fields >> byte; next_property += 8) {
                for (unsigned bit = 0; bit < 8; ++bit) {
                    if ((byte >> bit & 1) != 0) {
                        libevdev_enable_property(device, next_property + bit);
                    }
                }
            }
        } else if (line[0] == 'B') {
            unsigned type = 0;
            fields >> type;
            for (unsigned byte = 0; type != EV_SYN && type < EV_CNT && fields >> byte; next_code[type] += 8) {
                for (unsigned bit = 0; bit < 8; ++bit) {
                    if ((byte >> bit & 1) == 0) {
                        continue;
                    }
                    const unsigned code = next_code[type] + bit;
                    const input_absinfo axis{};
                    const int repeat = 250;
                    const void* data = type == EV_ABS   ? static_cast<const void*>(&axis)
                                       : type == EV_REP ? static_cast<const void*>(&repeat)
                                                        : nullptr;
                    libevdev_enable_event_code(device, type, code, data);
                }
            }
        } else if (line[0] == 'A') {
            unsigned code = 0;
            fields >> code >> std::dec;
            input_absinfo axis{};
            fields >> axis.minimum >> axis.maximum >> axis.fuzz >> axis.flat >> axis.resolution;
            libevdev_set_abs_info(device, code, &axis);
        }
    }
    return device;
}

int play(const std::string& path) {
    Device device(read_description(path));
    std::printf("ready %s\n", device.node());
    std::fflush(stdout);
    long delay = 0;
    unsigned type = 0, code = 0;
    int value = 0;
    std::size_t events = 0;
    auto next = Clock::now();
    while (std::cin >> delay >> type >> code >> value) {
        // The pace begins with the first event, however late it came.
        next = events == 0 ? Clock::now() : next + std::chrono::microseconds(delay);
        std::this_thread::sleep_until(next);
        device.write(type, code, value);
        ++events;
    }
    std::printf("wrote %zu events\n", events);
    return 0;
}

int mice(unsigned count, double rate, double seconds) {
    std::vector<std::thread> threads;
    std::atomic<bool> go = false;
    std::vector<std::uint64_t> reports(count);
    std::vector<std::unique_ptr<Device>> devices;
    for (unsigned i = 0; i < count; ++i) {
        devices.push_back(std::make_unique<Device>(describe_mouse("Candor test mouse " + std::to_string(i + 1))));
        std::printf("ready %s\n", devices.back()->node());
    }
    std::fflush(stdout);
    // Until the tests have seen that the devices are open.
    std::string line;
    std::getline(std::cin, line);
    for (unsigned i = 0; i < count; ++i) {
        threads.emplace_back([&, i] {
            while (!go) {
                std::this_thread::yield();
            }
            const auto begin = Clock::now();
            const auto total = static_cast<std::uint64_t>(rate * seconds);
            for (std::uint64_t n = 0; n < total; ++n) {
                const auto due =
                    begin + std::chrono::nanoseconds(static_cast<std::int64_t>(1e9 * static_cast<double>(n) / rate));
                // A thread that is behind catches up without sleeping, so that the number of reports is kept.
                if (due > Clock::now()) {
                    std::this_thread::sleep_until(due);
                }
                devices[i]->write(EV_REL, REL_X, 1 + static_cast<int>(n % 7));
                devices[i]->write(EV_REL, REL_Y, -1 - static_cast<int>(n % 5));
                devices[i]->write(EV_SYN, SYN_REPORT, 0);
                ++reports[i];
            }
        });
    }
    const auto begin = Clock::now();
    go = true;
    for (std::thread& thread : threads) {
        thread.join();
    }
    const double took = std::chrono::duration<double>(Clock::now() - begin).count();
    std::uint64_t all = 0;
    for (unsigned i = 0; i < count; ++i) {
        std::printf("mouse %u wrote %llu reports\n", i + 1, static_cast<unsigned long long>(reports[i]));
        all += reports[i];
    }
    std::printf("all %llu reports in %.2f s\n", static_cast<unsigned long long>(all), took);
    std::fflush(stdout);
    std::getline(std::cin, line);
    return 0;
}

int hotplug(unsigned count) {
    for (unsigned i = 0; i < count; ++i) {
        Device device(describe_mouse("Candor test mouse 1"));
        // Long enough for udev and a reader to notice, most times.
        std::this_thread::sleep_for(std::chrono::milliseconds(150));
        for (int n = 0; n < 5; ++n) {
            device.write(EV_REL, REL_X, 3);
            device.write(EV_SYN, SYN_REPORT, 0);
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    std::printf("plugged %u times\n", count);
    return 0;
}

} // namespace

int main(int argc, char** argv) {
    const std::string mode = argc > 1 ? argv[1] : "";
    try {
        if (mode == "play" && argc == 3) {
            return play(argv[2]);
        }
        if (mode == "mice" && argc == 5) {
            return mice(static_cast<unsigned>(std::atoi(argv[2])), std::atof(argv[3]), std::atof(argv[4]));
        }
        if (mode == "hotplug" && argc == 3) {
            return hotplug(static_cast<unsigned>(std::atoi(argv[2])));
        }
    } catch (const std::exception& error) {
        std::fprintf(stderr, "uinput_player: %s\n", error.what());
        return 1;
    }
    std::fprintf(stderr, "usage: uinput_player play DESCRIPTION | mice COUNT RATE SECONDS | hotplug COUNT\n");
    return 2;
}
