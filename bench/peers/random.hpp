#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// The same sequence of sleeps as in sleep_bench.

#include <cstdint>

namespace peer {

class Random {
public:
    std::int64_t up_to(std::int64_t bound) {
        state_ ^= state_ << 13U;
        state_ ^= state_ >> 7U;
        state_ ^= state_ << 17U;
        return static_cast<std::int64_t>((state_ >> 16U) % static_cast<std::uint64_t>(bound));
    }

private:
    std::uint64_t state_ = 88172645463325252ULL;
};

} // namespace peer
