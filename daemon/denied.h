// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace candor::daemon {

/// An answer to a request that is not a yes; the errors of proto/org.candor.Capture1.xml.
enum class Denial : std::uint8_t {
    not_authorized,
    policy_changed,
    policy_refused,
    invalid_argument,
    limit_reached,
    not_registered,
    failed,
};
struct Denied {
    Denial kind;
    std::string message;
};

} // namespace candor::daemon
