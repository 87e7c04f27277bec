// SPDX-License-Identifier: Apache-2.0
#include "own_stream.h"

#include "base/hex.h"
#include "wire/segment.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <expected>
#include <span>
#include <utility>
#include <vector>

namespace candor::ctl {
namespace {

using Bytes = std::vector<std::uint8_t>;

/// Up to the end of the file, or until `into` is full; how many.
std::expected<std::size_t, std::string> read_at_start(int fd, std::span<std::uint8_t> into) {
    std::size_t done = 0;
    while (done < into.size()) {
        const ssize_t n = ::pread(fd, into.data() + done, into.size() - done, static_cast<off_t>(done));
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return std::unexpected(std::string("cannot be read: ") + std::strerror(errno));
        }
        if (n == 0) {
            break;
        }
        done += static_cast<std::size_t>(n);
    }
    return done;
}

std::expected<std::size_t, std::string> size_of(int fd) {
    struct stat status {};
    if (::fstat(fd, &status) < 0) {
        return std::unexpected(std::string("cannot be read: ") + std::strerror(errno));
    }
    if (!S_ISREG(status.st_mode)) {
        return std::unexpected("is no regular file");
    }
    if (status.st_size > static_cast<off_t>(wire::max_segment_bytes)) {
        return std::unexpected("is " + std::to_string(status.st_size) + " bytes, expected " +
                               std::to_string(wire::max_segment_bytes) + " at most");
    }
    return static_cast<std::size_t>(status.st_size);
}

/// Read, not mapped: whoever owns the file may cut it short at any time, and a mapping would die of that. A stream that is being
/// recorded grows meanwhile, so what was read must be as long as the file is then: else it may end within a record.
std::expected<Bytes, std::string> read_segment(int fd) {
    constexpr int attempts = 5;
    Bytes bytes;
    for (int i = 0; i < attempts; ++i) {
        const auto size = size_of(fd);
        if (!size) {
            return std::unexpected(size.error());
        }
        bytes.resize(*size);
        const auto got = read_at_start(fd, bytes);
        if (!got) {
            return std::unexpected(got.error());
        }
        bytes.resize(*got);
        if (size_of(fd).value_or(0) == bytes.size()) {
            break;
        }
    }
    return bytes;
}

std::expected<wire::SymmetricKey, std::string> read_key(int fd) {
    wire::SymmetricKey key;
    const auto size = size_of(fd);
    const auto got = size ? read_at_start(fd, key.bytes()) : size;
    if (!got || *size != key.bytes().size() || *got != key.bytes().size()) {
        return std::unexpected("the key that candord gave is none");
    }
    return key;
}

} // namespace

StreamResult read_own_stream(const OpenedStream& stream, const wire::PublicKey& identity,
                             const std::function<void(const wire::StreamOpener::Item&)>& handle) {
    StreamResult result;
    auto key = read_key(stream.key.get());
    const auto bytes = read_segment(stream.segment.get());
    if (!key || !bytes) {
        result.problem = !key ? key.error() : "the file " + bytes.error();
        return result;
    }
    result.bytes = bytes->size();
    wire::SegmentReader reader(*bytes);
    auto opener = wire::StreamOpener::with_stream_key(std::move(*key));
    const auto refuse = [&](std::size_t offset, const std::string& problem) {
        result.offset = offset;
        result.problem = "byte " + std::to_string(offset) + ": " + problem;
        return result;
    };
    for (;;) {
        const std::size_t begin = std::max(reader.offset(), wire::segment_magic.size());
        const auto message = reader.next();
        if (!message) {
            result.offset = reader.offset();
            result.problem = message.error().message; // names the byte
            return result;
        }
        if (!*message) {
            break;
        }
        const auto item = opener.next(**message);
        if (!item) {
            return refuse(begin, item.error().message);
        }
        if (const auto* open = std::get_if<wire::Open>(&item->frame.body)) {
            if (to_hex(open->stream) != stream.id) {
                return refuse(begin, "open.stream: another stream, " + to_hex(open->stream));
            }
            // The opener has checked that this key has signed it.
            if (open->identity != identity) {
                return refuse(begin, "open.identity: of another device, " + to_hex(open->identity));
            }
            result.opened = true;
        }
        handle(*item);
    }
    result.closed = opener.close().has_value();
    return result.opened ? result : refuse(reader.offset(), "the file ends, expected an Open frame");
}

} // namespace candor::ctl
