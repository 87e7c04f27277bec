// SPDX-License-Identifier: Apache-2.0
// faulty_disk.so, for LD_PRELOAD: makes calls of a program fail, shorter or later than they would, as a file says that can be changed while
// the program runs. FAULTY_DISK names the file; without it, or while it is empty or missing, nothing is changed. A line of it:
//
//   call=write,fdatasync path=/tmp/spool errno=ENOSPC [after=N] [count=N]   this call fails; the first N pass; only N fail
//   call=write path=/tmp/spool short=N                                      no more than N bytes are written
//   call=rename path=/tmp/lake delay_ms=N                                   the call comes so much later
//   clock_s=N                                                               CLOCK_REALTIME is N seconds later (or earlier)
//
// Calls: open (ENOSPC: of a new file; EROFS: for writing), write, fdatasync, fsync, rename, link, unlink, mkdir, truncate. `path` is how the name
// begins, which is that of the open file for write, fdatasync, fsync and truncate. Counts begin anew whenever the file changes. For programs of one
// thread.

// open and open64 are two functions here.
#undef _FILE_OFFSET_BITS
#undef _FORTIFY_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

// Nothing of the C++ library: this is loaded before it.
namespace {

struct Rule {
    char calls[96];
    char path[256];
    int error;
    long after;
    long count; // -1: always
    long most;  // bytes; -1: all
    long delay_ms;
    long seen;
};

constexpr int max_rules = 16;
Rule rules[max_rules];
int rule_count = 0;
long clock_seconds = 0;
char text[4096];
long text_size = -1;

struct Name {
    const char* name;
    int value;
};
constexpr Name errors[] = {{"ENOSPC", ENOSPC}, {"EIO", EIO}, {"EROFS", EROFS}, {"EDQUOT", EDQUOT}, {"EINTR", EINTR}};

int error_of(const char* name) {
    for (const Name& each : errors) {
        if (std::strcmp(each.name, name) == 0) {
            return each.value;
        }
    }
    std::fprintf(stderr, "faulty_disk: unknown errno %s\n", name);
    std::abort();
}

bool take(const char* word, const char* key, const char*& value) {
    const std::size_t size = std::strlen(key);
    if (std::strncmp(word, key, size) != 0) {
        return false;
    }
    value = word + size;
    return true;
}

void parse_word(Rule& rule, const char* word) {
    const char* value = nullptr;
    if (take(word, "call=", value)) {
        std::snprintf(rule.calls, sizeof rule.calls, ",%s,", value);
    } else if (take(word, "path=", value)) {
        std::snprintf(rule.path, sizeof rule.path, "%s", value);
    } else if (take(word, "errno=", value)) {
        rule.error = error_of(value);
    } else if (take(word, "after=", value)) {
        rule.after = std::atol(value);
    } else if (take(word, "count=", value)) {
        rule.count = std::atol(value);
    } else if (take(word, "short=", value)) {
        rule.most = std::atol(value);
    } else if (take(word, "delay_ms=", value)) {
        rule.delay_ms = std::atol(value);
    } else if (take(word, "clock_s=", value)) {
        clock_seconds = std::atol(value);
    } else {
        std::fprintf(stderr, "faulty_disk: unknown word %s\n", word);
        std::abort();
    }
}

void parse() {
    rule_count = 0;
    clock_seconds = 0;
    char copy[sizeof text];
    std::memcpy(copy, text, sizeof text);
    char* rest_of_lines = nullptr;
    for (char* line = ::strtok_r(copy, "\n", &rest_of_lines); line != nullptr && rule_count < max_rules;
         line = ::strtok_r(nullptr, "\n", &rest_of_lines)) {
        Rule& rule = rules[rule_count];
        rule = {{}, {}, 0, 0, -1, -1, 0, 0};
        char* rest = nullptr;
        for (char* word = ::strtok_r(line, " ", &rest); word != nullptr; word = ::strtok_r(nullptr, " ", &rest)) {
            parse_word(rule, word);
        }
        if (rule.calls[0] != '\0') {
            ++rule_count;
        }
    }
}

/// By system calls of its own: nothing here may come back into this file.
void refresh() {
    const int kept = errno;
    const char* file = std::getenv("FAULTY_DISK");
    const long fd = file == nullptr ? -1 : ::syscall(SYS_openat, AT_FDCWD, file, O_RDONLY | O_CLOEXEC);
    char fresh[sizeof text] = {};
    long size = 0;
    if (fd >= 0) {
        size = ::syscall(SYS_read, fd, fresh, sizeof fresh - 1);
        ::syscall(SYS_close, fd);
    }
    if (size != text_size || std::memcmp(fresh, text, sizeof text) != 0) {
        std::memcpy(text, fresh, sizeof text);
        text_size = size;
        parse();
    }
    errno = kept;
}

enum class Verdict { pass, fail };

/// Whether the call goes on; errno is set when not. `most`: bytes that it may write.
Verdict judge(const char* call, const char* path, int flags = 0, bool exists = true, std::size_t* most = nullptr) {
    refresh();
    char wanted[32];
    std::snprintf(wanted, sizeof wanted, ",%s,", call);
    for (int i = 0; i < rule_count; ++i) {
        Rule& rule = rules[i];
        if (std::strstr(rule.calls, wanted) == nullptr || std::strncmp(path, rule.path, std::strlen(rule.path)) != 0) {
            continue;
        }
        const bool writes = (flags & O_ACCMODE) != O_RDONLY;
        if (std::strcmp(call, "open") == 0 &&
            ((rule.error == EROFS && !writes) || (rule.error == ENOSPC && (exists || (flags & O_CREAT) == 0)))) {
            continue;
        }
        ++rule.seen;
        if (rule.seen <= rule.after || (rule.count >= 0 && rule.seen > rule.after + rule.count)) {
            continue;
        }
        if (rule.delay_ms > 0) {
            const timespec time{rule.delay_ms / 1000, rule.delay_ms % 1000 * 1'000'000};
            ::syscall(SYS_nanosleep, &time, nullptr);
        }
        if (rule.most >= 0 && most != nullptr && *most > static_cast<std::size_t>(rule.most)) {
            *most = static_cast<std::size_t>(rule.most);
        }
        if (rule.error != 0) {
            errno = rule.error;
            return Verdict::fail;
        }
    }
    return Verdict::pass;
}

struct Path {
    char name[512] = {};
};

Path path_of(int fd) {
    Path path;
    char link[32];
    std::snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    const long size = ::syscall(SYS_readlinkat, AT_FDCWD, link, path.name, sizeof path.name - 1);
    path.name[size > 0 ? size : 0] = '\0';
    return path;
}

/// As judge() needs it: a name below an open folder with that folder's.
Path path_at(int folder, const char* name) {
    Path path;
    if (folder == AT_FDCWD || name[0] == '/') {
        std::snprintf(path.name, sizeof path.name, "%s", name);
    } else {
        path = path_of(folder);
        const std::size_t size = std::strlen(path.name);
        std::snprintf(path.name + size, sizeof path.name - size, "/%s", name);
    }
    return path;
}

template <typename Call> Call next(Call, const char* name) { return reinterpret_cast<Call>(::dlsym(RTLD_NEXT, name)); }

bool exists(const char* path) {
    struct stat status {};
    return ::syscall(SYS_newfstatat, AT_FDCWD, path, &status, 0) == 0;
}

int open_at(int folder, const char* name, int flags, mode_t mode) {
    const Path path = path_at(folder, name);
    if (judge("open", path.name, flags, exists(path.name)) == Verdict::fail) {
        return -1;
    }
    return static_cast<int>(::syscall(SYS_openat, folder, name, flags, mode));
}

mode_t mode_of(int flags, va_list arguments) {
    return (flags & (O_CREAT | O_TMPFILE)) != 0 ? static_cast<mode_t>(va_arg(arguments, int)) : 0;
}

} // namespace

#define ORIGINAL(name) static const auto original = next(&::name, #name)

extern "C" {

int open(const char* name, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    const mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    return open_at(AT_FDCWD, name, flags, mode);
}
int open64(const char* name, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    const mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    return open_at(AT_FDCWD, name, flags, mode);
}
int openat(int folder, const char* name, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    const mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    return open_at(folder, name, flags, mode);
}
int openat64(int folder, const char* name, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    const mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    return open_at(folder, name, flags, mode);
}

ssize_t write(int fd, const void* bytes, size_t size) {
    if (judge("write", path_of(fd).name, 0, true, &size) == Verdict::fail) {
        return -1;
    }
    return ::syscall(SYS_write, fd, bytes, size);
}
ssize_t pwrite(int fd, const void* bytes, size_t size, off_t at) {
    if (judge("write", path_of(fd).name, 0, true, &size) == Verdict::fail) {
        return -1;
    }
    return ::syscall(SYS_pwrite64, fd, bytes, size, at);
}
ssize_t pwrite64(int fd, const void* bytes, size_t size, off64_t at) { return pwrite(fd, bytes, size, at); }
ssize_t writev(int fd, const iovec* parts, int count) {
    size_t most = SIZE_MAX;
    if (judge("write", path_of(fd).name, 0, true, &most) == Verdict::fail) {
        return -1;
    }
    if (most != SIZE_MAX && count > 0) {
        return ::syscall(SYS_write, fd, parts[0].iov_base, parts[0].iov_len < most ? parts[0].iov_len : most);
    }
    return ::syscall(SYS_writev, fd, parts, count);
}
int ftruncate(int fd, off_t size) noexcept {
    return judge("truncate", path_of(fd).name) == Verdict::fail ? -1
                                                                : static_cast<int>(::syscall(SYS_ftruncate, fd, size));
}
int ftruncate64(int fd, off64_t size) noexcept { return ftruncate(fd, size); }
int fdatasync(int fd) {
    return judge("fdatasync", path_of(fd).name) == Verdict::fail ? -1 : static_cast<int>(::syscall(SYS_fdatasync, fd));
}
int fsync(int fd) {
    return judge("fsync", path_of(fd).name) == Verdict::fail ? -1 : static_cast<int>(::syscall(SYS_fsync, fd));
}

int rename(const char* from, const char* to) noexcept {
    return judge("rename", to) == Verdict::fail
               ? -1
               : static_cast<int>(::syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0));
}
int renameat(int from_folder, const char* from, int to_folder, const char* to) noexcept {
    return judge("rename", path_at(to_folder, to).name) == Verdict::fail
               ? -1
               : static_cast<int>(::syscall(SYS_renameat2, from_folder, from, to_folder, to, 0));
}
int renameat2(int from_folder, const char* from, int to_folder, const char* to, unsigned flags) noexcept {
    return judge("rename", path_at(to_folder, to).name) == Verdict::fail
               ? -1
               : static_cast<int>(::syscall(SYS_renameat2, from_folder, from, to_folder, to, flags));
}
int link(const char* from, const char* to) noexcept {
    return judge("link", to) == Verdict::fail
               ? -1
               : static_cast<int>(::syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0));
}
int linkat(int from_folder, const char* from, int to_folder, const char* to, int flags) noexcept {
    return judge("link", path_at(to_folder, to).name) == Verdict::fail
               ? -1
               : static_cast<int>(::syscall(SYS_linkat, from_folder, from, to_folder, to, flags));
}
int unlink(const char* name) noexcept {
    return judge("unlink", name) == Verdict::fail ? -1 : static_cast<int>(::syscall(SYS_unlinkat, AT_FDCWD, name, 0));
}
int unlinkat(int folder, const char* name, int flags) noexcept {
    return judge("unlink", path_at(folder, name).name) == Verdict::fail
               ? -1
               : static_cast<int>(::syscall(SYS_unlinkat, folder, name, flags));
}
int mkdir(const char* name, mode_t mode) noexcept {
    return judge("mkdir", name) == Verdict::fail ? -1 : static_cast<int>(::syscall(SYS_mkdirat, AT_FDCWD, name, mode));
}
int mkdirat(int folder, const char* name, mode_t mode) noexcept {
    return judge("mkdir", path_at(folder, name).name) == Verdict::fail
               ? -1
               : static_cast<int>(::syscall(SYS_mkdirat, folder, name, mode));
}

int clock_gettime(clockid_t clock, timespec* time) noexcept {
    ORIGINAL(clock_gettime);
    const int result = original(clock, time);
    if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
        refresh();
        time->tv_sec += clock_seconds;
    }
    return result;
}
time_t time(time_t* out) noexcept {
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    if (out != nullptr) {
        *out = now.tv_sec;
    }
    return now.tv_sec;
}
int gettimeofday(timeval* out, void* /*zone*/) noexcept {
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    out->tv_sec = now.tv_sec;
    out->tv_usec = now.tv_nsec / 1000;
    return 0;
}
}
