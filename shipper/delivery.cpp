// SPDX-License-Identifier: Apache-2.0
#include "shipper/delivery.h"

#include "base/file.h"
#include "base/hex.h"
#include "wire/segment.h"

#include <unistd.h>

#include <algorithm>

namespace candor::shipper {
namespace {

constexpr std::chrono::seconds longest_pause{60};

/// SUBJECT/STREAM.candor or SUBJECT/GRANT.grant, as the file's first frame says.
std::expected<std::filesystem::path, Refusal> name_in_lake(std::span<const std::uint8_t> bytes,
                                                           std::string_view suffix) {
    const auto message =
        wire::SegmentReader(bytes).next(suffix == wire::grant_suffix ? wire::grant_magic : wire::segment_magic);
    if (!message) {
        return std::unexpected(message.error());
    }
    if (!*message) {
        return std::unexpected(
            Refusal{"byte " + std::to_string(wire::segment_magic.size()) + ": the file ends, expected a frame"});
    }
    const auto frame = wire::parse_frame(**message);
    if (!frame) {
        return std::unexpected(frame.error());
    }
    const auto name = [&](const wire::Id16& subject, const wire::Id16& id) {
        return std::filesystem::path(to_hex(subject)) / (to_hex(id) + std::string(suffix));
    };
    if (const auto* open = std::get_if<wire::Open>(&frame->body)) {
        return name(open->subject, open->stream);
    }
    if (const auto* grant = std::get_if<wire::Grant>(&frame->body)) {
        return name(grant->subject, grant->id);
    }
    return std::unexpected(
        Refusal{"byte " + std::to_string(wire::segment_magic.size()) + ": expected an Open or a Grant"});
}

} // namespace

Delivery::Delivery(EventLoop& loop, Spool& spool, Sink& sink, Spool::Log log)
    : spool_(spool), sink_(sink), log_(std::move(log)), timer_(loop.add_timer([this] { run(); })) {}

void Delivery::run() {
    timer_.disarm();
    for (const auto& file : spool_.finished()) {
        if (!deliver(file)) {
            timer_.arm(pause_);
            pause_ = std::min(pause_ * 2, longest_pause);
            return;
        }
    }
    pause_ = std::chrono::seconds(1);
    last_problem_.clear();
}

bool Delivery::deliver(const std::filesystem::path& file) {
    const auto bytes = read_file(file, wire::max_segment_bytes);
    if (!bytes) {
        log_(bytes.error().message);
        return false;
    }
    const auto name = name_in_lake(*bytes, file.extension().string());
    if (!name) {
        log_(file.string() + ": " + name.error().message + "; it is set aside");
        spool_.set_aside(file);
        return true;
    }
    if (const auto stored = sink_.store(*name, *bytes); !stored) {
        if (stored.error().message != last_problem_) {
            last_problem_ = stored.error().message;
            log_("cannot deliver " + file.filename().string() + ", kept and tried again: " + last_problem_);
        }
        return false;
    }
    if (::unlink(file.c_str()) < 0) {
        throw_errno("remove " + file.string());
    }
    return true;
}

} // namespace candor::shipper
