// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT
//
// An echo server on port 7777 with liburing by hand, for bench/compile.sh: each connection has its
// own state and buffer, as in echo_rondo.cpp, and one request at a time.

#include <array>
#include <cstdio>
#include <memory>
#include <utility>

#include <arpa/inet.h>
#include <liburing.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

struct Client {
    explicit Client(int fd) : socket(fd) {}
    ~Client() { ::close(socket); }
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    int socket;
    bool sending = false;
    std::array<char, 4096> buffer;
};

class Server {
public:
    bool start(in_port_t port) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        const int yes = 1;
        listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
        return ::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
               ::listen(listener_, SOMAXCONN) == 0 &&
               io_uring_queue_init(256, &ring_,
                                   IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN) == 0;
    }

    void run() {
        accept();
        for (;;) {
            io_uring_submit_and_wait(&ring_, 1);
            unsigned count = 0;
            unsigned head = 0;
            io_uring_cqe* completion = nullptr;
            io_uring_for_each_cqe(&ring_, head, completion) {
                ++count;
                complete(*completion);
            }
            io_uring_cq_advance(&ring_, count);
        }
    }

private:
    io_uring_sqe& entry() {
        io_uring_sqe* entry = nullptr;
        while ((entry = io_uring_get_sqe(&ring_)) == nullptr) {
            io_uring_submit(&ring_);
        }
        return *entry;
    }

    void accept() {
        io_uring_sqe& request = entry();
        io_uring_prep_multishot_accept(&request, listener_, nullptr, nullptr, SOCK_CLOEXEC);
        io_uring_sqe_set_data(&request, nullptr);
    }

    void receive(std::unique_ptr<Client> client) {
        io_uring_sqe& request = entry();
        io_uring_prep_recv(&request, client->socket, client->buffer.data(), client->buffer.size(),
                           0);
        client->sending = false;
        io_uring_sqe_set_data(&request, client.release());
    }

    void send(std::unique_ptr<Client> client, int size) {
        io_uring_sqe& request = entry();
        io_uring_prep_send(&request, client->socket, client->buffer.data(),
                           static_cast<unsigned>(size), MSG_WAITALL | MSG_NOSIGNAL);
        client->sending = true;
        io_uring_sqe_set_data(&request, client.release());
    }

    void complete(const io_uring_cqe& completion) {
        std::unique_ptr<Client> client(static_cast<Client*>(io_uring_cqe_get_data(&completion)));
        if (client == nullptr) {
            if (completion.res >= 0) {
                receive(std::make_unique<Client>(completion.res));
            }
            if ((completion.flags & IORING_CQE_F_MORE) == 0) {
                accept();
            }
        } else if (completion.res > 0 && client->sending) {
            receive(std::move(client));
        } else if (completion.res > 0) {
            send(std::move(client), completion.res);
        }
    }

    io_uring ring_{};
    int listener_ = -1;
};

} // namespace

int main() {
    Server server;
    if (!server.start(7777)) {
        std::perror("echo_liburing");
        return 1;
    }
    server.run();
}
