// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// The smallest program that needs all of the library: headers, liburing, a running loop.

#include <rondo/rondo.hpp>

#include <chrono>
#include <cstdio>

rondo::Coro<int> answer() {
    co_await rondo::sleep(std::chrono::milliseconds(1));
    co_return 42;
}

int main() {
    const int value = rondo::run(answer());
    std::printf("the answer is %d, by rondo %s\n", value, RONDO_VERSION_STRING);
    return 0;
}
