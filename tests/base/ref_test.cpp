// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

#include <rondo/detail/ref.hpp>

#include "support/catch.hpp"

#include <type_traits>
#include <utility>

using rondo::detail::Ref;

namespace {

struct Counted {
    virtual ~Counted() = default;
    void add_ref() noexcept { ++references; }
    void drop_ref() noexcept {
        --references;
        if (on_drop != nullptr) {
            on_drop(*this);
        }
    }

    int references = 0;
    void (*on_drop)(Counted&) = nullptr;
    Ref<Counted>* holder = nullptr;
};

struct Derived : Counted {};

struct Incomplete;
struct HoldsIncomplete {
    Ref<Incomplete>* reference;
};

} // namespace

TEST_CASE("a reference counts while it lives", "[base][ref]") {
    Counted object;
    {
        const Ref<Counted> reference(&object);
        REQUIRE(object.references == 1);
        REQUIRE(reference.get() == &object);
        REQUIRE(&*reference == &object);
        REQUIRE(reference->references == 1);
        REQUIRE(static_cast<bool>(reference));
    }
    REQUIRE(object.references == 0);
}

TEST_CASE("a null reference counts nothing", "[base][ref]") {
    const Ref<Counted> empty;
    const Ref<Counted> null = nullptr;
    const Ref<Counted> pointer(static_cast<Counted*>(nullptr));
    REQUIRE_FALSE(static_cast<bool>(empty));
    REQUIRE(null == nullptr);
    REQUIRE(empty == pointer);
    const Ref<Counted> copy = empty;
    REQUIRE(copy.get() == nullptr);
}

TEST_CASE("to copy a reference adds one, and to move it does not", "[base][ref]") {
    Counted object;
    Ref<Counted> first(&object);
    Ref<Counted> second = first;
    REQUIRE(object.references == 2);
    REQUIRE(first == second);
    Ref<Counted> third = std::move(second);
    REQUIRE(object.references == 2);
    REQUIRE(second == nullptr);
    REQUIRE(third == first);
    STATIC_REQUIRE(std::is_nothrow_move_constructible_v<Ref<Counted>>);
    STATIC_REQUIRE(std::is_nothrow_move_assignable_v<Ref<Counted>>);
    STATIC_REQUIRE(std::is_nothrow_copy_constructible_v<Ref<Counted>>);
    STATIC_REQUIRE(sizeof(Ref<Counted>) == sizeof(Counted*));
}

TEST_CASE("assignment drops the old object and refers to the new one", "[base][ref]") {
    Counted a;
    Counted b;
    Ref<Counted> reference(&a);
    const Ref<Counted> other(&b);
    reference = other;
    REQUIRE(a.references == 0);
    REQUIRE(b.references == 2);
    reference = Ref<Counted>(&a);
    REQUIRE(a.references == 1);
    REQUIRE(b.references == 1);
    reference = nullptr;
    REQUIRE(a.references == 0);
}

TEST_CASE("a reference assigned to itself stays", "[base][ref]") {
    Counted object;
    Ref<Counted> reference(&object);
    const Ref<Counted>& self = reference;
    reference = self;
    REQUIRE(object.references == 1);
    Ref<Counted>& movable_self = reference;
    reference = std::move(movable_self);
    REQUIRE(object.references == 1);
    REQUIRE(reference.get() == &object);
}

TEST_CASE("adopt takes over a reference, and detach gives one away", "[base][ref]") {
    Counted object;
    object.references = 1;
    {
        Ref<Counted> adopted = Ref<Counted>::adopt(&object);
        REQUIRE(object.references == 1);
        Counted* raw = adopted.detach();
        REQUIRE(raw == &object);
        REQUIRE(adopted == nullptr);
    }
    REQUIRE(object.references == 1);
}

TEST_CASE("swap exchanges without counting", "[base][ref]") {
    Counted a;
    Counted b;
    Ref<Counted> first(&a);
    Ref<Counted> second(&b);
    first.swap(second);
    REQUIRE(first.get() == &b);
    REQUIRE(second.get() == &a);
    REQUIRE(a.references == 1);
    REQUIRE(b.references == 1);
}

TEST_CASE("a reference to a derived object converts to one to its base, not back", "[base][ref]") {
    Derived object;
    Ref<Derived> derived(&object);
    Ref<Counted> base = derived;
    REQUIRE(object.references == 2);
    base = std::move(derived);
    REQUIRE(object.references == 1);
    REQUIRE(derived == nullptr);
    REQUIRE(base.get() == &object);
    STATIC_REQUIRE_FALSE(std::is_convertible_v<Ref<Counted>, Ref<Derived>>);
    STATIC_REQUIRE_FALSE(std::is_convertible_v<Counted*, Ref<Counted>>);
}

TEST_CASE("a reference is null already when the object that it dropped looks at it",
          "[base][ref]") {
    Counted object;
    Ref<Counted> reference(&object);
    object.holder = &reference;
    static bool was_null = false;
    object.on_drop = [](Counted& dropped) { was_null = *dropped.holder == nullptr; };

    was_null = false;
    reference.reset();
    REQUIRE(was_null);

    object.on_drop = nullptr;
    reference = Ref<Counted>(&object);
    object.on_drop = [](Counted& dropped) { was_null = *dropped.holder == nullptr; };
    was_null = false;
    reference = nullptr;
    REQUIRE(was_null);
}

TEST_CASE("a reference can be declared before its type is complete", "[base][ref]") {
    STATIC_REQUIRE(std::is_trivial_v<HoldsIncomplete>);
    STATIC_REQUIRE(sizeof(Ref<Incomplete>) == sizeof(void*));
}
