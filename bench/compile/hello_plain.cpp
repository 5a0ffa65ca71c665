// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT
//
// What examples/01_hello.cpp does, without Rondo: the baseline of bench/compile.sh.

#include <chrono>
#include <cstdio>
#include <thread>

using namespace std::chrono_literals;

int main() {
    std::puts("hello");
    std::this_thread::sleep_for(100ms);
    std::puts("world");
}
