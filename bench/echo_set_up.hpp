#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// Who is compared in the echo benchmarks, and how they are set up: clients that this thread is, and
// a server in a thread of its own, on this core or another.

#include <cstddef>
#include <ctime>
#include <future>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include <netinet/in.h>
#include <pthread.h>

#include <rondo/rondo.hpp>

#include "cores.hpp"
#include "costs.hpp"
#include "echo_load.hpp"
#include "echo_rondo.hpp"
#include "echo_servers.hpp"
#include "loopback.hpp"

namespace bench {

/// Somebody who serves: on connections that are there already; or on a port, whose number it tells,
/// where that is how it is done.
struct EchoContender {
    const char* who;
    void (*serve)(const std::vector<int>& sockets, EchoSession& session);
    void (*listen)(EchoSession& session, std::promise<in_port_t>& port) = nullptr;
};

template <class Server>
void serve_by_hand(const std::vector<int>& sockets, EchoSession& session) {
    Server(sockets, session).run();
}
inline void serve_rondo_io(const std::vector<int>& sockets, EchoSession& session) {
    rondo::run(serve_by_operations(sockets, session));
}
inline void serve_rondo_multishot(const std::vector<int>& sockets, EchoSession& session) {
    rondo::run(serve_by_multishot(sockets, session));
}
template <StreamHandler echo>
void serve_rondo(const std::vector<int>& sockets, EchoSession& session) {
    rondo::run(serve_streams(echo, sockets, session));
}
template <StreamHandler echo>
void listen_rondo(EchoSession& session, std::promise<in_port_t>& port) {
    rondo::run(serve_on_port(echo, session, port));
}

inline constexpr EchoContender echo_contenders[] = {
    {"liburing", serve_by_hand<OneShotServer>},
    {"liburing_multishot", serve_by_hand<MultishotServer>},
    {"epoll", serve_by_hand<EpollServer>},
    {"rondo_io", serve_rondo_io},
    {"rondo_multishot", serve_rondo_multishot},
    {"rondo", serve_rondo<echo_by_stream>, listen_rondo<echo_by_stream>},
    {"rondo_receive", serve_rondo<echo_by_chunks>, listen_rondo<echo_by_chunks>},
};

enum class Network { unix_sockets, tcp };

/// Connected clients of a server that runs, and has answered each of them once.
class EchoSetUp {
public:
    EchoSetUp(const EchoContender& contender, Network network, std::size_t connections,
              std::size_t bytes, int server_core)
        : session_(connections, bytes) {
        allow_many_descriptors();
        if (network == Network::tcp && contender.listen != nullptr) {
            std::promise<in_port_t> listening;
            server_ = std::thread([&] {
                OnOneCore::stay_on_core(server_core);
                contender.listen(session_, listening);
            });
            const in_port_t port = listening.get_future().get();
            std::vector<int> clients;
            for (std::size_t i = 0; i < connections; ++i) {
                clients.push_back(connect_to_port(port));
            }
            load_.emplace(std::move(clients), bytes);
        } else {
            Connections pairs = network == Network::tcp ? connect_by_tcp(connections)
                                                        : connect_by_unix_sockets(connections);
            server_ = std::thread([=, this, sockets = std::move(pairs.servers)] {
                OnOneCore::stay_on_core(server_core);
                contender.serve(sockets, session_);
            });
            load_.emplace(std::move(pairs.clients), bytes);
        }
        load_->check();
    }
    EchoSetUp(const EchoSetUp&) = delete;
    EchoSetUp& operator=(const EchoSetUp&) = delete;
    ~EchoSetUp() {
        if (load_) {
            end();
        }
    }

    EchoLoad& load() { return *load_; }

    /// CPU time of the server so far, the kernel's included.
    double server_seconds() {
        clockid_t clock{};
        timespec time{};
        require(::pthread_getcpuclockid(server_.native_handle(), &clock) == 0 &&
                    ::clock_gettime(clock, &time) == 0,
                "the clock of a thread");
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
    }

    /// The clients hang up, and the server ends. Returns what it has spent.
    Costs end() {
        load_.reset();
        server_.join();
        return session_.costs();
    }

private:
    EchoSession session_;
    std::optional<EchoLoad> load_;
    std::thread server_;
};

} // namespace bench
