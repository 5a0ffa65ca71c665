#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// The baselines of the echo benchmarks: servers by hand, each of which does the least that one may
// do. All serve connections that are there already, and end with the last of them.

#include <bit>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "allocations.hpp"
#include "costs.hpp"
#include "hand_ring.hpp"

namespace bench {

/// What a server knows of its clients, and what it has spent between as many echoes as there are
/// connections, one on each, and the first connection's end.
class EchoSession {
public:
    EchoSession(std::size_t connections, std::size_t bytes)
        : connections_(connections), bytes_(bytes) {}

    /// How long the messages are.
    [[nodiscard]] std::size_t bytes() const { return bytes_; }

    /// After each echo. spent: returns the server's costs so far.
    template <class F>
    void echoed(const F& spent) {
        if (echoes_ < connections_ && ++echoes_ == connections_) {
            before_ = spent();
        }
    }
    /// When a connection ends. Returns whether it was the last one.
    template <class F>
    bool ended(const F& spent) {
        if (ended_ == 0) {
            after_ = spent();
        }
        return ++ended_ == connections_;
    }
    [[nodiscard]] bool is_over() const { return ended_ == connections_; }

    [[nodiscard]] Costs costs() const {
        return {after_.allocations - before_.allocations,
                after_.system_calls - before_.system_calls};
    }

private:
    std::size_t connections_;
    std::size_t bytes_;
    std::size_t echoes_ = 0;
    std::size_t ended_ = 0;
    Costs before_;
    Costs after_;
};

/// Memory for one message at least, and more than that for a server that cannot know.
inline constexpr std::size_t echo_buffer_size = 16384;

/// The costs so far of a server that counts its own system calls.
class SpentByHand {
public:
    explicit SpentByHand(const std::uint64_t& system_calls) : system_calls_(system_calls) {}
    Costs operator()() const { return {allocations().count, system_calls_}; }

private:
    const std::uint64_t& system_calls_;
};

/// A receive and a send at a time for each connection, with plain descriptors.
class OneShotServer {
public:
    OneShotServer(const std::vector<int>& sockets, EchoSession& session)
        : session_(session), ring_(HandRing::entries_for(2 * sockets.size())),
          connections_(sockets.size()) {
        for (std::size_t i = 0; i < sockets.size(); ++i) {
            connections_[i].socket = sockets[i];
            connections_[i].buffer.resize(echo_buffer_size);
        }
    }

    void run() {
        for (std::size_t i = 0; i < connections_.size(); ++i) {
            receive(i);
        }
        while (!session_.is_over()) {
            ring_.submit_and_wait(1);
            ++system_calls_;
            unsigned count = 0;
            unsigned head = 0;
            io_uring_cqe* completion = nullptr;
            io_uring_for_each_cqe(&ring_.native(), head, completion) {
                ++count;
                complete(completion->user_data / 2, completion->user_data % 2 != 0,
                         completion->res);
            }
            io_uring_cq_advance(&ring_.native(), count);
        }
    }

private:
    struct Connection {
        int socket = -1;
        std::vector<char> buffer;
    };

    void receive(std::size_t index) {
        Connection& connection = connections_[index];
        io_uring_sqe& entry = ring_.entry();
        io_uring_prep_recv(&entry, connection.socket, connection.buffer.data(), echo_buffer_size,
                           0);
        entry.user_data = index * 2;
    }

    void send(std::size_t index, std::size_t size) {
        Connection& connection = connections_[index];
        io_uring_sqe& entry = ring_.entry();
        io_uring_prep_send(&entry, connection.socket, connection.buffer.data(), size,
                           MSG_WAITALL | MSG_NOSIGNAL);
        entry.user_data = index * 2 + 1;
    }

    void complete(std::size_t index, bool sent, int result) {
        Connection& connection = connections_[index];
        if (result > 0 && !sent) {
            send(index, static_cast<std::size_t>(result));
        } else if (result > 0) {
            session_.echoed(spent_);
            receive(index);
        } else {
            ::close(connection.socket);
            session_.ended(spent_);
        }
    }

    EchoSession& session_;
    HandRing ring_;
    std::vector<Connection> connections_;
    std::uint64_t system_calls_ = 0;
    SpentByHand spent_{system_calls_};
};

/// One receive for the whole life of a connection, into buffers that the kernel takes from a ring,
/// with direct descriptors.
class MultishotServer {
public:
    MultishotServer(const std::vector<int>& sockets, EchoSession& session)
        : session_(session), ring_(HandRing::entries_for(2 * sockets.size())),
          connections_(sockets.size()),
          buffer_size_(std::bit_ceil(session.bytes() < 4096 ? 4096 : session.bytes())),
          buffer_count_(static_cast<unsigned>(std::bit_ceil(2 * sockets.size() + 64))),
          memory_(std::make_unique<char[]>(buffer_count_ * buffer_size_)) {
        require(io_uring_register_files(&ring_.native(), sockets.data(),
                                        static_cast<unsigned>(sockets.size())) == 0,
                "io_uring_register_files");
        for (const int socket : sockets) {
            ::close(socket);
        }
        io_uring_buf_reg registration{};
        void* const buffers = std::aligned_alloc(4096, buffer_count_ * sizeof(io_uring_buf));
        require(buffers != nullptr, "aligned_alloc");
        buffers_.reset(static_cast<io_uring_buf_ring*>(buffers));
        io_uring_buf_ring_init(buffers_.get());
        registration.ring_addr = reinterpret_cast<std::uintptr_t>(buffers);
        registration.ring_entries = buffer_count_;
        require(io_uring_register_buf_ring(&ring_.native(), &registration, 0) == 0,
                "io_uring_register_buf_ring");
        for (unsigned i = 0; i < buffer_count_; ++i) {
            give_back(i);
        }
    }

    void run() {
        for (std::size_t i = 0; i < connections_; ++i) {
            receive(i);
        }
        while (!session_.is_over()) {
            offer();
            ring_.submit_and_wait(1);
            ++system_calls_;
            unsigned count = 0;
            unsigned head = 0;
            io_uring_cqe* completion = nullptr;
            io_uring_for_each_cqe(&ring_.native(), head, completion) {
                ++count;
                complete(*completion);
            }
            io_uring_cq_advance(&ring_.native(), count);
        }
    }

private:
    struct Free {
        void operator()(io_uring_buf_ring* memory) const { std::free(memory); }
    };

    // user_data: the connection; and for sends the buffer's number, plus one.
    static constexpr unsigned connection_bits = 32;

    [[nodiscard]] char* buffer(unsigned number) { return &memory_[number * buffer_size_]; }

    void give_back(unsigned number) {
        io_uring_buf_ring_add(buffers_.get(), buffer(number), static_cast<unsigned>(buffer_size_),
                              static_cast<unsigned short>(number),
                              io_uring_buf_ring_mask(buffer_count_), given_back_++);
    }
    void offer() {
        if (given_back_ != 0) {
            io_uring_buf_ring_advance(buffers_.get(), std::exchange(given_back_, 0));
        }
    }

    void receive(std::size_t connection) {
        io_uring_sqe& entry = ring_.entry();
        io_uring_prep_recv_multishot(&entry, static_cast<int>(connection), nullptr, 0, 0);
        entry.flags |= IOSQE_FIXED_FILE | IOSQE_BUFFER_SELECT;
        entry.ioprio |= IORING_RECVSEND_POLL_FIRST;
        entry.user_data = connection;
    }

    void send(std::size_t connection, unsigned number, int size) {
        io_uring_sqe& entry = ring_.entry();
        io_uring_prep_send(&entry, static_cast<int>(connection), buffer(number),
                           static_cast<std::size_t>(size), MSG_WAITALL | MSG_NOSIGNAL);
        entry.flags |= IOSQE_FIXED_FILE;
        entry.user_data = connection | (std::uint64_t{number + 1} << connection_bits);
    }

    void complete(const io_uring_cqe& completion) {
        const std::uint64_t sent = completion.user_data >> connection_bits;
        const auto connection = static_cast<std::uint32_t>(completion.user_data);
        if (sent != 0) {
            require(completion.res > 0, "send");
            give_back(static_cast<unsigned>(sent - 1));
            session_.echoed(spent_);
        } else if (completion.res > 0) {
            send(connection, completion.flags >> IORING_CQE_BUFFER_SHIFT, completion.res);
            if ((completion.flags & IORING_CQE_F_MORE) == 0) {
                receive(connection);
            }
        } else if (completion.res == -ENOBUFS) {
            receive(connection);
        } else {
            session_.ended(spent_);
        }
    }

    EchoSession& session_;
    HandRing ring_;
    std::size_t connections_;
    std::size_t buffer_size_;
    unsigned buffer_count_;
    std::unique_ptr<char[]> memory_;
    std::unique_ptr<io_uring_buf_ring, Free> buffers_;
    int given_back_ = 0;
    std::uint64_t system_calls_ = 0;
    SpentByHand spent_{system_calls_};
};

/// Level-triggered, with one buffer for all connections.
class EpollServer {
public:
    EpollServer(const std::vector<int>& sockets, EchoSession& session)
        : session_(session), poll_(::epoll_create1(EPOLL_CLOEXEC)), buffer_(echo_buffer_size) {
        for (const int socket : sockets) {
            ::fcntl(socket, F_SETFL, O_NONBLOCK);
            epoll_event event{};
            event.events = EPOLLIN;
            event.data.fd = socket;
            require(::epoll_ctl(poll_, EPOLL_CTL_ADD, socket, &event) == 0, "epoll_ctl");
        }
    }
    EpollServer(const EpollServer&) = delete;
    EpollServer& operator=(const EpollServer&) = delete;
    ~EpollServer() { ::close(poll_); }

    void run() {
        std::vector<epoll_event> events(1024);
        while (!session_.is_over()) {
            const int count =
                ::epoll_wait(poll_, events.data(), static_cast<int>(events.size()), -1);
            for (int i = 0; i < count; ++i) {
                echo(events[static_cast<std::size_t>(i)].data.fd);
            }
        }
    }

private:
    void echo(int socket) {
        const ssize_t size = ::recv(socket, buffer_.data(), buffer_.size(), 0);
        if (size > 0) {
            // There is room: a client sends no more before it has its reply.
            require(::send(socket, buffer_.data(), static_cast<std::size_t>(size), MSG_NOSIGNAL) ==
                        size,
                    "send");
        } else if (size == 0 || errno != EAGAIN) {
            ::close(socket);
            session_.ended([] { return Costs{}; });
        }
    }

    EchoSession& session_;
    int poll_;
    std::vector<char> buffer_;
};

} // namespace bench
