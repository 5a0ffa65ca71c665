// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

#include <rondo/detail/buffer_ring.hpp>

#include "ring/child.hpp"
#include "ring/operations.hpp"
#include "support/catch.hpp"

#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

using rondo::detail::BufferRing;
using rondo::detail::BufferWaiter;
using rondo::detail::LeasedBuffer;
using rondo::detail::Ring;
using rondo_test::drain;
using rondo_test::Operation;
using rondo_test::Pipe;
using rondo_test::run_in_child;

namespace {

constexpr std::uint16_t group = 7;

class SocketPair {
public:
    SocketPair() {
        if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends_) < 0) {
            throw std::system_error(errno, std::system_category(), "socketpair");
        }
    }
    SocketPair(const SocketPair&) = delete;
    SocketPair& operator=(const SocketPair&) = delete;
    ~SocketPair() {
        ::close(ends_[0]);
        hang_up();
    }

    int receiver() const { return ends_[0]; }

    bool send(std::string_view text) const {
        return ::send(ends_[1], text.data(), text.size(), MSG_NOSIGNAL) ==
               static_cast<ssize_t>(text.size());
    }
    void hang_up() {
        if (ends_[1] >= 0) {
            ::close(std::exchange(ends_[1], -1));
        }
    }

private:
    int ends_[2] = {-1, -1};
};

Operation::Fill receive_multishot(const SocketPair& sockets) {
    return [fd = sockets.receiver()](io_uring_sqe& entry) {
        io_uring_prep_recv_multishot(&entry, fd, nullptr, 0, 0);
        entry.flags |= IOSQE_BUFFER_SELECT;
        entry.buf_group = group;
    };
}

Operation::Fill read_some(int fd) {
    return [fd](io_uring_sqe& entry) {
        io_uring_prep_read(&entry, fd, nullptr, 0, 0);
        entry.flags |= IOSQE_BUFFER_SELECT;
        entry.buf_group = group;
    };
}

std::string text_of(const LeasedBuffer& lease) {
    const auto bytes = lease.bytes();
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// A multishot receive as a stream has it: keeps leases, and re-arms when it ran out of buffers.
class Receiver : public BufferWaiter {
public:
    Receiver(Ring& ring, BufferRing& buffers, const SocketPair& sockets)
        : BufferWaiter(&rearm), ring_(ring), buffers_(buffers),
          operation_(receive_multishot(sockets), [this](Operation&) { received(); }) {
        ring_.submit(operation_);
    }

    void stop() {
        buffers_.stop_waiting(*this);
        ring_.cancel(operation_);
    }

    std::string text;
    std::deque<LeasedBuffer> leases;
    bool keep = false; // whether leases are kept
    bool ended = false;
    int ran_out = 0;
    int rearmed = 0;

private:
    void received() {
        if (BufferRing::has_buffer(operation_.flags)) {
            LeasedBuffer lease = buffers_.lease(operation_.flags, operation_.result);
            text += text_of(lease);
            if (keep) {
                leases.push_back(std::move(lease));
            }
        }
        if (!operation_.is_idle()) {
            return;
        }
        if (operation_.result == -ENOBUFS) {
            ++ran_out;
            // A buffer may have come back between the kernel's verdict and now.
            if (buffers_.available() != 0) {
                ring_.submit(operation_);
            } else {
                buffers_.wait(*this);
            }
        } else if (operation_.result > 0) {
            ring_.submit(operation_);
        } else {
            ended = true;
        }
    }

    static void rearm(BufferWaiter& waiter) noexcept {
        auto& self = static_cast<Receiver&>(waiter);
        ++self.rearmed;
        self.ring_.submit(self.operation_);
    }

    Ring& ring_;
    BufferRing& buffers_;
    Operation operation_;
};

struct CountingWaiter : BufferWaiter {
    CountingWaiter() : BufferWaiter(&call) {}

    static void call(BufferWaiter& waiter) noexcept {
        auto& self = static_cast<CountingWaiter&>(waiter);
        ++self.calls;
        if (self.again != nullptr) {
            self.again->wait(self);
        }
        if (self.stops != nullptr) {
            self.ring->stop_waiting(*self.stops);
        }
    }

    int calls = 0;
    BufferRing* again = nullptr; // waits again at once
    BufferRing* ring = nullptr;
    CountingWaiter* stops = nullptr; // stops that other one
};

} // namespace

TEST_CASE("a request draws a buffer when its data has come", "[ring][buffers]") {
    Ring ring;
    BufferRing buffers(ring, group, 4, 64);
    CHECK(buffers.group() == group);
    CHECK(buffers.count() == 4);
    CHECK(buffers.buffer_size() == 64);
    CHECK(buffers.available() == 4);

    Pipe pipe;
    Operation read(read_some(pipe.reader()));
    ring.submit(read);
    ring.poll();
    CHECK(buffers.available() == 4);

    REQUIRE(pipe.put("provided"));
    drain(ring);
    REQUIRE(read.result == 8);
    REQUIRE(BufferRing::has_buffer(read.flags));
    LeasedBuffer lease = buffers.lease(read.flags, read.result);
    CHECK(buffers.available() == 3);
    CHECK(lease);
    CHECK(text_of(lease) == "provided");
    lease.release();
    CHECK_FALSE(lease);
    CHECK(lease.bytes().empty());
    CHECK(buffers.available() == 4);
    lease.release();
    CHECK(buffers.available() == 4);
}

TEST_CASE("buffers can be tracked by their number", "[ring][buffers]") {
    Ring ring;
    BufferRing buffers(ring, group, 2, 16);
    Pipe pipe;
    Operation read(read_some(pipe.reader()));
    for (int round = 0; round < 10; ++round) {
        const std::string text = "round " + std::to_string(round);
        REQUIRE(pipe.put(text));
        ring.submit(read);
        drain(ring);
        REQUIRE(read.result == static_cast<int>(text.size()));
        const unsigned id = buffers.take(read.flags);
        REQUIRE(id < 2);
        CHECK(buffers.available() == 1);
        const auto bytes = buffers.buffer(id);
        CHECK(bytes.size() == 16);
        CHECK(std::memcmp(bytes.data(), text.data(), text.size()) == 0);
        buffers.recycle(id);
        CHECK(buffers.available() == 2);
    }
}

TEST_CASE("a request without a buffer left is told ENOBUFS", "[ring][buffers]") {
    Ring ring;
    BufferRing buffers(ring, group, 1, 16);
    Pipe pipe;
    Operation read(read_some(pipe.reader()));
    REQUIRE(pipe.put("first"));
    ring.submit(read);
    drain(ring);
    LeasedBuffer lease = buffers.lease(read.flags, read.result);

    REQUIRE(pipe.put("second"));
    ring.submit(read);
    drain(ring);
    CHECK(read.result == -ENOBUFS);
    CHECK_FALSE(BufferRing::has_buffer(read.flags));

    lease = LeasedBuffer();
    ring.submit(read);
    drain(ring);
    REQUIRE(read.result == 6);
    CHECK(text_of(buffers.lease(read.flags, read.result)) == "second");
}

TEST_CASE("a multishot receive survives running out of buffers, byte for byte",
          "[ring][buffers][multishot]") {
    const unsigned entries = GENERATE(1U, 256U);
    Ring ring({.entries = entries});
    BufferRing buffers(ring, group, 4, 16);
    SocketPair sockets;
    Receiver receiver(ring, buffers, sockets);
    receiver.keep = true;

    std::string sent;
    for (int part = 0; part < 50; ++part) {
        sent += "part " + std::to_string(part) + " of fifty, ";
    }
    REQUIRE(sockets.send(sent));
    sockets.hang_up();

    while (!receiver.ended) {
        while (ring.poll() != 0) {}
        if (!receiver.ended) {
            REQUIRE(buffers.available() == 0);
            REQUIRE(receiver.is_linked());
            REQUIRE(receiver.leases.size() == 4);
            receiver.leases.pop_front();
        }
    }
    CHECK(receiver.text == sent);
    CHECK(receiver.ran_out > 10);
    CHECK(receiver.rearmed > 10);
    receiver.leases.clear();
    CHECK(buffers.available() == 4);
    CHECK(ring.idle());
}

TEST_CASE("many receivers share few buffers", "[ring][buffers][multishot]") {
    Ring ring({.entries = 4});
    BufferRing buffers(ring, group, 2, 8);
    std::deque<SocketPair> sockets(50);
    std::deque<Receiver> receivers;
    for (SocketPair& pair : sockets) {
        receivers.emplace_back(ring, buffers, pair);
        receivers.back().keep = true;
    }
    ring.poll();
    for (std::size_t index = 0; index < sockets.size(); ++index) {
        REQUIRE(sockets[index].send("this is number " + std::to_string(index)));
        sockets[index].hang_up();
    }
    // Whoever has leases gives back one at a time, the last ones first.
    bool all_ended = false;
    for (int turn = 0; !all_ended; ++turn) {
        REQUIRE(turn < 100'000);
        while (ring.poll() != 0) {}
        all_ended = true;
        for (Receiver& receiver : receivers) {
            all_ended = all_ended && receiver.ended;
        }
        for (auto receiver = receivers.rbegin(); receiver != receivers.rend(); ++receiver) {
            if (!receiver->leases.empty()) {
                receiver->leases.pop_back();
                break;
            }
        }
    }
    for (std::size_t index = 0; index < sockets.size(); ++index) {
        REQUIRE(receivers[index].text == "this is number " + std::to_string(index));
        receivers[index].leases.clear();
    }
    CHECK(buffers.available() == 2);
    drain(ring);
}

TEST_CASE("a receiver that is stopped no longer waits for a buffer", "[ring][buffers][multishot]") {
    Ring ring;
    BufferRing buffers(ring, group, 1, 8);
    SocketPair sockets;
    Receiver receiver(ring, buffers, sockets);
    receiver.keep = true;
    REQUIRE(sockets.send("twice eight bytes"));
    while (ring.poll() != 0) {}
    REQUIRE(receiver.is_linked());
    receiver.stop();
    CHECK_FALSE(receiver.is_linked());
    receiver.leases.clear();
    CHECK(receiver.rearmed == 0);
    CHECK(ring.idle());
}

TEST_CASE("all who wait are called when a buffer comes back, in order", "[ring][buffers]") {
    Ring ring;
    BufferRing buffers(ring, group, 2, 16);
    Pipe pipe;
    Operation read(read_some(pipe.reader()));
    REQUIRE(pipe.put("x"));
    ring.submit(read);
    drain(ring);
    LeasedBuffer lease = buffers.lease(read.flags, read.result);

    CountingWaiter first;
    CountingWaiter second;
    CountingWaiter third;
    CountingWaiter stopped;
    buffers.wait(first);
    buffers.wait(second);
    buffers.wait(stopped);
    buffers.wait(third);
    second.again = &buffers;
    second.ring = &buffers;
    second.stops = &third; // behind it, and not called yet
    buffers.stop_waiting(stopped);
    buffers.stop_waiting(stopped);
    lease.release();
    CHECK(first.calls == 1);
    CHECK(second.calls == 1);
    CHECK(third.calls == 0);
    CHECK(stopped.calls == 0);
    CHECK(second.is_linked());
    buffers.stop_waiting(second);
}

TEST_CASE("a lease outlives the buffer ring and the ring", "[ring][buffers]") {
    LeasedBuffer lease;
    {
        Ring ring;
        BufferRing buffers(ring, group, 2, 16);
        Pipe pipe;
        Operation read(read_some(pipe.reader()));
        REQUIRE(pipe.put("survivor"));
        ring.submit(read);
        drain(ring);
        lease = buffers.lease(read.flags, read.result);
        buffers.close();
        buffers.close();
    }
    CHECK(text_of(lease) == "survivor");
    LeasedBuffer moved = std::move(lease);
    CHECK_FALSE(lease);
    CHECK(text_of(moved) == "survivor");
}

TEST_CASE("a buffer that comes with an error holds nothing, and goes back", "[ring][buffers]") {
    Ring ring;
    BufferRing buffers(ring, group, 2, 16);
    Pipe pipe;
    Operation read(read_some(pipe.reader()));
    REQUIRE(pipe.put("data"));
    ring.submit(read);
    drain(ring);
    {
        const LeasedBuffer lease = buffers.lease(read.flags, -ECONNRESET);
        CHECK(lease);
        CHECK(lease.bytes().empty());
        CHECK(buffers.available() == 1);
    }
    CHECK(buffers.available() == 2);
}

TEST_CASE("a lease that is assigned to gives its buffer back", "[ring][buffers]") {
    Ring ring;
    BufferRing buffers(ring, group, 2, 16);
    Pipe pipe;
    Operation read(read_some(pipe.reader()));
    std::vector<LeasedBuffer> leases;
    for (int index = 0; index < 2; ++index) {
        REQUIRE(pipe.put("xy"));
        ring.submit(read);
        drain(ring);
        leases.push_back(buffers.lease(read.flags, read.result));
    }
    CHECK(buffers.available() == 0);
    leases[0] = std::move(leases[1]);
    CHECK(buffers.available() == 1);
    CHECK(leases[0]);
    CHECK_FALSE(leases[1]);
    LeasedBuffer& same = leases[0];
    leases[0] = std::move(same);
    CHECK(leases[0]);
    leases.clear();
    CHECK(buffers.available() == 2);
}

TEST_CASE("a group that is taken is an error", "[ring][buffers]") {
    Ring ring;
    const BufferRing buffers(ring, group, 2, 16);
    try {
        const BufferRing again(ring, group, 2, 16);
        FAIL("no exception");
    } catch (const std::system_error& error) {
        CHECK(error.code() == std::errc::file_exists);
        CHECK(std::string(error.what()).find("rondo: io_uring_register_buf_ring") == 0);
    }
    const BufferRing other(ring, group + 1, 2, 16);
    CHECK(other.available() == 2);
}

TEST_CASE("a group can be used again after its buffer ring has gone", "[ring][buffers]") {
    Ring ring;
    for (int round = 0; round < 3; ++round) {
        const BufferRing buffers(ring, group, 4, 16);
        CHECK(buffers.available() == 4);
    }
}

TEST_CASE("a buffer ring for which there is no memory is an error", "[ring][buffers]") {
    Ring ring;
    try {
        const BufferRing buffers(ring, group, 32768, std::size_t{1} << 40);
        FAIL("no exception");
    } catch (const std::system_error& error) {
        CHECK(error.code() == std::errc::not_enough_memory);
        CHECK(std::string(error.what()).find("rondo: mmap") == 0);
    }
}

TEST_CASE("a forked child may read and drop a lease, and the parent goes on",
          "[ring][buffers][fork]") {
    Ring ring;
    auto buffers = std::make_unique<BufferRing>(ring, group, 2, 16);
    Pipe pipe;
    Operation read(read_some(pipe.reader()));
    REQUIRE(pipe.put("inherited"));
    ring.submit(read);
    drain(ring);
    LeasedBuffer lease = buffers->lease(read.flags, read.result);

    const std::string said = run_in_child([&] {
        const std::string text = text_of(lease);
        lease.release();
        buffers.reset();
        ring.close();
        return text;
    });
    CHECK(said == "inherited");

    // What the kernel shares was not inherited; something else may live there when the child drops
    // the rest.
    const std::string safe = run_in_child([&]() -> std::string {
        const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
        void* const place = buffers->buffer(0).data() - page;
        void* const mine = ::mmap(place, page, PROT_READ | PROT_WRITE,
                                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
        if (mine != place) {
            return "the buffer ring was inherited";
        }
        std::memset(mine, 7, page);
        lease.release();
        buffers.reset();
        return static_cast<const unsigned char*>(mine)[page - 1] == 7 ? "mine" : "changed";
    });
    CHECK(safe == "mine");
    CHECK(buffers->available() == 1);
    CHECK(text_of(lease) == "inherited");
    lease.release();

    for (int round = 0; round < 4; ++round) {
        REQUIRE(pipe.put("go on"));
        ring.submit(read);
        drain(ring);
        REQUIRE(read.result == 5);
        CHECK(text_of(buffers->lease(read.flags, read.result)) == "go on");
    }
}
