// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// A [[no_unique_address]] member that cannot be moved, made by a function (GCC PR 98995; Clang 15
// to 18 have a sibling, llvm 93563).

#include "../shape.hpp"

class Immovable {
public:
    explicit Immovable(int value) : value_(value) {}
    Immovable(Immovable&&) = delete;
    int value() const { return value_; }

private:
    int value_;
};

static Immovable make_immovable(int value) {
    return Immovable(value);
}

class Holder {
public:
    explicit Holder(int value) : member_(make_immovable(value)) {}
    int value() const { return member_.value(); }

private:
    [[no_unique_address]] Immovable member_;
};

SHAPE(no_unique_address) {
    Holder holder(3);
    expect(holder.value() == 3);
    co_return;
}
