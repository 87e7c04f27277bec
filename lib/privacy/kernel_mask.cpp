// SPDX-License-Identifier: Apache-2.0
#include "privacy/kernel_mask.h"

#include "input/eligibility.h"

#include <initializer_list>

namespace candor::privacy {
namespace {

using input::DeviceClass;
using input::EventMask;

void only(EventMask& mask, std::uint16_t type, std::initializer_list<std::uint16_t> codes) {
    mask.types.set(type);
    auto& allowed = mask.codes[type];
    for (const std::uint16_t code : codes) {
        allowed.set(code);
    }
}

/// Where each finger lies is biometric, and some mice tell it. On touch devices libinput keeps it to itself.
void without_fingers(EventMask& mask) {
    mask.types.set(EV_ABS);
    auto& allowed = mask.codes[EV_ABS];
    allowed.set();
    for (std::size_t code = ABS_MT_SLOT; code <= ABS_MT_TOOL_Y; ++code) {
        allowed.reset(code);
    }
}

/// What programs tell a device to do and what comes back of it: sound, repeat rate, force feedback. Nobody's input.
EventMask full() {
    EventMask mask = EventMask::all();
    for (const int type : {EV_SND, EV_REP, EV_FF, EV_FF_STATUS}) {
        mask.types.reset(static_cast<std::size_t>(type));
    }
    without_fingers(mask);
    return mask;
}

} // namespace

EventMask kernel_mask(Level level, DeviceClass device_class) {
    if (input::is_touch(device_class)) {
        return EventMask::all();
    }
    if (level == Level::full) {
        return full();
    }
    const bool keyboard = device_class == DeviceClass::keyboard;
    EventMask mask;
    // At every level all keys: a key's class, which is all that is kept of most, is worked out from its code here, and the
    // chord that pauses is among them. Scan codes, which give a key away as its code does, are EV_MSC and never come.
    mask.types.set(EV_KEY);
    if (keyboard) {
        only(mask, EV_LED, {LED_SCROLLL});
    }
    if (level == Level::rhythm) {
        return mask;
    }
    if (level == Level::counts) {
        only(mask, EV_REL, {REL_X, REL_Y, REL_WHEEL, REL_HWHEEL, REL_WHEEL_HI_RES, REL_HWHEEL_HI_RES});
        if (!keyboard) {
            only(mask, EV_ABS, {ABS_X, ABS_Y});
        }
        return mask;
    }
    mask.types.set(EV_REL);
    // Mice of virtual machines point with it. Of keyboards it is a volume wheel or a knob.
    if (!keyboard) {
        without_fingers(mask);
    }
    return mask;
}

bool opens(Level level, DeviceClass device_class) noexcept {
    return level != Level::rhythm || device_class == DeviceClass::keyboard;
}

} // namespace candor::privacy
