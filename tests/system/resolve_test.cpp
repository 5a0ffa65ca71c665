// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

#include <rondo/resolve.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <netdb.h>
#include <sched.h>
#include <sys/socket.h>

#include <rondo/as_result.hpp>
#include <rondo/create_task.hpp>
#include <rondo/event_loop.hpp>
#include <rondo/gather.hpp>
#include <rondo/run.hpp>
#include <rondo/sleep.hpp>

#include "io/descriptors.hpp"
#include "support/async_test.hpp"
#include "support/catch.hpp"
#include "system/streams.hpp"

using namespace std::chrono_literals;
using namespace std::string_literals;
using namespace rondo_test;
using rondo::Coro;
using rondo::Endpoint;

namespace {

// A name that no name server is asked for: a label of it is longer than a label can be.
const std::string impossible = std::string(70, 'x') + ".example";

Coro<std::vector<Endpoint>> resolve(std::string host, std::string service,
                                    rondo::ResolveOptions options = {}) {
    auto resolving = rondo::getaddrinfo(std::move(host), std::move(service), options);
    co_return co_await std::move(resolving);
}

std::vector<Endpoint> endpoints(std::initializer_list<std::string_view> texts) {
    std::vector<Endpoint> all;
    for (const std::string_view text : texts) {
        all.push_back(Endpoint::parse(text));
    }
    return all;
}

// How many turns of the loop it takes: none if nobody had to be asked.
Coro<std::uint64_t> turns_to_resolve(std::string host, std::string service) {
    const std::uint64_t before = rondo::get_running_loop().metrics().turns;
    const auto found = co_await resolve(std::move(host), std::move(service));
    CHECK(found.size() == 1);
    co_return rondo::get_running_loop().metrics().turns - before;
}

// Waits until helper threads that nobody waits for are done: they open files.
void wait_for_threads() {
    while (!rondo::detail::LookupThreads::instance().idle()) {
        ::sched_yield();
    }
}

} // namespace

ASYNC_TEST_CASE("563: an address with a port number is not looked up", "[system][resolve]") {
    const auto v4 = co_await resolve("127.0.0.1", "80");
    CHECK(v4 == endpoints({"127.0.0.1:80"}));
    const auto v6 = co_await resolve("2001:db8::1", "65535");
    CHECK(v6 == endpoints({"[2001:db8::1]:65535"}));
    const auto number = co_await rondo::getaddrinfo("192.0.2.1", 443);
    CHECK(number == endpoints({"192.0.2.1:443"}));
    const std::uint64_t turns = co_await turns_to_resolve("127.0.0.1", "80");
    CHECK(turns == 0);
}

ASYNC_TEST_CASE("no host is this machine, or every interface to listen on", "[system][resolve]") {
    const auto here = co_await resolve("", "80");
    CHECK(here == endpoints({"[::1]:80", "127.0.0.1:80"}));
    const auto all = co_await resolve("", "", {AF_UNSPEC, AI_PASSIVE});
    CHECK(all == endpoints({"[::]:0", "0.0.0.0:0"}));
    const auto some = co_await resolve("", "80", {AF_INET, 0});
    CHECK(some == endpoints({"127.0.0.1:80"}));
}

ASYNC_TEST_CASE("a name that this machine knows is found without a name server",
                "[system][resolve]") {
    const auto found = co_await resolve("localhost", "80", {AF_INET, 0});
    CHECK(found == endpoints({"127.0.0.1:80"}));
}

ASYNC_TEST_CASE("a service may have a name", "[system][resolve]") {
    if (::getservbyname("http", "tcp") == nullptr) {
        WARN("this machine knows no services: /etc/services is missing");
        co_return;
    }
    const auto found = co_await resolve("127.0.0.1", "http");
    CHECK(found == endpoints({"127.0.0.1:80"}));
}

ASYNC_TEST_CASE("an unknown host is an error that names it", "[system][resolve]") {
    auto resolving = rondo::create_task(resolve(impossible, "80"));
    co_await finished(resolving);
    const std::error_code code = system_error_of(resolving);
    CHECK(code.category() == rondo::getaddrinfo_category());
    CHECK(code.value() != 0);
    const std::string message = message_of(resolving);
    CHECK(message == "rondo: getaddrinfo of " + impossible + ": " + code.message());
    CHECK(rondo::getaddrinfo_category().message(EAI_NONAME) == ::gai_strerror(EAI_NONAME));
    CHECK(rondo::getaddrinfo_category().name() == "getaddrinfo"s);
}

ASYNC_TEST_CASE("an unknown service is an error that names it", "[system][resolve]") {
    auto resolving = rondo::create_task(resolve("127.0.0.1", "no-such-service"));
    co_await finished(resolving);
    CHECK(system_error_of(resolving).category() == rondo::getaddrinfo_category());
    CHECK(message_of(resolving).find("127.0.0.1:no-such-service") != std::string::npos);
}

ASYNC_TEST_CASE("an address of another family than asked for is an error", "[system][resolve]") {
    auto resolving = rondo::create_task(resolve("127.0.0.1", "80", {AF_INET6, 0}));
    co_await finished(resolving);
    CHECK(system_error_of(resolving).category() == rondo::getaddrinfo_category());
}

ASYNC_TEST_CASE("a name with a NUL in it is refused, not shortened", "[system][resolve]") {
    auto resolving = rondo::create_task(resolve("localhost\0.example"s, "80"));
    co_await finished(resolving);
    CHECK(system_error_of(resolving) == std::error_code(EAI_NONAME, rondo::getaddrinfo_category()));
}

ASYNC_TEST_CASE("many names are looked up at once, on a few threads", "[system][resolve]") {
    std::vector<rondo::Task<std::vector<Endpoint>>> tasks;
    for (int i = 0; i < 100; ++i) {
        tasks.push_back(rondo::create_task(resolve("localhost", std::to_string(i), {AF_INET, 0})));
    }
    const auto found = co_await rondo::gather(std::move(tasks));
    for (std::size_t i = 0; i < found.size(); ++i) {
        CHECK(found[i] == endpoints({"127.0.0.1:" + std::to_string(i)}));
    }
}

ASYNC_TEST_CASE("565: a look-up that is cancelled ends at once, and its answer is dropped",
                "[system][resolve][cancel]") {
    for (int turns = 0; turns < 4; ++turns) {
        auto resolving = rondo::create_task(resolve("localhost", "80", {AF_INET, 0}));
        for (int turn = 0; turn < turns; ++turn) {
            co_await rondo::sleep(0s);
        }
        const bool cancelled = resolving.cancel();
        co_await finished(resolving);
        CHECK(resolving.cancelled() == cancelled);
    }
    // The loop does not wait for what nobody wants: this sleep is over at once, in virtual time.
    co_await rondo::sleep(1h);
    wait_for_threads();
}

TEST_CASE("a loop may end before its look-ups do", "[system][resolve][cancel]") {
    const DescriptorCheck descriptors;
    for (int i = 0; i < 50; ++i) {
        rondo::testing::run([]() -> Coro<> {
            (void)rondo::create_task(resolve("localhost", "80"));
            (void)rondo::create_task(resolve("localhost", "81"));
            co_await rondo::sleep(0s);
        });
        rondo::EventLoop loop(rondo::testing::options());
        loop.set_exception_handler([](rondo::EventLoop&, const rondo::ErrorContext&) {});
        (void)loop.create_task(resolve("localhost", "82"));
        loop.run_once(0s);
    }
    wait_for_threads();
}
