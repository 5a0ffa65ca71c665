// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

#include <rondo/io/path_ops.hpp>

#include <rondo/as_result.hpp>
#include <rondo/coro.hpp>
#include <rondo/io.hpp>

#include <sys/stat.h>

#include <string>

#include "descriptors.hpp"
#include "support/async_test.hpp"

using rondo::as_result;
using rondo::Coro;
using namespace rondo_test;
namespace io = rondo::io;

namespace {

std::string link_target(const TemporaryDirectory& directory, const char* name) {
    std::string target(256, '\0');
    const ssize_t size = checked(::readlinkat(directory.fd(), name, target.data(), target.size()));
    target.resize(static_cast<std::size_t>(size));
    return target;
}

void make_file(const TemporaryDirectory& directory, const char* name, std::string_view text = {}) {
    const Fd file(checked(::openat(directory.fd(), name, O_CREAT | O_WRONLY | O_CLOEXEC, 0600)));
    checked(::write(file.get(), text.data(), text.size()));
}

} // namespace

ASYNC_TEST_CASE("a file is made, opened and not inherited", "[io][path]") {
    TemporaryDirectory directory;
    const std::size_t descriptors = open_descriptors();
    {
        const Fd made(co_await io::openat(directory.fd(), "file", O_CREAT | O_EXCL | O_RDWR, 0640));
        CHECK((::fcntl(made.get(), F_GETFD) & FD_CLOEXEC) != 0);
        CHECK((::fcntl(made.get(), F_GETFL) & O_ACCMODE) == O_RDWR);
        struct stat status = {};
        checked(::fstat(made.get(), &status));
        CHECK((status.st_mode & 0777U) == 0640U);

        const std::string absolute = directory.path() + "/file";
        const Fd opened(co_await io::openat(AT_FDCWD, absolute.c_str()));
        CHECK((::fcntl(opened.get(), F_GETFL) & O_ACCMODE) == O_RDONLY);
        CHECK((::fcntl(opened.get(), F_GETFD) & FD_CLOEXEC) != 0);
    }
    CHECK(open_descriptors() == descriptors);
    const auto again =
        co_await as_result(io::openat(directory.fd(), "file", O_CREAT | O_EXCL | O_RDWR, 0640));
    CHECK(again.error() == std::errc::file_exists);
}

ASYNC_TEST_CASE("a file's status is had by its name, its link and its descriptor", "[io][path]") {
    TemporaryDirectory directory;
    make_file(directory, "file", "12345");
    checked(::symlinkat("file", directory.fd(), "link"));

    const auto by_name = co_await io::statx(directory.fd(), "file");
    CHECK(by_name.stx_size == 5);
    CHECK((by_name.stx_mask & STATX_BASIC_STATS) == STATX_BASIC_STATS);
    CHECK((by_name.stx_mode & S_IFMT) == S_IFREG);

    const auto of_link = co_await io::statx(directory.fd(), "link", AT_SYMLINK_NOFOLLOW);
    CHECK((of_link.stx_mode & S_IFMT) == S_IFLNK);
    const auto of_target = co_await io::statx(directory.fd(), "link");
    CHECK(of_target.stx_ino == by_name.stx_ino);

    const auto of_directory =
        co_await io::statx(directory.fd(), "", AT_EMPTY_PATH, STATX_TYPE | STATX_MODE);
    CHECK((of_directory.stx_mode & S_IFMT) == S_IFDIR);

    const auto operation = io::statx(directory.fd(), "file"); // each await has its own result
    const auto first = co_await operation;
    const auto second = co_await operation;
    CHECK(first.stx_ino == second.stx_ino);
}

ASYNC_TEST_CASE("directories are made and removed", "[io][path]") {
    TemporaryDirectory directory;
    co_await io::mkdirat(directory.fd(), "inner", 0700);
    const auto status = co_await io::statx(directory.fd(), "inner");
    CHECK((status.stx_mode & S_IFMT) == S_IFDIR);
    CHECK((status.stx_mode & 0777U) == 0700U);
    const auto again = co_await as_result(io::mkdirat(directory.fd(), "inner"));
    CHECK(again.error() == std::errc::file_exists);

    const auto as_file = co_await as_result(io::unlinkat(directory.fd(), "inner"));
    CHECK(as_file.error() == std::errc::is_a_directory);
    co_await io::unlinkat(directory.fd(), "inner", AT_REMOVEDIR);
    CHECK_FALSE(directory.has("inner"));
}

ASYNC_TEST_CASE("files are renamed, and others kept from being replaced", "[io][path]") {
    TemporaryDirectory directory;
    make_file(directory, "a", "a");
    make_file(directory, "b", "bb");
    const auto kept = co_await as_result(
        io::renameat(directory.fd(), "a", directory.fd(), "b", RENAME_NOREPLACE));
    CHECK(kept.error() == std::errc::file_exists);

    co_await io::renameat(directory.fd(), "a", directory.fd(), "b", RENAME_EXCHANGE);
    const auto exchanged = co_await io::statx(directory.fd(), "a");
    CHECK(exchanged.stx_size == 2);

    co_await io::renameat(directory.fd(), "a", directory.fd(), "b");
    CHECK_FALSE(directory.has("a"));
    const auto replaced = co_await io::statx(directory.fd(), "b");
    CHECK(replaced.stx_size == 2);
}

ASYNC_TEST_CASE("files get other names and links", "[io][path]") {
    TemporaryDirectory directory;
    make_file(directory, "file", "abc");
    co_await io::symlinkat("file", directory.fd(), "symbolic");
    CHECK(link_target(directory, "symbolic") == "file");

    co_await io::linkat(directory.fd(), "file", directory.fd(), "hard");
    const auto status = co_await io::statx(directory.fd(), "hard");
    CHECK(status.stx_nlink == 2);

    co_await io::linkat(directory.fd(), "symbolic", directory.fd(), "link to link");
    CHECK(link_target(directory, "link to link") == "file");
    co_await io::linkat(directory.fd(), "symbolic", directory.fd(), "third", AT_SYMLINK_FOLLOW);
    const auto third = co_await io::statx(directory.fd(), "third", AT_SYMLINK_NOFOLLOW);
    CHECK(third.stx_ino == status.stx_ino);

    co_await io::unlinkat(directory.fd(), "file");
    CHECK_FALSE(directory.has("file"));
    CHECK(directory.has("hard"));
}
