// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

#include <rondo/exception_group.hpp>

#include <rondo/error.hpp>

#include "composition/outcomes.hpp"

#include <exception>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

using rondo::ExceptionGroup;
using namespace rondo_test;

namespace {

static_assert(std::is_nothrow_copy_constructible_v<ExceptionGroup>);
static_assert(std::is_base_of_v<std::runtime_error, ExceptionGroup>);

template <class E>
std::exception_ptr make(E error) {
    return std::make_exception_ptr(std::move(error));
}

std::string text_of(const std::optional<ExceptionGroup>& group) {
    return group ? rondo_test::text_of(make(*group)) : "nothing";
}

/// [broken, int 42, [nested, int 43, [deep]]]
ExceptionGroup mixed() {
    const ExceptionGroup deep("deep", {make(Broken("deep"))});
    const ExceptionGroup nested("nested", {make(Broken("nested")), make(43), make(deep)});
    return ExceptionGroup("all", {make(Broken("broken")), make(42), make(nested)});
}

} // namespace

TEST_CASE("a group says what is in it, and whose it was", "[composition][exception_group]") {
    const ExceptionGroup group("two failures", {{make(Broken("it broke")), "Task-1"},
                                                {make(std::runtime_error("other")), "the body"}});
    const std::string what = group.what();
    REQUIRE_THAT(what, Catch::Matchers::StartsWith("two failures (2 exceptions)\n") &&
                           Catch::Matchers::Contains("\n  Task-1: ") &&
                           Catch::Matchers::Contains("Broken: it broke\n  the body: ") &&
                           Catch::Matchers::EndsWith("runtime_error: other"));
    REQUIRE(group.message() == "two failures");
    REQUIRE(group.exceptions().size() == 2);
    REQUIRE(group.members()[1].task == "the body");
    REQUIRE(group.members()[1].exception == group.exceptions()[1]);
}

TEST_CASE("a nested group is indented in the text of the outer one",
          "[composition][exception_group]") {
    const ExceptionGroup inner("inner", {make(Broken("it broke"))});
    const ExceptionGroup outer("outer", {{make(inner), "Task-7"}});
    const std::string what = outer.what();
    REQUIRE_THAT(what, Catch::Matchers::StartsWith("outer (1 exception)\n  Task-7: ") &&
                           Catch::Matchers::Contains("ExceptionGroup: inner (1 exception)\n    ") &&
                           Catch::Matchers::EndsWith("Broken: it broke"));
}

TEST_CASE("a group of nothing, and one with a null pointer, cannot be made",
          "[composition][exception_group]") {
    REQUIRE_THROWS_AS(ExceptionGroup("none", std::vector<std::exception_ptr>()),
                      std::invalid_argument);
    REQUIRE_THROWS_WITH(ExceptionGroup("null", {make(1), nullptr}),
                        Catch::Matchers::StartsWith("rondo: "));
}

TEST_CASE("copies of a group share what is in it", "[composition][exception_group]") {
    const ExceptionGroup group = mixed();
    const ExceptionGroup copy = group; // NOLINT(performance-unnecessary-copy-initialization)
    REQUIRE(&copy.members() == &group.members());
    REQUIRE(std::string(copy.what()) == group.what());
    REQUIRE(copy.message() == "all");
}

TEST_CASE("subgroup() gives what is of a type, at any depth, in its shape",
          "[composition][exception_group]") {
    const ExceptionGroup group = mixed();
    REQUIRE(text_of(group.subgroup<Broken>()) == "[broken, [nested, [deep]]]");
    REQUIRE(text_of(group.subgroup<int>()) == "[int 42, [int 43]]");
    REQUIRE(text_of(group.subgroup<std::bad_alloc>()) == "nothing");
    REQUIRE(group.subgroup<int>()->message() == "all");
    REQUIRE(text_of(group) == "[broken, int 42, [nested, int 43, [deep]]]"); // as it was
}

TEST_CASE("split() gives both parts, and loses nothing", "[composition][exception_group]") {
    const ExceptionGroup group = mixed();
    const auto parts = group.split<int>();
    REQUIRE(text_of(parts.first) == "[int 42, [int 43]]");
    REQUIRE(text_of(parts.second) == "[broken, [nested, [deep]]]");
    const auto none = group.split<std::bad_alloc>();
    REQUIRE_FALSE(none.first);
    REQUIRE(text_of(none.second) == text_of(group));
}

TEST_CASE("a base class means all that derive from it, and not what lies beside them in a group",
          "[composition][exception_group]") {
    const ExceptionGroup group = mixed();
    // A nested group is a std::exception itself, but 43 is not.
    const auto parts = group.split<std::exception>();
    REQUIRE(text_of(parts.first) == "[broken, [nested, [deep]]]");
    REQUIRE(text_of(parts.second) == "[int 42, [int 43]]");
    const auto groups = group.split<ExceptionGroup>();
    REQUIRE(text_of(groups.first) == "[[nested, int 43, [deep]]]");
    REQUIRE(text_of(groups.second) == "[broken, int 42]");
}

TEST_CASE("members keep the names of their tasks in the parts", "[composition][exception_group]") {
    const ExceptionGroup inner("inner", {{make(1), "Task-1"}, {make(Broken()), "Task-2"}});
    const ExceptionGroup outer("outer", {{make(inner), "Task-3"}, {make(Broken()), "Task-4"}});
    const auto parts = outer.split<int>();
    REQUIRE(parts.first->members().size() == 1);
    REQUIRE(parts.first->members()[0].task == "Task-3");
    REQUIRE_THAT(parts.first->what(), Catch::Matchers::Contains("Task-1"));
    REQUIRE(parts.second->members()[1].task == "Task-4");
}

TEST_CASE("handle() calls the handler for each exception of its type, and gives the rest",
          "[composition][exception_group]") {
    const ExceptionGroup group = mixed();
    std::vector<std::string> handled;
    const auto note = [&](const Broken& error) { handled.emplace_back(error.what()); };
    const auto rest = group.handle<Broken>(note);
    REQUIRE(handled == std::vector<std::string>{"broken", "nested", "deep"});
    REQUIRE(text_of(rest) == "[int 42, [int 43]]");
    int sum = 0;
    const auto none_left = rest->handle<int>([&](int number) { sum += number; });
    REQUIRE_FALSE(none_left);
    REQUIRE(sum == 85);
}

TEST_CASE("handle() of what is not there calls nobody", "[composition][exception_group]") {
    const ExceptionGroup group = mixed();
    const auto rest = group.handle<std::bad_alloc>([](const std::bad_alloc&) { FAIL("called"); });
    REQUIRE(text_of(rest) == text_of(group));
}

TEST_CASE("what a handler throws joins the rest, where the exception was",
          "[composition][exception_group]") {
    const ExceptionGroup inner("inner", {{make(1), "Task-1"}, {make(Broken("b")), "Task-2"}});
    const ExceptionGroup outer("outer", {{make(2), "Task-3"}, {make(inner), "Task-4"}});
    const auto rest = outer.handle<int>([](int number) {
        if (number == 1) {
            throw Broken("from the handler");
        }
        throw;
    });
    REQUIRE(text_of(rest) == "[int 2, [from the handler, b]]");
    REQUIRE(rest->members()[0].exception == outer.members()[0].exception); // as it was
    REQUIRE(rest->members()[0].task == "Task-3");
}

TEST_CASE("cancellations and interruptions can be in a group", "[composition][exception_group]") {
    const ExceptionGroup group("odd ones",
                               {make(rondo::CancelledError(rondo::CancelReason::shutdown)),
                                make(rondo::KeyboardInterrupt()),
                                make(std::make_error_code(std::errc::io_error))});
    REQUIRE(text_of(group.subgroup<rondo::CancelledError>()) == "[shutdown:]");
    REQUIRE(text_of(group.subgroup<rondo::KeyboardInterrupt>()) == "[KeyboardInterrupt]");
    REQUIRE_FALSE(group.subgroup<std::exception>());
}
