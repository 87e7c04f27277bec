// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "client.h"
#include "failure.h"

#include <iostream>
#include <type_traits>
#include <utility>

namespace candor::ctl {

/// Connects and passes the client on.
template <typename Body> Outcome with_client(Body&& body) {
    auto client = Client::connect();
    if (!client) {
        return std::unexpected(std::move(client.error()));
    }
    return body(*client);
}

/// Prints what `format` makes of the answer, or passes the failure on.
template <typename T, typename Format> Outcome print(const Answer<T>& answer, Format&& format) {
    if (!answer) {
        return std::unexpected(answer.error());
    }
    if constexpr (std::is_void_v<T>) {
        std::cout << format();
    } else {
        std::cout << format(*answer);
    }
    return 0;
}

} // namespace candor::ctl
