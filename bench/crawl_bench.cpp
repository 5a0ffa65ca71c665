// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT
//
// 1000 pages from a server that takes 50 ms for each, at most 100 at a time, each on a connection
// of its own: what does a GET cost the client (crawl: CPU time, and the memory that it gains), and
// how long do all of them take (crawl_wall: the time on the clock, divided by 1000)? Baseline:
// epoll by hand. A client is a process of its own, so that its memory is not what an earlier one
// left; so is the server, which is the same for all: on another core if there is one.

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <rondo/rondo.hpp>

#include "cores.hpp"
#include "costs.hpp"
#include "fresh_process.hpp"
#include "hand_ring.hpp"
#include "loopback.hpp"

namespace {

constexpr std::size_t pages = 1000;
constexpr std::size_t at_once = 100;
constexpr std::size_t body_size = 1024;
constexpr long delay_in_nanoseconds = 50'000'000;

constexpr std::string_view get_page = "GET /page HTTP/1.1\r\n"
                                      "Host: 127.0.0.1\r\n"
                                      "Connection: close\r\n"
                                      "\r\n";
constexpr std::string_view end_of_header = "\r\n\r\n";

std::string make_reply() {
    return "HTTP/1.1 200 OK\r\n"
           "Content-Type: text/plain\r\n"
           "Connection: close\r\n"
           "\r\n" +
           std::string(body_size, 'x');
}

/// For a child process, first of all: it ends when its parent does, however that happens.
void end_with(pid_t parent) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) {
        ::_exit(1);
    }
}

/// Answers for ever. Each connection is a chain of requests in the ring: receive, wait, send,
/// close. So every delay has a timer of its own, and none is rounded to milliseconds.
class SlowServer {
public:
    explicit SlowServer(int listening) : listening_(listening) {
        delay_.tv_nsec = delay_in_nanoseconds;
    }

    void run() {
        accept();
        for (;;) {
            ring_.submit_and_wait(1);
            unsigned count = 0;
            unsigned head = 0;
            io_uring_cqe* completion = nullptr;
            io_uring_for_each_cqe(&ring_.native(), head, completion) {
                ++count;
                if (completion->user_data != accepting) {
                    continue; // a client that has gone away
                }
                bench::require(completion->res >= 0, "accept");
                answer(completion->res);
                if ((completion->flags & IORING_CQE_F_MORE) == 0) {
                    accept();
                }
            }
            io_uring_cq_advance(&ring_.native(), count);
        }
    }

private:
    static constexpr std::uint64_t accepting = 1;
    static constexpr unsigned requests_in_chain = 4;

    void accept() {
        io_uring_sqe& entry = ring_.entry();
        io_uring_prep_multishot_accept(&entry, listening_, nullptr, nullptr, SOCK_CLOEXEC);
        entry.user_data = accepting;
    }
    void answer(int socket) {
        // Only failures make completions, and the next in a hard chain comes in any case.
        constexpr std::uint8_t quiet = IOSQE_CQE_SKIP_SUCCESS;
        constexpr std::uint8_t then = IOSQE_CQE_SKIP_SUCCESS | IOSQE_IO_HARDLINK;
        io_uring_sqe& receive = ring_.entry();
        io_uring_prep_recv(&receive, socket, request_.data(), request_.size(), 0);
        receive.flags |= then;
        io_uring_sqe& wait = ring_.entry();
        io_uring_prep_timeout(&wait, &delay_, 0, IORING_TIMEOUT_ETIME_SUCCESS);
        wait.flags |= then;
        io_uring_sqe& send = ring_.entry();
        io_uring_prep_send(&send, socket, reply_.data(), reply_.size(), MSG_WAITALL | MSG_NOSIGNAL);
        send.flags |= then;
        io_uring_sqe& close = ring_.entry();
        io_uring_prep_close(&close, socket);
        close.flags |= quiet;
        receive.user_data = wait.user_data = send.user_data = close.user_data = 0;
    }

    int listening_;
    __kernel_timespec delay_{};
    std::string reply_ = make_reply();
    std::array<char, 1024> request_; // of whichever connection: it is not looked at
    // Room for the chains of all that can be accepted at once: none may be submitted in parts.
    bench::HandRing ring_{2 * at_once * requests_in_chain};
};

/// The server in a process of its own.
class ServerProcess {
public:
    /// On a core of its own, if there is one for it.
    explicit ServerProcess(std::optional<int> core) {
        const bench::Listener listener;
        port_ = listener.port();
        const pid_t parent = ::getpid();
        process_ = ::fork();
        bench::require(process_ >= 0, "fork");
        if (process_ == 0) {
            end_with(parent);
            if (core) {
                bench::OnOneCore::stay_on_core(*core);
            }
            SlowServer(listener.socket()).run();
        }
    }
    ServerProcess(const ServerProcess&) = delete;
    ServerProcess& operator=(const ServerProcess&) = delete;
    ~ServerProcess() {
        ::kill(process_, SIGKILL);
        ::waitpid(process_, nullptr, 0);
    }

    [[nodiscard]] in_port_t port() const { return port_; }

private:
    pid_t process_ = 0;
    in_port_t port_ = 0;
};

/// The least that can work: one buffer for all, and no string for a page.
class EpollCrawler {
public:
    explicit EpollCrawler(in_port_t port) : address_(bench::on_loopback(port)) {
        bench::require(poll_ >= 0, "epoll_create1");
    }
    EpollCrawler(const EpollCrawler&) = delete;
    EpollCrawler& operator=(const EpollCrawler&) = delete;
    ~EpollCrawler() { ::close(poll_); }

    void run() {
        for (Fetch& fetch : fetches_) {
            start(fetch);
        }
        std::array<epoll_event, at_once> events;
        while (done_ < pages) {
            const int count = ::epoll_wait(poll_, events.data(), at_once, -1);
            bench::require(count > 0 || errno == EINTR, "epoll_wait");
            for (int i = 0; i < count; ++i) {
                go_on(*static_cast<Fetch*>(events[static_cast<std::size_t>(i)].data.ptr));
            }
        }
    }

private:
    struct Fetch {
        int socket = -1;
        bool asked = false;
        std::size_t header = 0; // bytes, of those received
        std::size_t received = 0;
    };

    void start(Fetch& fetch) {
        ++started_;
        fetch = {};
        fetch.socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        bench::require(fetch.socket >= 0, "socket");
        const auto* const address = reinterpret_cast<const sockaddr*>(&address_);
        bench::require(::connect(fetch.socket, address, sizeof address_) == 0 ||
                           errno == EINPROGRESS,
                       "connect");
        epoll_event event{};
        event.events = EPOLLIN | EPOLLOUT | EPOLLET;
        event.data.ptr = &fetch;
        bench::require(::epoll_ctl(poll_, EPOLL_CTL_ADD, fetch.socket, &event) == 0, "epoll_ctl");
    }

    void go_on(Fetch& fetch) {
        if (!fetch.asked) {
            ask(fetch);
        } else if (has_come(fetch)) {
            bench::require(fetch.received - fetch.header == body_size, "the page's size");
            ::close(fetch.socket);
            ++done_;
            if (started_ < pages) {
                start(fetch);
            }
        }
    }

    static void ask(Fetch& fetch) {
        const ssize_t sent = ::send(fetch.socket, get_page.data(), get_page.size(), MSG_NOSIGNAL);
        bench::require(sent == static_cast<ssize_t>(get_page.size()), "send");
        fetch.asked = true;
    }

    /// Reads what there is. Returns whether that is all.
    bool has_come(Fetch& fetch) {
        for (;;) {
            const ssize_t size = ::recv(fetch.socket, buffer_.data(), buffer_.size(), 0);
            if (size <= 0) {
                bench::require(size == 0 || errno == EAGAIN, "recv");
                return size == 0;
            }
            const std::string_view bytes(buffer_.data(), static_cast<std::size_t>(size));
            if (fetch.received == 0) {
                // The server sends it in one piece.
                fetch.header = bytes.find(end_of_header) + end_of_header.size();
            }
            fetch.received += bytes.size();
        }
    }

    sockaddr_in address_;
    int poll_ = ::epoll_create1(EPOLL_CLOEXEC);
    std::size_t started_ = 0;
    std::size_t done_ = 0;
    std::array<Fetch, at_once> fetches_;
    std::array<char, 16384> buffer_; // left as it is
};

rondo::Coro<> fetch(in_port_t port, rondo::Semaphore& limit) {
    const auto permit = co_await limit.acquire();
    const rondo::Stream stream = co_await rondo::open_connection("127.0.0.1", port);
    co_await stream.write(get_page);
    const std::string page = co_await stream.read_all();
    const std::size_t header = page.find(end_of_header) + end_of_header.size();
    bench::require(page.size() - header == body_size, "the page's size");
}

rondo::Coro<> fetch_all(in_port_t port) {
    rondo::Semaphore limit(at_once);
    std::vector<rondo::Coro<>> fetches;
    for (std::size_t i = 0; i < pages; ++i) {
        fetches.push_back(fetch(port, limit));
    }
    auto all = rondo::gather(std::move(fetches));
    co_await std::move(all);
}

rondo::Coro<> fetch_all_counted(in_port_t port, bench::Costs& costs) {
    const bench::Costs before = bench::spent();
    auto all = fetch_all(port);
    co_await std::move(all);
    const bench::Costs after = bench::spent();
    costs = {after.allocations - before.allocations, after.system_calls - before.system_calls};
}

/// What a client has spent on all pages.
struct Spent {
    bench::ChildCosts of_process;
    double seconds = 0; // on the clock
    bench::Costs costs; // Rondo's
};

bench::Costs crawl_by_epoll(in_port_t port) {
    EpollCrawler(port).run();
    return {};
}
bench::Costs crawl_by_rondo(in_port_t port) {
    bench::Costs costs;
    rondo::run(fetch_all_counted(port, costs));
    return costs;
}

using Crawl = bench::Costs (*)(in_port_t port);

Spent spend(Crawl crawler, in_port_t port) {
    const bench::ChildCosts before = bench::costs_of_this_process();
    const auto start = std::chrono::steady_clock::now();
    Spent spent;
    spent.costs = crawler(port);
    const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
    const bench::ChildCosts after = bench::costs_of_this_process();
    spent.seconds = time.count();
    spent.of_process = {after.seconds - before.seconds, after.bytes - before.bytes};
    return spent;
}

/// Runs a client in a new process. None if that fails.
std::optional<Spent> spend_in_new_process(Crawl crawler, in_port_t port) {
    int channel[2]{};
    bench::require(::pipe(channel) == 0, "pipe");
    const pid_t parent = ::getpid();
    const pid_t child = ::fork();
    bench::require(child >= 0, "fork");
    if (child == 0) {
        end_with(parent);
        const Spent spent = spend(crawler, port);
        const bool told = ::write(channel[1], &spent, sizeof spent) == sizeof spent;
        ::_exit(told ? 0 : 1);
    }
    ::close(channel[1]);
    Spent spent;
    const bool told = ::read(channel[0], &spent, sizeof spent) == sizeof spent;
    ::close(channel[0]);
    ::waitpid(child, nullptr, 0);
    return told ? std::optional(spent) : std::nullopt;
}

enum class Time { of_the_client, on_the_clock };

void measure(benchmark::State& state, Crawl crawler, Time time) {
    const bench::OnOneCore client;
    const ServerProcess server(bench::another_core());
    Spent spent;
    while (state.KeepRunningBatch(pages)) {
        const std::optional<Spent> last = spend_in_new_process(crawler, server.port());
        if (!last) {
            state.SkipWithError("the client failed");
            return;
        }
        spent = *last;
        state.SetIterationTime(time == Time::of_the_client ? spent.of_process.seconds
                                                           : spent.seconds);
    }
    if (time == Time::of_the_client) {
        state.counters["bytes"] = spent.of_process.bytes / pages;
    }
    if (spent.costs.system_calls != 0) {
        bench::report(state, spent.costs);
    }
}

void crawl(benchmark::State& state, Crawl crawler) {
    measure(state, crawler, Time::of_the_client);
}
void crawl_wall(benchmark::State& state, Crawl crawler) {
    measure(state, crawler, Time::on_the_clock);
}

// All 1000 pages once: they take half a second.
void once(benchmark::internal::Benchmark* benchmark) {
    benchmark->Iterations(pages)->UseManualTime();
}

} // namespace

BENCHMARK_CAPTURE(crawl, epoll, crawl_by_epoll)->Apply(once);
BENCHMARK_CAPTURE(crawl, rondo, crawl_by_rondo)->Apply(once);
BENCHMARK_CAPTURE(crawl_wall, epoll, crawl_by_epoll)->Apply(once);
BENCHMARK_CAPTURE(crawl_wall, rondo, crawl_by_rondo)->Apply(once);
