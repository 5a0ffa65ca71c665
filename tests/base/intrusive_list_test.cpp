// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

#include <rondo/detail/intrusive_list.hpp>

#include "child.hpp"
#include "support/catch.hpp"

#include <array>
#include <csignal>
#include <cstddef>
#include <deque>
#include <memory>
#include <random>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

using rondo::detail::IntrusiveList;
using rondo::detail::ListHook;

namespace {

struct Item : ListHook<> {
    constexpr explicit Item(int number) : value(number) {}
    int value;
};

using List = IntrusiveList<Item>;

std::vector<int> values(const List& list) {
    std::vector<int> found;
    list.for_each([&](const Item& item) { found.push_back(item.value); });
    return found;
}

using Values = std::vector<int>;

} // namespace

TEST_CASE("a new list is empty", "[base][intrusive_list]") {
    List list;
    REQUIRE(list.empty());
    REQUIRE(list.front() == nullptr);
    REQUIRE(list.back() == nullptr);
    REQUIRE(list.pop_front() == nullptr);
}

TEST_CASE("elements come out in the order they were put at the back", "[base][intrusive_list]") {
    Item a(1);
    Item b(2);
    Item c(3);
    List list;
    list.push_back(a);
    list.push_back(b);
    list.push_back(c);
    REQUIRE(list.front() == &a);
    REQUIRE(list.back() == &c);
    REQUIRE(list.pop_front() == &a);
    REQUIRE(list.pop_front() == &b);
    REQUIRE(list.pop_front() == &c);
    REQUIRE(list.pop_front() == nullptr);
    REQUIRE(list.empty());
}

TEST_CASE("an element put at the front comes out first", "[base][intrusive_list]") {
    Item a(1);
    Item b(2);
    List list;
    list.push_back(a);
    list.push_front(b);
    REQUIRE(values(list) == Values{2, 1});
}

TEST_CASE("an element knows whether it is on a list", "[base][intrusive_list]") {
    Item item(1);
    List list;
    REQUIRE_FALSE(item.is_linked());
    list.push_back(item);
    REQUIRE(item.is_linked());
    REQUIRE(List::is_linked(item));
    list.pop_front();
    REQUIRE_FALSE(item.is_linked());
    list.push_back(item);
    List::remove(item);
    REQUIRE_FALSE(item.is_linked());
    list.push_back(item);
    list.clear();
    REQUIRE_FALSE(item.is_linked());
}

TEST_CASE("an element is taken out from anywhere", "[base][intrusive_list]") {
    std::deque<Item> items;
    List list;
    for (int i = 0; i < 5; ++i) {
        list.push_back(items.emplace_back(i));
    }
    List::remove(items[2]);
    REQUIRE(values(list) == Values{0, 1, 3, 4});
    List::remove(items[0]);
    REQUIRE(values(list) == Values{1, 3, 4});
    List::remove(items[4]);
    REQUIRE(values(list) == Values{1, 3});
    List::remove(items[1]);
    List::remove(items[3]);
    REQUIRE(list.empty());
}

TEST_CASE("a list that is moved keeps its elements, and leaves an empty list behind",
          "[base][intrusive_list]") {
    Item a(1);
    Item b(2);
    List source;
    source.push_back(a);
    source.push_back(b);

    List target(std::move(source));
    REQUIRE(source.empty());
    REQUIRE(values(target) == Values{1, 2});

    Item c(3);
    source.push_back(c);
    source = std::move(target);
    REQUIRE(target.empty());
    REQUIRE(values(source) == Values{1, 2});
    REQUIRE_FALSE(c.is_linked());

    List& self = source;
    source = std::move(self);
    REQUIRE(values(source) == Values{1, 2});
}

TEST_CASE("an empty list can be moved", "[base][intrusive_list]") {
    List source;
    List target(std::move(source));
    REQUIRE(target.empty());
    Item item(1);
    target.push_back(item);
    target = std::move(source);
    REQUIRE(target.empty());
    REQUIRE_FALSE(item.is_linked());
}

TEST_CASE("splice_back appends the other list in order and empties it", "[base][intrusive_list]") {
    std::deque<Item> items;
    List first;
    List second;
    for (int i = 0; i < 4; ++i) {
        (i < 2 ? first : second).push_back(items.emplace_back(i));
    }
    first.splice_back(second);
    REQUIRE(values(first) == Values{0, 1, 2, 3});
    REQUIRE(second.empty());

    first.splice_back(second);
    REQUIRE(values(first) == Values{0, 1, 2, 3});
    first.splice_back(first);
    REQUIRE(values(first) == Values{0, 1, 2, 3});
    second.splice_back(first);
    REQUIRE(values(second) == Values{0, 1, 2, 3});
    REQUIRE(first.empty());
}

TEST_CASE("swap exchanges lists, also empty ones and one with itself", "[base][intrusive_list]") {
    Item a(1);
    Item b(2);
    Item c(3);
    List first;
    List second;
    first.swap(second);
    REQUIRE(first.empty());

    first.push_back(a);
    first.push_back(b);
    second.push_back(c);
    first.swap(second);
    REQUIRE(values(first) == Values{3});
    REQUIRE(values(second) == Values{1, 2});
    first.swap(first);
    REQUIRE(values(first) == Values{3});
}

TEST_CASE("for_each may take out or destroy the element it is given", "[base][intrusive_list]") {
    std::vector<std::unique_ptr<Item>> items;
    List list;
    for (int i = 0; i < 6; ++i) {
        items.push_back(std::make_unique<Item>(i));
        list.push_back(*items.back());
    }
    Values seen;
    list.for_each([&](Item& item) {
        seen.push_back(item.value);
        if (item.value % 2 == 0) {
            List::remove(item);
            items[static_cast<std::size_t>(item.value)].reset();
        }
    });
    REQUIRE(seen == Values{0, 1, 2, 3, 4, 5});
    REQUIRE(values(list) == Values{1, 3, 5});
}

TEST_CASE("the destructor of a list lets its elements go", "[base][intrusive_list]") {
    Item a(1);
    Item b(2);
    {
        List list;
        list.push_back(a);
        list.push_back(b);
    }
    REQUIRE_FALSE(a.is_linked());
    REQUIRE_FALSE(b.is_linked());
    List next;
    next.push_back(b);
    REQUIRE(values(next) == Values{2});
}

TEST_CASE("an element is on several lists at a time, one for each tag", "[base][intrusive_list]") {
    struct Waiting;
    struct Alive;
    struct Both : ListHook<Waiting>, ListHook<Alive> {};
    Both both;
    IntrusiveList<Both, Waiting> waiting;
    IntrusiveList<Both, Alive> alive;
    waiting.push_back(both);
    alive.push_back(both);
    REQUIRE(waiting.pop_front() == &both);
    REQUIRE_FALSE(waiting.is_linked(both));
    REQUIRE(alive.is_linked(both));
    REQUIRE(alive.front() == &both);
}

TEST_CASE("a list finds its elements wherever in them the hook is", "[base][intrusive_list]") {
    struct First {
        std::array<char, 24> bytes{};
        virtual ~First() = default;
    };
    struct Late : First, ListHook<> {};
    Late a;
    Late b;
    IntrusiveList<Late> list;
    list.push_back(a);
    list.push_back(b);
    REQUIRE(list.pop_front() == &a);
    REQUIRE(list.pop_front() == &b);
}

TEST_CASE("a hook cannot be copied, since a copy would be on no list", "[base][intrusive_list]") {
    STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<Item>);
    STATIC_REQUIRE_FALSE(std::is_move_constructible_v<Item>);
    STATIC_REQUIRE_FALSE(std::is_copy_assignable_v<Item>);
    STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<List>);
}

TEST_CASE("no operation of a list can fail", "[base][intrusive_list]") {
    List list;
    Item item(1);
    STATIC_REQUIRE(noexcept(list.push_back(item)));
    STATIC_REQUIRE(noexcept(list.push_front(item)));
    STATIC_REQUIRE(noexcept(list.pop_front()));
    STATIC_REQUIRE(noexcept(list.remove(item)));
    STATIC_REQUIRE(noexcept(list.splice_back(list)));
    STATIC_REQUIRE(noexcept(list.swap(list)));
    STATIC_REQUIRE(noexcept(list.clear()));
    STATIC_REQUIRE(std::is_nothrow_move_constructible_v<List>);
    STATIC_REQUIRE(std::is_nothrow_move_assignable_v<List>);
    STATIC_REQUIRE(std::is_trivially_destructible_v<ListHook<>>);
}

TEST_CASE("a list works in a constant expression", "[base][intrusive_list]") {
    constexpr auto sum = [] {
        Item a(1);
        Item b(20);
        List list;
        list.push_back(a);
        list.push_front(b);
        List other(std::move(list));
        int total = other.pop_front()->value;
        List::remove(a);
        return other.empty() ? total : -1;
    };
    STATIC_REQUIRE(sum() == 20);
}

TEST_CASE("whatever is done to two lists, they agree with a model", "[base][intrusive_list]") {
    std::mt19937 random(20260101);
    std::deque<Item> items;
    for (int i = 0; i < 24; ++i) {
        items.emplace_back(i);
    }
    std::array<List, 2> lists;
    std::array<std::deque<int>, 2> models;
    const auto pick = [&](std::size_t count) {
        return std::uniform_int_distribution<std::size_t>(0, count - 1)(random);
    };

    for (int step = 0; step < 20'000; ++step) {
        const std::size_t which = pick(2);
        List& list = lists[which];
        std::deque<int>& model = models[which];
        Item& item = items[pick(items.size())];
        switch (pick(6)) {
        case 0:
        case 1:
            if (item.is_linked()) {
                List::remove(item);
                for (std::deque<int>& other : models) {
                    std::erase(other, item.value);
                }
            } else {
                list.push_back(item);
                model.push_back(item.value);
            }
            break;
        case 2:
            if (!item.is_linked()) {
                list.push_front(item);
                model.push_front(item.value);
            }
            break;
        case 3:
            if (const Item* first = list.pop_front()) {
                REQUIRE(first->value == model.front());
                model.pop_front();
            } else {
                REQUIRE(model.empty());
            }
            break;
        case 4:
            lists[0].swap(lists[1]);
            models[0].swap(models[1]);
            break;
        default:
            if (pick(8) == 0) {
                list.splice_back(lists[1 - which]);
                model.insert(model.end(), models[1 - which].begin(), models[1 - which].end());
                models[1 - which].clear();
            }
            break;
        }
        if (values(lists[0]) != Values(models[0].begin(), models[0].end()) ||
            values(lists[1]) != Values(models[1].begin(), models[1].end())) {
            CAPTURE(step);
            FAIL("list and model differ");
        }
    }
}

#ifndef NDEBUG
TEST_CASE("to add an element twice, or to take it out twice, fails an assertion",
          "[base][intrusive_list]") {
    Item item(1);
    List list;
    list.push_back(item);
    const rondo_test::ChildEnd added = rondo_test::run_in_child([&] { list.push_back(item); });
    REQUIRE(added.signal == SIGABRT);
    REQUIRE(added.output.ends_with("this element is on a list already: remove() it first\n"));

    List::remove(item);
    const rondo_test::ChildEnd removed = rondo_test::run_in_child([&] { List::remove(item); });
    REQUIRE(removed.signal == SIGABRT);
    REQUIRE(removed.output.ends_with("remove() of an element that is on no list\n"));
}
#endif
