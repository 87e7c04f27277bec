// SPDX-License-Identifier: Apache-2.0
#include "daemon/ring.h"

#include <stdexcept>

namespace candor::daemon {

Ring::Ring(std::size_t bound) : bound_(bound) {
    if (bound <= control_reserve) {
        throw std::invalid_argument("a ring of " + std::to_string(bound) + " bytes holds no batch");
    }
}

void Ring::push(Entry entry) {
    if (entry.kind == Kind::frame) {
        end_ = {entry.stream, entry.sequence + 1};
    } else if (entry.kind == Kind::close) {
        end_ = {};
    }
    used_ += entry.message.size();
    entries_.push_back(std::move(entry));
}

Ring::Position Ring::position() const {
    for (std::size_t i = sent_; i < entries_.size(); ++i) {
        if (entries_[i].kind != Kind::grant) {
            return {entries_[i].stream, entries_[i].sequence};
        }
    }
    return end_;
}

bool Ring::acknowledge(const wire::Ack& ack) {
    std::size_t count = 0;
    while (count < sent_ && (entries_[count].stream != ack.stream || entries_[count].sequence != ack.sequence)) {
        ++count;
    }
    if (count == sent_) {
        return false;
    }
    for (std::size_t i = 0; i <= count; ++i) {
        used_ -= entries_.front().message.size();
        entries_.pop_front();
    }
    sent_ -= count + 1;
    if (entries_.empty()) {
        // A deque keeps its last blocks; an idle daemon gives them back.
        std::deque<Entry>().swap(entries_);
    }
    return true;
}

} // namespace candor::daemon
