// SPDX-License-Identifier: Apache-2.0
// scan_for_keys PID|FILE... -- CODE...: looks for these key codes in their order, wherever a program may keep them: six in a row, as
// 8, 16 or 32 bits, at any constant distance of up to 256 bytes from each other, each code once or twice (pressed and released); and six
// letters in a row of the text that they make on a US keyboard. Of a process, all readable memory that can be written. Prints
// "PLACE: OFFSET: …" for each find, ten of a place at most; exit status 0 when there was one, 1 when there was none, 2 when something could not be read.
#include <fcntl.h>
#include <linux/input-event-codes.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

namespace {

constexpr std::size_t in_a_row = 6;
constexpr std::size_t longest_distance = 256;
constexpr int most_finds = 10;

using Bytes = std::vector<std::uint8_t>;
using Codes = std::vector<std::uint16_t>;

/// On a US keyboard; 0 for a key without a letter.
char letter_of(std::uint16_t code) {
    constexpr const char* rows[] = {"qwertyuiop", "asdfghjkl", "zxcvbnm"};
    constexpr std::uint16_t first[] = {KEY_Q, KEY_A, KEY_Z};
    for (int row = 0; row < 3; ++row) {
        if (code >= first[row] && code < first[row] + std::strlen(rows[row])) {
            return rows[row][code - first[row]];
        }
    }
    return code == KEY_SPACE ? ' ' : '\0';
}

class Scan {
public:
    explicit Scan(const Codes& codes) {
        for (std::size_t at = 0; at + in_a_row <= codes.size(); ++at) {
            Codes once(codes.begin() + static_cast<std::ptrdiff_t>(at),
                       codes.begin() + static_cast<std::ptrdiff_t>(at + in_a_row));
            Codes twice;
            std::string text;
            for (const std::uint16_t code : once) {
                twice.insert(twice.end(), {code, code});
                text += letter_of(code);
            }
            texts_.push_back(text);
            rows_.push_back(std::move(once));
            rows_.push_back(std::move(twice));
        }
    }

    void search(const std::string& place, const Bytes& bytes, std::uint64_t base) {
        int finds = 0;
        const auto found = [&](std::size_t at, const std::string& what) {
            if (++finds <= most_finds) {
                std::printf("%s: %llx: %s\n", place.c_str(), static_cast<unsigned long long>(base + at), what.c_str());
            }
            any = true;
        };
        for (const std::string& text : texts_) {
            const auto at = std::search(bytes.begin(), bytes.end(), text.begin(), text.end());
            if (at != bytes.end()) {
                found(static_cast<std::size_t>(at - bytes.begin()), "as text");
            }
        }
        for (std::size_t at = 0; at < bytes.size(); ++at) {
            for (const Codes& row : rows_) {
                if (bytes[at] != row[0]) {
                    continue;
                }
                for (const std::size_t width : {1U, 2U, 4U}) {
                    for (std::size_t distance = width; distance <= longest_distance; distance += width) {
                        if (matches(bytes, at, row, width, distance)) {
                            found(at, std::to_string(8 * width) + " bits every " + std::to_string(distance) + " bytes");
                        }
                    }
                }
            }
        }
    }

    bool any = false;

private:
    static bool matches(const Bytes& bytes, std::size_t at, const Codes& row, std::size_t width, std::size_t distance) {
        for (std::size_t i = 0; i < row.size(); ++i, at += distance) {
            if (at + width > bytes.size() || bytes[at] != row[i]) {
                return false;
            }
            for (std::size_t zero = 1; zero < width; ++zero) {
                if (bytes[at + zero] != 0) {
                    return false;
                }
            }
        }
        return true;
    }

    std::vector<std::string> texts_;
    std::vector<Codes> rows_;
};

/// Region by region; pages that were never touched are not.
bool scan_process(Scan& scan, const std::string& pid) {
    const int memory = ::open(("/proc/" + pid + "/mem").c_str(), O_RDONLY | O_CLOEXEC);
    std::ifstream maps("/proc/" + pid + "/maps");
    if (memory < 0 || !maps) {
        std::fprintf(stderr, "%s: its memory cannot be read\n", pid.c_str());
        return false;
    }
    std::uint64_t scanned = 0;
    constexpr std::size_t piece = 1024 * 1024;
    for (std::string line; std::getline(maps, line);) {
        std::uint64_t begin = 0;
        std::uint64_t end = 0;
        char modes[5] = {};
        if (std::sscanf(line.c_str(), "%lx-%lx %4s", &begin, &end, modes) != 3 || modes[0] != 'r' || modes[1] != 'w') {
            continue;
        }
        for (std::uint64_t at = begin; at < end; at += piece) {
            // A little more than a piece, so that nothing is missed between two.
            const std::size_t size = std::min<std::uint64_t>(piece + 2 * in_a_row * longest_distance, end - at);
            Bytes bytes(size);
            const ssize_t n = ::pread(memory, bytes.data(), size, static_cast<off_t>(at));
            if (n <= 0 || std::ranges::all_of(bytes, [](std::uint8_t byte) { return byte == 0; })) {
                continue;
            }
            bytes.resize(static_cast<std::size_t>(n));
            scanned += bytes.size();
            scan.search("process " + pid, bytes, at);
        }
    }
    std::printf("process %s: %llu bytes scanned\n", pid.c_str(), static_cast<unsigned long long>(scanned));
    ::close(memory);
    return scanned > 0;
}

} // namespace

int main(int argc, char** argv) {
    const auto* const end = argv + argc;
    const auto* const dashes =
        std::find_if(argv + 1, argv + argc, [](const char* each) { return std::strcmp(each, "--") == 0; });
    Codes codes;
    for (const auto* each = dashes == end ? end : dashes + 1; each != end; ++each) {
        codes.push_back(static_cast<std::uint16_t>(std::atoi(*each)));
    }
    if (codes.size() < in_a_row) {
        std::fprintf(stderr, "expected PID|FILE... -- and %zu codes or more\n", in_a_row);
        return 2;
    }
    Scan scan(codes);
    bool read = true;
    for (auto* const* each = argv + 1; each != dashes; ++each) {
        const std::string place = *each;
        if (std::ranges::all_of(place, [](char c) { return c >= '0' && c <= '9'; })) {
            read = scan_process(scan, place) && read;
            continue;
        }
        std::ifstream file(place, std::ios::binary);
        read = file && read;
        scan.search(place, Bytes(std::istreambuf_iterator<char>(file), {}), 0);
    }
    return !read ? 2 : scan.any ? 0 : 1;
}
