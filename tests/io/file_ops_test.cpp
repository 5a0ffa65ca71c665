// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

#include <rondo/io/file_ops.hpp>

#include <rondo/as_result.hpp>
#include <rondo/coro.hpp>
#include <rondo/create_task.hpp>
#include <rondo/event_loop.hpp>
#include <rondo/io.hpp>
#include <rondo/run.hpp>
#include <rondo/sleep.hpp>

#include <sys/mman.h>
#include <sys/stat.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "descriptors.hpp"
#include "io/ring_filter.hpp"
#include "loop/child.hpp"
#include "support/async_test.hpp"

using rondo::as_result;
using rondo::ConstBuffer;
using rondo::Coro;
using rondo::create_task;
using rondo::MutableBuffer;
using namespace std::chrono_literals;
using namespace rondo_test;
namespace io = rondo::io;

namespace {

std::string content(const Fd& file) {
    std::string text(4096, '\0');
    const ssize_t size = checked(::pread(file.get(), text.data(), text.size(), 0));
    text.resize(static_cast<std::size_t>(size));
    return text;
}

std::int64_t size_of(const Fd& file) {
    struct stat status = {};
    checked(::fstat(file.get(), &status));
    return status.st_size;
}

} // namespace

ASYNC_TEST_CASE("a file is read and written at an offset", "[io][file]") {
    const Fd file = temporary_file("0123456789");
    char bytes[4];
    const std::size_t read = co_await io::read(file.get(), bytes, 3);
    CHECK(std::string_view(bytes, read) == "3456");

    const std::size_t written = co_await io::write(file.get(), "ab", 8);
    CHECK(written == 2);
    CHECK(content(file) == "01234567ab");

    const std::size_t at_end = co_await io::read(file.get(), bytes, 10);
    CHECK(at_end == 0);
    const std::size_t short_read = co_await io::read(file.get(), bytes, 8);
    CHECK(std::string_view(bytes, short_read) == "ab");
    CHECK(::lseek(file.get(), 0, SEEK_CUR) == 0); // nobody has moved
}

ASYNC_TEST_CASE("without an offset a file's own position moves on", "[io][file]") {
    const Fd file = temporary_file();
    co_await io::write(file.get(), "abc");
    co_await io::write(file.get(), "def");
    CHECK(content(file) == "abcdef");
    checked(::lseek(file.get(), 1, SEEK_SET));
    char bytes[2];
    co_await io::read(file.get(), bytes);
    const std::size_t size = co_await io::read(file.get(), bytes);
    CHECK(std::string_view(bytes, size) == "de");
}

ASYNC_TEST_CASE("several buffers are written and read in one go", "[io][file]") {
    const Fd file = temporary_file();
    const std::string head = "head ";
    const std::vector<unsigned char> middle = {'m', 'i', 'd', ' '};
    const std::array<ConstBuffer, 3> parts{ConstBuffer(head), ConstBuffer(middle),
                                           ConstBuffer("tail")};
    const std::size_t written = co_await io::writev(file.get(), parts, 2);
    CHECK(written == 13);
    CHECK(content(file) == std::string_view("\0\0head mid tail", 15));

    char first[3];
    std::string second(7, '-');
    const std::array<MutableBuffer, 2> places{MutableBuffer(first), MutableBuffer(second)};
    const std::size_t read = co_await io::readv(file.get(), places, 2);
    CHECK(read == 10);
    CHECK(std::string_view(first, 3) == "hea");
    CHECK(second == "d mid t");

    const std::array<ConstBuffer, 0> nothing{};
    const std::size_t none = co_await io::writev(file.get(), nothing, 0);
    CHECK(none == 0);
}

ASYNC_TEST_CASE("a buffer beyond four gigabytes makes a short transfer", "[io][file]") {
    constexpr std::size_t size = std::size_t{4} * 1024 * 1024 * 1024; // 0 in 32 bits
    void* memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    REQUIRE(memory != MAP_FAILED);
    const Fd file = temporary_file("abc");
    const std::size_t read = co_await io::read(file.get(), MutableBuffer(memory, size), 0);
    CHECK(read == 3);
    const Ends ends = sockets();
    ends.put("defg");
    const std::size_t received = co_await io::recv(ends.in.get(), MutableBuffer(memory, size));
    CHECK(received == 4);
    ::munmap(memory, size);
}

ASYNC_TEST_CASE("a file is synced, reserved and advised on", "[io][file]") {
    const Fd file = temporary_file("text");
    co_await io::fsync(file.get());
    co_await io::fdatasync(file.get());
    co_await io::sync_file_range(file.get(), 0, 0, SYNC_FILE_RANGE_WRITE);
    co_await io::fadvise(file.get(), 0, 0, POSIX_FADV_SEQUENTIAL);
    CHECK(content(file) == "text");

    co_await io::fallocate(file.get(), 0, 0, 10'000);
    CHECK(size_of(file) == 10'000);
    co_await io::fallocate(file.get(), FALLOC_FL_KEEP_SIZE, 0, 100'000);
    CHECK(size_of(file) == 10'000);
    const auto bad = co_await as_result(io::fallocate(file.get(), 0, 0, 0));
    CHECK(bad.error() == std::errc::invalid_argument);
}

ASYNC_TEST_CASE("a file is cut and extended", "[io][file]") {
    const Fd file = temporary_file("0123456789");
    co_await io::ftruncate(file.get(), 4);
    CHECK(content(file) == "0123");
    const std::uint64_t large = std::uint64_t{6} * 1024 * 1024 * 1024;
    co_await io::ftruncate(file.get(), large);
    CHECK(size_of(file) == static_cast<std::int64_t>(large));
    const Ends ends = pipe();
    const auto bad = co_await as_result(io::ftruncate(ends.in.get(), 1));
    CHECK(bad.error() == std::errc::invalid_argument);
}

ASYNC_TEST_CASE("a kernel that does not know ftruncate is done without it", "[io][file]") {
    const Fd file = temporary_file("0123456789");
    RingFilter filter([&](int& result, unsigned&) {
        if (result == 0) {
            checked(::ftruncate(file.get(), 10)); // as if the kernel had done nothing
            result = -EINVAL;
        }
    });
    co_await io::ftruncate(file.get(), 4);
    CHECK(filter.changed() == 1);
    CHECK(size_of(file) == 4);
}

ASYNC_TEST_CASE("bytes are moved between a pipe and a file, and copied between pipes",
                "[io][file]") {
    const Fd source = temporary_file("0123456789");
    const Fd target = temporary_file("----------");
    const Ends first = pipe();
    const Ends second = pipe();
    const std::size_t in =
        co_await io::splice(source.get(), 2, first.out.get(), io::current_position, 5);
    CHECK(in == 5);
    const std::size_t copied = co_await io::tee(first.in.get(), second.out.get(), 3);
    CHECK(copied == 3);
    CHECK(second.get() == "234");
    const std::size_t out =
        co_await io::splice(first.in.get(), io::current_position, target.get(), 1, 100);
    CHECK(out == 5);
    CHECK(content(target) == "-23456----");
    const std::size_t at_end =
        co_await io::splice(source.get(), 10, first.out.get(), io::current_position, 5);
    CHECK(at_end == 0);
}

ASYNC_TEST_CASE("a pipe is read until its end", "[io][file]") {
    Ends ends = pipe();
    char bytes[16];
    auto reader = create_task(
        [](int fd, MutableBuffer buffer) -> Coro<std::size_t> {
            const std::size_t size = co_await io::read(fd, buffer);
            co_return size;
        },
        ends.in.get(), MutableBuffer(bytes));
    co_await let_others_run();
    CHECK_FALSE(reader.done());
    ends.put("abc");
    const std::size_t size = co_await reader;
    CHECK(std::string_view(bytes, size) == "abc");
    ends.out.close();
    const std::size_t at_end = co_await io::read(ends.in.get(), bytes);
    CHECK(at_end == 0);
}

ASYNC_TEST_CASE("a descriptor is closed", "[io][file]") {
    Ends ends = pipe();
    const int fd = ends.out.release();
    co_await io::close(fd);
    CHECK(::fcntl(fd, F_GETFD) == -1);
    const auto again = co_await as_result(io::close(fd));
    CHECK(again.error() == std::errc::bad_file_descriptor);
}

TEST_CASE("writing to a pipe that nobody reads is an error and no signal", "[io][file]") {
    // The first write of a process sees to it, which may have been long ago.
    const ChildEnd end = run_in_child([] {
        return rondo::run([]() -> Coro<std::string> {
            Ends ends = pipe();
            ends.in.close();
            const Fd source = temporary_file("x");
            const std::array<ConstBuffer, 1> parts{ConstBuffer("x")};
            const auto write = co_await as_result(io::write(ends.out.get(), "x"));
            const auto writev = co_await as_result(io::writev(ends.out.get(), parts));
            const auto splice = co_await as_result(
                io::splice(source.get(), 0, ends.out.get(), io::current_position, 1));
            std::string errors;
            for (const std::error_code error : {write.error(), writev.error(), splice.error()}) {
                errors += error == std::errc::broken_pipe ? 'p' : '?';
            }
            co_return errors;
        });
    });
    CHECK(end.text == "ppp");
    CHECK(end.signal == 0);
}

TEST_CASE("a program's own care of SIGPIPE is left alone", "[io][file]") {
    const ChildEnd end = run_in_child([] {
        static volatile std::sig_atomic_t signals = 0;
        ::signal(SIGPIPE, [](int) { signals = signals + 1; });
        rondo::run([]() -> Coro<> {
            Ends ends = pipe();
            co_await io::write(ends.out.get(), "x");
        });
        ::raise(SIGPIPE);
        return std::to_string(signals);
    });
    CHECK(end.text == "1");
}
