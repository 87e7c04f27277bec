// SPDX-License-Identifier: Apache-2.0
#include "daemon/spool_view.h"

#include "wire/objects.h"
#include "wire/segment.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace candor::daemon {
namespace {

namespace fs = std::filesystem;

/// The magic and an Open's record are shorter.
constexpr std::size_t head_bytes = 2048;

} // namespace

SpoolView::SpoolView(fs::path directory, uid_t owner, const wire::PublicKey& identity)
    : directory_(std::move(directory)), owner_(owner), identity_(identity) {}

std::expected<UniqueFd, Refusal> SpoolView::open_file(const fs::path& file) const {
    const auto refuse = [&](const std::string& why) { return std::unexpected(Refusal{file.string() + ": " + why}); };
    UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
    struct stat status {};
    if (!fd || ::fstat(fd.get(), &status) < 0) {
        return refuse(std::strerror(errno));
    }
    if (!S_ISREG(status.st_mode) || status.st_uid != owner_ || status.st_nlink != 1) {
        return refuse("expected a file of the shipper's own");
    }
    return fd;
}

std::expected<SpoolView::Stream, Refusal> SpoolView::look_at(const fs::path& file) const {
    const auto refuse = [&](const std::string& why) { return std::unexpected(Refusal{file.string() + ": " + why}); };
    const auto fd = open_file(file);
    if (!fd) {
        return std::unexpected(fd.error());
    }
    struct stat status {};
    std::array<std::uint8_t, head_bytes> head;
    const ssize_t n = ::read(fd->get(), head.data(), head.size());
    if (n < 0 || ::fstat(fd->get(), &status) < 0) {
        return refuse(std::strerror(errno));
    }
    const auto message = wire::SegmentReader(std::span(head).first(static_cast<std::size_t>(n))).next();
    if (!message || !*message) {
        return refuse(message ? "no frame in it" : message.error().message);
    }
    const auto open = wire::check_open(**message);
    if (!open) {
        return refuse(open.error().message);
    }
    if (open->identity != identity_) {
        return refuse("signed by another device");
    }
    return Stream{*open,
                  open->anchor.realtime_ns / 1'000'000'000,
                  std::max<std::int64_t>(status.st_mtim.tv_sec, open->anchor.realtime_ns / 1'000'000'000),
                  static_cast<std::uint64_t>(status.st_size),
                  file.extension() == wire::segment_suffix,
                  file};
}

std::expected<std::vector<SpoolView::Stream>, Refusal> SpoolView::list() const {
    std::vector<Stream> streams;
    std::error_code error;
    for (auto at = fs::directory_iterator(directory_, error); !error && at != fs::directory_iterator();
         at.increment(error)) {
        const auto suffix = at->path().extension();
        if (suffix == wire::segment_suffix || suffix == wire::part_suffix) {
            // One that has just been shipped, or begun, or is no segment, is not the person's to see here.
            if (auto stream = look_at(at->path())) {
                streams.push_back(std::move(*stream));
            }
        }
    }
    if (error) {
        return std::unexpected(Refusal{directory_.string() + ": " + error.message()});
    }
    std::ranges::sort(streams, {}, [](const Stream& stream) { return std::pair(stream.from, stream.open.number); });
    return streams;
}

std::expected<UniqueFd, Refusal> SpoolView::open(const Stream& stream) const { return open_file(stream.file); }

} // namespace candor::daemon
