#pragma once
// SPDX-FileCopyrightText: 2026 The Rondo authors
// SPDX-License-Identifier: MIT

// Views of bytes for reading and writing: a pointer and a size, made implicitly from whatever holds
// bytes. std::span<std::byte> would need a cast for every std::string, and would take a literal's
// terminating NUL for data.

#include <rondo/config.hpp>

#include <concepts>
#include <cstddef>
#include <span>
#include <string_view>
#include <type_traits>

namespace rondo::inline RONDO_ABI {

namespace detail {

template <class T>
concept ByteLike = std::same_as<std::remove_const_t<T>, char> ||
                   std::same_as<std::remove_const_t<T>, unsigned char> ||
                   std::same_as<std::remove_const_t<T>, std::byte>;

/// A contiguous range of char, unsigned char or std::byte.
template <class R>
concept ByteRange = requires(R& range) {
    requires ByteLike<std::remove_pointer_t<decltype(std::data(range))>>;
    requires std::convertible_to<decltype(std::size(range)), std::size_t>;
};

/// A byte range that can be written to, and whose bytes outlive the expression that names it.
template <class R>
concept WritableByteRange =
    ByteRange<R> &&
    !std::is_const_v<std::remove_pointer_t<decltype(std::data(std::declval<R&>()))>> &&
    (std::is_lvalue_reference_v<R> || std::ranges::enable_borrowed_range<std::remove_cvref_t<R>>);

} // namespace detail

/// Bytes to write into. Lifetime: a view; what it was made from must outlive the operation that it
/// is given to, and must not move or shrink meanwhile.
class MutableBuffer {
public:
    /// No bytes.
    constexpr MutableBuffer() noexcept = default;

    /// size bytes from a pointer on.
    constexpr MutableBuffer(void* data, std::size_t size) noexcept
        : data_(static_cast<std::byte*>(data)), size_(size) {}

    /// All of an array, std::string, std::vector, std::array, std::span and the like. A temporary
    /// container does not convert: what was read into it would be lost.
    template <detail::WritableByteRange R>
        requires(!std::same_as<std::remove_cvref_t<R>, MutableBuffer>)
    MutableBuffer(R&& range) noexcept : MutableBuffer(std::data(range), std::size(range)) {}

    constexpr std::byte* data() const noexcept { return data_; }
    constexpr std::size_t size() const noexcept { return size_; }
    constexpr bool empty() const noexcept { return size_ == 0; }

    /// The first count bytes; count is at most size().
    constexpr MutableBuffer first(std::size_t count) const noexcept {
        RONDO_ASSERT(count <= size_, "first() of more bytes than the buffer has");
        return MutableBuffer(data_, count);
    }

    /// What is left without the first count bytes; count is at most size().
    constexpr MutableBuffer drop(std::size_t count) const noexcept {
        RONDO_ASSERT(count <= size_, "drop() of more bytes than the buffer has");
        return MutableBuffer(data_ + count, size_ - count);
    }

    /// The bytes as a span, and as text.
    constexpr std::span<std::byte> bytes() const noexcept { return {data_, size_}; }
    std::string_view text() const noexcept { return {reinterpret_cast<const char*>(data_), size_}; }

private:
    std::byte* data_ = nullptr; // may be null only if size_ is 0
    std::size_t size_ = 0;
};

/// Bytes to read from. Lifetime: a view, as MutableBuffer. A temporary does convert, because it
/// lives until the end of the full expression: `co_await stream.write(std::to_string(n))` is fine,
/// and to keep the awaitable for later is not.
class ConstBuffer {
public:
    /// No bytes.
    constexpr ConstBuffer() noexcept = default;

    /// size bytes from a pointer on.
    constexpr ConstBuffer(const void* data, std::size_t size) noexcept
        : data_(static_cast<const std::byte*>(data)), size_(size) {}

    constexpr ConstBuffer(MutableBuffer buffer) noexcept
        : data_(buffer.data()), size_(buffer.size()) {}

    /// A string literal: the NUL at its end does not belong to it. C++ cannot tell a literal from
    /// another array of const char, so that one loses a NUL at its end, too: for binary data in
    /// such an array give a pointer and a size, or a std::span.
    template <std::size_t N>
    constexpr ConstBuffer(const char (&literal)[N]) noexcept
        : ConstBuffer(literal, literal[N - 1] == '\0' ? N - 1 : N) {}

    /// All of an array, std::string, std::string_view, std::vector, std::array, std::span and the
    /// like.
    template <detail::ByteRange R>
        requires(!std::same_as<std::remove_cvref_t<R>, ConstBuffer> &&
                 !std::same_as<std::remove_cvref_t<R>, MutableBuffer>)
    constexpr ConstBuffer(R&& range) noexcept : ConstBuffer(std::data(range), std::size(range)) {}

    constexpr const std::byte* data() const noexcept { return data_; }
    constexpr std::size_t size() const noexcept { return size_; }
    constexpr bool empty() const noexcept { return size_ == 0; }

    /// The first count bytes; count is at most size().
    constexpr ConstBuffer first(std::size_t count) const noexcept {
        RONDO_ASSERT(count <= size_, "first() of more bytes than the buffer has");
        return ConstBuffer(data_, count);
    }

    /// What is left without the first count bytes; count is at most size().
    constexpr ConstBuffer drop(std::size_t count) const noexcept {
        RONDO_ASSERT(count <= size_, "drop() of more bytes than the buffer has");
        return ConstBuffer(data_ + count, size_ - count);
    }

    /// The bytes as a span, and as text.
    constexpr std::span<const std::byte> bytes() const noexcept { return {data_, size_}; }
    std::string_view text() const noexcept { return {reinterpret_cast<const char*>(data_), size_}; }

private:
    const std::byte* data_ = nullptr; // may be null only if size_ is 0
    std::size_t size_ = 0;
};

} // namespace rondo::inline RONDO_ABI
