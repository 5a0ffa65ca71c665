#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// What an awaitable came to, without throwing. `co_await as_result(x)` gives one, and so does
// `gather(return_exceptions, ...)`: a value, an error code, an exception or a cancellation.

#include <rondo/config.hpp>
#include <rondo/error.hpp>
#include <rondo/fwd.hpp>

#include <concepts>
#include <exception>
#include <memory>
#include <system_error>
#include <type_traits>
#include <utility>
#include <variant>

namespace rondo::inline RONDO_ABI {

namespace detail {

/// Why there is no value: the part of a Result that does not depend on its type.
class Problem {
public:
    Problem(std::error_code error, const char* operation) noexcept
        : cause_(std::in_place_index<0>, error, operation) {}
    explicit Problem(std::exception_ptr exception) noexcept
        : cause_(std::in_place_index<1>, std::move(exception)) {}
    explicit Problem(CancelledError cancellation) noexcept
        : cause_(std::in_place_index<2>, std::move(cancellation)) {}

    std::error_code error() const noexcept;
    const char* operation() const noexcept;
    std::exception_ptr exception() const;
    bool cancelled() const noexcept;
    [[noreturn]] void raise() const;

private:
    struct SystemError {
        SystemError(std::error_code error, const char* name) noexcept
            : code(error), operation(name) {}
        std::error_code code;
        const char* operation;
    };

    std::variant<SystemError, std::exception_ptr, CancelledError> cause_;
};

/// How a Result<T> keeps its T, and how it shows it.
template <class T>
struct ResultStorage {
    using Stored = T;
    using Reference = T&;
    using ConstReference = const T&;
    using Moved = T&&;
};
template <class T>
struct ResultStorage<T&> {
    using Stored = T*;
    using Reference = T&;
    using ConstReference = T&;
    using Moved = T&;
};
template <>
struct ResultStorage<void> {
    using Stored = std::monostate;
    using Reference = void;
    using ConstReference = void;
    using Moved = void;
};

} // namespace detail

/// A value, or the reason why there is none: an error code, an exception or a cancellation. T may
/// be void, an lvalue reference or a type that only moves. A Result moves as T does, copies if T
/// does, and allocates nothing itself; for an error code no exception object is made until one is
/// asked for.
/// Example:
///     auto got = co_await as_result(stream.read_some(buffer));
///     if (!got) { log(got.error().message()); }
template <class T>
class [[nodiscard("rondo: a Result may hold an error: look at it")]] Result {
    static_assert(!std::is_rvalue_reference_v<T>,
                  "rondo: a Result cannot hold an rvalue reference: use the value type");

    using Stored = typename detail::ResultStorage<T>::Stored;
    static constexpr bool is_void = std::is_void_v<T>;
    static constexpr bool is_reference = std::is_reference_v<T>;

    // Each is void for void, and T for a reference.
    using Reference = typename detail::ResultStorage<T>::Reference;
    using ConstReference = typename detail::ResultStorage<T>::ConstReference;
    using Moved = typename detail::ResultStorage<T>::Moved;

public:
    using value_type = T;

    /// The result of something that returned nothing.
    Result() noexcept
        requires is_void
        : state_(std::in_place_index<0>) {}

    /// A value, made from anything that converts to one.
    template <class U = T>
        requires(!is_void && !is_reference && !std::same_as<std::remove_cvref_t<U>, Result> &&
                 std::constructible_from<T, U>)
    explicit(!std::convertible_to<U, T>) Result(U&& value)
        : state_(std::in_place_index<0>, std::forward<U>(value)) {}

    /// A reference. Lifetime: the object must outlive what is read through this Result.
    template <class U>
        requires(is_reference && !std::same_as<std::remove_cv_t<U>, Result> &&
                 std::convertible_to<U*, Stored>)
    Result(U& object) noexcept : state_(std::in_place_index<0>, std::addressof(object)) {}

    /// An error, which must not be the empty code. operation: what was tried, such as "recv", or
    /// null. Lifetime: the text is not copied; it is usually a literal.
    static Result failure(std::error_code error, const char* operation = nullptr) noexcept {
        RONDO_ASSERT(error, "Result::failure() needs an error: 0 is success");
        return Result(detail::Problem(error, operation));
    }

    /// An exception, which must not be null.
    static Result failure(std::exception_ptr exception) noexcept {
        RONDO_ASSERT(exception != nullptr, "Result::failure() needs an exception, got null");
        return Result(detail::Problem(std::move(exception)));
    }

    /// A cancellation.
    static Result from_cancellation(CancelledError cancellation) noexcept {
        return Result(detail::Problem(std::move(cancellation)));
    }

    bool has_value() const noexcept { return state_.index() == 0; }
    explicit operator bool() const noexcept { return has_value(); }

    /// The value. Throws: what kept it away: std::system_error with the operation's name, the
    /// exception itself, or CancelledError.
    Reference value() &;
    ConstReference value() const&;
    Moved value() &&;

    /// The value, which must be there: no check but an assertion.
    Reference operator*() & noexcept;
    ConstReference operator*() const& noexcept;
    Moved operator*() && noexcept;
    auto operator->() noexcept
        requires(!is_void);
    auto operator->() const noexcept
        requires(!is_void);

    /// The value, or the other one if there is none.
    template <class U>
        requires(!is_void)
    T value_or(U&& other) const& {
        return has_value() ? **this : static_cast<T>(std::forward<U>(other));
    }
    template <class U>
        requires(!is_void)
    T value_or(U&& other) && {
        return has_value() ? *std::move(*this) : static_cast<T>(std::forward<U>(other));
    }

    /// The error code: given as one, or inside a std::system_error (to look into an exception
    /// takes about a microsecond). Empty for a value, another exception, or a cancellation.
    std::error_code error() const noexcept {
        return problem() != nullptr ? problem()->error() : std::error_code();
    }

    /// The name of the operation that failed, such as "recv"; null if it is not known.
    const char* operation() const noexcept {
        return problem() != nullptr ? problem()->operation() : nullptr;
    }

    /// What value() would throw; null for a value. Made now, unless it was given as an exception.
    std::exception_ptr exception() const {
        return problem() != nullptr ? problem()->exception() : nullptr;
    }

    /// Whether it is a cancellation, also one given as an exception.
    bool cancelled() const noexcept { return problem() != nullptr && problem()->cancelled(); }

private:
    explicit Result(detail::Problem problem) noexcept
        : state_(std::in_place_index<1>, std::move(problem)) {}

    const detail::Problem* problem() const noexcept { return std::get_if<1>(&state_); }

    void require_value() const {
        if (!has_value()) {
            raise();
        }
    }

    [[noreturn]] void raise() const;

    template <class Self>
    static decltype(auto) get(Self& self) noexcept;

    std::variant<Stored, detail::Problem> state_;
};

// Implementation

template <class T>
auto Result<T>::value() & -> Reference {
    require_value();
    return get(*this);
}

template <class T>
auto Result<T>::value() const& -> ConstReference {
    require_value();
    return get(*this);
}

template <class T>
auto Result<T>::value() && -> Moved {
    require_value();
    return static_cast<Moved>(get(*this));
}

template <class T>
auto Result<T>::operator*() & noexcept -> Reference {
    return get(*this);
}

template <class T>
auto Result<T>::operator*() const& noexcept -> ConstReference {
    return get(*this);
}

template <class T>
auto Result<T>::operator*() && noexcept -> Moved {
    return static_cast<Moved>(get(*this));
}

template <class T>
auto Result<T>::operator->() noexcept
    requires(!is_void)
{
    return std::addressof(get(*this));
}

template <class T>
auto Result<T>::operator->() const noexcept
    requires(!is_void)
{
    return std::addressof(get(*this));
}

template <class T>
void Result<T>::raise() const {
    if (problem() == nullptr) {
        // Assigning a value threw half-way, and left neither the old state nor the new.
        throw std::bad_variant_access();
    }
    problem()->raise();
}

template <class T>
template <class Self>
decltype(auto) Result<T>::get(Self& self) noexcept {
    RONDO_ASSERT(self.has_value(), "this Result has no value: check it, or call value()");
    if constexpr (is_reference) {
        return static_cast<T>(**std::get_if<0>(&self.state_));
    } else if constexpr (!is_void) {
        return (*std::get_if<0>(&self.state_));
    }
}

namespace detail {

inline std::error_code Problem::error() const noexcept {
    if (const auto* failed = std::get_if<SystemError>(&cause_)) {
        return failed->code;
    }
    if (const auto* exception = std::get_if<std::exception_ptr>(&cause_)) {
        try {
            std::rethrow_exception(*exception);
        } catch (const std::system_error& error) {
            return error.code();
        } catch (...) {
            // Something else: no code.
        }
    }
    return {};
}

inline const char* Problem::operation() const noexcept {
    const auto* failed = std::get_if<SystemError>(&cause_);
    return failed != nullptr ? failed->operation : nullptr;
}

inline std::exception_ptr Problem::exception() const {
    if (const auto* failed = std::get_if<SystemError>(&cause_)) {
        return std::make_exception_ptr(make_system_error(failed->code, failed->operation));
    }
    if (const auto* cancellation = std::get_if<CancelledError>(&cause_)) {
        return std::make_exception_ptr(*cancellation);
    }
    return *std::get_if<std::exception_ptr>(&cause_);
}

inline bool Problem::cancelled() const noexcept {
    if (const auto* exception = std::get_if<std::exception_ptr>(&cause_)) {
        try {
            std::rethrow_exception(*exception);
        } catch (const CancelledError&) {
            return true;
        } catch (...) {
            return false;
        }
    }
    return std::holds_alternative<CancelledError>(cause_);
}

inline void Problem::raise() const {
    if (const auto* failed = std::get_if<SystemError>(&cause_)) {
        throw make_system_error(failed->code, failed->operation);
    }
    if (const auto* cancellation = std::get_if<CancelledError>(&cause_)) {
        throw *cancellation;
    }
    std::rethrow_exception(*std::get_if<std::exception_ptr>(&cause_));
}

} // namespace detail

} // namespace rondo::inline RONDO_ABI
