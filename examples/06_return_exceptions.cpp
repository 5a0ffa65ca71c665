// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT
//
// gather() throws the first error, after it has cancelled the others and seen them end. Where one
// failure should not disturb the rest, return_exceptions makes errors results: each is a Result<T>,
// a value or the reason why there is none.
//
//   asyncio                                       | $ 06_return_exceptions
//   results = await asyncio.gather(               | a: 100 bytes
//       *(download(p) for p in "abc"),            | b: not found
//       return_exceptions=True)                   | c: 300 bytes
//   for page, result in zip("abc", results):      | all or nothing: b: not found
//       if isinstance(result, Exception):         |
//           print(result)                         |
//       else:                                     |
//           print(f"{page}: {result} bytes")      |

#include <chrono>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <rondo/rondo.hpp>

using namespace std::chrono_literals;

rondo::Coro<int> download(std::string page) {
    co_await rondo::sleep(10ms);
    if (page == "b") {
        throw std::runtime_error(page + ": not found");
    }
    co_return page == "a" ? 100 : 300;
}

std::vector<rondo::Coro<int>> download_each(const std::vector<std::string>& pages) {
    std::vector<rondo::Coro<int>> downloads;
    for (const std::string& page : pages) {
        downloads.push_back(download(page));
    }
    return downloads;
}

rondo::Coro<> download_all() {
    const std::vector<std::string> pages{"a", "b", "c"};
    auto downloads = download_each(pages);
    const auto results = co_await rondo::gather(rondo::return_exceptions, std::move(downloads));
    for (std::size_t i = 0; i < pages.size(); ++i) {
        try {
            std::printf("%s: %d bytes\n", pages[i].c_str(), results[i].value());
        } catch (const std::exception& error) {
            std::puts(error.what());
        }
    }

    try {
        co_await rondo::gather(download_each(pages));
    } catch (const std::exception& error) {
        std::printf("all or nothing: %s\n", error.what());
    }
}

int main() {
    rondo::run(download_all());
}
