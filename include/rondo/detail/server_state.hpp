#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// What is behind a Server: its listening sockets with a task each that accepts, and its connections
// with a task each that runs the handler. It lives until the last of these has ended.

#include <cerrno>
#include <chrono>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <sys/socket.h>

#include <rondo/as_result.hpp>
#include <rondo/config.hpp>
#include <rondo/coro.hpp>
#include <rondo/create_task.hpp>
#include <rondo/detail/frame_pool.hpp>
#include <rondo/detail/intrusive_list.hpp>
#include <rondo/detail/listen.hpp>
#include <rondo/detail/ref.hpp>
#include <rondo/detail/scheduler.hpp>
#include <rondo/detail/small_function.hpp>
#include <rondo/detail/stream_state.hpp>
#include <rondo/detail/unique_fd.hpp>
#include <rondo/endpoint.hpp>
#include <rondo/error.hpp>
#include <rondo/event_loop.hpp>
#include <rondo/io/accept_multishot.hpp>
#include <rondo/sleep.hpp>
#include <rondo/stream.hpp>
#include <rondo/suspension.hpp>
#include <rondo/task.hpp>
#include <rondo/wait_list.hpp>

namespace rondo::inline RONDO_ABI::detail {

class ServerState;

/// Something a server has running: an accept loop, or a connection's handler. Deletes itself when
/// the task ends, however that is.
class ServerTask : public DoneObserver, public ListHook<ServerState>, public PoolAllocated {
public:
    void cancel(CancelReason reason) const noexcept;

protected:
    explicit ServerTask(ServerState& server) noexcept : server_(&server) {}
    virtual ~ServerTask() = default;

    void observe(TaskRef task) noexcept {
        task_ = std::move(task);
        task_.observe(*this);
    }

    Ref<ServerState> server_;
    TaskRef task_;

private:
    inline void on_done() noexcept override;
    void on_abandoned() noexcept override { on_done(); }
    virtual void ended() noexcept = 0;
};

/// A connection: knows the stream, wherever the handler moves it.
class Connection final : public ServerTask {
public:
    /// Starts the handler. Throws: what calling it throws, std::bad_alloc; the stream is closed
    /// then.
    static void start(ServerState& server, Stream stream);

    void end_reading() const noexcept { stream_->end_reading(); }
    void abort() noexcept {
        aborted_ = true;
        stream_->abort();
    }

private:
    Connection(ServerState& server, Ref<StreamState> stream) noexcept
        : ServerTask(server), stream_(std::move(stream)) {}
    inline void ended() noexcept override;

    Ref<StreamState> stream_;
    bool aborted_ = false; // whatever the handler says of it is no news
};

/// Waits for a server.
class ServerWaiter : public Suspension, public WaitHook {
public:
    enum class For : std::uint8_t { close, end };

    ServerWaiter(ServerState& server, For what, bool insists) noexcept
        : server_(&server), for_(what), insists_(insists) {}
    ~ServerWaiter();

    [[nodiscard]] bool await_ready() const noexcept;
    template <class P>
    bool await_suspend(std::coroutine_handle<P> awaiting) noexcept {
        if (insists_) {
            suspend(awaiting);
        } else if (!suspend_unless_cancelled(awaiting)) {
            return false;
        }
        enlist();
        return true;
    }
    void await_resume() {
        if (!insists_) {
            throw_if_cancelled();
        }
    }

private:
    friend ServerState;
    void enlist() noexcept;
    inline void on_cancel() noexcept override;
    [[nodiscard]] const char* describe() const noexcept override {
        return for_ == For::close ? "Server::serve_forever" : "Server::wait_closed";
    }

    Ref<ServerState> server_;
    For for_;
    bool insists_; // waits for the end even when it is cancelled, and passes that on to the clients
};

class ServerWait {
public:
    ServerWait(ServerState& server, ServerWaiter::For what, bool insists = false) noexcept
        : server_(server), for_(what), insists_(insists) {}
    ServerWaiter operator co_await() const noexcept {
        return ServerWaiter(server_, for_, insists_);
    }

private:
    ServerState& server_;
    ServerWaiter::For for_;
    bool insists_;
};

/// The shared part of a server. Belongs to one loop.
class ServerState final : public PoolAllocated {
public:
    using Handler = SmallFunction<Coro<>(Stream)>;

    ServerState(Handler handler, std::size_t limit) noexcept
        : handler_(std::move(handler)), limit_(limit) {}

    void add_ref() noexcept { ++references_; }
    void drop_ref() noexcept {
        if (--references_ == 0) {
            delete this;
        }
    }

    /// Starts an accept loop for each. Throws: std::bad_alloc.
    template <class = void>
    void serve(std::vector<Listener> listeners, SocketFile file);

    [[nodiscard]] bool is_serving() const noexcept { return serving_; }
    [[nodiscard]] bool ended() const noexcept {
        return !serving_ && acceptors_.empty() && connections_.empty();
    }
    [[nodiscard]] std::vector<Endpoint> endpoints() const;

    /// Stops listening.
    void close() noexcept;
    void end_reading() noexcept;
    void abort_clients() noexcept;
    void cancel_clients(CancelReason reason) noexcept;

    /// serve_forever() may run once at a time.
    [[nodiscard]] bool claim_serving() noexcept { return !std::exchange(claimed_, true); }
    void release_serving() noexcept { claimed_ = false; }

private:
    friend Connection;
    friend ServerTask;
    friend ServerWaiter;
    class Acceptor;

    ~ServerState() = default;

    template <class = void>
    Coro<> accept_loop(int fd);
    void connect(UniqueFd fd) noexcept;
    static bool is_shortage(int error) noexcept;
    static void report(const char* message, const std::exception_ptr& error,
                       const Endpoint& client = {}) noexcept;
    void wake(ServerWaiter::For what) noexcept;
    void wake_if_ended() noexcept;

    std::uint32_t references_ = 0;
    bool serving_ = false;
    bool claimed_ = false;
    Handler handler_;
    std::size_t limit_;
    std::vector<Listener> listeners_; // their descriptors are closed when their loop has ended
    SocketFile file_;
    IntrusiveList<ServerTask, ServerState> acceptors_;
    IntrusiveList<ServerTask, ServerState> connections_;
    WaitList<ServerWaiter> waiters_;
};

/// An accept loop.
class ServerState::Acceptor final : public ServerTask {
public:
    template <class = void>
    static void start(ServerState& server, Listener& listener) {
        auto* acceptor = new Acceptor(server, listener);
        try {
            acceptor->observe(create_task(server.accept_loop(listener.fd.get())));
        } catch (...) {
            delete acceptor;
            throw;
        }
        server.acceptors_.push_back(*acceptor);
    }

private:
    Acceptor(ServerState& server, Listener& listener) noexcept
        : ServerTask(server), listener_(listener) {}
    void ended() noexcept override {
        listener_.fd = UniqueFd();
        server_->close(); // somebody else may have cancelled the task
    }

    Listener& listener_;
};

// Implementation

inline void ServerTask::cancel(CancelReason reason) const noexcept {
    try {
        if (!task_.done()) {
            task_.state()->cancel(reason, {});
        }
    } catch (...) { // NOLINT(bugprone-empty-catch): without a message there is nothing to allocate
    }
}

inline void ServerTask::on_done() noexcept {
    const Ref<ServerState> server = server_;
    IntrusiveList<ServerTask, ServerState>::remove(*this);
    ended();
    delete this;
    server->wake_if_ended();
}

inline void Connection::start(ServerState& server, Stream stream) {
    auto* connection = new Connection(server, stream.state());
    try {
        connection->observe(create_task(server.handler_(std::move(stream))));
    } catch (...) {
        delete connection;
        throw;
    }
    server.connections_.push_back(*connection);
}

inline void Connection::ended() noexcept {
    if (task_.cancelled() || task_.state()->status() != Status::failed) {
        return;
    }
    const std::exception_ptr error = task_.exception();
    const bool quiet = aborted_;
    stream_->close(); // wherever the handler has put it
    if (!quiet) {
        ServerState::report("a connection's handler threw", error, stream_->remote());
    }
}

inline ServerWaiter::~ServerWaiter() {
    server_->waiters_.remove_if_linked(*this);
}

inline bool ServerWaiter::await_ready() const noexcept {
    return for_ == For::close ? !server_->is_serving() : server_->ended();
}

inline void ServerWaiter::enlist() noexcept {
    server_->waiters_.push_back(*this);
}

inline void ServerWaiter::on_cancel() noexcept {
    if (insists_) {
        server_->cancel_clients(task()->cancel_reason());
        return;
    }
    server_->waiters_.remove(*this);
    resume();
}

template <class>
void ServerState::serve(std::vector<Listener> listeners, SocketFile file) {
    listeners_ = std::move(listeners);
    file_ = std::move(file);
    serving_ = true;
    try {
        for (Listener& listener : listeners_) {
            Acceptor::start(*this, listener);
        }
    } catch (...) {
        close();
        throw;
    }
}

inline std::vector<Endpoint> ServerState::endpoints() const {
    std::vector<Endpoint> endpoints;
    endpoints.reserve(listeners_.size());
    for (const Listener& listener : listeners_) {
        endpoints.push_back(listener.endpoint);
    }
    return endpoints;
}

inline void ServerState::close() noexcept {
    if (!std::exchange(serving_, false)) {
        return;
    }
    file_.remove();
    for (const Listener& listener : listeners_) {
        if (listener.fd) {
            ::shutdown(listener.fd.get(), SHUT_RDWR); // from now on, the kernel refuses connections
        }
    }
    acceptors_.for_each([](const ServerTask& task) { task.cancel(CancelReason::shutdown); });
    wake(ServerWaiter::For::close);
    wake_if_ended();
}

inline void ServerState::end_reading() noexcept {
    connections_.for_each([](ServerTask& task) { static_cast<Connection&>(task).end_reading(); });
}

inline void ServerState::abort_clients() noexcept {
    connections_.for_each([](ServerTask& task) { static_cast<Connection&>(task).abort(); });
}

inline void ServerState::cancel_clients(CancelReason reason) noexcept {
    connections_.for_each([&](const ServerTask& task) { task.cancel(reason); });
}

inline bool ServerState::is_shortage(int error) noexcept {
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

template <class>
Coro<> ServerState::accept_loop(int fd) {
    constexpr std::chrono::seconds pause{1};
    auto connections = io::accept_multishot(fd);
    while (serving_) {
        auto accepted = co_await as_result(connections.next());
        if (accepted) {
            if (!accepted.value()) {
                break;
            }
            UniqueFd connection(*accepted.value());
            if (serving_) {
                connect(std::move(connection));
            }
        } else if (accepted.cancelled()) {
            break;
        } else if (serving_ && is_shortage(accepted.error().value())) {
            // The connection waits in the kernel's queue until there are descriptors again.
            report("a server cannot accept connections for now, and will try again in 1 s",
                   accepted.exception());
            const auto slept = co_await as_result(sleep(pause));
            if (slept.cancelled()) {
                break;
            }
        } else if (serving_) {
            report("a server cannot accept connections any more, and closes", accepted.exception());
            break;
        }
    }
    // The listening socket is closed after this: no request may name its descriptor any more.
    connections.stop();
    for (;;) {
        auto rest = co_await as_result(connections.next());
        if (rest && !rest.value()) {
            break;
        }
        const UniqueFd unwanted(rest ? *rest.value() : -1);
    }
}

inline void ServerState::connect(UniqueFd fd) noexcept {
    const Endpoint remote = remote_if_any(fd.get());
    try {
        Connection::start(*this, make_stream(std::move(fd), limit_, remote));
    } catch (...) {
        report("a connection's handler threw", std::current_exception(), remote);
    }
}

inline void ServerState::report(const char* message, const std::exception_ptr& error,
                                const Endpoint& client) noexcept {
    const auto tell = [message, error, client](EventLoop* loop) {
        const std::string subject =
            client.family() != AF_UNSPEC ? "client " + client.to_string() : std::string();
        const ErrorContext context{message, error, subject};
        if (loop != nullptr) {
            loop->call_exception_handler(context);
        } else {
            EventLoop::default_exception_handler(context);
        }
    };
    EventLoop* const loop = current_scheduler != nullptr ? current_scheduler->loop : nullptr;
    try {
        if (loop != nullptr) {
            // In a turn of its own: the exception handler is the user's, and may do anything.
            loop->call_soon([loop, tell] { tell(loop); });
        } else {
            tell(nullptr);
        }
    } catch (...) { // no memory
        print_unhandled(message, error);
    }
}

inline void ServerState::wake(ServerWaiter::For what) noexcept {
    WaitList<ServerWaiter> others;
    while (ServerWaiter* waiter = waiters_.pop_front()) {
        if (waiter->for_ == what) {
            waiter->resume();
        } else {
            others.push_back(*waiter);
        }
    }
    while (ServerWaiter* waiter = others.pop_front()) {
        waiters_.push_back(*waiter);
    }
}

inline void ServerState::wake_if_ended() noexcept {
    if (ended()) {
        wake(ServerWaiter::For::end);
    }
}

} // namespace rondo::inline RONDO_ABI::detail
