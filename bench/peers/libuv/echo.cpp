// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT
//
// An echo server of libuv's callbacks. It writes at once, and waits only for what does not fit into
// the socket: a queued write costs more. Prints its port.

#include <cstddef>
#include <cstdio>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <uv.h>

namespace {

struct Connection {
    uv_tcp_t socket;
    uv_write_t write;
    char buffer[16384];
};

template <class Handle>
uv_stream_t* stream(Handle* handle) {
    return reinterpret_cast<uv_stream_t*>(handle);
}

void on_closed(uv_handle_t* handle) {
    delete static_cast<Connection*>(handle->data);
}

void close(Connection* connection) {
    uv_close(reinterpret_cast<uv_handle_t*>(&connection->socket), &on_closed);
}

void lend_buffer(uv_handle_t* handle, std::size_t, uv_buf_t* buffer) {
    auto* const connection = static_cast<Connection*>(handle->data);
    *buffer = uv_buf_init(connection->buffer, sizeof connection->buffer);
}

void on_read(uv_stream_t* socket, ssize_t count, const uv_buf_t*);

void on_written(uv_write_t* request, int status) {
    auto* const connection = static_cast<Connection*>(request->data);
    if (status < 0) {
        close(connection);
    } else {
        uv_read_start(stream(&connection->socket), &lend_buffer, &on_read);
    }
}

void on_read(uv_stream_t* socket, ssize_t count, const uv_buf_t*) {
    auto* const connection = static_cast<Connection*>(socket->data);
    if (count < 0) {
        close(connection);
        return;
    }
    uv_buf_t all = uv_buf_init(connection->buffer, static_cast<unsigned>(count));
    const int written = uv_try_write(socket, &all, 1);
    if (written == count) {
        return;
    }
    const std::size_t done = written > 0 ? static_cast<std::size_t>(written) : 0;
    uv_buf_t rest = uv_buf_init(all.base + done, static_cast<unsigned>(all.len - done));
    uv_read_stop(socket); // or the next read would overwrite it
    uv_write(&connection->write, socket, &rest, 1, &on_written);
}

void on_connection(uv_stream_t* listener, int status) {
    if (status < 0) {
        return;
    }
    auto* const connection = new Connection;
    uv_tcp_init(listener->loop, &connection->socket);
    connection->socket.data = connection;
    connection->write.data = connection;
    if (uv_accept(listener, stream(&connection->socket)) != 0) {
        close(connection);
        return;
    }
    uv_tcp_nodelay(&connection->socket, 1);
    uv_read_start(stream(&connection->socket), &lend_buffer, &on_read);
}

} // namespace

int main() {
    uv_loop_t* const loop = uv_default_loop();
    uv_tcp_t listener;
    sockaddr_in address{};
    int size = sizeof address;
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    uv_ip4_addr("127.0.0.1", 0, &address);
    uv_tcp_init(loop, &listener);
    if (uv_tcp_bind(&listener, generic, 0) != 0 ||
        uv_listen(stream(&listener), 1024, &on_connection) != 0 ||
        uv_tcp_getsockname(&listener, generic, &size) != 0) {
        std::fputs("libuv_echo: cannot listen\n", stderr);
        return 1;
    }
    std::printf("%d\n", ntohs(address.sin_port));
    std::fflush(stdout);
    return uv_run(loop, UV_RUN_DEFAULT);
}
