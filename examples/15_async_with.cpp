// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT
//
// A resource whose opening and closing both have to wait: async_with() awaits aenter(), gives its
// value to the body, and awaits aexit() on every path, with the exception if there is one. A
// destructor cannot await; where closing need not, a destructor is all you need.
//
//   asyncio                                       | $ 15_async_with
//   class Connection:                             | connected
//       async def __aenter__(self):               | sent: hello
//           await asyncio.sleep(0.01)             | closed in order
//           print("connected")                    | connected
//           return self                           | closed after an error
//       async def __aexit__(self, kind, *_):      | caught: nothing to send
//           await asyncio.sleep(0.01)             |
//           print("closed", "after an error"      |
//                 if kind else "in order")        |
//   async with Connection() as connection:        |
//       await connection.send("hello")            |

#include <chrono>
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string>

#include <rondo/rondo.hpp>

using namespace std::chrono_literals;

class Connection {
public:
    rondo::Coro<Connection&> aenter() {
        co_await rondo::sleep(10ms);
        std::puts("connected");
        co_return *this;
    }
    rondo::Coro<> aexit(std::exception_ptr error) {
        co_await rondo::sleep(10ms);
        std::puts(error != nullptr ? "closed after an error" : "closed in order");
    }

    rondo::Coro<> send(std::string text) {
        if (text.empty()) {
            throw std::invalid_argument("nothing to send");
        }
        co_await rondo::sleep(10ms);
        std::printf("sent: %s\n", text.c_str());
    }
};

rondo::Coro<> send_over_connection(std::string text) {
    Connection connection;
    co_await rondo::async_with(
        connection, [&](Connection& connected) -> rondo::Coro<> { co_await connected.send(text); });
}

rondo::Coro<> send_twice() {
    co_await send_over_connection("hello");
    try {
        co_await send_over_connection("");
    } catch (const std::invalid_argument& error) {
        std::printf("caught: %s\n", error.what());
    }
}

int main() {
    rondo::run(send_twice());
}
