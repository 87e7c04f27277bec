// SPDX-License-Identifier: Apache-2.0
#include "input/packet_assembler.h"

#include <linux/input-event-codes.h>

namespace candor::input {

bool is_kernel_event(std::uint16_t type, std::uint16_t code) noexcept {
    switch (type) {
    case EV_SYN:
        return code <= SYN_MAX;
    case EV_KEY:
        return code <= KEY_MAX;
    case EV_REL:
        return code <= REL_MAX;
    case EV_ABS:
        return code <= ABS_MAX;
    case EV_MSC:
        return code <= MSC_MAX;
    case EV_SW:
        return code <= SW_MAX;
    case EV_LED:
        return code <= LED_MAX;
    case EV_SND:
        return code <= SND_MAX;
    case EV_REP:
        return code <= REP_MAX;
    case EV_FF:
    case EV_PWR:
    case EV_FF_STATUS:
        return code <= 0x7f;
    default:
        return false;
    }
}

void PacketAssembler::reset() noexcept {
    count_ = 0;
    lost_ = 0;
    state_ = State::collecting;
}

PacketAssembler::Result PacketAssembler::feed(Event event) noexcept {
    if (!is_kernel_event(event.type, event.code)) {
        return Result::garbage;
    }
    if (state_ == State::complete) {
        reset();
    }
    const bool report = event.type == EV_SYN && event.code == SYN_REPORT;
    if (event.type == EV_SYN && event.code == SYN_DROPPED) {
        count_ = 0;
        lost_ = 0;
        state_ = State::dropped;
        return Result::incomplete;
    }
    switch (state_) {
    case State::dropped:
        if (report) {
            state_ = State::complete;
            count_ = 0;
            return Result::resync;
        }
        return Result::incomplete;
    case State::overlong:
        ++lost_;
        if (report) {
            state_ = State::complete;
            count_ = 0;
            return Result::damaged;
        }
        return Result::incomplete;
    default:
        break;
    }
    if (count_ == max_events) {
        state_ = State::overlong;
        lost_ = count_ + 1;
        if (report) {
            state_ = State::complete;
            count_ = 0;
            return Result::damaged;
        }
        return Result::incomplete;
    }
    events_[count_++] = event;
    if (report) {
        state_ = State::complete;
        return Result::packet;
    }
    return Result::incomplete;
}

} // namespace candor::input
