// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// A million awaits that complete at once, in a loop. Symmetric transfer needs a tail call, which
// GCC does not make without optimisation; resuming the child inside await_suspend needs none.

#include "../shape.hpp"

static constexpr int rounds = 1'000'000;

// Awaits a Task by running it here and now, as long as it does not suspend.
class RunsHere {
public:
    explicit RunsHere(Task<int>& task) : task_(task) {}
    bool await_ready() const noexcept { return false; }
    bool await_suspend(std::coroutine_handle<>) {
        finished_ = task_.run();
        return !finished_;
    }
    bool await_resume() const noexcept { return finished_; }

private:
    Task<int>& task_;
    bool finished_ = false;
};

SHAPE(symmetric_transfer) {
    int sum = 0;
    for (int round = 0; round < rounds; ++round) {
        int one = co_await number(1);
        sum += one;
    }
    expect(sum == rounds);
}

SHAPE(resumed_in_await_suspend) {
    int sum = 0;
    for (int round = 0; round < rounds; ++round) {
        Task<int> task = number(1);
        bool finished = co_await RunsHere(task);
        sum += finished ? 1 : 0;
    }
    expect(sum == rounds);
}
