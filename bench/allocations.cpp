// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

#include "allocations.hpp"

#include <cstdlib>
#include <new>

#include <malloc.h>

namespace {

constinit thread_local bench::Allocations counted;

void* allocate(std::size_t size) {
    void* const memory = std::malloc(size != 0 ? size : 1);
    if (memory == nullptr) {
        throw std::bad_alloc();
    }
    ++counted.count;
    counted.bytes_live += static_cast<std::ptrdiff_t>(::malloc_usable_size(memory));
    return memory;
}

void deallocate(void* memory) noexcept {
    counted.bytes_live -= static_cast<std::ptrdiff_t>(::malloc_usable_size(memory));
    std::free(memory);
}

} // namespace

bench::Allocations bench::allocations() noexcept {
    return counted;
}

// The forms that all others but those for over-aligned types, which nobody here uses, end in.
void* operator new(std::size_t size) {
    return allocate(size);
}
void operator delete(void* memory) noexcept {
    deallocate(memory);
}
void operator delete(void* memory, std::size_t /*size*/) noexcept {
    deallocate(memory);
}
