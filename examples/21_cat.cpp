// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT
//
// Copies files to standard output, with operations of the kernel's io_uring: each line below that
// has a co_await is one request, and the loop is free for other tasks until it completes.
//
//   21_cat FILE...        asyncio has no files; Python would use threads

#include <array>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

#include <rondo/rondo.hpp>

rondo::Coro<> copy_out(const std::string& path) { // awaited in place: the reference stays valid
    const int fd = co_await rondo::io::openat(AT_FDCWD, path.c_str(), O_RDONLY);
    std::array<std::byte, 65536> buffer;
    for (;;) {
        const std::size_t count = co_await rondo::io::read(fd, buffer);
        if (count == 0) {
            break;
        }
        rondo::ConstBuffer rest(buffer.data(), count);
        while (!rest.empty()) { // a pipe may take less at a time
            const std::size_t written = co_await rondo::io::write(STDOUT_FILENO, rest);
            rest = rest.drop(written);
        }
    }
    co_await rondo::io::close(fd);
}

rondo::Coro<> cat(std::vector<std::string> paths) {
    for (const std::string& path : paths) {
        co_await copy_out(path);
    }
}

int main(int argc, char** argv) {
    try {
        rondo::run(cat(std::vector<std::string>(argv + 1, argv + argc)));
    } catch (const std::exception& error) {
        std::fprintf(stderr, "21_cat: %s\n", error.what());
        return 1;
    }
}
