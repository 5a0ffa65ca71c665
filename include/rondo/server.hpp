#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// start_server: listens, and runs a handler for each connection. Server: its life.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <netdb.h>
#include <sys/socket.h>

#include <rondo/as_result.hpp>
#include <rondo/clock.hpp>
#include <rondo/config.hpp>
#include <rondo/coro.hpp>
#include <rondo/detail/listen.hpp>
#include <rondo/detail/ref.hpp>
#include <rondo/detail/scope_exit.hpp>
#include <rondo/detail/server_state.hpp>
#include <rondo/endpoint.hpp>
#include <rondo/error.hpp>
#include <rondo/resolve.hpp>
#include <rondo/stream.hpp>
#include <rondo/timeout.hpp>

namespace rondo::inline RONDO_ABI {

/// How a server is set up.
struct ServerOptions {
    std::size_t limit = 65536; ///< of each connection's stream, see StreamOptions
    int backlog = SOMAXCONN;   ///< connections that the kernel keeps until they are accepted
    bool reuse_port = false;   ///< let other sockets listen on the same port (SO_REUSEPORT)
    bool keep_alive = false;   ///< ask idle peers whether they are still there (SO_KEEPALIVE)
    int family = AF_UNSPEC;    ///< AF_INET or AF_INET6: only those
};

/// A server: the sockets it listens on, and the handlers of its connections, which it owns.
///
/// | state     | how it gets there      | new connections | handlers            |
/// | --------- | ---------------------- | --------------- | ------------------- |
/// | serving   | start_server()         | accepted        | run                 |
/// | closed    | close()                | refused         | run on              |
/// | ended     | the last handler ends  | refused         | none                |
///
/// Out of descriptors or memory, it says so to the loop's exception handler, lets new connections
/// wait for a second, and goes on.
///
/// Lifetime: a Server that is destroyed while it serves closes, and cancels its handlers, which end
/// in later turns of the loop.
class Server {
public:
    Server(Server&&) noexcept = default;
    Server& operator=(Server&& other) noexcept {
        Server old(std::move(*this));
        state_ = std::move(other.state_);
        return *this;
    }
    ~Server();

    /// The addresses that it listens on, with the ports that were chosen; still those after close().
    [[nodiscard]] std::vector<Endpoint> endpoints() const { return state()->endpoints(); }

    /// Whether connections are accepted: from start_server() until close().
    [[nodiscard]] bool is_serving() const { return state()->is_serving(); }

    /// Serves until the awaiting task is cancelled, or close() is called. Then closes, ends the
    /// handlers and waits for them: cancels them if it was cancelled itself, else as close_clients().
    ///
    /// Throws: CancelledError in either case, when all have ended; std::logic_error if the server is
    /// closed, or served already by another task.
    /// Cancellation: as said; a second one cancels the handlers again and waits on.
    template <class = void>
    Coro<> serve_forever() const;

    /// Stops listening: connections are refused at once, and those that were not accepted yet are
    /// reset. Handlers that run go on. The file of a Unix socket is removed, unless it has been
    /// replaced. No effect the second time.
    void close() const { state()->close(); }

    /// Waits until the server is closed and its last handler has ended; at once if that is so. To
    /// get there, call close() first, and perhaps close_clients(): a handler may wait for its client
    /// for ever. shutdown() does all of it.
    ///
    /// Cancellation: waits no more; nothing else changes.
    template <class = void>
    Coro<> wait_closed() const;

    /// Ends in order: close(), close_clients(), and waits; handlers that are not done when `grace` is
    /// over are cancelled, and waited for.
    ///
    /// Cancellation: cancels the handlers at once; throws when they have ended.
    template <Duration D>
    Coro<> shutdown(D grace) const;

    /// As if each client had ended its side now: handlers can read what has arrived, and then see
    /// the end of the stream; they may write on.
    void close_clients() const { state()->end_reading(); }

    /// Aborts all connections: what has not been sent is dropped, and reads and writes of handlers
    /// throw. What these throw because of it is not reported.
    void abort_clients() const { state()->abort_clients(); }

    /// For Rondo's own use.
    explicit Server(detail::Ref<detail::ServerState> state) noexcept : state_(std::move(state)) {}

private:
    [[nodiscard]] const detail::Ref<detail::ServerState>& state() const {
        if (!state_) [[unlikely]] {
            throw std::logic_error(
                "rondo: this Server was moved from: use the one it was moved to");
        }
        return state_;
    }

    detail::Ref<detail::ServerState> state_; // null after a move
};

/// Listens on a host's addresses and calls `handler(stream)`, a coroutine, for each connection, as
/// a task of its own. It serves when this returns, with or without serve_forever().
///
/// handler: called with a Stream by value; returns Coro<>. It may be a lambda with captures: the
/// server keeps it. What it throws goes to the loop's exception handler, and its connection is
/// closed; a CancelledError is quiet.
/// host: a name or an IP address; empty for every interface. port: 0 for any that is free, the same
/// for all addresses.
/// Throws: std::system_error with the address in what(), such as EADDRINUSE; nothing listens then.
/// Cancellation: nothing listens.
/// Example:
/// @code
/// rondo::Server server = co_await rondo::start_server(echo, "127.0.0.1", 8080);
/// co_await server.serve_forever();
/// @endcode
template <class Handler>
Coro<Server> start_server(Handler handler, std::string host, std::uint16_t port,
                          ServerOptions options = {});

/// The same on a Unix socket: a path, or an abstract name behind a NUL. A std::filesystem::path
/// converts. A socket file that is there is taken for a left-over and replaced.
///
/// Throws: std::system_error; EADDRINUSE with the path in what() if it is another kind of file.
template <class Handler>
Coro<Server> start_unix_server(Handler handler, std::string path, ServerOptions options = {});

// Implementation

namespace detail {

template <class Handler>
ServerState::Handler as_handler(Handler handler) {
    static_assert(std::is_invocable_r_v<Coro<>, Handler&, Stream>,
                  "rondo: a server's handler takes a Stream by value and returns Coro<>");
    return ServerState::Handler(std::move(handler));
}

inline ListenOptions listen_options(const ServerOptions& options) noexcept {
    return {options.backlog, options.reuse_port, options.keep_alive};
}

template <class = void>
Coro<Server> serve_on_host(ServerState::Handler handler, std::string host, std::uint16_t port,
                           ServerOptions options) {
    check_limit(options.limit);
    auto resolving = getaddrinfo(std::move(host), port, ResolveOptions{options.family, AI_PASSIVE});
    const std::vector<Endpoint> endpoints = co_await std::move(resolving);
    const Ref<ServerState> state(new ServerState(std::move(handler), options.limit));
    state->serve(listen_on_all(endpoints, listen_options(options)), SocketFile());
    co_return Server(state);
}

template <class = void>
Coro<Server> serve_on_path(ServerState::Handler handler, std::string path, ServerOptions options) {
    check_limit(options.limit);
    const Ref<ServerState> state(new ServerState(std::move(handler), options.limit));
    SocketFile file;
    std::vector<Listener> listeners;
    listeners.push_back(listen_on_unix(Endpoint::unix_path(path), listen_options(options), file));
    state->serve(std::move(listeners), std::move(file));
    co_return Server(state);
}

/// For as long as serve_forever() runs.
template <class = void>
Coro<> serve_until_closed(Ref<ServerState> state) {
    if (!state->is_serving()) {
        throw std::logic_error("rondo: this server is closed: start another one");
    }
    if (!state->claim_serving()) {
        throw std::logic_error("rondo: another task is in serve_forever() of this server");
    }
    const ScopeExit release([&] { state->release_serving(); });
    std::exception_ptr why;
    try {
        const ServerWait closed(*state, ServerWaiter::For::close);
        co_await closed;
    } catch (const CancelledError& cancelled) {
        why = std::current_exception();
        state->close();
        state->cancel_clients(cancelled.reason());
    }
    if (!why) {
        state->end_reading();
        why = std::make_exception_ptr(
            CancelledError(CancelReason::user, "rondo: the server was closed"));
    }
    const ServerWait ended(*state, ServerWaiter::For::end, true);
    co_await ended;
    std::rethrow_exception(why);
}

template <class = void>
Coro<> wait_until_ended(Ref<ServerState> state) {
    const ServerWait ended(*state, ServerWaiter::For::end);
    co_await ended;
}

template <class = void>
Coro<> shut_down(Ref<ServerState> state, Clock::duration grace) {
    state->close();
    state->end_reading();
    const auto ended_in_time =
        co_await as_result(wait_for(ServerWait(*state, ServerWaiter::For::end), grace));
    if (ended_in_time) {
        co_return;
    }
    const bool cancelled = ended_in_time.cancelled();
    state->cancel_clients(cancelled ? CancelReason::shutdown : CancelReason::timeout);
    const ServerWait ended(*state, ServerWaiter::For::end, true);
    co_await ended;
    if (cancelled) {
        ended_in_time.value();
    }
}

} // namespace detail

inline Server::~Server() {
    if (state_) {
        state_->close();
        state_->cancel_clients(CancelReason::shutdown);
    }
}

template <class>
Coro<> Server::serve_forever() const {
    return detail::serve_until_closed(state());
}

template <class>
Coro<> Server::wait_closed() const {
    return detail::wait_until_ended(state());
}

template <Duration D>
Coro<> Server::shutdown(D grace) const {
    return detail::shut_down(state(), detail::saturating_nanoseconds(grace));
}

template <class Handler>
Coro<Server> start_server(Handler handler, std::string host, std::uint16_t port,
                          ServerOptions options) {
    return detail::serve_on_host(detail::as_handler(std::move(handler)), std::move(host), port,
                                 options);
}

template <class Handler>
Coro<Server> start_unix_server(Handler handler, std::string path, ServerOptions options) {
    return detail::serve_on_path(detail::as_handler(std::move(handler)), std::move(path), options);
}

} // namespace rondo::inline RONDO_ABI
