#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// A value that knows how often it was copied, moved and destroyed, and notices when a compiler or
// a container copies it behind its back; and the check that none is left.

#include "support/catch.hpp"

#include <cstddef>
#include <stdexcept>
#include <utility>

namespace rondo_test {

/// What has happened to all Tracked objects together.
struct TrackedCounts {
    std::ptrdiff_t alive = 0;
    std::size_t copies = 0;
    std::size_t moves = 0;
    std::size_t broken = 0; // destroyed twice, or at an address where none was made
};

/// A value with a count of its objects.
class Tracked {
public:
    explicit Tracked(int number = 0) noexcept : number_(number) { ++counts.alive; }
    Tracked(const Tracked& other) : number_(other.number_) {
        ++counts.alive;
        ++counts.copies;
    }
    Tracked(Tracked&& other) noexcept : number_(std::exchange(other.number_, moved_from)) {
        ++counts.alive;
        ++counts.moves;
    }
    Tracked& operator=(const Tracked& other) {
        number_ = other.number_;
        ++counts.copies;
        return *this;
    }
    Tracked& operator=(Tracked&& other) noexcept {
        number_ = std::exchange(other.number_, moved_from);
        ++counts.moves;
        return *this;
    }
    ~Tracked() {
        --counts.alive;
        counts.broken += self_ != this;
        self_ = nullptr;
    }

    [[nodiscard]] int number() const noexcept { return number_; }

    static constexpr int moved_from = -1;
    static inline TrackedCounts counts;

private:
    int number_;
    const Tracked* self_ = this;
};

/// The same, but it only moves.
class MoveOnly : public Tracked {
public:
    using Tracked::Tracked;
    MoveOnly(MoveOnly&&) noexcept = default;
    MoveOnly& operator=(MoveOnly&&) noexcept = default;
};

/// Throws when it is moved or copied after arm().
class ThrowsOnMove : public Tracked {
public:
    struct Error : std::runtime_error {
        Error() : std::runtime_error("the move failed") {}
    };

    using Tracked::Tracked;
    ThrowsOnMove(const ThrowsOnMove& other) : Tracked(other), moves_left_(other.moves_left_) {
        step();
    }
    ThrowsOnMove(ThrowsOnMove&& other) // NOLINT(performance-noexcept-move-constructor)
        : Tracked(std::move(other)), moves_left_(other.moves_left_) {
        step();
    }

    /// It and what is moved from it can be moved so many times more; the next throws.
    void arm(int moves) noexcept { moves_left_ = moves; }

private:
    void step() {
        if (moves_left_ == 0) {
            throw Error();
        }
        if (moves_left_ > 0) {
            --moves_left_;
        }
    }

    int moves_left_ = -1;
};

/// Checks at the end of its scope that no Tracked is left that was not there at its beginning.
/// Put it first in a test, outside of any run: coroutine frames are gone by its end.
class LeakCheck {
public:
    LeakCheck() noexcept = default;
    LeakCheck(const LeakCheck&) = delete;
    LeakCheck& operator=(const LeakCheck&) = delete;
    ~LeakCheck() {
        CHECK(Tracked::counts.alive == before_.alive);
        CHECK(Tracked::counts.broken == before_.broken);
    }

    /// Copies and moves since the check began.
    [[nodiscard]] std::size_t copies() const noexcept {
        return Tracked::counts.copies - before_.copies;
    }
    [[nodiscard]] std::size_t moves() const noexcept {
        return Tracked::counts.moves - before_.moves;
    }
    /// How many have been made since and are alive.
    [[nodiscard]] std::ptrdiff_t alive() const noexcept {
        return Tracked::counts.alive - before_.alive;
    }

private:
    TrackedCounts before_ = Tracked::counts;
};

} // namespace rondo_test
