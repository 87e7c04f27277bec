// SPDX-License-Identifier: Apache-2.0
// discard_reader NODE...: reads evdev devices and throws everything away: the least any recorder can do. Ends on SIGTERM or
// SIGINT and prints as JSON how many events it read, and how many times the kernel had dropped some.
#include <linux/input.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>

#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <ctime>

int main(int argc, char** argv) {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigprocmask(SIG_BLOCK, &signals, nullptr);
    const int ending = ::signalfd(-1, &signals, SFD_CLOEXEC);
    const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
    const auto add = [epoll](int fd) {
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.fd = fd;
        return ::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0;
    };
    bool fine = add(ending);
    for (int i = 1; i < argc; ++i) {
        const int fd = ::open(argv[i], O_RDONLY | O_NONBLOCK | O_CLOEXEC);
        int clock = CLOCK_MONOTONIC;
        fine = fine && fd >= 0 && ::ioctl(fd, EVIOCSCLOCKID, &clock) == 0 && add(fd);
        if (!fine) {
            std::perror(argv[i]);
            return 1;
        }
    }
    std::puts("ready");
    std::fflush(stdout);
    unsigned long long read_events = 0;
    unsigned long long overruns = 0;
    for (;;) {
        epoll_event ready[16];
        const int count = ::epoll_wait(epoll, ready, 16, -1);
        for (int i = 0; i < count; ++i) {
            if (ready[i].data.fd == ending) {
                std::printf("{\"events\": %llu, \"overruns\": %llu}\n", read_events, overruns);
                return 0;
            }
            input_event events[64];
            const ssize_t size = ::read(ready[i].data.fd, events, sizeof events);
            if (size < 0) {
                continue;
            }
            const auto n = static_cast<unsigned long long>(size) / sizeof events[0];
            read_events += n;
            for (unsigned long long at = 0; at < n; ++at) {
                overruns += events[at].type == EV_SYN && events[at].code == SYN_DROPPED ? 1 : 0;
            }
        }
    }
}
