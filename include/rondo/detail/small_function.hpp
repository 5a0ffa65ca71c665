#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// A move-only std::function: C++20 has none, <functional> is 11,000 lines, and a callback that
// holds a Task handle and a few words must not cost an allocation.

#include <rondo/config.hpp>

#include <concepts>
#include <cstddef>
#include <new>
#include <type_traits>
#include <utility>

namespace rondo::inline RONDO_ABI::detail {

/// A callable that is called as f(args...), with a result that converts to R; any, if R is void.
template <class F, class R, class... Args>
concept CallableAs = requires(F& f, Args&&... args) {
    { f(std::forward<Args>(args)...) };
    requires std::is_void_v<R> || std::convertible_to<decltype(f(std::forward<Args>(args)...)), R>;
};

template <class Signature>
class SmallFunction;

/// Holds one callable, or none. A callable of up to 48 bytes that moves without throwing is kept
/// inside; any other is kept in one allocation.
template <class R, class... Args>
class SmallFunction<R(Args...)> {
public:
    /// The size of the largest callable that is kept without an allocation, in bytes.
    static constexpr std::size_t inline_size = 48;

    constexpr SmallFunction() noexcept = default;
    constexpr SmallFunction(std::nullptr_t) noexcept {}

    /// Keeps a callable. A null function pointer makes an empty SmallFunction.
    template <class F>
        requires(!std::same_as<std::remove_cvref_t<F>, SmallFunction> &&
                 CallableAs<std::decay_t<F>, R, Args...>)
    SmallFunction(F&& callable) {
        emplace<std::decay_t<F>>(std::forward<F>(callable));
    }

    SmallFunction(SmallFunction&& other) noexcept { take(other); }
    SmallFunction& operator=(SmallFunction&& other) noexcept;
    SmallFunction& operator=(std::nullptr_t) noexcept;
    ~SmallFunction() { destroy(); }

    /// Whether there is a callable.
    explicit operator bool() const noexcept { return invoke_ != nullptr; }

    /// Calls the callable, of which there must be one.
    R operator()(Args... args);

private:
    template <class F>
    static constexpr bool fits =
        sizeof(F) <= inline_size && alignof(F) <= alignof(std::max_align_t) &&
        std::is_nothrow_move_constructible_v<F>;

    // What is in the storage: the callable itself, or a pointer to it.
    template <class F>
    using Stored = std::conditional_t<fits<F>, F, F*>;

    template <class F, class Source>
    void emplace(Source&& callable);

    template <class F>
    static F& callable_in(void* storage) noexcept;
    template <class F>
    static R invoke(void* storage, Args&&... args);
    template <class F>
    static void relocate(void* from, void* to) noexcept;

    void take(SmallFunction& other) noexcept;
    void destroy() noexcept;

    using Invoke = R (*)(void*, Args&&...);
    using Relocate = void (*)(void* from, void* to) noexcept; // to == nullptr: only destroy

    alignas(std::max_align_t) std::byte storage_[inline_size];
    Invoke invoke_ = nullptr; // both null when empty
    Relocate relocate_ = nullptr;
};

// Implementation

template <class R, class... Args>
template <class F, class Source>
void SmallFunction<R(Args...)>::emplace(Source&& callable) {
    if constexpr (std::is_pointer_v<F>) {
        const F pointer = callable;
        if (pointer == nullptr) {
            return;
        }
    }
    if constexpr (fits<F>) {
        ::new (static_cast<void*>(storage_)) F(std::forward<Source>(callable));
    } else {
        ::new (static_cast<void*>(storage_)) F*(new F(std::forward<Source>(callable)));
    }
    invoke_ = &invoke<F>;
    relocate_ = &relocate<F>;
}

template <class R, class... Args>
auto SmallFunction<R(Args...)>::operator=(SmallFunction&& other) noexcept -> SmallFunction& {
    if (this != &other) {
        // The old callable dies last: its destructor may look at this function again.
        SmallFunction old(std::move(*this));
        take(other);
    }
    return *this;
}

template <class R, class... Args>
auto SmallFunction<R(Args...)>::operator=(std::nullptr_t) noexcept -> SmallFunction& {
    SmallFunction old(std::move(*this));
    return *this;
}

template <class R, class... Args>
R SmallFunction<R(Args...)>::operator()(Args... args) {
    RONDO_ASSERT(invoke_ != nullptr, "an empty SmallFunction is called");
    return invoke_(storage_, std::forward<Args>(args)...);
}

template <class R, class... Args>
template <class F>
F& SmallFunction<R(Args...)>::callable_in(void* storage) noexcept {
    auto* stored = std::launder(static_cast<Stored<F>*>(storage));
    if constexpr (fits<F>) {
        return *stored;
    } else {
        return **stored;
    }
}

template <class R, class... Args>
template <class F>
R SmallFunction<R(Args...)>::invoke(void* storage, Args&&... args) {
    if constexpr (std::is_void_v<R>) {
        static_cast<void>(callable_in<F>(storage)(std::forward<Args>(args)...));
    } else {
        return callable_in<F>(storage)(std::forward<Args>(args)...);
    }
}

template <class R, class... Args>
template <class F>
void SmallFunction<R(Args...)>::relocate(void* from, void* to) noexcept {
    F& callable = callable_in<F>(from);
    if constexpr (fits<F>) {
        if (to != nullptr) {
            ::new (to) F(std::move(callable));
        }
        callable.~F();
    } else {
        if (to != nullptr) {
            ::new (to) F*(&callable);
        } else {
            delete &callable;
        }
    }
}

template <class R, class... Args>
void SmallFunction<R(Args...)>::take(SmallFunction& other) noexcept {
    if (other.relocate_ != nullptr) {
        other.relocate_(other.storage_, storage_);
    }
    invoke_ = std::exchange(other.invoke_, nullptr);
    relocate_ = std::exchange(other.relocate_, nullptr);
}

template <class R, class... Args>
void SmallFunction<R(Args...)>::destroy() noexcept {
    if (relocate_ != nullptr) {
        relocate_(storage_, nullptr);
    }
}

} // namespace rondo::inline RONDO_ABI::detail
