#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// A doubly linked list whose links live in its elements. Everything that waits is on one: an
// element is added and taken out anywhere in constant time, with no allocation that could fail.

#include <rondo/config.hpp>

#include <utility>

namespace rondo::inline RONDO_ABI::detail {

template <class T, class Tag = void>
class IntrusiveList;

/// The links of an element, as a public base class. An element that is on several lists at a time
/// has one base for each, told apart by Tag.
/// Lifetime: the destructor does not unlink; remove an element before it is destroyed or moved.
template <class Tag = void>
class ListHook {
public:
    constexpr ListHook() noexcept = default;
    ListHook(const ListHook&) = delete;
    ListHook& operator=(const ListHook&) = delete;

    /// Whether it is on a list now.
    constexpr bool is_linked() const noexcept { return next_ != nullptr; }

private:
    template <class T, class OtherTag>
    friend class IntrusiveList;

    ListHook* next_ = nullptr; // null when unlinked
    ListHook* prev_;           // meaningful only when linked: most awaits never are
};

/// A list of T, which derives publicly from ListHook<Tag>. It does not own its elements. Every
/// operation but clear() and for_each() takes constant time; none can fail.
template <class T, class Tag>
class IntrusiveList {
    using Hook = ListHook<Tag>;

public:
    constexpr IntrusiveList() noexcept { make_empty(); }
    constexpr IntrusiveList(IntrusiveList&& other) noexcept : IntrusiveList() {
        splice_back(other);
    }
    /// Forgets its own elements and takes those of other.
    constexpr IntrusiveList& operator=(IntrusiveList&& other) noexcept;
    /// Forgets its elements: they are unlinked, not destroyed.
    constexpr ~IntrusiveList() { clear(); }

    constexpr bool empty() const noexcept { return sentinel_.next_ == &sentinel_; }

    /// The first element, or null.
    constexpr T* front() const noexcept { return empty() ? nullptr : &element(*sentinel_.next_); }

    /// The last element, or null.
    constexpr T* back() const noexcept { return empty() ? nullptr : &element(*sentinel_.prev_); }

    /// Adds an element that is on no list with this tag.
    constexpr void push_back(T& element) noexcept { link_before(sentinel_, element); }
    constexpr void push_front(T& element) noexcept { link_before(*sentinel_.next_, element); }

    /// Takes out the first element and returns it, or null if there is none.
    constexpr T* pop_front() noexcept;

    /// Takes out an element, which must be on a list with this tag: it need not be known on which.
    static constexpr void remove(T& element) noexcept;

    /// Whether an element is on a list with this tag.
    static constexpr bool is_linked(const T& element) noexcept {
        return static_cast<const Hook&>(element).is_linked();
    }

    /// Moves all elements of other to the end of this list, in their order.
    constexpr void splice_back(IntrusiveList& other) noexcept;

    /// Calls function(T&) for each element in order. The call may take out or destroy the element
    /// that it is given, but none behind it.
    template <class F>
    constexpr void for_each(F&& function) const;

    /// Unlinks all elements.
    constexpr void clear() noexcept;

    constexpr void swap(IntrusiveList& other) noexcept;

private:
    // By reference: the cast of a pointer would ask whether it is null.
    static constexpr T& element(Hook& hook) noexcept { return static_cast<T&>(hook); }

    static constexpr void link_before(Hook& position, Hook& hook) noexcept;

    constexpr void make_empty() noexcept { sentinel_.next_ = sentinel_.prev_ = &sentinel_; }

    Hook sentinel_; // closes the ring: before the first element and behind the last
};

// Implementation

template <class T, class Tag>
constexpr auto IntrusiveList<T, Tag>::operator=(IntrusiveList&& other) noexcept -> IntrusiveList& {
    if (this != &other) {
        clear();
        splice_back(other);
    }
    return *this;
}

template <class T, class Tag>
constexpr T* IntrusiveList<T, Tag>::pop_front() noexcept {
    if (empty()) {
        return nullptr;
    }
    Hook& first = *sentinel_.next_;
    sentinel_.next_ = first.next_;
    first.next_->prev_ = &sentinel_;
    first.next_ = nullptr;
    return &element(first);
}

template <class T, class Tag>
constexpr void IntrusiveList<T, Tag>::remove(T& element) noexcept {
    Hook& hook = element;
    RONDO_ASSERT(hook.is_linked(), "remove() of an element that is on no list");
    hook.prev_->next_ = hook.next_;
    hook.next_->prev_ = hook.prev_;
    hook.next_ = nullptr;
}

template <class T, class Tag>
constexpr void IntrusiveList<T, Tag>::splice_back(IntrusiveList& other) noexcept {
    if (this == &other || other.empty()) {
        return;
    }
    Hook* first = other.sentinel_.next_;
    Hook* last = other.sentinel_.prev_;
    other.make_empty();
    first->prev_ = sentinel_.prev_;
    sentinel_.prev_->next_ = first;
    last->next_ = &sentinel_;
    sentinel_.prev_ = last;
}

template <class T, class Tag>
template <class F>
constexpr void IntrusiveList<T, Tag>::for_each(F&& function) const {
    for (Hook* hook = sentinel_.next_; hook != &sentinel_;) {
        Hook* next = hook->next_;
        function(element(*hook));
        hook = next;
    }
}

template <class T, class Tag>
constexpr void IntrusiveList<T, Tag>::clear() noexcept {
    for (Hook* hook = sentinel_.next_; hook != &sentinel_;) {
        Hook* next = hook->next_;
        hook->next_ = nullptr;
        hook = next;
    }
    make_empty();
}

template <class T, class Tag>
constexpr void IntrusiveList<T, Tag>::swap(IntrusiveList& other) noexcept {
    IntrusiveList mine(std::move(*this));
    splice_back(other);
    other.splice_back(mine);
}

template <class T, class Tag>
constexpr void IntrusiveList<T, Tag>::link_before(Hook& position, Hook& hook) noexcept {
    RONDO_ASSERT(!hook.is_linked(), "this element is on a list already: remove() it first");
    hook.next_ = &position;
    hook.prev_ = position.prev_;
    position.prev_->next_ = &hook;
    position.prev_ = &hook;
}

} // namespace rondo::inline RONDO_ABI::detail
