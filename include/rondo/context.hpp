#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// ContextVar: a variable of which every task has its own value, inherited from whoever created the
// task: the id of the request that is being served, wherever it is needed.

#include <atomic>
#include <concepts>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

#include <rondo/config.hpp>
#include <rondo/detail/context_node.hpp>
#include <rondo/detail/ref.hpp>
#include <rondo/detail/scheduler.hpp>
#include <rondo/error.hpp>

namespace rondo::inline RONDO_ABI {

/// A variable whose value belongs to the context: the task, the callback, or, outside of a loop,
/// the thread.
///
/// A task starts with a copy of its creator's context (which takes no time, however much is in it):
/// it sees what was set before, later changes of either are not seen by the other. Coros that are
/// awaited run in the awaiting task's context.
/// Make it at namespace scope, as asyncio's documentation asks too.
/// Lifetime: must outlive its tokens' use. Values live as long as a context refers to them.
/// Threads: values may be read and destroyed on other threads; they are never changed.
/// Example:
/// @code
/// rondo::ContextVar<int> request_id("request_id", 0);
/// rondo::Coro<> log(std::string text) { print(request_id.get(), text); co_return; }
/// @endcode
template <class T>
class ContextVar {
    static_assert(std::copy_constructible<T>, "rondo: a context's values are copied when read");

public:
    class Token;

    explicit ContextVar(std::string name) : name_(std::move(name)) {}
    /// With the value of contexts in which it was never set.
    ContextVar(std::string name, T otherwise)
        : name_(std::move(name)), default_(std::move(otherwise)) {}
    ContextVar(const ContextVar&) = delete;
    ContextVar& operator=(const ContextVar&) = delete;

    [[nodiscard]] const std::string& name() const noexcept { return name_; }

    /// The value in the current context, or the variable's default.
    /// Throws: LookupError if there is neither.
    [[nodiscard]] T get() const;

    /// The value in the current context; `otherwise` if it was never set there.
    [[nodiscard]] T get(T otherwise) const;

    /// Sets it in the current context. The token undoes that, with reset().
    Token set(T value);

    /// Gives it the value from before the set() that returned the token.
    /// Throws: InvalidStateError for a token that has been used; std::invalid_argument for a token
    /// of another variable or context.
    void reset(const Token& token);

private:
    friend class Context;
    class Value;

    [[nodiscard]] const T* find(const detail::ContextSlot& bindings) const noexcept;

    static std::uint64_t next_id() noexcept;

    std::uint64_t id_ = next_id(); // no address: another variable may come to live there
    std::string name_;
    std::optional<T> default_;
};

/// What set() returns. Dropping it changes nothing.
template <class T>
class ContextVar<T>::Token {
public:
    Token(Token&&) noexcept = default;
    Token& operator=(Token&&) noexcept = default;

    /// The value from before; empty if there was none.
    [[nodiscard]] std::optional<T> old_value() const;

private:
    friend class ContextVar;
    Token(std::uint64_t variable, const detail::ContextSlot& slot,
          detail::Ref<const detail::ContextValue> old) noexcept
        : variable_(variable), slot_(&slot), old_(std::move(old)) {}

    std::uint64_t variable_;
    const detail::ContextSlot* slot_;
    detail::Ref<const detail::ContextValue> old_; // null if it was not set
    mutable bool used_ = false;
};

/// A context as an object: to run callables and tasks in. A cheap copyable handle; copies are the
/// same context.
class Context {
public:
    /// With nothing set.
    Context() : Context(detail::ContextSlot()) {}

    /// Calls `function(args...)` in this context: what it sets stays set here.
    /// Returns: what the function returns. Throws: InvalidStateError if it runs here already.
    template <class F, class... Args>
        requires std::invocable<F, Args...>
    std::invoke_result_t<F, Args...> run(F&& function, Args&&... args) const;

    /// The variable's value here; empty if it was never set.
    template <class T>
    [[nodiscard]] std::optional<T> get(const ContextVar<T>& variable) const {
        const T* value = variable.find(cell_->slot);
        return value != nullptr ? std::optional<T>(*value) : std::nullopt;
    }

    /// Another context with the same values. Takes no time.
    [[nodiscard]] Context copy() const { return Context(cell_->slot); }

    /// For Rondo's own use.
    explicit Context(detail::Ref<detail::ContextCell> cell) noexcept : cell_(std::move(cell)) {}
    [[nodiscard]] const detail::Ref<detail::ContextCell>& cell() const noexcept { return cell_; }

private:
    friend Context copy_context();
    explicit Context(detail::ContextSlot bindings)
        : cell_(new detail::ContextCell(std::move(bindings))) {}

    detail::Ref<detail::ContextCell> cell_;
};

/// A copy of the current context. Takes no time, however much is in it.
[[nodiscard]] inline Context copy_context() {
    return Context(detail::current_context());
}

// Implementation

template <class T>
class ContextVar<T>::Value final : public detail::ContextValue {
public:
    explicit Value(T given) : value(std::move(given)) {}
    const T value;
};

template <class T>
std::uint64_t ContextVar<T>::next_id() noexcept {
    return detail::next_context_variable.fetch_add(1, std::memory_order_relaxed);
}

template <class T>
const T* ContextVar<T>::find(const detail::ContextSlot& bindings) const noexcept {
    const detail::ContextBinding* binding = detail::find_binding(bindings, id_);
    return binding != nullptr ? &static_cast<const Value&>(*binding->value()).value : nullptr;
}

template <class T>
T ContextVar<T>::get() const {
    if (const T* value = find(detail::current_context())) {
        return *value;
    }
    if (!default_) {
        throw LookupError("rondo: the context variable " + name_ + " has no value here");
    }
    return *default_;
}

template <class T>
T ContextVar<T>::get(T otherwise) const {
    const T* value = find(detail::current_context());
    return value != nullptr ? *value : std::move(otherwise);
}

template <class T>
auto ContextVar<T>::set(T value) -> Token {
    detail::ContextSlot& slot = detail::current_context();
    const detail::ContextBinding* before = detail::find_binding(slot, id_);
    Token token(id_, slot, before != nullptr ? before->value() : nullptr);
    detail::bind(slot, id_, detail::Ref<const detail::ContextValue>(new Value(std::move(value))));
    return token;
}

template <class T>
void ContextVar<T>::reset(const Token& token) {
    if (token.used_) {
        throw InvalidStateError("rondo: this token has been used already");
    }
    if (token.variable_ != id_) {
        throw std::invalid_argument("rondo: this token is of another context variable than " +
                                    name_);
    }
    if (!detail::is_current_context(token.slot_)) {
        throw std::invalid_argument("rondo: this token of " + name_ + " is of another context");
    }
    detail::bind(detail::current_context(), id_, token.old_);
    token.used_ = true;
}

template <class T>
std::optional<T> ContextVar<T>::Token::old_value() const {
    return old_ ? std::optional<T>(static_cast<const Value&>(*old_).value) : std::nullopt;
}

template <class F, class... Args>
    requires std::invocable<F, Args...>
std::invoke_result_t<F, Args...> Context::run(F&& function, Args&&... args) const {
    const detail::Ref<detail::ContextCell> kept = cell_;
    const detail::CellEntry entry(kept->slot);
    return std::forward<F>(function)(std::forward<Args>(args)...);
}

} // namespace rondo::inline RONDO_ABI
