#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// ExceptionGroup: several failures in one exception, and the means to handle them by type, as
// Python's except*.

#include <concepts>
#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <rondo/config.hpp>
#include <rondo/detail/exception_kind.hpp>

namespace rondo::inline RONDO_ABI {

/// What a task group throws: the exceptions of its children and of its body, in the order in which
/// they came. Groups may nest. Copying is cheap and does not throw.
///
/// Any exception may be in it, `throw 42` included.
/// Example:
/// @code
/// try {
///     co_await rondo::task_group(body);
/// } catch (const rondo::ExceptionGroup& group) {
///     auto rest = group.handle<std::system_error>([](const std::system_error& e) { log(e); });
///     if (rest) {
///         throw *rest;
///     }
/// }
/// @endcode
class ExceptionGroup : public std::runtime_error {
public:
    /// One failure, and whose it was: a task's name, "the body", or empty.
    struct Member {
        std::exception_ptr exception;
        std::string task;
    };

    /// Throws: std::invalid_argument if there is no exception, or a null one.
    ExceptionGroup(const std::string& message, std::vector<Member> members)
        : std::runtime_error(describe(message, members)),
          message_(std::make_shared<const std::string>(message)),
          members_(std::make_shared<const std::vector<Member>>(std::move(members))) {}
    ExceptionGroup(const std::string& message, const std::vector<std::exception_ptr>& exceptions)
        : ExceptionGroup(message, unnamed(exceptions)) {}

    /// What the group was made with; what() lists the members as well.
    [[nodiscard]] const std::string& message() const noexcept { return *message_; }

    [[nodiscard]] std::vector<std::exception_ptr> exceptions() const {
        std::vector<std::exception_ptr> exceptions;
        for (const Member& member : *members_) {
            exceptions.push_back(member.exception);
        }
        return exceptions;
    }

    /// The failures with the names of their tasks.
    [[nodiscard]] const std::vector<Member>& members() const noexcept { return *members_; }

    /// The part whose exceptions are an E, in nested groups too, which keep their shape; empty if
    /// there is none.
    template <class E>
    [[nodiscard]] std::optional<ExceptionGroup> subgroup() const {
        return split<E>().first;
    }

    /// The part that is E, and the rest; either may be empty.
    template <class E>
    [[nodiscard]] std::pair<std::optional<ExceptionGroup>, std::optional<ExceptionGroup>> split()
        const {
        return split_by<E>([](const E&, const Member&, std::vector<Member>&) {});
    }

    /// except*: calls `handler` with each exception that is an E. Returns the rest, with what the
    /// handler threw itself; empty if everything was handled.
    template <class E, std::invocable<const E&> F>
    [[nodiscard("rondo: throw what handle() returns on, if there is anything: it was not handled")]]
    std::optional<ExceptionGroup> handle(F handler) const {
        const auto visit = [&](const E& found, const Member& member, std::vector<Member>& rest) {
            try {
                handler(found);
            } catch (...) {
                rest.push_back(Member{std::current_exception(), member.task});
            }
        };
        return split_by<E>(visit).second;
    }

private:
    static std::vector<Member> unnamed(const std::vector<std::exception_ptr>& exceptions) {
        std::vector<Member> members;
        for (const std::exception_ptr& exception : exceptions) {
            members.push_back(Member{exception, {}});
        }
        return members;
    }

    static std::string describe(const std::string& message, const std::vector<Member>& members) {
        if (members.empty()) {
            throw std::invalid_argument("rondo: an ExceptionGroup needs at least one exception");
        }
        for (const Member& member : members) {
            if (member.exception == nullptr) {
                throw std::invalid_argument("rondo: an ExceptionGroup cannot hold a null pointer");
            }
        }
        std::string text = message + " (" + std::to_string(members.size()) +
                           (members.size() == 1 ? " exception" : " exceptions") + ")";
        for (const Member& member : members) {
            text += "\n  ";
            if (!member.task.empty()) {
                text += member.task + ": ";
            }
            for (const char letter : detail::describe_exception(member.exception)) {
                text += letter;
                if (letter == '\n') {
                    text += "  "; // a nested group
                }
            }
        }
        return text;
    }

    template <class E, class F>
    std::pair<std::optional<ExceptionGroup>, std::optional<ExceptionGroup>> split_by(
        const F& visit) const {
        std::vector<Member> matching;
        std::vector<Member> rest;
        for (const Member& member : *members_) {
            const std::optional<ExceptionGroup> group = nested<E>(member);
            if (group) {
                auto parts = group->template split_by<E>(visit);
                if (parts.first) {
                    matching.push_back(Member{std::make_exception_ptr(*parts.first), member.task});
                }
                if (parts.second) {
                    rest.push_back(Member{std::make_exception_ptr(*parts.second), member.task});
                }
                continue;
            }
            try {
                std::rethrow_exception(member.exception);
            } catch (const E& found) {
                matching.push_back(member);
                visit(found, member, rest);
            } catch (...) {
                rest.push_back(member);
            }
        }
        return {regroup(std::move(matching)), regroup(std::move(rest))};
    }

    /// The member as a group to look into. A group is a std::exception, too: who asks for those
    /// means what is in it, which may be something else.
    template <class E>
    [[nodiscard]] static std::optional<ExceptionGroup> nested(const Member& member) {
        if constexpr (!std::derived_from<E, ExceptionGroup>) {
            try {
                std::rethrow_exception(member.exception);
            } catch (const ExceptionGroup& group) {
                return group;
            } catch (...) { // NOLINT(bugprone-empty-catch): a single exception
            }
        }
        return std::nullopt;
    }

    [[nodiscard]] std::optional<ExceptionGroup> regroup(std::vector<Member> members) const {
        if (members.empty()) {
            return std::nullopt;
        }
        return ExceptionGroup(*message_, std::move(members));
    }

    std::shared_ptr<const std::string> message_;
    std::shared_ptr<const std::vector<Member>> members_;
};

} // namespace rondo::inline RONDO_ABI
