// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "input/event_mask.h"
#include "input/packet.h"
#include "privacy/level.h"

namespace candor::privacy {

/// What the kernel must deliver of such a device at this level; the rest is masked (EVIOCSMASK) and never read. EV_LED's
/// LED_SCROLLL of keyboards is always among it, because it is candord's own light, and so is EV_KEY, where the chord that
/// pauses comes from. ABS_MT_…, raw multi-touch, which some mice have too, is never among it. For touch devices everything libinput
/// needs: they are masked by not being opened (opens()).
[[nodiscard]] input::EventMask kernel_mask(Level level, input::DeviceClass device_class);

/// Whether a level has any use for such a device at all.
[[nodiscard]] bool opens(Level level, input::DeviceClass device_class) noexcept;

} // namespace candor::privacy
