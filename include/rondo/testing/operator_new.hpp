#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// Replaces the program's operator new, so that rondo/testing/allocations.hpp can count allocations
// and make them fail; coroutine frames then come from it too, instead of from Rondo's free lists.
// Include it in one source file of a test program, never in a product.

#include <cstddef>
#include <cstdlib>
#include <new>

#include <rondo/config.hpp>
#include <rondo/detail/frame_pool.hpp>
#include <rondo/testing/allocations.hpp>

namespace rondo::inline RONDO_ABI::testing::detail {

inline void* allocate(std::size_t size, std::size_t alignment) {
    if (allocation_counts.fails()) {
        throw std::bad_alloc();
    }
    // aligned_alloc wants a multiple of the alignment; nothing is ever of size 0 after this.
    void* memory = std::aligned_alloc(alignment, (size + alignment) / alignment * alignment);
    if (memory == nullptr) {
        throw std::bad_alloc();
    }
    ++allocation_counts.made;
    return memory;
}

inline void* try_to_allocate(std::size_t size, std::size_t alignment) noexcept {
    try {
        return allocate(size, alignment);
    } catch (const std::bad_alloc&) {
        return nullptr;
    }
}

inline void deallocate(void* memory) noexcept {
    if (memory != nullptr) {
        ++allocation_counts.freed;
        std::free(memory);
    }
}

/// Before main: no frame has been taken by then.
inline const bool replaces_operator_new = [] {
    rondo::detail::FramePool::bypass();
    allocation_counts.replaced = true;
    return true;
}();

} // namespace rondo::inline RONDO_ABI::testing::detail

// All forms, though most would end in the first two: a sanitizer has its own of those left out.
// Weak, so that a second source file with them does no harm.
// NOLINTBEGIN(misc-definitions-in-headers)
[[gnu::weak]] void* operator new(std::size_t size) {
    return rondo::testing::detail::allocate(size, __STDCPP_DEFAULT_NEW_ALIGNMENT__);
}
[[gnu::weak]] void* operator new[](std::size_t size) {
    return rondo::testing::detail::allocate(size, __STDCPP_DEFAULT_NEW_ALIGNMENT__);
}
[[gnu::weak]] void* operator new(std::size_t size, std::align_val_t alignment) {
    return rondo::testing::detail::allocate(size, static_cast<std::size_t>(alignment));
}
[[gnu::weak]] void* operator new[](std::size_t size, std::align_val_t alignment) {
    return rondo::testing::detail::allocate(size, static_cast<std::size_t>(alignment));
}
[[gnu::weak]] void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
    return rondo::testing::detail::try_to_allocate(size, __STDCPP_DEFAULT_NEW_ALIGNMENT__);
}
[[gnu::weak]] void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
    return rondo::testing::detail::try_to_allocate(size, __STDCPP_DEFAULT_NEW_ALIGNMENT__);
}
[[gnu::weak]] void operator delete(void* memory) noexcept {
    rondo::testing::detail::deallocate(memory);
}
[[gnu::weak]] void operator delete[](void* memory) noexcept {
    rondo::testing::detail::deallocate(memory);
}
[[gnu::weak]] void operator delete(void* memory, std::size_t) noexcept {
    rondo::testing::detail::deallocate(memory);
}
[[gnu::weak]] void operator delete[](void* memory, std::size_t) noexcept {
    rondo::testing::detail::deallocate(memory);
}
[[gnu::weak]] void operator delete(void* memory, std::align_val_t) noexcept {
    rondo::testing::detail::deallocate(memory);
}
[[gnu::weak]] void operator delete[](void* memory, std::align_val_t) noexcept {
    rondo::testing::detail::deallocate(memory);
}
[[gnu::weak]] void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
    rondo::testing::detail::deallocate(memory);
}
[[gnu::weak]] void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept {
    rondo::testing::detail::deallocate(memory);
}
[[gnu::weak]] void operator delete(void* memory, const std::nothrow_t&) noexcept {
    rondo::testing::detail::deallocate(memory);
}
[[gnu::weak]] void operator delete[](void* memory, const std::nothrow_t&) noexcept {
    rondo::testing::detail::deallocate(memory);
}
// NOLINTEND(misc-definitions-in-headers)
