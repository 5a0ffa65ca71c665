// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

#include <rondo/detail/inbox.hpp>

#include "support/catch.hpp"

#include <cerrno>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

using rondo::detail::Inbox;
using rondo::detail::ReadyQueue;

namespace {

class Item final : public rondo::detail::Runnable {
public:
    explicit Item(std::string& trace, char name) noexcept : trace_(trace), name_(name) {}
    void run() noexcept override { trace_ += name_; }
    void discard() noexcept override { trace_ += '!'; }

private:
    std::string& trace_;
    char name_;
};

bool is_readable(int fd) {
    pollfd entry{fd, POLLIN, 0};
    return ::poll(&entry, 1, 0) == 1;
}

std::uint64_t read_count(int fd) {
    std::uint64_t count = 0;
    return ::read(fd, &count, sizeof count) == sizeof count ? count : 0;
}

} // namespace

TEST_CASE("what is posted comes out in order", "[loop][inbox]") {
    Inbox inbox;
    std::string trace;
    Item a(trace, 'a');
    Item b(trace, 'b');
    Item c(trace, 'c');
    CHECK_FALSE(inbox.filled());
    CHECK(inbox.post(a));
    CHECK(inbox.post(b));
    CHECK(inbox.filled());
    ReadyQueue ready;
    ready.push_back(c);
    inbox.drain(ready);
    CHECK_FALSE(inbox.filled());
    REQUIRE(ready.size() == 3);
    while (!ready.empty()) {
        ready.pop_front().run();
    }
    CHECK(trace == "cab");
}

TEST_CASE("the bell rings once until the inbox is drained", "[loop][inbox]") {
    Inbox inbox;
    std::string trace;
    Item a(trace, 'a');
    Item b(trace, 'b');
    Item c(trace, 'c');
    CHECK_FALSE(is_readable(inbox.wake_fd()));
    CHECK(inbox.post(a));
    CHECK(inbox.post(b));
    CHECK(read_count(inbox.wake_fd()) == 1);
    ReadyQueue ready;
    inbox.drain(ready);
    CHECK(inbox.post(c));
    CHECK(is_readable(inbox.wake_fd()));
    inbox.drain(ready);
    while (!ready.empty()) {
        ready.pop_front().discard();
    }
}

TEST_CASE("a closed inbox takes nothing, and keeps what it has for the last drain",
          "[loop][inbox]") {
    Inbox inbox;
    std::string trace;
    Item a(trace, 'a');
    Item b(trace, 'b');
    CHECK(inbox.post(a));
    const int fd = inbox.wake_fd();
    inbox.close();
    CHECK(::fcntl(fd, F_GETFD) == -1);
    CHECK(inbox.wake_fd() == -1);
    CHECK_FALSE(inbox.post(b));
    inbox.close();
    ReadyQueue ready;
    inbox.drain(ready);
    REQUIRE(ready.size() == 1);
    ready.pop_front().discard();
    CHECK(trace == "!");
}

TEST_CASE("ringing a bell that is full or gone is no error, and leaves errno alone",
          "[loop][inbox][b76]") {
    Inbox inbox;
    ::fcntl(inbox.wake_fd(), F_SETFL, O_NONBLOCK); // so that a full one refuses
    const std::uint64_t almost = UINT64_MAX - 1;
    REQUIRE(::write(inbox.wake_fd(), &almost, sizeof almost) == sizeof almost);
    errno = ENOENT;
    Inbox::ring_the_bell(inbox.wake_fd());
    Inbox::ring_the_bell(-1);
    CHECK(errno == ENOENT);
    CHECK(read_count(inbox.wake_fd()) == almost);
}

TEST_CASE("many threads may post to an inbox while it is drained", "[loop][inbox][threads]") {
    constexpr int threads = 4;
    constexpr int posts = 1000;
    Inbox inbox;
    std::string traces[threads];
    std::vector<std::thread> others;
    for (std::string& trace : traces) {
        others.emplace_back([&] {
            for (int number = 0; number < posts; ++number) {
                while (!inbox.post(*new Item(trace, static_cast<char>('a' + number % 26)))) {}
            }
        });
    }
    int left = threads * posts;
    ReadyQueue ready;
    while (left != 0) {
        if (inbox.filled()) {
            inbox.drain(ready);
        }
        while (!ready.empty()) {
            auto& item = static_cast<Item&>(ready.pop_front());
            item.run();
            delete &item;
            --left;
        }
    }
    for (std::thread& other : others) {
        other.join();
    }
    std::string expected;
    for (int number = 0; number < posts; ++number) {
        expected += static_cast<char>('a' + number % 26);
    }
    for (const std::string& trace : traces) {
        CHECK(trace == expected);
    }
}
