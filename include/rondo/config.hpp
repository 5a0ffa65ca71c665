#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// Version, feature tests and the assertion macro. Every other header includes this one, and this
// is the only file that asks which compiler it is: elsewhere the code asks for a property by name.

#include <cstdio>
#include <cstdlib>

/// The version of Rondo: also as one number that grows, and as text. CMake's `project()` repeats
/// it, and the build compares the two.
#define RONDO_VERSION_MAJOR 0
#define RONDO_VERSION_MINOR 1
#define RONDO_VERSION_PATCH 0
#define RONDO_VERSION                                                                              \
    (RONDO_VERSION_MAJOR * 10000 + RONDO_VERSION_MINOR * 100 + RONDO_VERSION_PATCH)
#define RONDO_VERSION_STRING "0.1.0"

/// 1 in a build with AddressSanitizer or ThreadSanitizer, otherwise 0. GCC defines a macro for
/// each; older Clang has only `__has_feature`.
#if defined(__SANITIZE_ADDRESS__)
#define RONDO_SANITIZE_ADDRESS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define RONDO_SANITIZE_ADDRESS 1
#endif
#endif
#ifndef RONDO_SANITIZE_ADDRESS
#define RONDO_SANITIZE_ADDRESS 0
#endif

#if defined(__SANITIZE_THREAD__)
#define RONDO_SANITIZE_THREAD 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define RONDO_SANITIZE_THREAD 1
#endif
#endif
#ifndef RONDO_SANITIZE_THREAD
#define RONDO_SANITIZE_THREAD 0
#endif

/// 1 when either sanitizer is on: what they check is worth more then than speed.
#if RONDO_SANITIZE_ADDRESS || RONDO_SANITIZE_THREAD
#define RONDO_SANITIZED 1
#else
#define RONDO_SANITIZED 0
#endif

/// 1 if coroutines remember where they were made and where they await, so that call graphs and
/// error messages can name the place in the source. Define it as 0 or 1 to choose; otherwise it is
/// on in builds without NDEBUG. It changes the layout of coroutine frames, and so the ABI.
#ifndef RONDO_TRACK_LOCATIONS
#ifdef NDEBUG
#define RONDO_TRACK_LOCATIONS 0
#else
#define RONDO_TRACK_LOCATIONS 1
#endif
#endif

/// The inline namespace inside `rondo`: the version, and a letter for each option that changes a
/// layout. Two translation units that differ in either do not link into something subtly wrong:
/// what one passes to the other is a different type, and the linker says so.
#if RONDO_TRACK_LOCATIONS
#define RONDO_ABI v0_1_t
#else
#define RONDO_ABI v0_1
#endif

/// 1 on GCC 12.0 to 12.2, which miscompile some coroutines without a word: one that has no local
/// variable and a co_await in a condition loses its whole body. Rondo detects that at run time, and
/// says so once at compile time, unless RONDO_NO_COMPILER_NOTE is defined.
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ == 12 && __GNUC_MINOR__ <= 2
#define RONDO_GCC_DROPS_COROUTINES 1
#else
#define RONDO_GCC_DROPS_COROUTINES 0
#endif

#if RONDO_GCC_DROPS_COROUTINES && !defined(RONDO_NO_COMPILER_NOTE)
#pragma message "rondo: this GCC miscompiles some coroutines: see Compilers in Rondo's README"
#endif

namespace rondo::inline RONDO_ABI::detail {

[[noreturn, gnu::cold, gnu::noinline]] inline void assertion_failed(const char* file, int line,
                                                                    const char* advice) noexcept {
    std::fprintf(stderr, "rondo: %s:%d: %s\n", file, line, advice);
    std::abort();
}

} // namespace rondo::inline RONDO_ABI::detail

/// Checks a precondition in builds without NDEBUG: prints `rondo: file:line: advice` and aborts.
/// With NDEBUG the condition is compiled but never evaluated.
#ifdef NDEBUG
#define RONDO_ASSERT(condition, advice) static_cast<void>(sizeof((condition) ? 1 : 0))
#else
#define RONDO_ASSERT(condition, advice)                                                            \
    ((condition) ? static_cast<void>(0)                                                            \
                 : ::rondo::detail::assertion_failed(__FILE__, __LINE__, advice))
#endif
