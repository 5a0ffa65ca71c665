#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// Declares every public type, with its default template arguments, which C++ lets only one header
// state: each defining header includes this one. For users: enough for a header that names Rondo's
// types only in declarations.

#include <rondo/config.hpp>

namespace rondo::inline RONDO_ABI {

namespace detail {

/// Orders by operator<: std::less without <functional>. The default of PriorityQueue.
struct Less {
    template <class T>
    constexpr bool operator()(const T& a, const T& b) const {
        return static_cast<bool>(a < b);
    }
};

} // namespace detail

// Base
struct Clock;
class ConstBuffer;
class MutableBuffer;
template <class T = void>
class Result;

// Errors
enum class CancelReason : unsigned char;
class BrokenBarrierError;
class CancelledError;
class DeadlockError;
class DroppedCoroutineError;
class ExceptionGroup;
class GeneratorExit;
class IncompleteReadError;
class InvalidStateError;
class KeyboardInterrupt;
class LimitOverrunError;
class LookupError;
class LoopError;
class QueueEmpty;
class QueueFull;
class QueueShutDown;
class SweepError;
class TimeoutError;

// Coroutines and tasks
template <class T = void>
class Coro;
template <class T = void>
class Task;
class TaskRef;
template <class T = void>
class Future;
class CancelScope;
class Suspension;
template <class Awaiter>
class WaitList;
class Context;
template <class T>
class ContextVar;
struct TaskOptions;

// The loop
class EventLoop;
class Handle;
class Runner;
class Timer;
class TimerHandle;
struct ErrorContext;
struct LoopMetrics;
struct LoopOptions;

// Composition
template <class T>
class AsyncGenerator;
class TaskGroup;
class Timeout;
struct WaitOptions;

// Synchronisation
class Barrier;
class BoundedSemaphore;
class Condition;
class Event;
class Lock;
class Semaphore;
template <class T>
class LifoQueue;
template <class T, class Compare = detail::Less>
class PriorityQueue;
template <class T>
class Queue;

// Net, files, processes, executors
class DatagramSocket;
class Endpoint;
class File;
class Process;
class ProcessPoolExecutor;
class Server;
class Stream;
class ThreadPoolExecutor;
struct ConnectOptions;
struct ServerOptions;
struct SubprocessOptions;

} // namespace rondo::inline RONDO_ABI
