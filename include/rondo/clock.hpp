#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// The clock that all of Rondo counts by, and the one conversion from a caller's duration to it.
// std::chrono converts by plain multiplication: hours::max() becomes a deadline in the past. Here
// it becomes the end of time.

#include <rondo/config.hpp>

#include <time.h>

#include <chrono>
#include <cstdint>
#include <limits>
#include <ratio>
#include <stdexcept>
#include <type_traits>

namespace rondo::inline RONDO_ABI {

/// Monotonic time in nanoseconds, the kernel's CLOCK_MONOTONIC: never set, stops while the machine
/// sleeps. A clock of its own and not std::chrono::steady_clock, so that a time point of the loop
/// and one of somebody else's clock are not mixed up.
struct Clock {
    using duration = std::chrono::nanoseconds;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<Clock>;
    static constexpr bool is_steady = true;

    /// The time now. Costs no system call (vDSO).
    static time_point now() noexcept {
        timespec time;
        ::clock_gettime(CLOCK_MONOTONIC, &time);
        return time_point(std::chrono::seconds(time.tv_sec) +
                          std::chrono::nanoseconds(time.tv_nsec));
    }
};

namespace detail {

template <class T>
inline constexpr bool is_duration = false;
template <class Rep, class Period>
inline constexpr bool is_duration<std::chrono::duration<Rep, Period>> =
    std::is_floating_point_v<Rep> || (std::is_integral_v<Rep> && sizeof(Rep) <= 8);

} // namespace detail

/// Any std::chrono::duration that counts in floating-point numbers or in integers of up to 64 bits.
template <class T>
concept Duration = detail::is_duration<std::remove_cv_t<T>>;

namespace detail {

/// A duration in whole nanoseconds, rounded up so that a wait is never shorter than was asked.
/// What does not fit becomes plus or minus nanoseconds::max().
/// Throws: std::invalid_argument if it is not a number.
template <class Rep, class Period>
    requires Duration<std::chrono::duration<Rep, Period>>
constexpr std::chrono::nanoseconds saturating_nanoseconds(
    std::chrono::duration<Rep, Period> duration);

/// The time point `duration` after `now`; time_point::max() (or -max) if it is out of range.
/// Throws: std::invalid_argument if the duration is not a number.
template <class Rep, class Period>
    requires Duration<std::chrono::duration<Rep, Period>>
constexpr Clock::time_point deadline_after(Clock::time_point now,
                                           std::chrono::duration<Rep, Period> duration);

} // namespace detail

// Implementation

namespace detail {

template <class Float>
constexpr std::int64_t ceil(Float value) {
    const auto whole = static_cast<std::int64_t>(value);
    return static_cast<Float>(whole) < value ? whole + 1 : whole;
}

template <class Rep, class Period>
    requires Duration<std::chrono::duration<Rep, Period>>
constexpr std::chrono::nanoseconds saturating_nanoseconds(
    std::chrono::duration<Rep, Period> duration) {
    using ToNano = std::ratio_divide<Period, std::nano>;
    if constexpr (std::is_floating_point_v<Rep>) {
        using Float = std::common_type_t<Rep, double>;
        const auto count = static_cast<Float>(duration.count());
        if (count != count) {
            throw std::invalid_argument("rondo: the duration is not a number");
        }
        constexpr Float unit = static_cast<Float>(ToNano::num) / static_cast<Float>(ToNano::den);
        constexpr Float limit = static_cast<Float>(9223372036854775808.0) / unit; // 2^63
        if (count >= limit) {
            return std::chrono::nanoseconds::max();
        }
        if (count <= -limit) {
            return -std::chrono::nanoseconds::max();
        }
        // 1.1 s is a little more than 1.1 in binary. The last two bits are noise, and rounding
        // them up would make every other deadline a nanosecond late. It also keeps the product
        // below 2^63 if it was rounded.
        const Float value = count * unit;
        const Float noise = 2 * std::numeric_limits<Float>::epsilon() * value;
        return std::chrono::nanoseconds(ceil(value > 0 ? value - noise : value));
    } else {
        __extension__ using Wide = __int128;
        constexpr Wide max = std::numeric_limits<std::int64_t>::max();
        const Wide product = static_cast<Wide>(duration.count()) * ToNano::num;
        Wide value = product / ToNano::den;
        if (value * ToNano::den < product) {
            ++value;
        }
        value = value > max ? max : value < -max ? -max : value;
        return std::chrono::nanoseconds(static_cast<std::int64_t>(value));
    }
}

template <class Rep, class Period>
    requires Duration<std::chrono::duration<Rep, Period>>
constexpr Clock::time_point deadline_after(Clock::time_point now,
                                           std::chrono::duration<Rep, Period> duration) {
    constexpr std::int64_t max = std::numeric_limits<std::int64_t>::max();
    const std::int64_t delay = saturating_nanoseconds(duration).count();
    std::int64_t sum = 0;
    if (__builtin_add_overflow(std::int64_t{now.time_since_epoch().count()}, delay, &sum)) {
        sum = delay > 0 ? max : -max;
    }
    return Clock::time_point(Clock::duration(sum));
}

} // namespace detail

} // namespace rondo::inline RONDO_ABI
