// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>

namespace candor {

/// std::allocator whose memory is wiped before it is given back: what a vector held goes with it, also when it grows.
template <typename T> struct WipingAllocator {
    using value_type = T;

    WipingAllocator() noexcept = default;
    template <typename U> explicit(false) WipingAllocator(const WipingAllocator<U>&) noexcept {}

    [[nodiscard]] T* allocate(std::size_t count) { return std::allocator<T>().allocate(count); }
    void deallocate(T* memory, std::size_t count) noexcept {
        ::explicit_bzero(static_cast<void*>(memory), count * sizeof(T));
        std::allocator<T>().deallocate(memory, count);
    }
    template <typename U> bool operator==(const WipingAllocator<U>&) const noexcept { return true; }
};

/// Destroys what a std::unique_ptr owned and wipes where it lay; for what make_wiped() made.
template <typename T> struct WipingDelete {
    void operator()(T* object) const noexcept {
        std::destroy_at(object);
        WipingAllocator<T>().deallocate(object, 1);
    }
};
template <typename T> using WipedPointer = std::unique_ptr<T, WipingDelete<T>>;

template <typename T> [[nodiscard]] WipedPointer<T> make_wiped() {
    T* const memory = WipingAllocator<T>().allocate(1);
    try {
        return WipedPointer<T>(::new (static_cast<void*>(memory)) T());
    } catch (...) {
        WipingAllocator<T>().deallocate(memory, 1);
        throw;
    }
}

} // namespace candor
