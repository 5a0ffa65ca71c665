#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// What a context is made of, and which one is current. A context is an immutable list of bindings,
// newest first, whose tails are shared: to copy one is to copy a pointer. A program that uses no
// context variables has null pointers everywhere.

#include <atomic>
#include <cstdint>
#include <utility>

#include <rondo/config.hpp>
#include <rondo/detail/ref.hpp>
#include <rondo/detail/scheduler.hpp>
#include <rondo/error.hpp>

namespace rondo::inline RONDO_ABI::detail {

/// Counted atomically: a callback carries its context to the loop's thread.
class ContextCounted {
public:
    ContextCounted(const ContextCounted&) = delete;
    ContextCounted& operator=(const ContextCounted&) = delete;

    void add_ref() const noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
    void drop_ref() const noexcept {
        if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
            delete this;
        }
    }

protected:
    /// Whether nobody but the caller refers to it, and so nobody else ever will.
    [[nodiscard]] bool has_one_reference() const noexcept {
        return references_.load(std::memory_order_acquire) == 1;
    }

    ContextCounted() noexcept = default;
    virtual ~ContextCounted() = default;

private:
    mutable std::atomic<std::uint32_t> references_ = 0;
};

/// The value of a variable; the variable knows its type.
class ContextValue : public ContextCounted {};

/// A list of bindings, or a cell that holds one.
class ContextNode : public ContextCounted {
public:
    [[nodiscard]] bool is_cell() const noexcept { return is_cell_; }

protected:
    explicit ContextNode(bool is_cell) noexcept : is_cell_(is_cell) {}

private:
    const bool is_cell_;
};

/// Where a task, a callback or a thread keeps its bindings; null if there are none.
using ContextSlot = Ref<ContextNode>;

/// Values die newest first, one after another: a list may be too long for nested calls.
class ContextBinding final : public ContextNode {
public:
    ContextBinding(std::uint64_t variable, Ref<const ContextValue> value, ContextSlot next) noexcept
        : ContextNode(false), variable_(variable), value_(std::move(value)),
          next_(std::move(next)) {}
    ~ContextBinding() override {
        value_.reset();
        ContextSlot rest = std::move(next_);
        while (rest) {
            auto& binding = static_cast<ContextBinding&>(*rest);
            if (!binding.has_one_reference()) {
                break;
            }
            rest = std::move(binding.next_);
        }
    }

    /// The bindings without that variable's, which must be among them. Those in front of it are
    /// copied, the rest is shared.
    [[nodiscard]] static ContextSlot without(const ContextSlot& bindings, std::uint64_t variable) {
        ContextSlot copy;
        ContextSlot* end = &copy;
        const auto* binding = static_cast<const ContextBinding*>(bindings.get());
        while (binding->variable_ != variable) {
            auto* const copied = new ContextBinding(binding->variable_, binding->value_, nullptr);
            *end = ContextSlot(copied);
            end = &copied->next_;
            binding = static_cast<const ContextBinding*>(binding->next_.get());
        }
        *end = binding->next_;
        return copy;
    }

    [[nodiscard]] std::uint64_t variable() const noexcept { return variable_; }
    [[nodiscard]] const Ref<const ContextValue>& value() const noexcept { return value_; }
    [[nodiscard]] const ContextSlot& next() const noexcept { return next_; }

private:
    const std::uint64_t variable_;
    Ref<const ContextValue> value_;
    ContextSlot next_;
};

/// The changeable inside of a Context object, which several tasks may run in.
class ContextCell final : public ContextNode {
public:
    explicit ContextCell(ContextSlot bindings) noexcept
        : ContextNode(true), slot(std::move(bindings)) {}

    ContextSlot slot;
};

/// Null if the variable is not bound.
[[nodiscard]] inline const ContextBinding* find_binding(const ContextSlot& bindings,
                                                        std::uint64_t variable) noexcept {
    const auto* binding = static_cast<const ContextBinding*>(bindings.get());
    while (binding != nullptr && binding->variable() != variable) {
        binding = static_cast<const ContextBinding*>(binding->next().get());
    }
    return binding;
}

/// Binds the variable; a null value unbinds it.
inline void bind(ContextSlot& bindings, std::uint64_t variable, Ref<const ContextValue> value) {
    ContextSlot rest = find_binding(bindings, variable) != nullptr
                           ? ContextBinding::without(bindings, variable)
                           : bindings;
    if (value) {
        rest = ContextSlot(new ContextBinding(variable, std::move(value), std::move(rest)));
    }
    bindings = std::move(rest);
}

inline constinit std::atomic<std::uint64_t> next_context_variable = 1;

class CellEntry;

/// The context of code that runs outside of any loop, on this thread.
struct ThreadContext {
    [[nodiscard]] ContextSlot& current() noexcept { return entered != nullptr ? *entered : own; }

    ContextSlot own;
    ContextSlot* entered = nullptr; // by Context::run()
    CellEntry* innermost = nullptr; // of those on this thread's stack, in loops or not
};

[[nodiscard]] inline ThreadContext& thread_context() noexcept {
    thread_local ThreadContext context;
    return context;
}

/// The bindings in a slot, or in the cell that the slot refers to.
[[nodiscard]] inline ContextSlot& bindings_of(ContextSlot& slot) noexcept {
    if (slot && slot->is_cell()) [[unlikely]] {
        return static_cast<ContextCell*>(slot.get())->slot;
    }
    return slot;
}

/// The bindings that are current for a loop's code.
[[nodiscard]] inline ContextSlot& current_context(Scheduler& scheduler) noexcept {
    return scheduler.context != nullptr ? bindings_of(*scheduler.context)
                                        : thread_context().current();
}

/// The bindings that are current on this thread.
[[nodiscard]] inline ContextSlot& current_context() noexcept {
    return current_scheduler != nullptr ? current_context(*current_scheduler)
                                        : thread_context().current();
}

/// Whether a slot that was current once is so now: a task whose context has been asked for keeps
/// its bindings in a cell since.
[[nodiscard]] inline bool is_current_context(const ContextSlot* slot) noexcept {
    return slot == &current_context() ||
           (current_scheduler != nullptr && slot == current_scheduler->context);
}

/// While it lives, code on this thread runs in a Context object's bindings.
class CellEntry {
public:
    /// Throws: InvalidStateError if code runs in them already, further up the stack perhaps.
    explicit CellEntry(ContextSlot& slot)
        : entered_(current_scheduler != nullptr ? current_scheduler->context
                                                : thread_context().entered),
          outer_(entered_), next_out_(thread_context().innermost) {
        for (const CellEntry* entry = this; entry != nullptr; entry = entry->next_out_) {
            if (entry->outer_ != nullptr && &bindings_of(*entry->outer_) == &slot) {
                throw InvalidStateError("rondo: this context has been entered already");
            }
        }
        entered_ = &slot;
        thread_context().innermost = this;
    }
    CellEntry(const CellEntry&) = delete;
    CellEntry& operator=(const CellEntry&) = delete;
    ~CellEntry() {
        entered_ = outer_;
        thread_context().innermost = next_out_;
    }

private:
    ContextSlot*& entered_;
    ContextSlot* const outer_;
    CellEntry* const next_out_;
};

/// What a task or callback runs in: bindings of its own, or a cell that it shares.
class RunContext {
public:
    explicit RunContext(const ContextSlot& copied) noexcept : root_(copied) {}

    void share(Ref<ContextCell> cell) noexcept { root_ = std::move(cell); }

    /// The cell that it shares, from now on.
    [[nodiscard]] Ref<ContextCell> cell() {
        if (!root_ || !root_->is_cell()) {
            root_ = ContextSlot(new ContextCell(root_));
        }
        return Ref<ContextCell>(static_cast<ContextCell*>(root_.get()));
    }

    /// For Scheduler::context; see bindings_of().
    [[nodiscard]] ContextSlot& slot() noexcept { return root_; }

private:
    ContextSlot root_;
};

/// While it lives, a loop's code runs in that context.
class EnteredContext {
public:
    EnteredContext(Scheduler& scheduler, RunContext& context) noexcept
        : scheduler_(scheduler), outer_(std::exchange(scheduler.context, &context.slot())) {}
    EnteredContext(const EnteredContext&) = delete;
    EnteredContext& operator=(const EnteredContext&) = delete;
    ~EnteredContext() { scheduler_.context = outer_; }

private:
    Scheduler& scheduler_;
    ContextSlot* outer_;
};

} // namespace rondo::inline RONDO_ABI::detail
