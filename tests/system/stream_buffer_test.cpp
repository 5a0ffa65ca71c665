// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

#include <rondo/detail/stream_buffer.hpp>

#include <cstddef>
#include <cstring>
#include <string>

#include "support/catch.hpp"

using rondo::MutableBuffer;
using rondo::detail::StreamBuffer;

namespace {

// As a receive does.
void put(StreamBuffer& buffer, const std::string& text) {
    std::size_t done = 0;
    while (done < text.size()) {
        buffer.make_room();
        const MutableBuffer room = buffer.room();
        REQUIRE(!room.empty());
        const std::size_t count = std::min(room.size(), text.size() - done);
        std::memcpy(room.data(), text.data() + done, count);
        buffer.commit(count);
        done += count;
    }
}

} // namespace

TEST_CASE("a stream buffer gives back what was put in, however it is taken", "[system][stream]") {
    unsigned random = 12345;
    const auto draw = [&](unsigned bound) {
        random = random * 1664525U + 1013904223U;
        return static_cast<std::size_t>((random >> 8U) % bound);
    };
    StreamBuffer buffer;
    std::string model;
    std::size_t next = 0;
    bool same = true;
    for (int step = 0; step < 1000; ++step) {
        std::string text;
        for (std::size_t left = draw(step % 50 == 0 ? 60000 : 300); left != 0; --left) {
            text += static_cast<char>(++next);
        }
        put(buffer, text);
        model += text;
        const std::size_t count = std::min(model.size(), draw(step % 40 == 0 ? 70000 : 320));
        switch (draw(3)) {
        case 0: {
            same = same && buffer.take(count) == model.substr(0, count);
            break;
        }
        case 1: {
            std::string target(count, '\0');
            same = same && buffer.take(MutableBuffer(target)) == count;
            same = same && target == model.substr(0, count);
            break;
        }
        default:
            buffer.drop(count);
        }
        model.erase(0, count);
        same = same && buffer.size() == model.size() && buffer.empty() == model.empty();
        same = same && buffer.text() == model;
    }
    CHECK(same);
}

TEST_CASE("a stream buffer holds no memory before its first use", "[system][stream]") {
    StreamBuffer buffer;
    CHECK(buffer.empty());
    CHECK(buffer.room().empty());
}

TEST_CASE("a stream buffer does not believe an announced size", "[system][stream]") {
    StreamBuffer buffer;
    buffer.make_room(std::size_t{1} << 50U);
    CHECK(buffer.room().size() <= 65536);

    // What has come is what it trusts in: the room at most doubles it.
    put(buffer, std::string(100'000, 'x'));
    buffer.make_room(std::size_t{1} << 50U);
    CHECK(buffer.room().size() >= 50'000);
    CHECK(buffer.room().size() <= 300'000);
}

TEST_CASE("the room for receives grows when they fill it", "[system][stream]") {
    StreamBuffer buffer;
    buffer.make_room();
    const std::size_t before = buffer.room().size();
    buffer.commit(before);
    buffer.drop(before);
    buffer.make_room();
    CHECK(buffer.room().size() > before);
}

TEST_CASE("a stream buffer with room for more does not grow to look for the end",
          "[system][stream]") {
    StreamBuffer buffer;
    buffer.make_room();
    const void* const before = buffer.room().data();
    buffer.commit(buffer.room().size() / 4);
    buffer.make_room();
    CHECK(buffer.text().data() == before);
    CHECK(!buffer.room().empty());
}

TEST_CASE("a large read is moved out of the buffer and leaves no memory behind",
          "[system][stream]") {
    StreamBuffer buffer;
    put(buffer, std::string(1'000'000, 'x'));
    const void* bytes = buffer.text().data();
    const std::string taken = buffer.take(buffer.size());
    CHECK(taken.data() == bytes);
    CHECK(taken == std::string(1'000'000, 'x'));
    CHECK(buffer.room().empty());

    put(buffer, std::string(1'000'000, 'y'));
    buffer.drop(1);
    buffer.drop(buffer.size());
    CHECK(buffer.room().empty());
}
