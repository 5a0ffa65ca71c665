#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// getaddrinfo(3) on threads of its own: it blocks, for seconds if a name server does not answer,
// and cannot be interrupted. Nobody waits for such a thread: a look-up that was cancelled ends
// behind the program's back, and refers to nothing but itself and the loop's inbox.

#include <atomic>
#include <cerrno>
#include <coroutine>
#include <csignal>
#include <cstdint>
#include <memory>
#include <mutex>
#include <new>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <netdb.h>
#include <pthread.h>
#include <sys/socket.h>

#include <rondo/config.hpp>
#include <rondo/detail/inbox.hpp>
#include <rondo/detail/ready_queue.hpp>
#include <rondo/detail/ref.hpp>
#include <rondo/detail/ring.hpp>
#include <rondo/detail/scheduler.hpp>
#include <rondo/detail/task_state.hpp>
#include <rondo/endpoint.hpp>
#include <rondo/event_loop.hpp>
#include <rondo/suspension.hpp>

namespace rondo::inline RONDO_ABI::detail {

/// Errors of getaddrinfo: EAI_….
class AddressInfoCategory final : public std::error_category {
public:
    [[nodiscard]] const char* name() const noexcept override { return "getaddrinfo"; }
    [[nodiscard]] std::string message(int error) const override { return ::gai_strerror(error); }
};

/// What is looked for.
struct LookupRequest {
    std::string host;    // empty: none
    std::string service; // empty: none
    int family = AF_UNSPEC;
    int flags = 0;
};

/// What was found.
struct LookupAnswer {
    int error = 0;        // EAI_…
    int system_error = 0; // errno, if the former is EAI_SYSTEM
    std::vector<Endpoint> endpoints;
};

/// Asks the system, here and now. Never throws: no memory is EAI_MEMORY.
inline LookupAnswer look_up(const LookupRequest& request) noexcept {
    LookupAnswer answer;
    addrinfo hints{};
    hints.ai_family = request.family;
    hints.ai_flags = request.flags;
    hints.ai_socktype = SOCK_STREAM; // or every address comes once for each kind
    addrinfo* found = nullptr;
    answer.error =
        ::getaddrinfo(request.host.empty() ? nullptr : request.host.c_str(),
                      request.service.empty() ? nullptr : request.service.c_str(), &hints, &found);
    answer.system_error = errno;
    if (answer.error != 0) {
        return answer;
    }
    try {
        for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
            if (one->ai_family != AF_INET && one->ai_family != AF_INET6) {
                continue;
            }
            const Endpoint endpoint = Endpoint::from_native(one->ai_addr, one->ai_addrlen);
            bool known = false;
            for (const Endpoint& other : answer.endpoints) {
                known = known || other == endpoint;
            }
            if (!known) {
                answer.endpoints.push_back(endpoint);
            }
        }
    } catch (...) {
        answer.error = EAI_MEMORY;
    }
    ::freeaddrinfo(found);
    if (answer.error == 0 && answer.endpoints.empty()) {
        answer.error = EAI_NONAME;
    }
    return answer;
}

class LookupAwaiter;

/// A look-up under way. Shared by the task that waits and the thread that asks; when the thread is
/// done, its share goes to the loop.
class Lookup final : public Runnable {
public:
    Lookup(LookupRequest request, std::shared_ptr<Inbox> inbox) noexcept
        : request_(std::move(request)), inbox_(std::move(inbox)) {}

    void add_ref() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
    void drop_ref() noexcept {
        if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
            delete this;
        }
    }

    // Both on the loop's thread.
    void expect(LookupAwaiter& awaiter) noexcept { awaiter_ = &awaiter; }
    void abandon() noexcept {
        awaiter_ = nullptr;
        abandoned_.store(true, std::memory_order_relaxed);
    }

    [[nodiscard]] LookupAnswer& answer() noexcept { return answer_; }

    /// On the thread that asks, which gives its share away.
    void work() noexcept {
        if (!abandoned_.load(std::memory_order_relaxed)) {
            answer_ = look_up(request_);
        }
        if (!inbox_->post(*this)) {
            drop_ref(); // the loop is closed
        }
    }

    // Inline where it is declared, as elsewhere: or every file would get the vtable, and all below.
    inline void run() noexcept override;
    void discard() noexcept override { drop_ref(); }

private:
    friend class LookupThreads;
    ~Lookup() = default;

    std::atomic<std::uint32_t> references_{0};
    std::atomic<bool> abandoned_{false}; // do not begin it any more
    LookupAwaiter* awaiter_ = nullptr;   // touched on the loop's thread only
    LookupRequest request_;
    LookupAnswer answer_;
    std::shared_ptr<Inbox> inbox_;
    Lookup* next_ = nullptr;
};

/// The threads: as many as there is work for, up to a few, and none when there is none.
class LookupThreads {
public:
    /// Takes over one reference. Throws: std::system_error if there is no thread to be had; then it
    /// has not.
    void start(Lookup& lookup) {
        const std::lock_guard lock(mutex_);
        if (std::exchange(fork_count_, ForkCount::value()) != ForkCount::value()) {
            threads_ = 0; // they are in the parent process, and so is the work
            first_ = nullptr;
        }
        if (threads_ < most) {
            if (const int error = start_thread(); error == 0) {
                ++threads_;
            } else if (threads_ == 0) {
                throw_system_error(error, "pthread_create");
            }
        }
        lookup.next_ = nullptr;
        (first_ == nullptr ? first_ : last_->next_) = &lookup;
        last_ = &lookup;
    }

    /// Whether nothing is looked up, and nothing of a look-up is left but what it found.
    [[nodiscard]] bool idle() {
        const std::lock_guard lock(mutex_);
        return threads_ == 0;
    }

    static LookupThreads& instance() {
        // Never destroyed: a thread may outlive static destructors.
        static LookupThreads* const threads = new LookupThreads;
        return *threads;
    }

private:
    static constexpr int most = 8;

    int start_thread() noexcept {
        pthread_attr_t attributes;
        if (const int error = ::pthread_attr_init(&attributes); error != 0) {
            return error;
        }
        ::pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
        // Signals are for the program's own threads.
        sigset_t all;
        sigset_t before;
        ::sigfillset(&all);
        ::pthread_sigmask(SIG_SETMASK, &all, &before);
        pthread_t thread;
        const int error = ::pthread_create(
            &thread, &attributes,
            [](void* self) -> void* {
                static_cast<LookupThreads*>(self)->work();
                return nullptr;
            },
            this);
        ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
        ::pthread_attr_destroy(&attributes);
        return error;
    }

    void work() noexcept {
        while (Lookup* lookup = next()) {
            lookup->work();
        }
    }

    Lookup* next() noexcept {
        const std::lock_guard lock(mutex_);
        Lookup* const lookup = first_;
        if (lookup == nullptr) {
            --threads_;
        } else {
            first_ = lookup->next_;
        }
        return lookup;
    }

    std::mutex mutex_;
    Lookup* first_ = nullptr;
    Lookup* last_ = nullptr; // meaningful only when first_ is not null
    int threads_ = 0;
    unsigned fork_count_ = 0;
};

/// Waits for a look-up.
class LookupAwaiter final : public Suspension {
public:
    explicit LookupAwaiter(Ref<Lookup> lookup) noexcept : lookup_(std::move(lookup)) {}
    ~LookupAwaiter() {
        if (is_waiting()) {
            lookup_->abandon();
        }
    }

    [[nodiscard]] static bool await_ready() noexcept { return false; }
    template <class P>
    bool await_suspend(std::coroutine_handle<P> awaiting) noexcept {
        if (!suspend_unless_cancelled(awaiting)) {
            return false;
        }
        lookup_->expect(*this);
        expect_from_outside(+1);
        lookup_->add_ref(); // the thread's
        try {
            LookupThreads::instance().start(*lookup_);
        } catch (...) {
            lookup_->answer().error = EAI_MEMORY;
            lookup_->drop_ref();
            done();
        }
        return true;
    }
    LookupAnswer await_resume() {
        throw_if_cancelled();
        return std::move(lookup_->answer());
    }

    /// The answer is there.
    void done() noexcept {
        expect_from_outside(-1);
        resume();
    }

private:
    void on_cancel() noexcept override {
        lookup_->abandon();
        done();
    }
    void expect_from_outside(int change) const noexcept {
        task()->scheduler()->loop->core().expect_from_outside(change);
    }
    [[nodiscard]] const char* describe() const noexcept override { return "getaddrinfo"; }

    Ref<Lookup> lookup_;
};

inline void Lookup::run() noexcept {
    if (awaiter_ != nullptr) {
        std::exchange(awaiter_, nullptr)->done();
    }
    drop_ref();
}

/// Looks a name up without blocking the loop.
class LookupAwaitable {
public:
    explicit LookupAwaitable(LookupRequest request)
        : lookup_(new Lookup(std::move(request), running_scheduler().loop->core().shared_inbox())) {
    }
    LookupAwaiter operator co_await() const { return LookupAwaiter(lookup_); }

private:
    Ref<Lookup> lookup_;
};

} // namespace rondo::inline RONDO_ABI::detail
