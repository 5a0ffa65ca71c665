// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT
//
// A cook puts three dishes on the stove at once. create_task starts each in the background; they
// are ready in the order of their cooking times, whatever the order in which they are awaited.
//
//   asyncio                                       | $ 03_cook
//   soup = asyncio.create_task(cook("soup", 0.3)) | soup is on the stove
//   rice = asyncio.create_task(cook("rice", 0.2)) | rice is on the stove
//   egg = asyncio.create_task(cook("egg", 0.1))   | egg is on the stove
//   first = await soup                            | egg is ready
//   second = await rice                           | rice is ready
//   third = await egg                             | soup is ready
//   print(f"dinner: {first}, {second}, {third}")  | dinner: soup, rice, egg

#include <chrono>
#include <cstdio>
#include <string>

#include <rondo/rondo.hpp>

using namespace std::chrono_literals;

rondo::Coro<std::string> cook(std::string dish, std::chrono::milliseconds time) {
    std::printf("%s is on the stove\n", dish.c_str());
    co_await rondo::sleep(time);
    std::printf("%s is ready\n", dish.c_str());
    co_return dish;
}

rondo::Coro<> dinner() {
    const auto soup = rondo::create_task(cook("soup", 300ms));
    const auto rice = rondo::create_task(cook("rice", 200ms));
    const auto egg = rondo::create_task(cook("egg", 100ms));
    const std::string first = co_await soup; // the others go on meanwhile
    const std::string second = co_await rice;
    const std::string third = co_await egg;
    std::printf("dinner: %s, %s, %s\n", first.c_str(), second.c_str(), third.c_str());
}

int main() {
    rondo::run(dinner());
}
