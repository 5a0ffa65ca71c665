#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// Why a read or write of a stream came to nothing: small, so that the exception is made only where
// the user awaits.

#include <cerrno>
#include <cstdint>
#include <exception>
#include <stdexcept>
#include <system_error>

#include <rondo/config.hpp>
#include <rondo/error.hpp>

namespace rondo::inline RONDO_ABI::detail {

/// A reason, or none.
class StreamProblem {
public:
    constexpr StreamProblem() noexcept = default;

    /// The kernel's word: an errno.
    static constexpr StreamProblem system(int error) noexcept { return {Kind::system, error}; }
    static constexpr StreamProblem cancelled() noexcept { return {Kind::cancelled, ECANCELED}; }
    /// The stream was closed, before or meanwhile.
    static constexpr StreamProblem closed() noexcept { return {Kind::closed, ECANCELED}; }
    /// An earlier write ended half-way.
    static constexpr StreamProblem broken() noexcept { return {Kind::broken, EPIPE}; }
    /// write_eof() came before.
    static constexpr StreamProblem ended() noexcept { return {Kind::ended, EPIPE}; }
    /// Another task reads.
    static constexpr StreamProblem second_reader() noexcept { return {Kind::misuse, EBUSY}; }

    [[nodiscard]] constexpr explicit operator bool() const noexcept { return kind_ != Kind::none; }
    [[nodiscard]] constexpr bool is_cancellation() const noexcept {
        return kind_ == Kind::cancelled;
    }
    [[nodiscard]] constexpr bool is_misuse() const noexcept { return kind_ == Kind::misuse; }

    /// The errno, if it is the kernel's word; otherwise 0.
    [[nodiscard]] constexpr int system_error() const noexcept {
        return kind_ == Kind::system ? error_ : 0;
    }

    /// As an error code, and what stands before its message in what(); `name` is the system call's.
    /// Neither says it well if it is a cancellation or a misuse.
    [[nodiscard]] std::error_code code() const noexcept { return {error_, std::system_category()}; }
    [[nodiscard]] const char* context(const char* name) const noexcept;

    /// The exception for a misuse.
    [[nodiscard]] static std::exception_ptr misuse() noexcept;

    /// Throws it. Precondition: it is neither none nor a cancellation.
    [[noreturn]] void raise(const char* name) const;

private:
    enum class Kind : std::uint8_t { none, system, cancelled, closed, broken, ended, misuse };

    constexpr StreamProblem(Kind kind, int error) noexcept : kind_(kind), error_(error) {}

    Kind kind_ = Kind::none;
    int error_ = 0; // errno
};

// Implementation

inline const char* StreamProblem::context(const char* name) const noexcept {
    switch (kind_) {
    case Kind::closed:
        return "this stream was closed";
    case Kind::broken:
        return "an earlier write to this stream was cut short";
    case Kind::ended:
        return "this stream was written to after write_eof()";
    default:
        return name;
    }
}

inline std::exception_ptr StreamProblem::misuse() noexcept {
    return std::make_exception_ptr(
        std::logic_error("rondo: another task is reading from this stream: let one task read for "
                         "all, or take turns with a Lock"));
}

inline void StreamProblem::raise(const char* name) const {
    if (is_misuse()) {
        std::rethrow_exception(misuse());
    }
    throw make_system_error(code(), context(name));
}

} // namespace rondo::inline RONDO_ABI::detail
