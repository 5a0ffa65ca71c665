#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// Those who are to be told when a task or future is done: a list of one word where nobody is, which
// is what most tasks have of it for most of their lives.

#include <rondo/config.hpp>

#include <utility>

namespace rondo::inline RONDO_ABI {

namespace detail {
class FutureBase;
class ObserverList;
} // namespace detail

/// Is told when a task or future is done: the intrusive, allocation-free form of a done callback,
/// for authors of combinators.
///
/// Called at once when the result is there, in the order of registration, before anybody who
/// awaits it runs: on_done must only record and wake (Suspension::resume), never run user code.
///
/// Lifetime: whoever observes detaches (Task::forget) before the observer dies.
class DoneObserver {
public:
    DoneObserver() noexcept = default;
    DoneObserver(const DoneObserver&) = delete;
    DoneObserver& operator=(const DoneObserver&) = delete;

    /// Whether it observes something now.
    [[nodiscard]] bool is_linked() const noexcept { return link_ != nullptr; }

protected:
    ~DoneObserver() = default;

private:
    friend class detail::FutureBase;
    friend class detail::ObserverList;
    virtual void on_done() noexcept = 0;
    /// The future died without ever being done.
    virtual void on_abandoned() noexcept {}

    DoneObserver** link_ = nullptr; // what points to it: the list, or the one before it
    DoneObserver* next_;            // of one that is linked
};

namespace detail {

/// A stack of observers, which is turned over before they are told. None is owned.
class ObserverList {
public:
    ObserverList() noexcept = default;
    ObserverList(const ObserverList&) = delete;
    ObserverList& operator=(const ObserverList&) = delete;

    [[nodiscard]] bool empty() const noexcept { return first_ == nullptr; }

    /// Adds one that observes nothing.
    void push(DoneObserver& observer) noexcept {
        RONDO_ASSERT(!observer.is_linked(), "this observer observes something already");
        observer.next_ = first_;
        observer.link_ = &first_;
        if (first_ != nullptr) {
            first_->link_ = &observer.next_;
        }
        first_ = &observer;
    }

    /// Takes out one that is on a list: it need not be known on which.
    static void remove(DoneObserver& observer) noexcept {
        RONDO_ASSERT(observer.is_linked(), "this observer observes nothing");
        *observer.link_ = observer.next_;
        if (observer.next_ != nullptr) {
            observer.next_->link_ = observer.link_;
        }
        observer.link_ = nullptr;
    }

    /// Takes out the first one; null if there is none.
    [[nodiscard]] DoneObserver* pop() noexcept {
        DoneObserver* const observer = first_;
        if (observer != nullptr) {
            remove(*observer);
        }
        return observer;
    }

    /// Turns the order around.
    void reverse() noexcept {
        if (first_ == nullptr || first_->next_ == nullptr) {
            return;
        }
        DoneObserver* rest = std::exchange(first_, nullptr);
        while (rest != nullptr) {
            DoneObserver& observer = *rest;
            rest = observer.next_;
            observer.link_ = nullptr;
            push(observer);
        }
    }

private:
    DoneObserver* first_ = nullptr;
};

} // namespace detail
} // namespace rondo::inline RONDO_ABI
