// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

#include <rondo/clock.hpp>

#include "support/catch.hpp"

#include <chrono>
#include <cstdint>
#include <limits>
#include <ratio>
#include <stdexcept>
#include <string>
#include <type_traits>

using namespace std::chrono_literals;
using rondo::Clock;
using rondo::detail::deadline_after;
using rondo::detail::saturating_nanoseconds;
using std::chrono::duration;
using std::chrono::nanoseconds;

namespace {

constexpr std::int64_t max = std::numeric_limits<std::int64_t>::max();

template <class Rep, class Period>
constexpr std::int64_t in_nanoseconds(duration<Rep, Period> value) {
    return saturating_nanoseconds(value).count();
}

constexpr std::int64_t after(std::int64_t now, auto delay) {
    return deadline_after(Clock::time_point(nanoseconds(now)), delay).time_since_epoch().count();
}

} // namespace

TEST_CASE("the clock is steady, counts nanoseconds, and satisfies the standard's requirements",
          "[base][clock]") {
    STATIC_REQUIRE(Clock::is_steady);
    STATIC_REQUIRE(std::chrono::is_clock_v<Clock>);
    STATIC_REQUIRE(std::is_same_v<Clock::duration, nanoseconds>);
    STATIC_REQUIRE(std::is_same_v<Clock::time_point::clock, Clock>);
    STATIC_REQUIRE(noexcept(Clock::now()));
}

TEST_CASE("the clock never goes back, and goes on", "[base][clock]") {
    const Clock::time_point start = Clock::now();
    Clock::time_point last = start;
    bool monotonic = true;
    for (int i = 0; i < 100'000 || last == start; ++i) {
        const Clock::time_point now = Clock::now();
        monotonic = monotonic && now >= last;
        last = now;
    }
    REQUIRE(monotonic);
    REQUIRE(last > start);
}

TEST_CASE("the clock is the kernel's monotonic one", "[base][clock]") {
    timespec before{};
    timespec behind{};
    ::clock_gettime(CLOCK_MONOTONIC, &before);
    const Clock::time_point now = Clock::now();
    ::clock_gettime(CLOCK_MONOTONIC, &behind);
    const auto total = [](timespec time) { return time.tv_sec * 1'000'000'000 + time.tv_nsec; };
    REQUIRE(total(before) <= now.time_since_epoch().count());
    REQUIRE(now.time_since_epoch().count() <= total(behind));
}

TEST_CASE("every std::chrono::duration is a Duration, and nothing else", "[base][clock]") {
    STATIC_REQUIRE(rondo::Duration<nanoseconds>);
    STATIC_REQUIRE(rondo::Duration<const std::chrono::hours>);
    STATIC_REQUIRE(rondo::Duration<duration<float, std::ratio<7, 3>>>);
    STATIC_REQUIRE_FALSE(rondo::Duration<int>);
    STATIC_REQUIRE_FALSE(rondo::Duration<nanoseconds&>);
    STATIC_REQUIRE_FALSE(rondo::Duration<Clock::time_point>);
}

TEST_CASE("durations that fit convert exactly", "[base][clock]") {
    STATIC_REQUIRE(in_nanoseconds(0ns) == 0);
    STATIC_REQUIRE(in_nanoseconds(7ns) == 7);
    STATIC_REQUIRE(in_nanoseconds(-7ns) == -7);
    STATIC_REQUIRE(in_nanoseconds(3us) == 3'000);
    STATIC_REQUIRE(in_nanoseconds(-3ms) == -3'000'000);
    STATIC_REQUIRE(in_nanoseconds(2s) == 2'000'000'000);
    STATIC_REQUIRE(in_nanoseconds(24h) == 86'400'000'000'000);
    STATIC_REQUIRE(in_nanoseconds(duration<std::uint8_t>(255)) == 255'000'000'000);
    STATIC_REQUIRE(in_nanoseconds(duration<int, std::ratio<1, 3>>(3)) == 1'000'000'000);
    STATIC_REQUIRE(in_nanoseconds(nanoseconds::max() - 1ns) == max - 1);
}

TEST_CASE("durations that do not fit saturate", "[base][clock]") {
    STATIC_REQUIRE(in_nanoseconds(nanoseconds::max()) == max);
    STATIC_REQUIRE(in_nanoseconds(nanoseconds::min()) == -max);
    STATIC_REQUIRE(in_nanoseconds(std::chrono::microseconds::max()) == max);
    STATIC_REQUIRE(in_nanoseconds(std::chrono::hours::max()) == max);
    STATIC_REQUIRE(in_nanoseconds(std::chrono::hours::min()) == -max);
    STATIC_REQUIRE(in_nanoseconds(std::chrono::years::max()) == max);
    STATIC_REQUIRE(in_nanoseconds(duration<std::uint64_t>(UINT64_MAX)) == max);
    STATIC_REQUIRE(in_nanoseconds(duration<std::uint64_t, std::nano>(UINT64_MAX)) == max);
    // The last second that fits, and the first that does not.
    STATIC_REQUIRE(in_nanoseconds(9'223'372'036s) == 9'223'372'036'000'000'000);
    STATIC_REQUIRE(in_nanoseconds(9'223'372'037s) == max);
    STATIC_REQUIRE(in_nanoseconds(-9'223'372'037s) == -max);
}

TEST_CASE("fractions of a nanosecond round up", "[base][clock]") {
    using Picoseconds = duration<std::int64_t, std::pico>;
    STATIC_REQUIRE(in_nanoseconds(Picoseconds(0)) == 0);
    STATIC_REQUIRE(in_nanoseconds(Picoseconds(1)) == 1);
    STATIC_REQUIRE(in_nanoseconds(Picoseconds(1000)) == 1);
    STATIC_REQUIRE(in_nanoseconds(Picoseconds(1001)) == 2);
    STATIC_REQUIRE(in_nanoseconds(Picoseconds(-1)) == 0);
    STATIC_REQUIRE(in_nanoseconds(Picoseconds(-1001)) == -1);
    STATIC_REQUIRE(in_nanoseconds(duration<int, std::ratio<1, 3>>(1)) == 333'333'334);
    STATIC_REQUIRE(in_nanoseconds(duration<double, std::nano>(0.3)) == 1);
    STATIC_REQUIRE(in_nanoseconds(duration<double, std::nano>(2.5)) == 3);
    STATIC_REQUIRE(in_nanoseconds(duration<double, std::nano>(-2.5)) == -2);
}

TEST_CASE("decimal fractions of a second convert to the nanosecond that was meant",
          "[base][clock]") {
    for (int tenths_of_ms = 1; tenths_of_ms <= 100'000; ++tenths_of_ms) {
        const double seconds = tenths_of_ms / 10'000.0;
        const std::int64_t got = in_nanoseconds(duration<double>(seconds));
        if (got != std::int64_t{tenths_of_ms} * 100'000) {
            CAPTURE(seconds, got);
            FAIL("rounded to another nanosecond");
        }
    }
    STATIC_REQUIRE(in_nanoseconds(duration<double>(1.1)) == 1'100'000'000);
    STATIC_REQUIRE(in_nanoseconds(duration<float>(0.5F)) == 500'000'000);
    STATIC_REQUIRE(in_nanoseconds(duration<double, std::milli>(-0.25)) == -250'000);
    STATIC_REQUIRE(in_nanoseconds(duration<long double>(0.25L)) == 250'000'000);
}

TEST_CASE("floating-point durations saturate, too", "[base][clock]") {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    STATIC_REQUIRE(in_nanoseconds(duration<double>(infinity)) == max);
    STATIC_REQUIRE(in_nanoseconds(duration<double>(-infinity)) == -max);
    STATIC_REQUIRE(in_nanoseconds(duration<double>(1e300)) == max);
    STATIC_REQUIRE(in_nanoseconds(duration<double>(-1e300)) == -max);
    STATIC_REQUIRE(in_nanoseconds(duration<double, std::nano>(9223372036854775808.0)) == max);
    STATIC_REQUIRE(in_nanoseconds(duration<float>(std::numeric_limits<float>::max())) == max);
    STATIC_REQUIRE(in_nanoseconds(duration<double, std::nano>(9223372036854774784.0)) <= max);
}

TEST_CASE("a duration that is not a number is refused", "[base][clock]") {
    const duration<double> nothing(std::numeric_limits<double>::quiet_NaN());
    REQUIRE_THROWS_AS(saturating_nanoseconds(nothing), std::invalid_argument);
    REQUIRE_THROWS_WITH(saturating_nanoseconds(nothing), "rondo: the duration is not a number");
    REQUIRE_THROWS_WITH(deadline_after(Clock::now(), nothing),
                        "rondo: the duration is not a number");
}

TEST_CASE("a deadline is the sum of now and the delay", "[base][clock]") {
    STATIC_REQUIRE(after(100, 0s) == 100);
    STATIC_REQUIRE(after(100, 1us) == 1'100);
    STATIC_REQUIRE(after(100, -1us) == -900);
    STATIC_REQUIRE(after(100, duration<int, std::pico>(1)) == 101);
    STATIC_REQUIRE(after(100, duration<double>(0.5)) == 500'000'100);
}

TEST_CASE("a deadline beyond the end of time is the end of time", "[base][clock]") {
    STATIC_REQUIRE(after(1, nanoseconds::max()) == max);
    STATIC_REQUIRE(after(1, std::chrono::hours::max()) == max);
    STATIC_REQUIRE(after(max, 1ns) == max);
    STATIC_REQUIRE(after(0, nanoseconds::max()) == max);
    STATIC_REQUIRE(after(-2, nanoseconds::min()) == -max);
    STATIC_REQUIRE(after(-max, -10s) == -max);
    STATIC_REQUIRE(after(max, nanoseconds::min()) == 0);
}
