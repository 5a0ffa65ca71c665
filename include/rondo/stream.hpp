#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// Stream: a connection as a stream of bytes, read with a buffer and written without one; and
// open_connection, which makes one.

#include <array>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/socket.h>

#include <rondo/buffer.hpp>
#include <rondo/clock.hpp>
#include <rondo/config.hpp>
#include <rondo/coro.hpp>
#include <rondo/detail/connect.hpp>
#include <rondo/detail/ref.hpp>
#include <rondo/detail/stream_read.hpp>
#include <rondo/detail/stream_receive.hpp>
#include <rondo/detail/stream_state.hpp>
#include <rondo/detail/stream_write.hpp>
#include <rondo/detail/unique_fd.hpp>
#include <rondo/endpoint.hpp>
#include <rondo/error.hpp>
#include <rondo/resolve.hpp>

namespace rondo::inline RONDO_ABI {

/// How a stream is set up.
struct StreamOptions {
    std::size_t limit = 65536; ///< how far read_until() and read_line() look, in bytes; not 0
};

/// How open_connection() goes about it. An Endpoint here is trivially destructible, as all members
/// of options are (see README, Compilers).
struct ConnectOptions {
    std::size_t limit = 65536; ///< as in StreamOptions
    Endpoint local{};          ///< connect from this address, if it is one; port 0: any
    int family = AF_UNSPEC;    ///< AF_INET or AF_INET6: only those
    /// The head start of an address before the next one is tried as well, if there are several.
    Clock::duration head_start = std::chrono::milliseconds(250);
};

/// A connection over TCP or a Unix socket: a stream of bytes each way. Owns its socket.
///
/// Reading goes through a buffer which holds what came and was not asked for yet; writing has none:
/// a write ends when the kernel has taken all. No byte is lost: a buffered read that is cancelled,
/// times out or throws leaves what has come for the next one. The end of the stream is a value; a
/// connection that was reset or lost is an error, now and whenever it is read again.
///
/// Several tasks may write, each write whole and in order of the calls; one may read meanwhile.
/// What wakes a read or write that waits: data, the end, an error, cancellation, and close().
///
/// Lifetime: may be moved, closed and destroyed while other tasks read or write. The destructor
/// closes without waiting; sent data is still delivered, as by close(2).
/// Example:
/// @code
/// rondo::Coro<> echo(rondo::Stream stream) {
///     for (;;) {
///         const std::string line = co_await stream.read_line();
///         if (line.empty()) {
///             break;
///         }
///         co_await stream.write(line);
///     }
/// }
/// @endcode
class Stream {
public:
    /// Takes over a connected stream socket, and puts it into blocking mode: the ring waits for it.
    /// Throws: std::system_error if it is no socket, std::invalid_argument if it is no stream
    /// socket or the limit is 0; the caller keeps it then.
    [[nodiscard]] static Stream from_native(int fd, StreamOptions options = {});

    Stream(Stream&&) noexcept = default;
    Stream& operator=(Stream&& other) noexcept {
        Stream old(std::move(*this));
        state_ = std::move(other.state_);
        return *this;
    }
    ~Stream() {
        if (state_) {
            state_->close();
        }
    }

    /// Reads into `buffer` as soon as there is anything, without a copy if nothing is buffered.
    ///
    /// Returns: how many bytes; 0 at the end of the stream, or if the buffer is empty.
    /// Throws: std::system_error; std::logic_error if another task is reading.
    /// Cancellation: bytes that have been received are returned; none is lost.
    /// Lifetime: the buffer, until the await ends.
    detail::ReadSome read_some(MutableBuffer buffer) const {
        return detail::ReadSome(state(), buffer);
    }

    /// Receives what comes as soon as there is anything, into a buffer of the loop's, which goes back
    /// when the chunk is destroyed. While it waits it holds no memory: for servers with many idle
    /// connections.
    ///
    /// Returns: an io::Chunk, of 16 KiB at most unless more was buffered; empty at the end.
    /// Throws, Cancellation: as for read_some().
    /// Example:
    /// @code
    /// for (;;) {
    ///     const rondo::io::Chunk chunk = co_await stream.receive();
    ///     if (chunk.empty()) {
    ///         break;
    ///     }
    ///     co_await stream.write(chunk.buffer());
    /// }
    /// @endcode
    detail::Receive receive() const { return detail::Receive(state()); }

    /// Reads up to `count` bytes, as soon as there are any. Returns: them; empty at the end.
    ///
    /// Throws, Cancellation: as for read_some().
    template <class = void>
    Coro<std::string> read(std::size_t count) const {
        return detail::stream_read(state(), count);
    }

    /// Reads until the end of the stream, whatever comes: put a time limit on it, and trust the
    /// peer. Returns: all of it.
    ///
    /// Throws: as for read_some(). Cancellation: what has come stays in the stream.
    template <class = void>
    Coro<std::string> read_all() const {
        return detail::stream_read_all(state());
    }

    /// Reads `count` bytes; the limit does not apply.
    ///
    /// Throws: IncompleteReadError at the end of the stream, with what there was; else as for
    /// read_some(). Cancellation: what has come stays in the stream.
    template <class = void>
    Coro<std::string> read_exactly(std::size_t count) const {
        return detail::stream_read_exactly(state(), count);
    }

    /// Reads until a separator has come. Returns: what was before it, and the separator.
    ///
    /// Throws: IncompleteReadError at the end of the stream, with what there was.
    /// LimitOverrunError if more than the limit comes before the separator: all stays in the
    /// stream, and read_exactly(consumed()) skips what was searched. std::invalid_argument for an
    /// empty separator. Else as for read_some().
    /// Cancellation: what has come stays in the stream.
    template <class = void>
    Coro<std::string> read_until(std::string separator) const {
        return detail::stream_read_until(state(), std::move(separator));
    }

    /// Reads a line. Returns: it, with its "\n"; without one what is left at the end of the stream,
    /// and empty after that.
    ///
    /// Throws: LimitOverrunError if a line is longer than the limit; what has come of that line is
    /// dropped. Else as for read_some(). Cancellation: what has come stays in the stream.
    template <class = void>
    Coro<std::string> read_line() const {
        return detail::stream_read_line(state());
    }

    /// Writes all of `buffer`, after the writes that were awaited before.
    ///
    /// Throws: std::system_error: EPIPE or ECONNRESET if the peer is gone. Never raises SIGPIPE.
    /// Cancellation: before its turn, or before anything was sent, the write has no effect. After
    /// that the stream is broken, for nobody could tell how much arrived: later writes throw.
    /// Ordering: first come, first served; bytes of two writes never mix.
    /// Lifetime: the buffer, until the await ends.
    detail::Write write(ConstBuffer buffer) const { return detail::Write(state(), buffer); }

    /// Writes several buffers one after another, as if they were one.
    ///
    /// Lifetime: the range and the buffers, until the await ends. The rest as for one.
    detail::GatherWrite write(std::span<const ConstBuffer> buffers) const {
        return detail::GatherWrite(state(), buffers);
    }
    /// Example: co_await stream.write(header, body);
    template <std::convertible_to<ConstBuffer>... Others>
    detail::WriteSeveral<2 + sizeof...(Others)> write(ConstBuffer first, ConstBuffer second,
                                                      const Others&... others) const {
        using Buffers = std::array<ConstBuffer, 2 + sizeof...(Others)>;
        return {state(), Buffers{first, second, ConstBuffer(others)...}};
    }

    /// Ends the sending side after the writes that were awaited before: the peer reads the end of
    /// the stream. Reading goes on. No effect the second time, or after close().
    ///
    /// Throws: std::system_error. Cancellation: before its turn, no effect.
    detail::WriteEof write_eof() const { return detail::WriteEof(state()); }

    /// Closes. Reads and writes that wait are ended with std::system_error (ECANCELED), and waited
    /// for; what was written before is still delivered. After that, reads give what is buffered and
    /// then the end of the stream, and writes throw. Never throws for what the peer did. No effect
    /// the second time.
    ///
    /// Cancellation: the stream closes all the same.
    detail::StreamClose close() const { return detail::StreamClose(state()); }

    /// Closes at once: what the kernel has not sent yet is dropped, and a TCP peer sees a reset.
    void abort() const { state()->abort(); }

    /// Whether the end of the stream has been seen and all before it was read.
    [[nodiscard]] bool at_eof() const { return state()->at_eof(); }

    /// Whether close() or abort() was called.
    [[nodiscard]] bool is_closing() const { return state()->closing(); }

    /// The address of this end. Throws: std::system_error once it is closed.
    [[nodiscard]] Endpoint local_endpoint() const { return Endpoint::local_of(state()->fd()); }

    /// The address of the other end, as it was in the beginning.
    [[nodiscard]] Endpoint remote_endpoint() const { return state()->remote(); }

    /// The socket, which stays the stream's; -1 once it is closed.
    [[nodiscard]] int native_handle() const { return state()->fd(); }

    /// How far read_until() and read_line() look, in bytes.
    [[nodiscard]] std::size_t limit() const { return state()->limit(); }

    /// setsockopt(2). Throws: std::system_error.
    void set_option(int level, int name, int value) const;

    /// For Rondo's own use.
    explicit Stream(detail::Ref<detail::StreamState> state) noexcept : state_(std::move(state)) {}
    [[nodiscard]] const detail::Ref<detail::StreamState>& state() const {
        if (!state_) [[unlikely]] {
            throw std::logic_error(
                "rondo: this Stream was moved from: use the one it was moved to");
        }
        return state_;
    }

private:
    detail::Ref<detail::StreamState> state_; // null after a move
};

/// Connects to a host over TCP, by IPv6 or IPv4. If the host has several addresses they are tried
/// in turn, the families alternating, each with a head start; the first that answers wins, and no
/// socket of the others is left ("Happy Eyeballs", RFC 8305). TCP_NODELAY is set.
///
/// host: a name or an IP address.
/// Throws: std::system_error if the name is unknown (see getaddrinfo()) or no address answers; if
/// the reasons differ, what() names all of them.
/// Cancellation: at once, and every socket is closed.
template <class = void>
Coro<Stream> open_connection(std::string host, std::uint16_t port, ConnectOptions options = {});

/// Connects to an address: IPv4, IPv6 or Unix.
template <class = void>
Coro<Stream> open_connection(Endpoint endpoint, ConnectOptions options = {});

/// Connects to a Unix socket: a path, or an abstract name behind a NUL. A std::filesystem::path
/// converts.
///
/// Throws: std::system_error; std::invalid_argument if the path is empty or longer than 107 bytes.
template <class = void>
Coro<Stream> open_unix_connection(std::string path, ConnectOptions options = {});

// Implementation

namespace detail {

inline void check_limit(std::size_t limit) {
    if (limit == 0) {
        throw std::invalid_argument("rondo: the limit of a stream must not be 0");
    }
}

/// A stream on a connected socket.
inline Stream make_stream(UniqueFd fd, std::size_t limit, const Endpoint& remote) {
    Ref<StreamState> state(new StreamState(fd.get(), limit, remote));
    static_cast<void>(fd.release());
    return Stream(std::move(state));
}

/// The peer's address; none if the connection has ended already.
inline Endpoint remote_if_any(int fd) noexcept {
    try {
        return Endpoint::remote_of(fd);
    } catch (...) {
        return {};
    }
}

} // namespace detail

inline Stream Stream::from_native(int fd, StreamOptions options) {
    detail::check_limit(options.limit);
    int type = 0;
    socklen_t size = sizeof(type);
    if (::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) != 0) {
        detail::throw_system_error(errno, "Stream::from_native");
    }
    if (type != SOCK_STREAM) {
        throw std::invalid_argument("rondo: Stream::from_native() needs a stream socket; for "
                                    "datagrams there is DatagramSocket");
    }
    const int flags = ::fcntl(fd, F_GETFL);
    if (flags >= 0 && (flags & O_NONBLOCK) != 0) {
        ::fcntl(fd, F_SETFL, flags & ~O_NONBLOCK);
    }
    detail::Ref<detail::StreamState> state(
        new detail::StreamState(fd, options.limit, detail::remote_if_any(fd)));
    return Stream(std::move(state));
}

inline void Stream::set_option(int level, int name, int value) const {
    if (::setsockopt(state()->fd(), level, name, &value, sizeof(value)) != 0) {
        detail::throw_system_error(errno, "setsockopt");
    }
}

template <class>
Coro<Stream> open_connection(std::string host, std::uint16_t port, ConnectOptions options) {
    detail::check_limit(options.limit);
    auto resolving = getaddrinfo(host, port, ResolveOptions{options.family, 0});
    std::vector<Endpoint> endpoints = co_await std::move(resolving);
    auto connecting = detail::connect_to_any(std::move(host), std::move(endpoints), options.local,
                                             options.head_start);
    detail::Connected connected = co_await std::move(connecting);
    co_return detail::make_stream(std::move(connected.fd), options.limit, connected.remote);
}

template <class>
Coro<Stream> open_connection(Endpoint endpoint, ConnectOptions options) {
    detail::check_limit(options.limit);
    auto connecting = detail::connect_to(endpoint, options.local);
    detail::Connected connected = co_await std::move(connecting);
    co_return detail::make_stream(std::move(connected.fd), options.limit, connected.remote);
}

template <class>
Coro<Stream> open_unix_connection(std::string path, ConnectOptions options) {
    auto connecting = open_connection(Endpoint::unix_path(path), options);
    co_return co_await std::move(connecting);
}

} // namespace rondo::inline RONDO_ABI
