// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

namespace candor {

/// Calls a C library's release function, whatever that returns.
template <auto Release> struct Releaser {
    template <typename T> void operator()(T* object) const noexcept { Release(object); }
};

/// The one owner of a C library's object: `Handle<sd_event, sd_event_unref>`.
template <typename T, auto Release> using Handle = std::unique_ptr<T, Releaser<Release>>;

} // namespace candor
