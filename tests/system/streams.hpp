#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// A stream under test, and the other end of its connection as a plain descriptor: what that one
// does is done when the call returns.

#include <cerrno>
#include <cstddef>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <poll.h>
#include <sys/socket.h>

#include <rondo/coro.hpp>
#include <rondo/create_task.hpp>
#include <rondo/error.hpp>
#include <rondo/event_loop.hpp>
#include <rondo/future.hpp>
#include <rondo/stream.hpp>
#include <rondo/task.hpp>

#include "io/descriptors.hpp"
#include "support/async_test.hpp"
#include "support/catch.hpp"

namespace rondo_test {

/// A stream and its peer.
struct Talk {
    rondo::Stream stream;
    Fd peer;

    void send(std::string_view text) const {
        const ssize_t sent = ::send(peer.get(), text.data(), text.size(), MSG_NOSIGNAL);
        if (sent != static_cast<ssize_t>(text.size())) {
            throw std::system_error(errno, std::system_category(), "the peer's send");
        }
    }
    /// The peer ends its side.
    void end() const { checked(::shutdown(peer.get(), SHUT_WR)); }
    /// The peer goes away, and says so rudely if this is TCP.
    void reset() {
        const linger at_once{1, 0};
        checked(::setsockopt(peer.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)));
        peer.close();
    }
    /// What has arrived at the peer and was not received before.
    [[nodiscard]] std::string received() const {
        std::string all;
        char piece[65536];
        for (ssize_t got = 0; (got = ::recv(peer.get(), piece, sizeof(piece), MSG_DONTWAIT)) > 0;) {
            all.append(piece, static_cast<std::size_t>(got));
        }
        return all;
    }
    /// The same until the stream has ended.
    [[nodiscard]] std::string received_to_the_end() const {
        std::string all;
        char piece[65536];
        for (;;) {
            const ssize_t got = checked(::recv(peer.get(), piece, sizeof(piece), 0));
            if (got == 0) {
                return all;
            }
            all.append(piece, static_cast<std::size_t>(got));
        }
    }
};

inline Talk over_unix(rondo::StreamOptions options = {}) {
    Ends ends = sockets();
    return {rondo::Stream::from_native(ends.in.release(), options), std::move(ends.out)};
}

inline Talk over_tcp(rondo::StreamOptions options = {}) {
    Ends ends = tcp();
    return {rondo::Stream::from_native(ends.in.release(), options), std::move(ends.out)};
}

/// Bytes that differ from their neighbours, and from one seed to the next.
inline std::string pattern(std::size_t size, unsigned seed = 1) {
    std::string text(size, '\0');
    unsigned state = seed * 2654435761U + 1;
    for (char& byte : text) {
        state = state * 1664525U + 1013904223U;
        byte = static_cast<char>(state >> 24U);
    }
    return text;
}

/// The error that a task ended with; empty if it did not end with one from the system.
template <class T>
std::error_code system_error_of(const rondo::Task<T>& task) {
    if (!task.done() || task.cancelled() || task.exception() == nullptr) {
        return {};
    }
    try {
        std::rethrow_exception(task.exception());
    } catch (const std::system_error& error) {
        return error.code();
    } catch (...) {
        return {};
    }
}

/// What a task threw, as text; empty if it threw no std::exception.
template <class T>
std::string message_of(const rondo::Task<T>& task) {
    if (!task.done() || task.cancelled() || task.exception() == nullptr) {
        return {};
    }
    try {
        std::rethrow_exception(task.exception());
    } catch (const std::exception& error) {
        return error.what();
    } catch (...) {
        return {};
    }
}

inline std::error_code system_code(int error) {
    return {error, std::system_category()};
}

/// Waits until a task is done. Its result, or what it threw, stays in its handle.
template <class T>
rondo::Coro<> finished(rondo::Task<T> task) {
    auto done = rondo::get_running_loop().create_future<void>();
    task.add_done_callback([done]() mutable { done.set_result(); });
    co_await done;
}

} // namespace rondo_test
