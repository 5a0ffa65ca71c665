#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// A counted reference to an object that has its count inside: one pointer, no atomics, no control
// block. The handles Task and Future are this underneath.

#include <rondo/config.hpp>

#include <concepts>
#include <cstddef>
#include <utility>

namespace rondo::inline RONDO_ABI::detail {

/// One reference to a T, or none. T has `void add_ref() noexcept` and `void drop_ref() noexcept`;
/// the latter may delete the object. T may be incomplete until a reference is copied or dropped.
template <class T>
class Ref {
public:
    constexpr Ref() noexcept = default;
    constexpr Ref(std::nullptr_t) noexcept {}

    /// Adds a reference, unless the pointer is null.
    explicit Ref(T* object) noexcept : object_(object) { add(); }

    /// Takes over a reference that the caller has.
    [[nodiscard]] static Ref adopt(T* object) noexcept;

    Ref(const Ref& other) noexcept : object_(other.object_) { add(); }
    Ref(Ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}

    template <class U>
        requires(!std::same_as<U, T> && std::convertible_to<U*, T*>)
    Ref(const Ref<U>& other) noexcept : Ref(static_cast<T*>(other.get())) {}

    template <class U>
        requires(!std::same_as<U, T> && std::convertible_to<U*, T*>)
    Ref(Ref<U>&& other) noexcept : object_(other.detach()) {}

    Ref& operator=(Ref other) noexcept {
        swap(other);
        return *this;
    }

    ~Ref();

    T* get() const noexcept { return object_; }
    T* operator->() const noexcept { return object_; }
    T& operator*() const noexcept { return *object_; }
    explicit operator bool() const noexcept { return object_ != nullptr; }

    /// Gives the reference to the caller, who must drop it. This becomes null.
    [[nodiscard]] T* detach() noexcept { return std::exchange(object_, nullptr); }

    /// Drops the reference. This is null before the object can be destroyed.
    void reset() noexcept { Ref old(std::move(*this)); }

    void swap(Ref& other) noexcept { std::swap(object_, other.object_); }

    friend bool operator==(const Ref& a, const Ref& b) noexcept { return a.object_ == b.object_; }
    friend bool operator==(const Ref& a, std::nullptr_t) noexcept { return a.object_ == nullptr; }

private:
    void add() const noexcept;

    T* object_ = nullptr;
};

// Implementation

template <class T>
Ref<T> Ref<T>::adopt(T* object) noexcept {
    Ref result;
    result.object_ = object;
    return result;
}

template <class T>
Ref<T>::~Ref() {
    if (object_ != nullptr) {
        object_->drop_ref();
    }
}

template <class T>
void Ref<T>::add() const noexcept {
    if (object_ != nullptr) {
        object_->add_ref();
    }
}

} // namespace rondo::inline RONDO_ABI::detail
