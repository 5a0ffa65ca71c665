#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// The state that Task and Future handles share: pending, or done with a value, an exception or a
// cancellation; who waits for it; and the report if a failure is never looked at.

#include <cstdint>
#include <cstdio>
#include <exception>
#include <memory>
#include <new>
#include <rondo/config.hpp>
#include <rondo/detail/frame_pool.hpp>
#include <rondo/detail/observer_list.hpp>
#include <rondo/detail/ref.hpp>
#include <rondo/detail/scheduler.hpp>
#include <rondo/error.hpp>
#include <rondo/result.hpp>
#include <string>
#include <type_traits>
#include <utility>

namespace rondo::inline RONDO_ABI::detail {

enum class Status : std::uint8_t { pending, succeeded, failed, cancelled };

/// Prints an error that nobody handled: the last resort, and the default of the loop's handler.
inline void print_unhandled(const char* message, const std::exception_ptr& error) noexcept {
    try {
        const std::string what = describe_exception(error);
        std::fprintf(stderr, "rondo: %s: %s\n", message, what.c_str());
    } catch (...) {
        std::fprintf(stderr, "rondo: %s\n", message);
    }
}

/// Type-independent part. Reference-counted by handles, and by the loop while it is unfinished.
class FutureBase : public Runnable, public PoolAllocated {
public:
    void add_ref() noexcept { ++references_; }
    void drop_ref() noexcept {
        if (--references_ == 0) {
            delete_unreferenced();
        }
    }

    [[nodiscard]] Status status() const noexcept { return status_; }
    [[nodiscard]] bool done() const noexcept { return status_ != Status::pending; }
    [[nodiscard]] bool is_task() const noexcept { return is_task_; }
    /// Of the loop that it belongs to, or belonged to: that may be closed by now.
    [[nodiscard]] Scheduler* scheduler() const noexcept { return scheduler_.get(); }

    /// Asks for cancellation. Returns false if it is done already.
    virtual bool cancel(CancelReason reason, const std::string& message) = 0;

    /// "Task-3" or a given name; for reports.
    [[nodiscard]] virtual std::string describe() const = 0;

    void observe(DoneObserver& observer) noexcept { observers_.push(observer); }
    static void forget(DoneObserver& observer) noexcept { ObserverList::remove(observer); }

    /// The failure or cancellation. Looking at it counts as handling it.
    [[nodiscard]] const std::exception_ptr& error() const {
        retrieved_ = true;
        if (status_ == Status::cancelled && error_ == nullptr) {
            error_ = std::make_exception_ptr(cancellation());
        }
        return error_;
    }

    /// Throws unless there is a value.
    void require_value() const {
        if (status_ != Status::succeeded) [[unlikely]] {
            throw_no_value();
        }
    }

    void mark_retrieved() const noexcept { retrieved_ = true; }

protected:
    FutureBase(Scheduler& scheduler, bool is_task) noexcept
        : is_task_(is_task), scheduler_(&scheduler) {}
    virtual ~FutureBase() {
        if (!observers_.empty()) [[unlikely]] {
            abandon_observers();
        }
    }

    /// Becomes done and tells all observers, in order.
    void settle(Status status) noexcept {
        status_ = status;
        if (!observers_.empty()) {
            tell_observers();
        }
    }

    void set_error(std::exception_ptr error) noexcept { error_ = std::move(error); }

    [[nodiscard]] std::exception_ptr take_error() noexcept {
        return std::exchange(error_, nullptr);
    }

    /// The failure, without counting as looked at.
    [[nodiscard]] const std::exception_ptr& error_quietly() const noexcept { return error_; }

    /// Remembers why, for the CancelledError that is to come.
    void set_reason(CancelReason reason, const std::string& message) {
        if (!message.empty()) {
            extras().message = std::make_shared<const std::string>(message);
        } else if (extras_ != nullptr) {
            extras_->message.reset();
        }
        reason_ = reason;
    }

    /// The CancelledError that says why. Allocates nothing: it is made where memory may be short.
    [[nodiscard]] CancelledError cancellation() const noexcept {
        return CancelledError(reason_, extras_ != nullptr ? extras_->message : nullptr);
    }

    // What few tasks have.
    struct Extras {
        std::string name;
        std::shared_ptr<const std::string> message; // of the last cancel request; null if empty
    };
    [[nodiscard]] Extras& extras() {
        if (extras_ == nullptr) {
            extras_ = std::make_unique<Extras>();
        }
        return *extras_;
    }
    [[nodiscard]] const Extras* extras_if_any() const noexcept { return extras_.get(); }

private:
    // Not inlined, nor are those below: all of them are in the way of tasks that nobody watches.
    [[gnu::noinline]] void tell_observers() noexcept {
        observers_.reverse();                               // the earliest one first
        while (DoneObserver* observer = observers_.pop()) { // which may remove others
            observer->on_done();
        }
    }

    [[gnu::noinline]] void abandon_observers() noexcept {
        observers_.reverse();
        while (DoneObserver* observer = observers_.pop()) {
            observer->on_abandoned();
        }
    }

    [[gnu::noinline]] void delete_unreferenced() noexcept {
        if (status_ == Status::failed && !retrieved_) {
            report_failure();
        }
        delete this;
    }

    [[noreturn, gnu::noinline]] void throw_no_value() const {
        if (status_ == Status::pending) {
            throw InvalidStateError("rondo: the result is not there yet; await it first");
        }
        std::rethrow_exception(error());
    }

    [[gnu::noinline]] void report_failure() noexcept {
        const char* message = is_task_ ? "a task failed and nobody looked at it"
                                       : "a future failed and nobody looked at it";
        if (scheduler_->reporter != nullptr) {
            scheduler_->reporter(*scheduler_, message, error_, this);
            return;
        }
        try {
            print_unhandled((describe() + " failed and nobody looked at it").c_str(), error_);
        } catch (...) {
            print_unhandled(message, error_);
        }
    }

    std::uint32_t references_ = 0;

protected:
    Status status_ = Status::pending;
    const bool is_task_;
    mutable bool retrieved_ = false;
    CancelReason reason_ = CancelReason::user;
    const Ref<Scheduler> scheduler_; // it may outlive the loop

private:
    ObserverList observers_;
    mutable std::exception_ptr error_;
    std::unique_ptr<Extras> extras_;
};

/// Adds room for a value of type T to a FutureBase or TaskBase.
template <class T, class Base>
class WithValue : public Base {
public:
    using Value = std::conditional_t<std::is_reference_v<T>, std::remove_reference_t<T>*, T>;

    using Base::Base;

    /// The value, to look at; of a reference, what it refers to.
    [[nodiscard]] auto& value() const noexcept {
        if constexpr (std::is_reference_v<T>) {
            return *storage_.value;
        } else {
            return storage_.value;
        }
    }

    /// Moves the value out; a reference is passed on, as often as one likes.
    [[nodiscard]] T take() {
        if constexpr (std::is_reference_v<T>) {
            return static_cast<T>(*storage_.value);
        } else {
            return std::move(storage_.value);
        }
    }

protected:
    template <class... Args>
    void emplace(Args&&... args) {
        if constexpr (std::is_reference_v<T>) {
            storage_.value = std::addressof(args...);
        } else {
            ::new (static_cast<void*>(std::addressof(storage_.value)))
                Value(std::forward<Args>(args)...);
        }
    }

    ~WithValue() override {
        if (this->status_ == Status::succeeded) {
            storage_.value.~Value();
        }
    }

private:
    union Storage {
        Storage() noexcept {}
        ~Storage() {}
        Value value;
    };
    Storage storage_; // holds a value when the status is succeeded
};

template <class Base>
class WithValue<void, Base> : public Base {
public:
    using Base::Base;

    void value() const noexcept {}
    void take() noexcept {}

protected:
    void emplace() noexcept {}
};

} // namespace rondo::inline RONDO_ABI::detail
