#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// The clients of the echo benchmarks, all on one ring: each sends, waits for the whole reply, and
// sends again. The same code whatever the server is, and written by hand to cost little beside it.

#include <cstddef>
#include <utility>
#include <vector>

#include <sys/socket.h>
#include <unistd.h>

#include "hand_ring.hpp"

namespace bench {

/// The clients. They own their sockets.
class EchoLoad {
public:
    EchoLoad(std::vector<int> sockets, std::size_t bytes)
        : sockets_(std::move(sockets)), message_(bytes), reply_(bytes) {
        for (std::size_t i = 0; i < bytes; ++i) {
            message_[i] = static_cast<char>(i * 131 + 7);
        }
    }
    EchoLoad(const EchoLoad&) = delete;
    EchoLoad& operator=(const EchoLoad&) = delete;
    ~EchoLoad() {
        for (const int socket : sockets_) {
            ::close(socket);
        }
    }

    /// One exchange on each connection, one after another: the server is there, and gives back what
    /// it got.
    void check() {
        for (const int socket : sockets_) {
            const auto size = static_cast<ssize_t>(message_.size());
            require(::send(socket, message_.data(), message_.size(), MSG_NOSIGNAL) == size, "send");
            require(::recv(socket, reply_.data(), reply_.size(), MSG_WAITALL) == size, "recv");
            require(reply_ == message_, "the echo differs");
        }
    }

    /// All clients send.
    void start() {
        for (std::size_t i = 0; i < sockets_.size(); ++i) {
            exchange(i);
        }
    }

    /// Waits for one reply, and that client sends again. Returns its number.
    std::size_t next() {
        const std::size_t client = replied();
        exchange(client);
        return client;
    }

    /// Waits for what is under way.
    void finish() {
        for (std::size_t i = 0; i < sockets_.size(); ++i) {
            replied();
        }
    }

private:
    // Of those that succeed, sends make no completion.
    static constexpr std::size_t failed_send = static_cast<std::size_t>(-1);

    void exchange(std::size_t client) {
        io_uring_sqe& send = ring_.entry();
        io_uring_prep_send(&send, sockets_[client], message_.data(), message_.size(),
                           MSG_WAITALL | MSG_NOSIGNAL);
        send.flags |= IOSQE_CQE_SKIP_SUCCESS;
        send.user_data = failed_send;
        // Into the same buffer for all: nobody looks at it any more.
        io_uring_sqe& receive = ring_.entry();
        io_uring_prep_recv(&receive, sockets_[client], reply_.data(), reply_.size(), MSG_WAITALL);
        receive.ioprio |= IORING_RECVSEND_POLL_FIRST;
        receive.user_data = client;
    }

    std::size_t replied() {
        io_uring_cqe* completion = nullptr;
        while (io_uring_peek_cqe(&ring_.native(), &completion) != 0) {
            ring_.submit_and_wait(1);
        }
        const std::size_t client = completion->user_data;
        require(client != failed_send && completion->res == static_cast<int>(reply_.size()),
                "exchange");
        io_uring_cqe_seen(&ring_.native(), completion);
        return client;
    }

    std::vector<int> sockets_;
    std::vector<char> message_;
    std::vector<char> reply_;
    HandRing ring_{HandRing::entries_for(2 * sockets_.size())};
};

} // namespace bench
