#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// Everything of Rondo but its tools and optional components. Including single headers instead
// compiles faster; each stands alone.

// Base
#include <rondo/buffer.hpp> // IWYU pragma: export
#include <rondo/clock.hpp>  // IWYU pragma: export
#include <rondo/config.hpp> // IWYU pragma: export
#include <rondo/error.hpp>  // IWYU pragma: export
#include <rondo/fwd.hpp>    // IWYU pragma: export
#include <rondo/result.hpp> // IWYU pragma: export

// Coroutines and tasks
#include <rondo/awaitable.hpp>    // IWYU pragma: export
#include <rondo/cancellation.hpp> // IWYU pragma: export
#include <rondo/context.hpp>      // IWYU pragma: export
#include <rondo/coro.hpp>         // IWYU pragma: export
#include <rondo/future.hpp>       // IWYU pragma: export
#include <rondo/handle.hpp>       // IWYU pragma: export
#include <rondo/suspension.hpp>   // IWYU pragma: export
#include <rondo/task.hpp>         // IWYU pragma: export
#include <rondo/timer.hpp>        // IWYU pragma: export
#include <rondo/wait_list.hpp>    // IWYU pragma: export

// The loop
#include <rondo/create_task.hpp>  // IWYU pragma: export
#include <rondo/event_loop.hpp>   // IWYU pragma: export
#include <rondo/loop_options.hpp> // IWYU pragma: export
#include <rondo/metrics.hpp>      // IWYU pragma: export
#include <rondo/run.hpp>          // IWYU pragma: export
#include <rondo/sleep.hpp>        // IWYU pragma: export

// Operations
#include <rondo/io.hpp> // IWYU pragma: export

// Composition
#include <rondo/as_completed.hpp>    // IWYU pragma: export
#include <rondo/as_result.hpp>       // IWYU pragma: export
#include <rondo/async_generator.hpp> // IWYU pragma: export
#include <rondo/async_with.hpp>      // IWYU pragma: export
#include <rondo/exception_group.hpp> // IWYU pragma: export
#include <rondo/gather.hpp>          // IWYU pragma: export
#include <rondo/race.hpp>            // IWYU pragma: export
#include <rondo/shield.hpp>          // IWYU pragma: export
#include <rondo/task_group.hpp>      // IWYU pragma: export
#include <rondo/timeout.hpp>         // IWYU pragma: export
#include <rondo/wait.hpp>            // IWYU pragma: export

// Synchronisation
#include <rondo/barrier.hpp>   // IWYU pragma: export
#include <rondo/condition.hpp> // IWYU pragma: export
#include <rondo/event.hpp>     // IWYU pragma: export
#include <rondo/lock.hpp>      // IWYU pragma: export
#include <rondo/queue.hpp>     // IWYU pragma: export
#include <rondo/semaphore.hpp> // IWYU pragma: export

// Streams and servers
#include <rondo/endpoint.hpp> // IWYU pragma: export
#include <rondo/resolve.hpp>  // IWYU pragma: export
#include <rondo/server.hpp>   // IWYU pragma: export
#include <rondo/stream.hpp>   // IWYU pragma: export
