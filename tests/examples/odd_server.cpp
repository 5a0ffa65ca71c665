// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// An HTTP server that does, as the path asks, what servers do on bad days. Plain blocking sockets,
// one process per connection: what the crawler is tested against must not be our own code.
//
//   odd_server      prints: listening on 127.0.0.1:PORT

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

void send_all(int fd, std::string_view text) {
    while (!text.empty()) {
        const ssize_t sent = ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
        if (sent <= 0) {
            return;
        }
        text.remove_prefix(static_cast<std::size_t>(sent));
    }
}

// The path of the request, once all of it is here; empty if the client has gone.
std::string read_request(int fd) {
    std::string request;
    char buffer[4096];
    while (request.find("\r\n\r\n") == std::string::npos) {
        const ssize_t count = ::recv(fd, buffer, sizeof buffer, 0);
        if (count <= 0) {
            return {};
        }
        request.append(buffer, static_cast<std::size_t>(count));
    }
    const std::size_t begin = request.find(' ') + 1;
    return request.substr(begin, request.find(' ', begin) - begin);
}

void answer(int fd, const std::string& path) {
    if (path == "/fine") {
        send_all(fd, "HTTP/1.1 200 OK\r\ncontent-LENGTH: 5\r\n\r\nhello");
    } else if (path == "/chunked") {
        send_all(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        send_all(fd, "5\r\nhello\r\n1;a=b\r\n!\r\n0\r\n\r\n");
    } else if (path == "/until-close") {
        send_all(fd, "HTTP/1.0 200 OK\r\n\r\nhello until the end");
    } else if (path == "/missing") {
        send_all(fd, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    } else if (path == "/truncated") {
        send_all(fd, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhello");
    } else if (path == "/malformed") {
        send_all(fd, "220 this is no web server\r\n\r\n");
    } else if (path == "/silent") {
        ::pause();
    } else if (path == "/reset") {
        const linger at_once{.l_onoff = 1, .l_linger = 0};
        ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    }
    // Any other path is closed without a word.
}

} // namespace

int main() {
    ::signal(SIGCHLD, SIG_IGN);
    const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(listener, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        ::listen(listener, 128) != 0 ||
        ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
        std::perror("odd_server");
        return 1;
    }
    std::printf("listening on 127.0.0.1:%d\n", ntohs(address.sin_port));
    std::fflush(stdout);
    for (;;) {
        const int client = ::accept(listener, nullptr, nullptr);
        if (client >= 0 && ::fork() == 0) {
            ::alarm(60); // nobody waits for this process
            answer(client, read_request(client));
            std::_Exit(0);
        }
        ::close(client);
    }
}
