// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "input/abstract_events.h"
#include "input/libinput_translator.h"
#include "input/names.h"

#include <linux/input-event-codes.h>

#include <string>

namespace candor::test {

/// "POINTER_DX=384 POINTER_DY=-64"
inline std::string told(input::LibinputTranslator::Events events) {
    std::string line;
    for (const input::Event& event : events) {
        line +=
            (line.empty() ? "" : " ") + input::code_name(event.type, event.code) + "=" + std::to_string(event.value);
    }
    return line;
}

} // namespace candor::test
