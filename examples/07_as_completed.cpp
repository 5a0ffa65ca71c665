// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT
//
// gather() gives all results when the last has come. as_completed() gives each as soon as it is
// there, the quickest first: next() waits for one more task, and is empty after the last.
//
//   asyncio                                       | $ 07_as_completed
//   downloads = [download("large", 0.3),          | small is here
//                download("medium", 0.2),         | medium is here
//                download("small", 0.1)]          | large is here
//   for task in asyncio.as_completed(downloads):  |
//       print(await task, "is here")              |

#include <chrono>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include <rondo/rondo.hpp>

using namespace std::chrono_literals;

rondo::Coro<std::string> download(std::string name, std::chrono::milliseconds time) {
    co_await rondo::sleep(time);
    co_return name;
}

rondo::Coro<> download_all() {
    std::vector<rondo::Coro<std::string>> downloads;
    downloads.push_back(download("large", 300ms));
    downloads.push_back(download("medium", 200ms));
    downloads.push_back(download("small", 100ms));

    auto stream = rondo::as_completed(std::move(downloads));
    while (auto task = co_await stream.next()) {
        std::printf("%s is here\n", task->result().c_str()); // or throws what the download threw
    }
}

int main() {
    rondo::run(download_all());
}
