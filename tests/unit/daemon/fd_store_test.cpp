// SPDX-License-Identifier: Apache-2.0
#include "daemon/fd_store.h"

#include "base/error.h"
#include "support/catch.h"
#include "support/temporary_directory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <systemd/sd-daemon.h>

#include <cstdlib>
#include <cstring>
#include <functional>
#include <vector>

using namespace candor;

namespace {

sockaddr_un address_of(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    REQUIRE(path.size() < sizeof address.sun_path);
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    return address;
}

UniqueFd bound_socket(const std::string& path, int type) {
    UniqueFd fd(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
    const sockaddr_un address = address_of(path);
    REQUIRE(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    return fd;
}

UniqueFd listener(const std::string& path, int type = SOCK_SEQPACKET) {
    UniqueFd fd = bound_socket(path, type);
    REQUIRE(::listen(fd.get(), 1) == 0);
    return fd;
}

UniqueFd memfd(const char* name) { return UniqueFd(::memfd_create(name, MFD_CLOEXEC)); }

/// Runs `check` in a process that was passed these descriptors under these names. `names` empty: none were given.
bool holds_when_passed(const std::vector<const UniqueFd*>& fds, const char* names, const std::function<bool()>& check) {
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        std::vector<int> high;
        for (const UniqueFd* fd : fds) {
            high.push_back(::fcntl(fd->get(), F_DUPFD, 100));
        }
        for (std::size_t i = 0; i < high.size(); ++i) {
            ::dup2(high[i], SD_LISTEN_FDS_START + static_cast<int>(i));
        }
        ::setenv("LISTEN_PID", std::to_string(::getpid()).c_str(), 1);
        ::setenv("LISTEN_FDS", std::to_string(fds.size()).c_str(), 1);
        if (*names != '\0') {
            ::setenv("LISTEN_FDNAMES", names, 1);
        }
        ::_exit(check() ? 0 : 1);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool is_refused() {
    try {
        static_cast<void>(daemon::take_passed());
        return false;
    } catch (const std::runtime_error& error) {
        return std::strstr(error.what(), "expected one") != nullptr;
    }
}

bool is_listening(int fd) { return sd_is_socket_unix(fd, SOCK_SEQPACKET, 1, nullptr, 0) > 0; }

/// What arrives at the service manager.
struct Notice {
    std::string text;
    UniqueFd fd;
};

/// Runs `tell` with a service manager that listens, and gives back what it heard.
Notice heard(const std::function<void()>& tell) {
    const test::TemporaryDirectory folder;
    const std::string path = folder / "notify";
    const UniqueFd manager = bound_socket(path, SOCK_DGRAM);
    ::setenv("NOTIFY_SOCKET", path.c_str(), 1);
    tell();
    ::unsetenv("NOTIFY_SOCKET");
    char text[256];
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(ucred))];
    iovec part{text, sizeof text};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    const ssize_t n = ::recvmsg(manager.get(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    REQUIRE(n > 0);
    Notice notice{{text, static_cast<std::size_t>(n)}, UniqueFd()};
    const cmsghdr* first = CMSG_FIRSTHDR(&message);
    if (first != nullptr && first->cmsg_type == SCM_RIGHTS) {
        int fd = -1;
        std::memcpy(&fd, CMSG_DATA(first), sizeof fd);
        notice.fd.reset(fd);
    }
    return notice;
}

/// Which file a descriptor is of, whatever its number.
ino_t file_of(int fd) {
    struct stat status {};
    return ::fstat(fd, &status) == 0 ? status.st_ino : 0;
}

} // namespace

TEST_CASE("the socket is taken under its unit's name, or without any") {
    const test::TemporaryDirectory folder;
    const UniqueFd socket = listener(folder / "frames.sock");
    const char* names = GENERATE("candor.socket", "");
    CHECK(holds_when_passed({&socket}, names, [] {
        const daemon::Passed passed = daemon::take_passed();
        return is_listening(passed.listener.get()) && !passed.ring;
    }));
}

TEST_CASE("the ring is taken by its name, in whichever order they come") {
    const test::TemporaryDirectory folder;
    const UniqueFd socket = listener(folder / "frames.sock");
    const UniqueFd ring = memfd("ring");
    const auto check = [file = file_of(ring.get())] {
        const daemon::Passed passed = daemon::take_passed();
        return is_listening(passed.listener.get()) && file_of(passed.ring.get()) == file;
    };
    CHECK(holds_when_passed({&socket, &ring}, "candor.socket:ring", check));
    CHECK(holds_when_passed({&ring, &socket}, "ring:candor.socket", check));
}

TEST_CASE("descriptors of other names are closed") {
    const test::TemporaryDirectory folder;
    const UniqueFd socket = listener(folder / "frames.sock");
    const UniqueFd other = memfd("other");
    CHECK(holds_when_passed({&other, &socket}, "ring-unread:candor.socket", [] {
        const daemon::Passed passed = daemon::take_passed();
        return !passed.ring && file_of(SD_LISTEN_FDS_START) == 0;
    }));
}

TEST_CASE("what was passed is not inherited, and its variables are gone") {
    const test::TemporaryDirectory folder;
    const UniqueFd socket = listener(folder / "frames.sock");
    const UniqueFd ring = memfd("ring");
    CHECK(holds_when_passed({&socket, &ring}, "candor.socket:ring", [] {
        const daemon::Passed passed = daemon::take_passed();
        return std::getenv("LISTEN_FDS") == nullptr && std::getenv("LISTEN_PID") == nullptr &&
               std::getenv("LISTEN_FDNAMES") == nullptr &&
               (::fcntl(passed.listener.get(), F_GETFD) & FD_CLOEXEC) != 0 &&
               (::fcntl(passed.ring.get(), F_GETFD) & FD_CLOEXEC) != 0;
    }));
}

TEST_CASE("without exactly one listening SOCK_SEQPACKET socket nothing is taken") {
    const test::TemporaryDirectory folder;
    const UniqueFd socket = listener(folder / "frames.sock");
    const UniqueFd again = listener(folder / "again.sock");
    const UniqueFd stream = listener(folder / "stream.sock", SOCK_STREAM);
    const UniqueFd deaf = bound_socket(folder / "deaf.sock", SOCK_SEQPACKET);
    const UniqueFd ring = memfd("ring");
    CHECK(is_refused());
    CHECK(holds_when_passed({&ring}, "ring", is_refused));
    CHECK(holds_when_passed({&stream}, "candor.socket", is_refused));
    CHECK(holds_when_passed({&deaf}, "candor.socket", is_refused));
    CHECK(holds_when_passed({&ring}, "candor.socket", is_refused));
    CHECK(holds_when_passed({&socket, &again}, "candor.socket:candor.socket", is_refused));
}

TEST_CASE("with two rings nobody can say which is the one") {
    const test::TemporaryDirectory folder;
    const UniqueFd socket = listener(folder / "frames.sock");
    const UniqueFd ring = memfd("ring");
    const UniqueFd other = memfd("ring");
    CHECK(holds_when_passed({&socket, &ring, &other}, "candor.socket:ring:ring", is_refused));
}

TEST_CASE("a descriptor is given to the service manager to keep, under its name and unwatched") {
    const UniqueFd ring = memfd("ring");
    const Notice notice = heard([&] { daemon::keep_descriptor(ring.get(), "ring"); });
    CHECK(notice.text == "FDSTORE=1\nFDNAME=ring\nFDPOLL=0");
    CHECK(file_of(notice.fd.get()) == file_of(ring.get()));
}

TEST_CASE("a descriptor is forgotten by its name") {
    const Notice notice = heard([] { daemon::forget_descriptor("ring-unread"); });
    CHECK(notice.text == "FDSTOREREMOVE=1\nFDNAME=ring-unread");
    CHECK_FALSE(notice.fd);
}

TEST_CASE("without a service manager nothing is kept and nobody minds") {
    ::unsetenv("NOTIFY_SOCKET");
    const UniqueFd ring = memfd("ring");
    CHECK_NOTHROW(daemon::keep_descriptor(ring.get(), "ring"));
    CHECK_NOTHROW(daemon::forget_descriptor("ring"));
}
