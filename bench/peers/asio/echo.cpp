// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT
//
// An echo server of Asio's coroutines, over epoll or io_uring, as it was compiled. Prints its port.

#include <cstddef>
#include <iostream>
#include <utility>
#include <vector>

#include <asio/buffer.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/write.hpp>

#include "loop.hpp"

namespace {

using asio::ip::tcp;
using peer::Awaitable;
using peer::use_awaitable;
using Socket = asio::basic_stream_socket<tcp, peer::Executor>;
using Acceptor = asio::basic_socket_acceptor<tcp, peer::Executor>;

Awaitable<> echo(Socket socket) {
    std::vector<char> buffer(16384);
    for (;;) {
        const std::size_t count =
            co_await socket.async_read_some(asio::buffer(buffer), use_awaitable);
        co_await asio::async_write(socket, asio::buffer(buffer, count), use_awaitable);
    }
}

Awaitable<> serve(Acceptor& acceptor) {
    const peer::Executor executor = co_await asio::this_coro::executor;
    for (;;) {
        Socket socket = co_await acceptor.async_accept(use_awaitable);
        socket.set_option(tcp::no_delay(true));
        // The end of a stream is an exception here, and ends this coroutine alone.
        asio::co_spawn(executor, echo(std::move(socket)), asio::detached);
    }
}

} // namespace

int main() {
    asio::io_context context(1);
    const tcp::endpoint loopback(asio::ip::address_v4::loopback(), 0);
    Acceptor acceptor(context.get_executor(), loopback);
    std::cout << acceptor.local_endpoint().port() << std::endl;
    asio::co_spawn(context.get_executor(), serve(acceptor), asio::detached);
    context.run();
}
