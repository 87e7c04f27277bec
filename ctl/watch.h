// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "client.h"

#include <memory>
#include <utility>

namespace candor::ctl {

/// Tells when candord comes to the bus. A connection of its own, so that nothing else waits in its queue.
class Watch {
public:
    [[nodiscard]] static Answer<Watch> open();

    /// Readable when came() has something to do; -1 once the bus is gone.
    [[nodiscard]] int fd() const;
    /// Whether candord has come since this was last asked.
    [[nodiscard]] bool came();

private:
    Watch(Bus bus, std::unique_ptr<bool> flag) : came_(std::move(flag)), bus_(std::move(bus)) {}

    std::unique_ptr<bool> came_; ///< the match's; dies after the bus
    Bus bus_;
};

} // namespace candor::ctl
