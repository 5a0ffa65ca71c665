#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// What sort of exception an exception_ptr holds, asked without throwing it again where the
// standard library can tell: a task must know whether it failed or was cancelled, and cancelling a
// hundred thousand tasks should not cost a hundred thousand throws more than it must.

#include <cstdlib>
#include <cxxabi.h>
#include <exception>
#include <memory>
#include <rondo/config.hpp>
#include <rondo/error.hpp>
#include <string>
#include <typeinfo>

namespace rondo::inline RONDO_ABI::detail {

template <class E>
[[nodiscard]] bool holds(const std::exception_ptr& error) noexcept {
    if (error == nullptr) {
        return false;
    }
#if defined(__GLIBCXX__) && defined(__cpp_rtti)
    return *error.__cxa_exception_type() == typeid(E);
#else
    try {
        std::rethrow_exception(error);
    } catch (const E&) {
        return true;
    } catch (...) {
        return false;
    }
#endif
}

/// A cancellation: rondo::CancelledError, which has no derived classes.
[[nodiscard]] inline bool is_cancellation(const std::exception_ptr& error) noexcept {
    return holds<CancelledError>(error);
}

/// Name of a type as a person writes it.
[[nodiscard]] inline std::string demangle(const char* name) {
    int status = 0;
    const std::unique_ptr<char, decltype(&std::free)> text(
        abi::__cxa_demangle(name, nullptr, nullptr, &status), &std::free);
    return status == 0 && text != nullptr ? text.get() : name;
}

/// "type: what()" of an exception, for reports.
[[nodiscard]] inline std::string describe_exception(const std::exception_ptr& error) {
    if (error == nullptr) {
        return "no exception";
    }
    const auto type_of_current = [] {
        const std::type_info* type = abi::__cxa_current_exception_type();
        return type != nullptr ? demangle(type->name()) : std::string("unknown exception");
    };
    try {
        std::rethrow_exception(error);
    } catch (const std::exception& e) {
        return type_of_current() + ": " + e.what();
    } catch (const CancelledError& e) {
        return type_of_current() + ": " + e.what();
    } catch (const KeyboardInterrupt& e) {
        return type_of_current() + ": " + e.what();
    } catch (...) {
        return type_of_current();
    }
}

} // namespace rondo::inline RONDO_ABI::detail
