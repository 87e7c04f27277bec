// SPDX-License-Identifier: Apache-2.0
// monotonic_witness NODE...: prints what the kernel delivers on the devices, one event a line:
//   NODE MICROSECONDS TYPE CODE VALUE
// It shares no code with Candor: it is who the tests ask what really happened. Ends with its standard input.
#include <linux/input.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <ctime>
#include <map>
#include <string>

int main(int argc, char** argv) {
    const int epoll = ::epoll_create1(0);
    std::map<int, std::string> names;
    for (int i = 1; i < argc; ++i) {
        const int fd = ::open(argv[i], O_RDONLY | O_NONBLOCK);
        int clock = CLOCK_MONOTONIC;
        if (fd < 0 || ::ioctl(fd, EVIOCSCLOCKID, &clock) < 0) {
            std::perror(argv[i]);
            return 1;
        }
        names[fd] = argv[i];
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.fd = fd;
        ::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
    }
    epoll_event end{};
    end.events = EPOLLIN;
    end.data.fd = STDIN_FILENO;
    ::epoll_ctl(epoll, EPOLL_CTL_ADD, STDIN_FILENO, &end);
    std::puts("ready");
    std::fflush(stdout);
    for (;;) {
        epoll_event ready{};
        if (::epoll_wait(epoll, &ready, 1, -1) != 1) {
            continue;
        }
        if (ready.data.fd == STDIN_FILENO) {
            return 0;
        }
        input_event events[64];
        const ssize_t n = ::read(ready.data.fd, events, sizeof events);
        if (n <= 0) {
            ::epoll_ctl(epoll, EPOLL_CTL_DEL, ready.data.fd, nullptr);
            continue;
        }
        for (ssize_t i = 0; i < n / static_cast<ssize_t>(sizeof events[0]); ++i) {
            const input_event& e = events[i];
            std::printf("%s %lld %u %u %d\n", names[ready.data.fd].c_str(),
                        static_cast<long long>(e.input_event_sec) * 1'000'000 +
                            static_cast<long long>(e.input_event_usec),
                        e.type, e.code, e.value);
        }
        std::fflush(stdout);
    }
}
