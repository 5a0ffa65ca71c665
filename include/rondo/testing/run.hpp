#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// testing::run: runs a test's coroutine on a virtual clock. An hour of sleeps takes no time and
// gives the same result every run; a run that would hang fails and says who waits on what; and the
// order of ready tasks can be shuffled by a seed, to find code that is right only by FIFO luck.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <type_traits>
#include <utility>

#include <rondo/awaitable.hpp>
#include <rondo/config.hpp>
#include <rondo/create_task.hpp>
#include <rondo/event_loop.hpp>
#include <rondo/loop_options.hpp>
#include <rondo/run.hpp>

namespace rondo::inline RONDO_ABI::testing {

namespace detail {

inline std::uint64_t number_in_environment(const char* name, std::uint64_t otherwise) noexcept {
    const char* text = std::getenv(name); // NOLINT(concurrency-mt-unsafe)
    return text != nullptr && *text != '\0' ? std::strtoull(text, nullptr, 10) : otherwise;
}

} // namespace detail

/// Options for a test's loop: a virtual clock, and what the environment asks for.
///
/// RONDO_TEST_SHUFFLE: a seed, not 0, by which ready tasks are shuffled.
/// RONDO_TEST_ENTRIES: submission entries of the ring; 4 makes full queues and overflow normal.
[[nodiscard]] inline LoopOptions options() noexcept {
    LoopOptions options;
    options.virtual_time = true;
    options.shuffle_seed = detail::number_in_environment("RONDO_TEST_SHUFFLE", 0);
    options.entries =
        static_cast<unsigned>(detail::number_in_environment("RONDO_TEST_ENTRIES", options.entries));
    options.handle_sigint = false;
    return options;
}

/// Runs `main` as rondo::run() does, by default on a virtual clock that starts at zero, stands
/// still while anything can run, and jumps to the next deadline when every task sleeps.
///
/// The jump waits a moment (2 ms) for real I/O that is under way, and for I/O that is sure to end.
/// Returns: what main returns. Throws: what main throws; DeadlockError when nothing can ever wake
/// the program, or it has waited 10 s for I/O and nothing else: what() lists the tasks and what
/// each waits on. When a shuffled run throws, its seed is printed on stderr.
///
/// Example:
/// @code
/// rondo::testing::run([]() -> rondo::Coro<> {
///     const auto before = rondo::get_running_loop().time();
///     co_await rondo::sleep(1h);
///     assert(rondo::get_running_loop().time() - before == 1h);
/// });
/// @endcode
template <Awaitable A>
await_result_t<A> run(A&& main, LoopOptions loop_options = options()) {
    struct TellSeed {
        std::uint64_t seed;
        int exceptions = std::uncaught_exceptions();
        ~TellSeed() {
            if (seed != 0 && std::uncaught_exceptions() > exceptions) {
                std::fprintf(stderr, "rondo: this run was shuffled: RONDO_TEST_SHUFFLE=%llu\n",
                             static_cast<unsigned long long>(seed));
            }
        }
    };
    const TellSeed tell{loop_options.shuffle_seed};
    return rondo::run(std::forward<A>(main), loop_options);
}

/// The same with a callable, which is kept alive: safe for capturing lambdas.
template <class F>
    requires(!Awaitable<F> && CoroutineFunction<F>)
decltype(auto) run(F&& function, LoopOptions loop_options = options()) {
    return testing::run(rondo::detail::invoke_and_keep<std::decay_t<F>>(std::forward<F>(function)),
                        loop_options);
}

} // namespace rondo::inline RONDO_ABI::testing
