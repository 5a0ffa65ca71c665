#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// The baseline of the benchmarks of primitives: the least that a single-threaded coroutine kernel
// can be. Frames from free lists, a ring buffer of handles, a heap of deadlines, and a wheel of
// those that are meant to be cancelled; no cancellation, no exceptions, no results of tasks, no
// handles that outlive anything. Not a library: a limit.

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <exception>
#include <new>
#include <utility>
#include <vector>

#include <poll.h>

namespace limit {

/// Free lists of frames.
struct Pooled {
    static constexpr std::size_t step = 64;
    struct Block {
        Block* next;
    };
    static inline thread_local Block* lists[32]{};
    static inline thread_local std::byte* chunk = nullptr;
    static inline thread_local std::size_t left = 0;

    static void* operator new(std::size_t size) {
        const std::size_t index = (size + step - 1) / step;
        if (index >= 32) {
            return ::operator new(size);
        }
        if (Block* block = lists[index]) {
            lists[index] = block->next;
            return block;
        }
        if (left < index * step) {
            left = 1 << 20;
            chunk = static_cast<std::byte*>(::operator new(left));
        }
        left -= index * step;
        return std::exchange(chunk, chunk + index * step);
    }
    static void operator delete(void* memory, std::size_t size) noexcept {
        const std::size_t index = (size + step - 1) / step;
        if (index >= 32) {
            ::operator delete(memory);
            return;
        }
        lists[index] = ::new (memory) Block{lists[index]};
    }
};

/// Ready queue and timers.
class Kernel {
public:
    void push(std::coroutine_handle<> handle) {
        if (tail_ - head_ == ring_.size()) {
            grow();
        }
        ring_[tail_++ & (ring_.size() - 1)] = handle;
    }

    void push_timer(std::int64_t when, std::coroutine_handle<> handle) {
        std::size_t i = heap_.size();
        heap_.push_back({when, handle});
        for (; i != 0 && heap_[(i - 1) / 4].when > when; i = (i - 1) / 4) {
            heap_[i] = heap_[(i - 1) / 4];
        }
        heap_[i] = {when, handle};
    }

    /// Runs until `root` is done.
    void run(std::coroutine_handle<> root) {
        for (;;) {
            while (head_ != tail_) {
                ring_[head_++ & (ring_.size() - 1)].resume();
            }
            if (root.done()) {
                return;
            }
            std::int64_t now = time();
            if (heap_.front().when > now) {
                const timespec wait{(heap_.front().when - now) / 1'000'000'000,
                                    (heap_.front().when - now) % 1'000'000'000};
                ::ppoll(nullptr, 0, &wait, nullptr);
                now = time();
            }
            while (!heap_.empty() && heap_.front().when <= now) {
                push(pop_timer());
            }
        }
    }

    static std::int64_t time() {
        timespec now{};
        ::clock_gettime(CLOCK_MONOTONIC, &now);
        return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
    }

private:
    struct Timer {
        std::int64_t when;
        std::coroutine_handle<> handle;
    };

    std::coroutine_handle<> pop_timer() {
        const std::coroutine_handle<> first = heap_.front().handle;
        const Timer last = heap_.back();
        heap_.pop_back();
        const std::size_t count = heap_.size();
        for (std::size_t i = 0; count != 0;) {
            std::size_t least = i * 4 + 1;
            if (least >= count) {
                heap_[i] = last;
                break;
            }
            for (std::size_t k = least + 1; k < i * 4 + 5 && k < count; ++k) {
                least = heap_[k].when < heap_[least].when ? k : least;
            }
            if (heap_[least].when >= last.when) {
                heap_[i] = last;
                break;
            }
            heap_[i] = heap_[least];
            i = least;
        }
        return first;
    }

    void grow() {
        std::vector<std::coroutine_handle<>> larger(ring_.size() * 2);
        for (std::size_t i = head_; i != tail_; ++i) {
            larger[i & (larger.size() - 1)] = ring_[i & (ring_.size() - 1)];
        }
        ring_.swap(larger);
    }

    std::vector<std::coroutine_handle<>> ring_ = std::vector<std::coroutine_handle<>>(1024);
    std::size_t head_ = 0;
    std::size_t tail_ = 0;
    std::vector<Timer> heap_;
};

inline Kernel kernel;

/// A lazy coroutine, awaited by symmetric transfer.
class [[nodiscard]] Lazy {
public:
    struct promise_type : Pooled {
        Lazy get_return_object() {
            return Lazy(std::coroutine_handle<promise_type>::from_promise(*this));
        }
        static std::suspend_always initial_suspend() noexcept { return {}; }
        struct Final {
            static bool await_ready() noexcept { return false; }
            static std::coroutine_handle<> await_suspend(
                std::coroutine_handle<promise_type> ended) noexcept {
                return ended.promise().awaiting;
            }
            static void await_resume() noexcept {}
        };
        static Final final_suspend() noexcept { return {}; }
        void return_value(int result) noexcept { value = result; }
        [[noreturn]] static void unhandled_exception() noexcept { std::terminate(); }

        std::coroutine_handle<> awaiting;
        int value = 0;
    };

    explicit Lazy(std::coroutine_handle<promise_type> handle) noexcept : handle_(handle) {}
    Lazy(Lazy&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
    Lazy& operator=(Lazy&&) = delete;
    ~Lazy() {
        if (handle_) {
            handle_.destroy();
        }
    }

    static bool await_ready() noexcept { return false; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiting) noexcept {
        handle_.promise().awaiting = awaiting;
        return handle_;
    }
    int await_resume() noexcept { return handle_.promise().value; }

private:
    std::coroutine_handle<promise_type> handle_;
};

/// A scheduled coroutine, which one other may join.
class [[nodiscard]] Spawned {
public:
    struct promise_type : Pooled {
        Spawned get_return_object() {
            return Spawned(std::coroutine_handle<promise_type>::from_promise(*this));
        }
        static std::suspend_always initial_suspend() noexcept { return {}; }
        struct Final {
            static bool await_ready() noexcept { return false; }
            static std::coroutine_handle<> await_suspend(
                std::coroutine_handle<promise_type> ended) noexcept {
                promise_type& promise = ended.promise();
                promise.done = true;
                return promise.joining ? promise.joining : std::noop_coroutine();
            }
            static void await_resume() noexcept {}
        };
        static Final final_suspend() noexcept { return {}; }
        static void return_void() noexcept {}
        [[noreturn]] static void unhandled_exception() noexcept { std::terminate(); }

        std::coroutine_handle<> joining;
        bool done = false;
    };

    explicit Spawned(std::coroutine_handle<promise_type> handle) : handle_(handle) {
        kernel.push(handle);
    }
    Spawned(Spawned&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
    Spawned& operator=(Spawned&&) = delete;
    ~Spawned() {
        if (handle_) {
            handle_.destroy();
        }
    }

    [[nodiscard]] std::coroutine_handle<> handle() const noexcept { return handle_; }

    [[nodiscard]] bool await_ready() const noexcept { return handle_.promise().done; }
    void await_suspend(std::coroutine_handle<> joining) const noexcept {
        handle_.promise().joining = joining;
    }
    static void await_resume() noexcept {}

private:
    std::coroutine_handle<promise_type> handle_;
};

struct Yield {
    static bool await_ready() noexcept { return false; }
    static void await_suspend(std::coroutine_handle<> handle) { kernel.push(handle); }
    static void await_resume() noexcept {}
};

/// Deadlines in buckets of 1 ms to 2^24 ms: to arm and to cancel costs a list operation. It is
/// never turned: a baseline of timers that never fire.
class Wheel {
public:
    struct Node {
        Node* previous = nullptr;
        Node* next = nullptr;
        std::int64_t when = 0;
        std::coroutine_handle<> handle;
    };

    Wheel() {
        for (auto& level : levels_) {
            for (Node& bucket : level) {
                bucket.previous = bucket.next = &bucket;
            }
        }
    }

    void arm(Node& node, std::int64_t when) {
        node.when = when / 1'000'000;
        const std::int64_t distance = node.when - start_;
        const unsigned level = distance < 256 ? 0 : distance < 65536 ? 1 : 2;
        Node& bucket = levels_[level][(node.when >> (8 * level)) & 255];
        node.previous = bucket.previous;
        node.next = &bucket;
        node.previous->next = bucket.previous = &node;
    }

    static void cancel(Node& node) {
        node.previous->next = node.next;
        node.next->previous = node.previous;
    }

private:
    std::int64_t start_ = Kernel::time() / 1'000'000;
    Node levels_[3][256];
};

inline Wheel wheel;

struct Sleep {
    std::int64_t nanoseconds;
    static bool await_ready() noexcept { return false; }
    void await_suspend(std::coroutine_handle<> handle) const {
        kernel.push_timer(Kernel::time() + nanoseconds, handle);
    }
    static void await_resume() noexcept {}
};

inline void run(Spawned root) {
    kernel.run(root.handle());
}

} // namespace limit
