// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

#include "counted.hpp"

#include <cstddef>
#include <cstdlib>
#include <new>

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

using namespace std::chrono_literals;

namespace {

constinit costs::Counts counted;
constinit std::chrono::nanoseconds now{};

void* allocate(std::size_t size, std::size_t alignment) {
    // A multiple of the alignment, and never 0.
    void* const memory = std::aligned_alloc(alignment, (size + alignment) / alignment * alignment);
    if (memory == nullptr) {
        throw std::bad_alloc();
    }
    ++counted.allocations;
    return memory;
}

} // namespace

costs::Counts costs::counts() noexcept {
    return counted;
}

void costs::advance_clock(std::chrono::nanoseconds time) noexcept {
    now += time;
}

extern "C" int clock_gettime(clockid_t clock, timespec* time) noexcept {
    if (clock != CLOCK_MONOTONIC) {
        return static_cast<int>(::syscall(SYS_clock_gettime, clock, time));
    }
    if (now == 0ns) {
        ::syscall(SYS_clock_gettime, clock, time);
        now = std::chrono::seconds(time->tv_sec) + std::chrono::nanoseconds(time->tv_nsec);
    }
    ++counted.clock_reads;
    now += 25ns;
    time->tv_sec = now / 1s;
    time->tv_nsec = (now % 1s).count();
    return 0;
}

// The forms that all others end in. Not those of rondo/testing/operator_new.hpp, which sends frames
// past their pool: here they come from where users' frames come from.
void* operator new(std::size_t size) {
    return allocate(size, __STDCPP_DEFAULT_NEW_ALIGNMENT__);
}
void* operator new(std::size_t size, std::align_val_t alignment) {
    return allocate(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept {
    std::free(memory);
}
void operator delete(void* memory, std::size_t /*size*/) noexcept {
    std::free(memory);
}
void operator delete(void* memory, std::align_val_t /*alignment*/) noexcept {
    std::free(memory);
}
void operator delete(void* memory, std::size_t /*size*/, std::align_val_t /*alignment*/) noexcept {
    std::free(memory);
}
