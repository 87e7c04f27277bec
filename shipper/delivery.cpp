// SPDX-License-Identifier: Apache-2.0
#include "shipper/delivery.h"

#include "base/file.h"
#include "base/hex.h"
#include "shipper/backoff.h"
#include "wire/segment.h"

#include <sys/stat.h>

#include <algorithm>
#include <utility>

namespace candor::shipper {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds longest_pause{60};
/// How often receipts are looked for while some are awaited.
constexpr std::chrono::seconds receipt_interval{60};

} // namespace

Delivery::Delivery(EventLoop& loop, Spool& spool, Sink& sink, Settings settings, Callbacks callbacks)
    : spool_(spool), sink_(sink), settings_(settings), callbacks_(std::move(callbacks)), pause_(settings_.first_pause),
      // Nothing here is urgent to the second: wake-ups are joined.
      timer_(loop.add_timer([this] { run(); }, std::chrono::milliseconds(500))) {}

void Delivery::count() {
    const Figures before = figures_;
    figures_.waiting = 0;
    figures_.oldest = 0;
    std::map<std::string, bool> there;
    for (const fs::path& file : files_with(spool_.directory(), {wire::segment_suffix})) {
        there.emplace(file.filename().string(), true);
        ++figures_.waiting;
        struct stat status {};
        if (::stat(file.c_str(), &status) == 0 && (figures_.oldest == 0 || status.st_mtim.tv_sec < figures_.oldest)) {
            figures_.oldest = status.st_mtim.tv_sec;
        }
    }
    spool_.waiting().forget_others(there);
    if (figures_ != before) {
        callbacks_.changed();
    }
}

std::optional<Delivery::Item> Delivery::item_of(const fs::path& file) {
    auto bytes = read_file(file, wire::max_segment_bytes);
    const std::string suffix = file.extension().string();
    const auto head = bytes ? read_head(*bytes, suffix) : std::unexpected(bytes.error());
    if (!head) {
        callbacks_.log(file.string() + ": " + head.error().message + "; it is set aside");
        spool_.set_aside(file);
        ++figures_.set_aside;
        return std::nullopt;
    }
    if (suffix == wire::segment_suffix) {
        const auto waited = spool_.waiting().of(file);
        if (waited > settings_.most_age) {
            callbacks_.log(file.filename().string() +
                           " is older than the spool keeps anything: given up, which is declared");
            spool_.expire(file, *bytes);
            ++figures_.expired;
            again_ = true;
            return std::nullopt;
        }
        if (waited < head->embargo) {
            until_due_ = std::min(until_due_.value_or(head->embargo), head->embargo - waited);
            return std::nullopt;
        }
        // Its grant first, once: then the sink has it.
        const fs::path grant = spool_.directory() / (to_hex(head->grant) + std::string(wire::grant_suffix));
        std::error_code ignored;
        if (fs::exists(grant, ignored)) {
            return item_of(grant);
        }
    }
    if (suffix == wire::note_suffix) {
        fs::path segment = file;
        std::error_code ignored;
        if (fs::exists(segment.replace_extension(wire::segment_suffix), ignored)) {
            return std::nullopt;
        }
    }
    return Item{file, head->name_in_lake(suffix), std::move(*bytes)};
}

std::optional<Delivery::Item> Delivery::next() {
    until_due_.reset();
    for (const fs::path& file : spool_.finished()) {
        if (auto item = item_of(file)) {
            return item;
        }
    }
    return std::nullopt;
}

void Delivery::run() {
    if (busy_ || running_) {
        again_ = true;
        return;
    }
    running_ = true;
    timer_.disarm();
    guarded([this] {
        do {
            again_ = false;
            if (auto item = next()) {
                busy_ = true;
                deliver(std::move(*item));
            } else {
                problem_.clear();
                pause_ = settings_.first_pause;
            }
        } while (again_ && !busy_);
        count();
        if (!busy_ && problem_.empty()) {
            look_for_receipts();
            arm();
        }
    });
    running_ = false;
    callbacks_.changed();
}

template <typename Body> void Delivery::guarded(Body&& body) {
    try {
        body();
    } catch (const std::system_error& error) {
        // The spool's own disk: what is there stays, and is tried again.
        problem_ = error.what();
        wait(pause_);
    }
}

void Delivery::arm() {
    std::optional<std::chrono::seconds> pause = until_due_;
    if (!spool_.awaited().empty()) {
        pause = std::min(pause.value_or(receipt_interval), receipt_interval);
    }
    if (pause) {
        timer_.arm(*pause + std::chrono::seconds(1));
    }
}

void Delivery::deliver(Item item) {
    const auto shared = std::make_shared<Item>(std::move(item));
    sink_.store(shared->name, shared->bytes, [this, shared](const std::expected<Sink::Stored, Refusal>& stored) {
        busy_ = false;
        guarded([&] { delivered(*shared, stored); });
        // The next one: from the round that this one belongs to, or from a new one, when the sink has answered later.
        if (again_ && !running_) {
            run();
        }
    });
}

void Delivery::delivered(const Item& item, const std::expected<Sink::Stored, Refusal>& stored) {
    if (!stored) {
        ++figures_.errors;
        if (problem_ != stored.error().message) {
            problem_ = stored.error().message;
            callbacks_.log("cannot deliver " + item.file.filename().string() + ", kept and tried again: " + problem_);
        }
        wait(pause_);
        return;
    }
    problem_.clear();
    pause_ = settings_.first_pause;
    const std::string suffix = item.file.extension().string();
    if (*stored == Sink::Stored::conflict) {
        callbacks_.log(item.file.string() + ": something else is in the lake as " + item.name.string() +
                       "; it is set aside, and the lake left as it is");
        spool_.set_aside(item.file);
        ++figures_.set_aside;
    } else if (suffix == wire::tombstone_suffix) {
        spool_.sent(item.file);
        receipts_looked_ = std::chrono::seconds(-3600);
    } else {
        spool_.remove(item.file);
        figures_.delivered += suffix == wire::segment_suffix ? 1 : 0;
    }
    again_ = true;
}

void Delivery::wait(std::chrono::microseconds pause) {
    timer_.arm(with_jitter(pause));
    pause_ = std::min<std::chrono::microseconds>(pause_ * 2, longest_pause);
}

void Delivery::look_for_receipts() {
    const auto now = settings_.clock().boottime;
    const auto awaited = spool_.awaited();
    if (awaited.empty() || now - receipts_looked_ < receipt_interval) {
        return;
    }
    receipts_looked_ = now;
    sink_.look_for_receipts(awaited, [this](const wire::Id16& tombstone, const std::vector<std::uint8_t>& message) {
        if (callbacks_.receipt(message)) {
            spool_.received(tombstone);
        } else {
            receipts_looked_ = std::chrono::seconds(-3600);
        }
    });
}

} // namespace candor::shipper
