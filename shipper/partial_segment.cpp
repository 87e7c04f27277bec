// SPDX-License-Identifier: Apache-2.0
#include "shipper/partial_segment.h"

#include "base/file.h"
#include "wire/segment.h"

#include <fcntl.h>

#include <stdexcept>

namespace candor::shipper {

PartialSegment PartialSegment::create(const std::filesystem::path& path) {
    UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0640));
    if (!fd) {
        throw_errno("create " + path.string());
    }
    PartialSegment segment(path, std::move(fd));
    write_fully(segment.fd_.get(), as_bytes(wire::segment_magic));
    segment.bytes_ = wire::segment_magic.size();
    return segment;
}

PartialSegment::Recovered PartialSegment::recover(const std::filesystem::path& path) {
    const auto bytes = read_file(path, wire::max_segment_bytes);
    UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOFOLLOW));
    if (!bytes) {
        throw std::system_error(std::make_error_code(std::errc::io_error), bytes.error().message);
    }
    if (!fd) {
        throw_errno("open " + path.string());
    }
    Recovered result{PartialSegment(path, std::move(fd)), {}, std::nullopt};
    PartialSegment& segment = result.segment;
    // Written by a process that may have died before it synced: whatever is acknowledged of it from now on must be durable.
    segment.dirty_ = true;
    wire::SegmentReader reader(*bytes);
    for (;;) {
        const auto message = reader.next();
        if (!message) {
            result.problem = message.error().message;
            break;
        }
        if (!*message) {
            break;
        }
        if (const auto checked = segment.check(**message); !checked) {
            result.problem = "byte " + std::to_string(segment.bytes_) + ": " + checked.error().message;
            break;
        }
        segment.bytes_ = reader.offset();
    }
    result.tail.assign(bytes->begin() + static_cast<std::ptrdiff_t>(segment.bytes_), bytes->end());
    if (::lseek(segment.fd_.get(), static_cast<off_t>(segment.bytes_), SEEK_SET) < 0) {
        throw_errno("seek in " + path.string());
    }
    return result;
}

std::expected<void, Refusal> PartialSegment::check(std::span<const std::uint8_t> message) {
    if (const auto item = opener_.next(message); !item) {
        return std::unexpected(item.error());
    }
    ++next_sequence_;
    return {};
}

std::expected<void, Refusal> PartialSegment::append(std::span<const std::uint8_t> message) {
    if (auto checked = check(message); !checked) {
        return checked;
    }
    const auto record = wire::encode_record(message, next_sequence_ - 1);
    write_fully(fd_.get(), record);
    bytes_ += record.size();
    dirty_ = true;
    return {};
}

void PartialSegment::sync() {
    if (dirty_ && ::fdatasync(fd_.get()) < 0) {
        throw_errno("sync " + path_.string());
    }
    dirty_ = false;
}

void PartialSegment::cut_tail() {
    if (::ftruncate(fd_.get(), static_cast<off_t>(bytes_)) < 0 || ::fsync(fd_.get()) < 0) {
        throw_errno("cut " + path_.string());
    }
}

} // namespace candor::shipper
