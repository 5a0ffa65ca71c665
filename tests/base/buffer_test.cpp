// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

#include <rondo/buffer.hpp>

#include "child.hpp"
#include "support/catch.hpp"

#include <array>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <list>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

using rondo::ConstBuffer;
using rondo::MutableBuffer;

namespace {

// What a function that takes a buffer sees: only implicit conversions happen on the way in.
ConstBuffer seen(ConstBuffer buffer) {
    return buffer;
}
MutableBuffer seen_mutable(MutableBuffer buffer) {
    return buffer;
}

template <class From>
constexpr bool readable = std::is_convertible_v<From, ConstBuffer>;
template <class From>
constexpr bool writable = std::is_convertible_v<From, MutableBuffer>;

} // namespace

TEMPLATE_TEST_CASE("every container of bytes converts to a buffer of all its bytes",
                   "[base][buffer]", char, unsigned char, std::byte, std::uint8_t) {
    std::vector<TestType> vector(7);
    std::array<TestType, 5> array{};
    TestType raw[3] = {};
    const std::span<TestType> span(vector.data(), 4);
    const std::span<TestType, 2> fixed_span(vector.data(), 2);

    REQUIRE(seen(vector).size() == 7);
    REQUIRE(seen(array).size() == 5);
    REQUIRE(seen(raw).size() == 3);
    REQUIRE(seen(span).size() == 4);
    REQUIRE(seen(fixed_span).size() == 2);
    REQUIRE(seen(std::as_const(vector)).size() == 7);

    REQUIRE(seen_mutable(vector).data() == reinterpret_cast<std::byte*>(vector.data()));
    REQUIRE(seen_mutable(array).size() == 5);
    REQUIRE(seen_mutable(raw).size() == 3);
    REQUIRE(seen_mutable(span).size() == 4);
    REQUIRE(seen_mutable(fixed_span).size() == 2);
}

TEST_CASE("a string and a string_view convert to their characters", "[base][buffer]") {
    std::string text = "hello";
    REQUIRE(seen(text).text() == "hello");
    REQUIRE(seen(std::string_view("abc\0d", 5)).size() == 5);
    REQUIRE(seen_mutable(text).size() == 5);
    seen_mutable(text).data()[0] = std::byte{'j'};
    REQUIRE(text == "jello");
}

TEST_CASE("a string literal converts without the NUL at its end", "[base][buffer]") {
    REQUIRE(seen("hello").text() == "hello");
    REQUIRE(seen("").empty());
    REQUIRE(seen("a\0b").size() == 3);
    REQUIRE(seen("ends in NUL\0").size() == 12);
}

TEST_CASE("an array of const char without a NUL at its end loses nothing", "[base][buffer]") {
    const char magic[4] = {'R', 'N', 'D', 'O'};
    REQUIRE(seen(magic).text() == "RNDO");
}

TEST_CASE("a char array that is not const converts whole, with every NUL in it", "[base][buffer]") {
    char zeroed[16] = {};
    REQUIRE(seen(zeroed).size() == 16);
    REQUIRE(seen_mutable(zeroed).size() == 16);
}

TEST_CASE("a const array of unsigned char or std::byte keeps a zero at its end", "[base][buffer]") {
    const unsigned char bytes[3] = {1, 2, 0};
    const std::byte more[2] = {};
    REQUIRE(seen(bytes).size() == 3);
    REQUIRE(seen(more).size() == 2);
}

TEST_CASE("a buffer is made of a pointer and a size", "[base][buffer]") {
    int number = 0x01020304;
    REQUIRE(seen({&number, sizeof(number)}).size() == sizeof(int));
    REQUIRE(seen_mutable({&number, sizeof(number)}).data() ==
            reinterpret_cast<std::byte*>(&number));
}

TEST_CASE("a mutable buffer converts to a const one, and not back", "[base][buffer]") {
    std::string text = "hello";
    MutableBuffer buffer = text;
    REQUIRE(seen(buffer).data() == buffer.data());
    REQUIRE(seen(std::as_const(buffer)).size() == 5);
    STATIC_REQUIRE_FALSE(writable<ConstBuffer>);
    STATIC_REQUIRE_FALSE(writable<ConstBuffer&>);
    STATIC_REQUIRE_FALSE(writable<const ConstBuffer&>);
}

TEST_CASE("what is const or would be gone at once does not convert to a mutable buffer",
          "[base][buffer]") {
    STATIC_REQUIRE_FALSE(writable<std::string>);
    STATIC_REQUIRE_FALSE(writable<const std::string&>);
    STATIC_REQUIRE_FALSE(writable<std::vector<std::byte>>);
    STATIC_REQUIRE_FALSE(writable<std::array<char, 4>>);
    STATIC_REQUIRE_FALSE(writable<std::string_view>);
    STATIC_REQUIRE_FALSE(writable<const char(&)[4]>);
    STATIC_REQUIRE_FALSE(writable<std::span<const std::byte>>);
    STATIC_REQUIRE(writable<std::string&>);
    STATIC_REQUIRE(writable<std::span<char>>);
    STATIC_REQUIRE(writable<const std::span<std::byte>&>);
}

TEST_CASE("a temporary converts to a const buffer", "[base][buffer]") {
    STATIC_REQUIRE(readable<std::string>);
    STATIC_REQUIRE(readable<std::vector<unsigned char>>);
    REQUIRE(seen(std::to_string(12345)).size() == 5);
}

TEST_CASE("what is not a contiguous range of bytes does not convert", "[base][buffer]") {
    STATIC_REQUIRE_FALSE(readable<std::vector<int>&>);
    STATIC_REQUIRE_FALSE(readable<std::wstring&>);
    STATIC_REQUIRE_FALSE(readable<std::u8string&>);
    STATIC_REQUIRE_FALSE(readable<std::list<char>&>);
    STATIC_REQUIRE_FALSE(readable<std::deque<char>&>);
    STATIC_REQUIRE_FALSE(readable<std::vector<bool>&>);
    STATIC_REQUIRE_FALSE(readable<int>);
    STATIC_REQUIRE_FALSE(readable<std::nullptr_t>);
    // Where would it end?
    STATIC_REQUIRE_FALSE(readable<const char*>);
    STATIC_REQUIRE_FALSE(readable<char*>);
    STATIC_REQUIRE_FALSE(writable<char*>);
    STATIC_REQUIRE_FALSE(writable<std::vector<int>&>);
}

TEST_CASE("a buffer is empty unless it is made of something", "[base][buffer]") {
    REQUIRE(ConstBuffer().empty());
    REQUIRE(ConstBuffer().data() == nullptr);
    REQUIRE(ConstBuffer().text().empty());
    REQUIRE(MutableBuffer().empty());
    REQUIRE(MutableBuffer().drop(0).empty());
    REQUIRE(MutableBuffer().bytes().empty());
    REQUIRE(seen(std::string()).empty());
}

TEST_CASE("first and drop cut a buffer in two", "[base][buffer]") {
    std::string text = "headbody";
    const ConstBuffer all = text;
    REQUIRE(all.first(4).text() == "head");
    REQUIRE(all.drop(4).text() == "body");
    REQUIRE(all.first(0).empty());
    REQUIRE(all.first(8).text() == "headbody");
    REQUIRE(all.drop(8).empty());
    REQUIRE(all.drop(8).data() == all.data() + 8);

    const MutableBuffer writable_all = text;
    REQUIRE(writable_all.first(4).text() == "head");
    REQUIRE(writable_all.drop(4).text() == "body");
    writable_all.drop(4).bytes()[0] = std::byte{'B'};
    REQUIRE(text == "headBody");
}

TEST_CASE("the bytes of a buffer are also a span", "[base][buffer]") {
    const ConstBuffer buffer = "ab";
    const std::span<const std::byte> bytes = buffer.bytes();
    REQUIRE(bytes.size() == 2);
    REQUIRE(bytes[1] == std::byte{'b'});
    REQUIRE(seen(bytes).text() == "ab");
}

TEST_CASE("a buffer is two words that are copied like an integer", "[base][buffer]") {
    STATIC_REQUIRE(std::is_trivially_copyable_v<ConstBuffer>);
    STATIC_REQUIRE(std::is_trivially_copyable_v<MutableBuffer>);
    STATIC_REQUIRE(std::is_trivially_destructible_v<ConstBuffer>);
    STATIC_REQUIRE(sizeof(ConstBuffer) == 2 * sizeof(void*));
    STATIC_REQUIRE(sizeof(MutableBuffer) == 2 * sizeof(void*));
}

#ifndef NDEBUG
TEST_CASE("to cut more than there is fails an assertion", "[base][buffer]") {
    std::string text = "abc";
    const ConstBuffer constant = text;
    const MutableBuffer variable = text;
    const auto message = [](auto cut) { return rondo_test::run_in_child(cut).output; };
    const std::string first = message([&] { static_cast<void>(constant.first(4)); });
    const std::string drop = message([&] { static_cast<void>(constant.drop(4)); });
    const std::string mutable_first = message([&] { static_cast<void>(variable.first(4)); });
    const std::string mutable_drop = message([&] { static_cast<void>(variable.drop(4)); });
    const auto ends_with = [](const std::string& text_of, std::string_view end) {
        return std::string_view(text_of).ends_with(end);
    };
    REQUIRE(ends_with(first, "first() of more bytes than the buffer has\n"));
    REQUIRE(ends_with(drop, "drop() of more bytes than the buffer has\n"));
    REQUIRE(ends_with(mutable_first, "first() of more bytes than the buffer has\n"));
    REQUIRE(ends_with(mutable_drop, "drop() of more bytes than the buffer has\n"));
}
#endif
